"""The reference interpreter: every operation's own `evaluate`, node after node.

It is the oracle of all other backends, so it checks what it computes against what inference promised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np

from ...ir.constant import Constant
from ...ir.dtype import Array
from ...ir.errors import EvaluationError, VinocError
from ...ir.graph import Graph, Node, Value
from ...ir.op import as_tuple
from ...ir.types import TensorType, static_shape
from .again import check_sizes
from .signature import Bindings, check_inputs, describe, mismatch

Hook: TypeAlias = Callable[[Node, Sequence[Any], float], None]
"""Called after each node with its outputs and the seconds that it took."""

STATE = frozenset({"ReadValue", "Assign"})
"""What reads and assigns variables."""


class Interpreter:
    """Runs a graph with NumPy. The schedule is made once; a run may be repeated with other inputs.

    The graph must not be changed while an interpreter of it is in use.

    Variables (`ReadValue`, `Assign`) live in `variables`, by variable_id, from one run to the next. What a run
    assigns is seen by the next one, wherever the two operations stand; `reset` forgets all. A `ReadValue` of
    a variable that was never assigned gives its input, without an input zeros.
    """

    def __init__(self, graph: Graph, on_node: Hook | None = None) -> None:
        self.graph = graph
        self.on_node = on_node
        self.variables: dict[str, Array] = {}
        self._plan = _Plan(graph, self)

    def run(self, inputs: Sequence[Any]) -> list[Array]:
        """The outputs, in order of the graph. Sequences are tuples or lists; an empty optional is None.

        Raises EvaluationError when the inputs do not fit the graph's, when an operation cannot be computed,
        and when a result is not of its inferred type.
        """
        bindings = check_inputs(self.graph, inputs)
        inputs = [tuple(a) if isinstance(a, list) else a for a in inputs]  # sequences are tuples inside
        with np.errstate(all="ignore"):
            return self._plan.run(inputs, bindings)

    def __call__(self, *inputs: Any) -> list[Array]:
        return self.run(inputs)

    def reset(self) -> None:
        """Forgets all variables."""
        self.variables.clear()


class _Step:
    """A node with the registers of its operands and results, and the registers that are free afterwards."""

    __slots__ = ("bodies", "dead", "inputs", "node", "outputs")

    def __init__(self, node: Node, inputs: list[int | None], outputs: list[int], owner: Interpreter) -> None:
        self.node = node
        self.inputs = inputs
        self.outputs = outputs
        self.dead: list[int] = []
        self.bodies = tuple(_Plan(body, owner) for body in node.bodies)


class _Plan:
    """The schedule of a graph over numbered registers."""

    def __init__(self, graph: Graph, owner: Interpreter) -> None:
        self.graph = graph
        self.owner = owner
        register: dict[Value, int] = {value: i for i, value in enumerate(graph.inputs)}
        self.constants: list[tuple[int, Node]] = []
        self.steps: list[_Step] = []
        for node in graph:
            for out in node.outputs:
                register[out] = len(register)
            if type(node.op) is Constant:
                self.constants.append((register[node.outputs[0]], node))
            else:
                inputs = [None if v is None else register[v] for v in node.inputs]
                self.steps.append(_Step(node, inputs, [register[v] for v in node.outputs], owner))
        self.outputs = [register[v] for v in graph.outputs]
        self.size = len(register)
        self._find_last_uses()

    def _find_last_uses(self) -> None:
        seen = set(self.outputs)
        for step in reversed(self.steps):
            for r in dict.fromkeys([*step.inputs, *step.outputs]):
                if r is not None and r not in seen:
                    seen.add(r)
                    step.dead.append(r)

    def __call__(self, inputs: Iterable[Any]) -> list[Any]:
        """Runs a body, on behalf of the operation that holds it."""
        arrays = [np.asarray(a) if isinstance(v.type, TensorType) else a for v, a in zip(self.graph.inputs, inputs)]
        if len(arrays) != len(self.graph.inputs):
            raise EvaluationError(f"body '{self.graph.name}' takes {len(self.graph.inputs)} inputs, got {len(arrays)}")
        for value, array in zip(self.graph.inputs, arrays):
            if wrong := mismatch(value.type, array):
                raise EvaluationError(f"input '{value.name}' of body '{self.graph.name}': {wrong}")
        return self.run(arrays, Bindings())

    def run(self, inputs: Sequence[Any], bindings: Bindings) -> list[Any]:
        registers: list[Any] = [None] * self.size
        registers[: len(inputs)] = inputs
        for r, node in self.constants:
            registers[r] = _load(node)
        hook = self.owner.on_node
        pending: dict[str, Array] = {}
        for step in self.steps:
            operands = [None if r is None else registers[r] for r in step.inputs]
            start = perf_counter()
            results = evaluate_node(step.node, operands, step.bodies, self.owner.variables, pending, bindings)
            seconds = perf_counter() - start
            if hook is not None:
                hook(step.node, results, seconds)
            for r, result in zip(step.outputs, results, strict=True):
                registers[r] = result
            for r in step.dead:
                registers[r] = None
        self.owner.variables.update(pending)
        return [registers[r] for r in self.outputs]


def _load(node: Node) -> Array:
    try:
        return node.op.value.array  # type: ignore[attr-defined, no-any-return]  # a Constant
    except (OSError, ValueError, VinocError) as error:
        raise EvaluationError(f"the constant cannot be read: {error}", node.where) from error


def evaluate_node(
    node: Node,
    operands: Sequence[Any],
    bodies: Sequence[Callable[[list[Any]], list[Any]]],
    variables: dict[str, Array],
    pending: dict[str, Array],
    bindings: Bindings | None = None,
) -> list[Any]:
    """What a node computes by its own definition, compared with its inferred types.

    Variables are read from `variables` and assigned in `pending`, which the caller adds to them after the run.
    Raises EvaluationError that names the node.
    """
    returned = _evaluate(node, operands, bodies, variables, pending)
    return _checked(node, operands, returned, bindings)


def _evaluate(
    node: Node,
    operands: Sequence[Any],
    bodies: Sequence[Callable[[list[Any]], list[Any]]],
    variables: dict[str, Array],
    pending: dict[str, Array],
) -> Any:
    op = node.op
    try:
        if op.kind in STATE:
            return _access(node, operands, variables, pending)
        check_sizes(node, operands)
        return op.evaluate(*operands, bodies=bodies) if bodies else op.evaluate(*operands)
    except EvaluationError as error:
        if error.where is not None:  # a node of a body
            raise
        raise _failure(node, operands, error.what, error.help) from error
    except Exception as error:
        cause = error.what if isinstance(error, VinocError) else f"{type(error).__name__}: {error}"
        raise _failure(node, operands, cause) from error


def _access(node: Node, operands: Sequence[Any], variables: dict[str, Array], pending: dict[str, Array]) -> Array:
    """Reads or assigns a variable."""
    name: str = node.op.variable_id  # type: ignore[attr-defined]  # both operations have it
    if node.kind == "Assign":
        pending[name] = operands[0]
        return operands[0]  # type: ignore[no-any-return]
    if name in variables:
        return variables[name]
    if operands:
        return operands[0]  # type: ignore[no-any-return]
    out = node.outputs[0].tensor
    shape = static_shape(out.shape)
    if shape is None:
        raise EvaluationError(f"variable '{name}' has no initial value, and its shape {out} does not give one")
    return np.zeros(shape, out.dtype.numpy)


def _failure(node: Node, operands: Sequence[Any], cause: str, help: str | None = None) -> EvaluationError:
    given = ", ".join(describe(a) for a in operands)
    return EvaluationError(f"{node.kind}: {cause} [inputs: {given}]", node.where, help)


def _checked(node: Node, operands: Sequence[Any], returned: Any, bindings: Bindings | None) -> list[Any]:
    """The results as arrays, compared with the inferred types."""
    results = list(as_tuple(returned))
    if len(results) != len(node.outputs):
        raise _failure(node, operands, f"{len(results)} results for {len(node.outputs)} outputs")
    for i, value in enumerate(node.outputs):
        if isinstance(value.type, TensorType):
            results[i] = np.asarray(results[i])
        if wrong := mismatch(value.type, results[i], bindings):
            cause = f"output {i} contradicts inference: {wrong}"
            raise _failure(node, operands, cause, "this is a fault of the operation's `infer` or `evaluate`")
    return results
