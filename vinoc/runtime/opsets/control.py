"""If, Loop and TensorIterator: nodes whose bodies are models, connected one port at a time.

The node comes into being with its first output, when bodies and inputs are there; each further output is added to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...ir.errors import UsageError
from ...ir.graph import Graph, Value
from ...ir.graph import Node as Place
from ...ir.inference import detached
from ...ir.op import Op
from ...ir.ops.control_flow import If, Loop, TensorIterator
from ..nodes.kinds import Parameter
from ..nodes.make import is_free, make
from ..nodes.names import fresh_name
from ..nodes.node import Node
from ..nodes.operands import operand
from ..nodes.ports import Output


class Body:
    """A model that is the body of a node."""

    def __init__(self, model: Any) -> None:
        if not isinstance(getattr(model, "graph", None), Graph):
            raise TypeError(f"a body is a Model, not {type(model).__name__}")
        self.model = model
        self.graph: Graph = model.graph

    def input(self, parameter: Any) -> int:
        """Which input a Parameter is. Raises UsageError for those of other models."""
        if not isinstance(parameter, Parameter):
            raise TypeError(f"an input of a body is a Parameter, not {type(parameter).__name__}")
        for i, value in enumerate(self.graph.inputs):
            if value is parameter._value:
                return i
        raise UsageError(f"Parameter '{parameter.friendly_name}' is none of the body '{self.graph.name}'")

    def output(self, given: Any) -> int:
        """Which output a Result, or what a Result passes on, is. Raises UsageError where it is none."""
        value = operand(given)
        for i, out in enumerate(self.graph.outputs):
            if out is value:
                return i
        raise UsageError(f"{given!r} is no result of the body '{self.graph.name}'", help="add a Result for it")

    def copy(self, outputs: Sequence[int] | None = None) -> Graph:
        """The graph for a node: a copy, with some of the outputs."""
        graph = self.graph.clone()
        if outputs is not None:
            kept = [(graph.outputs[i], graph.output_names[i]) for i in outputs]
            while graph.outputs:
                graph.remove_output(len(graph.outputs) - 1)
            for value, names in kept:
                graph.add_output(value, names)
        return graph


class WithBodies(Node):
    """What the three kinds of nodes share."""

    __slots__ = ("_inputs", "_label")

    def __init__(self, kind: str, inputs: Sequence[Any]) -> None:
        super().__init__(None)
        self._inputs: list[Value] = [operand(i) for i in inputs]
        self._label = fresh_name(kind)

    @property
    def _node(self) -> Place:
        if self._place is None:
            raise UsageError(f"{self._label} has no outputs yet", help="set its bodies, inputs and outputs first")
        place: Place = self._place
        return place

    def get_type_name(self) -> str:
        return self._label.partition("_")[0]

    def _port(self, given: Any) -> int:
        """The number of a new input."""
        self._inputs.append(operand(given))
        return len(self._inputs) - 1

    def _become(self, op: Op, bodies: Sequence[Graph]) -> Output:
        """Makes the node, or gives it one more output. Returns the last output."""
        if self._place is None:
            self._place = make(op, self._inputs, bodies, self._label)
            return self.outputs()[-1]
        node = self._node
        if node.graph is not None:
            raise UsageError(f"{self._where} belongs to a model: it can get no more outputs")
        made = detached(op, self._inputs, bodies=bodies, loc=node.loc)
        for old, new in zip(node.outputs, made.outputs, strict=False):
            old.type = new.type
        added = made.outputs[len(node.outputs) :]
        for value in added:
            value.owner = node
        node.op, node.inputs, node.bodies = op, made.inputs, made.bodies
        node.outputs = (*node.outputs, *added)
        for i, source in enumerate(node.inputs):
            if source is not None and is_free(source):
                source._uses[node, i] = None
        return self.outputs()[-1]


class IfNode(WithBodies):
    """One of two bodies, chosen by a condition."""

    __slots__ = ("_bodies", "_feeds", "_results")

    def __init__(self, execution_condition: Any) -> None:
        super().__init__("If", [execution_condition])
        self._bodies: list[Body | None] = [None, None]
        self._feeds: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._results: list[tuple[int, int]] = []

    def set_then_body(self, body: Any) -> None:
        self._bodies[0] = Body(body)

    def set_else_body(self, body: Any) -> None:
        self._bodies[1] = Body(body)

    def get_then_body(self) -> Any:
        return self._body(0).model

    def get_else_body(self) -> Any:
        return self._body(1).model

    def set_function(self, index: int, func: Any) -> None:
        self._bodies[index] = Body(func)

    def get_function(self, index: int) -> Any:
        return self._body(index).model

    def set_input(self, value: Any, then_parameter: Parameter | None, else_parameter: Parameter | None) -> None:
        """Feeds a value to a Parameter of either body, or of both."""
        port = self._port(value)
        for k, parameter in enumerate((then_parameter, else_parameter)):
            if parameter is not None:
                self._feeds[k][self._body(k).input(parameter)] = port

    def set_output(self, then_result: Any, else_result: Any) -> Output:
        """An output: what the one or the other body gives."""
        self._results.append((self._body(0).output(then_result), self._body(1).output(else_result)))
        bodies = [self._body(k).copy([pair[k] for pair in self._results]) for k in (0, 1)]
        return self._become(If(*(_complete(self._feeds[k], self._body(k)) for k in (0, 1))), bodies)

    def _body(self, index: int) -> Body:
        found = self._bodies[index]
        if found is None:
            raise UsageError(f"{self._label} has no {('then', 'else')[index]} body yet")
        return found


def _complete(feeds: dict[int, int], body: Body) -> tuple[int, ...]:
    """For each input of a body the port that feeds it. Raises UsageError where one is not fed."""
    lacking = [body.graph.inputs[i].name for i in range(len(body.graph.inputs)) if i not in feeds]
    if lacking:
        raise UsageError(f"nothing feeds {', '.join(lacking)} of the body '{body.graph.name}'", help="set its inputs")
    return tuple(feeds[i] for i in range(len(body.graph.inputs)))


_WHOLE = (-1, 0, 0, 0, 0)
"""Axis, start, end, stride and part where nothing is sliced."""


class _Iterating(WithBodies):
    """A body that runs several times."""

    __slots__ = ("_backs", "_feeds", "_function", "_outs", "_slices")

    def __init__(self, kind: str, inputs: Sequence[Any]) -> None:
        super().__init__(kind, inputs)
        self._function: Body | None = None
        self._feeds: dict[int, int] = {}
        self._slices: dict[int, tuple[int, int, int, int, int]] = {}
        self._backs: dict[int, int] = {}
        self._outs: list[tuple[int, tuple[int, int, int, int, int]]] = []

    def set_function(self, func: Any) -> None:
        self._function = Body(func)

    def get_function(self) -> Any:
        return self._body.model

    @property
    def _body(self) -> Body:
        if self._function is None:
            raise UsageError(f"{self._label} has no body yet")
        return self._function

    def set_invariant_input(self, body_parameter: Parameter, value: Any) -> None:
        """Feeds the same value to every iteration."""
        self._feeds[self._body.input(body_parameter)] = self._port(value)

    def set_merged_input(self, body_parameter: Parameter, initial_value: Any, successive_value: Any) -> None:
        """Feeds a value to the first iteration, and what the body gives to the next ones."""
        index = self._body.input(body_parameter)
        self._backs[index] = self._body.output(successive_value)
        self._feeds[index] = self._port(initial_value)

    def set_sliced_input(
        self, parameter: Parameter, value: Any, start: int, stride: int, part_size: int, end: int, axis: int
    ) -> None:
        """Feeds a part of a value to each iteration."""
        index = self._body.input(parameter)
        self._slices[index] = axis, start, end, stride, part_size
        self._feeds[index] = self._port(value)

    def get_iter_value(self, body_value: Any, iteration: int = -1) -> Output:
        """An output: what the body gives in the last iteration."""
        if iteration != -1:
            raise UsageError(f"the value of iteration {iteration} cannot be taken", help="take the last one's, -1")
        return self._leave(body_value, _WHOLE)

    def get_concatenated_slices(
        self, value: Any, start: int, stride: int, part_size: int, end: int, axis: int
    ) -> Output:
        """An output: what the body gives in all iterations, side by side."""
        return self._leave(value, (axis, start, end, stride, part_size))

    def _leave(self, value: Any, how: tuple[int, int, int, int, int]) -> Output:
        self._outs.append((self._body.output(value), how))
        count = len(self._body.graph.inputs)
        slices = [self._slices.get(i, _WHOLE) for i in range(count)]
        ins = dict(zip(("axis", "start", "end", "stride", "part"), zip(*slices, strict=True), strict=False))
        outs = dict(zip(("axis", "start", "end", "stride", "part"), zip(*(h for _, h in self._outs)), strict=True))
        fields = {
            "body_from": _complete(self._feeds, self._body),
            "back_edge": tuple(self._backs.get(i, -1) for i in range(count)),
            "out_from": tuple(index for index, _ in self._outs),
            **{f"slice_{k}": ins.get(k, ()) for k in ("axis", "start", "end", "stride", "part")},
            **{f"out_{k}": v for k, v in outs.items()},
        }
        return self._become(self._op(fields), [self._body.copy()])

    def _op(self, fields: dict[str, Any]) -> Op:
        raise NotImplementedError


class LoopNode(_Iterating):
    """A body that runs as often as a number says, while a condition holds."""

    __slots__ = ("_condition",)

    def __init__(self, trip_count: Any, execution_condition: Any) -> None:
        super().__init__("Loop", [trip_count, execution_condition])
        self._condition = -1

    def set_special_body_ports(self, special_body_ports: Sequence[int]) -> None:
        """`[input, output]` of the body: the number of the iteration (-1: none), and whether to go on."""
        counter, self._condition = special_body_ports
        if counter >= 0:
            self._feeds[counter] = -1

    def get_num_iterations(self) -> int:
        """How often it runs at most, where that is a constant; else -1."""
        known = self._inputs[0].const
        return -1 if known is None else int(known.item())

    def get_special_body_ports(self) -> list[int]:
        return [next((i for i, port in self._feeds.items() if port == -1), -1), self._condition]

    def _op(self, fields: dict[str, Any]) -> Op:
        return Loop(**fields, condition_output=self._condition)


class TensorIteratorNode(_Iterating):
    """A body that runs once for each part of its inputs."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("TensorIterator", [])

    def set_body(self, body: Any) -> None:
        self.set_function(body)

    def get_body(self) -> Any:
        return self.get_function()

    def _op(self, fields: dict[str, Any]) -> Op:
        return TensorIterator(**fields)
