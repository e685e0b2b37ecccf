"""What a device runs, as a model: `CompiledModel.get_runtime_model`."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any, ClassVar

from ..ir.constant import Constant
from ..ir.errors import InferenceError
from ..ir.graph import Graph, Node, Value
from ..ir.kernels.loops import Body
from ..ir.loc import UNKNOWN, AnyLoc, leaves
from ..ir.op import Op, Operand, op
from ..ir.record import record
from ..ir.types import TensorType, Type
from .ports import Port

if TYPE_CHECKING:
    from .model import Model


@record(frozen=True)
class Done:
    """How a device computes a node.

    primitive  the kernel, or why there is none
    layout     how the result lies in memory
    seconds    that the last inference took for it; None: not timed, or not run
    """

    primitive: str = "unknown"
    layout: str = "as in the model"
    seconds: float | None = None


@record(frozen=True)
class Stage:
    """A graph that one device runs. Its inputs and outputs have keys, by which stages of one model are joined."""

    graph: Graph
    device: str
    inputs: Sequence[Hashable]
    outputs: Sequence[Hashable]
    done: Mapping[Node, Done] = field(default_factory=dict)


@record(frozen=True)
class Schedule:
    """All that runs for a model, with the keys of the model's own inputs and outputs."""

    stages: Sequence[Stage]
    inputs: Sequence[Hashable]
    outputs: Sequence[Hashable]

    @classmethod
    def of(cls, graph: Graph, device: str, done: Mapping[Node, Done] | None = None) -> Schedule:
        """Of a model that is one stage."""
        inputs = [("input", i) for i in range(len(graph.inputs))]
        outputs = [("output", i) for i in range(len(graph.outputs))]
        return cls([Stage(graph, device, inputs, outputs, done or {})], inputs, outputs)


@op(internal=True)
class ExecutionNode(Op):
    """What its body says, as one step of a device's schedule; what is known of the step is in the node's `rt_info`."""

    n_bodies: ClassVar[int] = 1

    layer_type: str

    def infer(self, *inputs: Operand, bodies: Sequence[Graph]) -> tuple[Type, ...]:
        (body,) = bodies
        if len(inputs) != len(body.inputs):
            raise InferenceError(f"the body has {len(body.inputs)} inputs, the node {len(inputs)}")
        return tuple(v.type for v in body.outputs)

    def evaluate(self, *inputs: Any, bodies: Sequence[Body]) -> tuple[Any, ...]:
        return tuple(bodies[0](list(inputs)))


def runtime_model(name: str, schedule: Schedule, inputs: Sequence[Port], outputs: Sequence[Port]) -> Model:
    """The stages of a model joined into one graph; `inputs` and `outputs` are the model's own."""
    whole = Graph(name)
    values: dict[Hashable, Value] = {
        key: whole.add_input(port.type, min(port.get_names(), default=""), sorted(port.get_names()))
        for key, port in zip(schedule.inputs, inputs, strict=True)
    }
    for stage in schedule.stages:
        _add(stage, whole, values)
    for key, port in zip(schedule.outputs, outputs, strict=True):
        whole.add_output(values[key], sorted(port.get_names()))
    for node in (n for n in whole if type(n.op) is Constant):
        node.rt_info.update(_info("Const", node.outputs, node.loc, Done(), ""))
    from .model import Model

    model = Model(whole)
    for parameter, value in zip(model.get_parameters(), whole.inputs, strict=True):
        parameter.rt_info.update(_info("Input", [value], UNKNOWN, Done(), ""))
    _number(model)
    return model


def _number(model: Model) -> None:
    """Counts the nodes in the order in which they run."""
    for i, node in enumerate(n for n in model.get_ordered_ops() if n.get_type_name() != "Result"):
        node.rt_info["execOrder"] = str(i)


def _add(stage: Stage, whole: Graph, values: dict[Hashable, Value]) -> None:
    known: dict[Value, Value] = {v: values[k] for v, k in zip(stage.graph.inputs, stage.inputs, strict=True)}
    for node in stage.graph:
        if type(node.op) is Constant:
            known[node.output] = whole.insert(node.op, (), loc=node.loc, name=node.output.name).output
            continue
        operands = list(dict.fromkeys(v for v in node.inputs if v is not None))
        made = whole.insert(
            ExecutionNode(node.kind), [known[v] for v in operands], bodies=[_body(node, operands)], loc=node.loc
        )
        kernel = getattr(node.op, "kernel", None)  # of nodes that one kernel computes together: its family
        kind = kernel if isinstance(kernel, str) else node.kind
        made.rt_info.update(_info(kind, node.outputs, node.loc, stage.done.get(node, Done()), stage.device))
        for old, new in zip(node.outputs, made.outputs, strict=True):
            new.name = old.name
            known[old] = new
    values.update((k, known[v]) for v, k in zip(stage.graph.outputs, stage.outputs, strict=True))


def _body(node: Node, operands: Sequence[Value]) -> Graph:
    """The node alone."""
    body = Graph(node.label)
    inner = {v: body.add_input(v.type, v.name) for v in operands}
    for v in operands:
        inner[v].known = v.known if v.known is not None else v.const if _is_small(v) else None
    made = body.insert(
        node.op, [v and inner[v] for v in node.inputs], bodies=[b.clone() for b in node.bodies], loc=node.loc
    )
    for old, value in zip(node.outputs, made.outputs, strict=True):
        value.type = old.type
        body.add_output(value, old.name)
    return body


def _is_small(value: Value) -> bool:
    """Whether inference may look at a constant: at shapes and axes, not at weights."""
    return (
        value.is_const and isinstance(value.type, TensorType) and value.type.rank in (0, 1) and value.dtype.is_integer
    )


def _info(kind: str, values: Sequence[Value], loc: AnyLoc, done: Done, device: str) -> dict[str, Any]:
    """By the keys that OpenVINO has for it, all of them text."""
    precisions = [v.type.dtype.name if isinstance(v.type, TensorType) else str(v.type) for v in values]
    original = list(dict.fromkeys(leaf.node for leaf in leaves(loc) if leaf.node))
    return {
        "execOrder": "0",
        "execTimeMcs": "not_executed" if done.seconds is None else str(round(done.seconds * 1e6)),
        "layerType": kind,
        "originalLayersNames": ",".join(original),
        "outputLayouts": ",".join([done.layout] * len(precisions)),
        "outputPrecisions": ",".join(precisions),
        "primitiveType": done.primitive,
        "runtimePrecision": next(iter(precisions), ""),
        "device": device,
    }
