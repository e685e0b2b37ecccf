"""Whether samples of a batch are computed apart, and along which dimensions they lie.

The batch of every input becomes a symbol, and shapes are inferred with it. Where the symbol is in a value's shape,
there the samples are. An operation keeps them apart when it has that dimension in its results, too, and does not
compute along it: each kind of operation has its rule here, and what has none is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...ir.builder import Builder
from ...ir.dim import Dim, Sym, symbol
from ...ir.errors import UsageError, VinocError
from ...ir.graph import Graph, Node, Value
from ...ir.types import TensorType, numel
from ...passes.kinds import BINARY, UNARY
from ...passes.ports import reshape

BATCH = symbol("batch", 1)

Axes = Sequence[int | None]
Rule = Callable[[Node, Axes, Axes], bool]
"""Whether a node keeps samples apart, from the axes of the batch in its inputs and outputs; None: it is not there."""


class Mixed(VinocError):
    """The model computes across samples."""


def with_batch(graph: Graph, axes: Sequence[int], size: Dim) -> None:
    """Gives every input another batch. Raises UsageError, naming the node, where it does not fit."""
    shapes = {}
    for i, (value, axis) in enumerate(zip(graph.inputs, axes, strict=True)):
        shape = value.tensor.shape or ()
        shapes[i] = (*shape[:axis], size, *shape[axis + 1 :])
    reshape(graph, shapes)


def free_reshapes(graph: Graph) -> None:
    """Reshapes of a batch of 1 that say so take the batch of their operand instead.

    Reshape(x[1, ...], [1, ...]) = Reshape(x, [0, ...]), where 0 copies the dimension: every sample is reshaped as the
    one was.
    """
    for node in graph:
        if node.kind != "Reshape":
            continue
        pattern = node.operand(1).const
        if pattern is None or pattern.ndim != 1 or not pattern.size or pattern[0] != 1 or not node.operand(0).shape:
            continue
        if (node.operand(0).shape or (0,))[0] != 1 or (0 in pattern and not node.op.special_zero):  # type: ignore[attr-defined]
            continue
        changed = np.array(pattern)
        changed[0] = 0
        graph.set_op(node, replace(node.op, special_zero=True))  # type: ignore[type-var]
        graph.set_input(node, 1, Builder(graph, before=node).const(changed, node.operand(1).dtype))


def output_axes(graph: Graph, axes: Sequence[int]) -> list[int]:
    """Where the batch is in the outputs of a graph, whose inputs get a symbol for it at those axes.

    Raises Mixed, naming the node, where samples do not stay apart.
    """
    try:
        with_batch(graph, axes, BATCH)
    except UsageError as error:
        raise Mixed(f"its batch is fixed: {error.what}", error.where) from None
    for node in graph:
        _check(node)
    found = []
    for value, names in zip(graph.outputs, graph.output_names, strict=True):
        axis = axis_of(value)
        if axis is None:
            raise Mixed(f"its output '{next(iter(names), value.name)}' {value.type} has no batch")
        found.append(axis)
    return found


def axis_of(value: Value) -> int | None:
    """Where the batch is in a value; None: it has none. Raises Mixed where it is part of another dimension."""
    if not isinstance(value.type, TensorType) or value.shape is None:
        raise Mixed(f"the rank of '{value.name}' {value.type} is not known")
    open_axes = [i for i, d in enumerate(value.shape) if isinstance(d, Sym)]
    if not open_axes:
        return None
    if len(open_axes) > 1 or value.shape[open_axes[0]] != BATCH:
        raise Mixed(f"the batch is mixed with other dimensions: '{value.name}' {value.type}")
    return open_axes[0]


def _check(node: Node) -> None:
    try:
        ins = [None if v is None else axis_of(v) for v in node.inputs]
        outs = [axis_of(v) for v in node.outputs]
    except Mixed as error:
        raise Mixed(error.what, node.where) from None
    if not node.op.pure:
        raise Mixed(f"{node.kind} has a state or makes random numbers", node.where)
    if all(a is None for a in ins) and (all(a is None for a in outs) or node.kind == "Broadcast"):
        return
    if node.kind == "ShapeOf":
        return
    rule = _RULES.get(node.kind)
    if rule is None:
        raise Mixed(f"of {node.kind} it is not known whether it keeps samples apart", node.where)
    if any(a is None for a in outs):
        raise Mixed(f"{node.kind} computes across samples: its result {node.outputs[0].type} has no batch", node.where)
    if not rule(node, ins, outs):
        raise Mixed(f"{node.kind} computes across samples, along dimension {ins[0]}", node.where)


# Rules


def _elementwise(node: Node, ins: Axes, outs: Axes) -> bool:
    """Operands are aligned at their last dimensions."""
    rank = node.outputs[0].rank or 0
    return all(
        axis is None or axis + rank - (value.rank or 0) == outs[0]
        for value, axis in zip(node.inputs, ins, strict=True)
        if value is not None
    )


def _where_it_was(node: Node, ins: Axes, outs: Axes) -> bool:
    """The first operand's batch stays at its place; the others have none."""
    return all(a == ins[0] for a in outs) and all(a is None for a in ins[1:])


def _first(node: Node, ins: Axes, outs: Axes) -> bool:
    """The batch is the first dimension of data and results; weights have none."""
    return ins[0] == 0 and _where_it_was(node, ins, outs)


def _max_pool(node: Node, ins: Axes, outs: Axes) -> bool:
    """Places of the maxima, where they are wanted, are counted within a sample."""
    counted = len(node.outputs) < 2 or not node.outputs[1].n_uses or node.op.axis > 0  # type: ignore[attr-defined]
    return counted and _first(node, ins, outs)


def _all_first(node: Node, ins: Axes, outs: Axes) -> bool:
    """The batch is the first dimension wherever it is."""
    return all(a in (0, None) for a in ins) and all(a == 0 for a in outs)


def _in_order(node: Node, ins: Axes, outs: Axes) -> bool:
    """As many elements stand before the batch as after: the order of elements in memory is kept."""
    before, after = node.operand(0).shape, node.outputs[0].shape
    if before is None or after is None or ins[0] is None or outs[0] is None:
        return False
    return bool(numel(before[: ins[0]]) == numel(after[: outs[0]]))


def _moved(node: Node, ins: Axes, outs: Axes) -> bool:
    """The first operand has the batch, and where it goes shows in the shape."""
    return ins[0] is not None and all(a is None for a in ins[1:])


def _not_along(get: Callable[[Node], Any]) -> Rule:
    """The operation works along axes of its own: the batch is none of them, and stays where it is."""

    def rule(node: Node, ins: Axes, outs: Axes) -> bool:
        rank = node.operand(0).rank or 0
        axes = get(node)
        if axes is None or ins[0] is None:
            return False
        return ins[0] not in {int(a) % rank for a in np.ravel(axes)} and all(a in (None, ins[0]) for a in ins)

    return rule


def _attribute(node: Node) -> Any:
    return node.op.axis  # type: ignore[attr-defined]


def _input(index: int) -> Callable[[Node], Any]:
    return lambda node: node.operand(index).const if len(node.inputs) > index else None


def _kept(node: Node, ins: Axes, outs: Axes) -> bool:
    """The reduction leaves the batch, in a place that its shape tells."""
    return ins[0] is not None


def _gather(node: Node, ins: Axes, outs: Axes) -> bool:
    """The batch is in what is picked from, along another axis, or in the indices."""
    along = node.operand(2).const
    if along is None or ins[2] is not None:
        return False
    if ins[0] is None:
        return True
    axis = int(np.ravel(along)[0]) % (node.operand(0).rank or 1)
    both = node.op.batch_dims > 0 and ins[0] == ins[1] == outs[0] == 0  # type: ignore[attr-defined]
    return axis != ins[0] and (ins[1] is None or both)


def _matmul(node: Node, ins: Axes, outs: Axes) -> bool:
    """A batch in both operands is a dimension of matrices side by side, which have the last two for themselves."""
    if None in ins:
        return True
    return all((v.rank or 0) - a > 2 for v, a in zip(node.inputs, ins, strict=True) if v is not None and a is not None)


def _slice(node: Node, ins: Axes, outs: Axes) -> bool:
    """All of the batch is taken: its dimension is in the result; and in order."""
    steps = node.inputs[3] if len(node.inputs) > 3 else None
    forward = steps is None or (steps.const is not None and bool(np.all(np.asarray(steps.const) > 0)))
    return forward and _moved(node, ins, outs)


def _pad(node: Node, ins: Axes, outs: Axes) -> bool:
    pads = node.operand(1).const
    return _where_it_was(node, ins, outs) and pads is not None and ins[0] is not None and np.ravel(pads)[ins[0]] == 0


def _concat(node: Node, ins: Axes, outs: Axes) -> bool:
    return len({*ins, *outs}) == 1 and _not_along(_attribute)(node, ins, outs)


def _prelu(node: Node, ins: Axes, outs: Axes) -> bool:
    return ins[0] != 1 and _where_it_was(node, ins, outs)


def _rules() -> Mapping[str, Rule]:
    by_rule: dict[Rule, str] = {
        _elementwise: " ".join((*UNARY, *BINARY, "Select HardSigmoid Selu Dropout FakeQuantize Broadcast")),
        _first: "Convolution GroupConvolution ConvolutionBackpropData GroupConvolutionBackpropData AvgPool "
        "AdaptiveAvgPool AdaptiveMaxPool DepthToSpace SpaceToDepth BatchNormInference GroupNormalization GRN "
        "ExtractImagePatches",
        _max_pool: "MaxPool",
        _all_first: "LSTMCell GRUCell RNNCell LSTMSequence GRUSequence RNNSequence",
        _in_order: "Reshape Squeeze Unsqueeze",
        _moved: "Transpose Tile OneHot",
        _kept: "ReduceSum ReduceProd ReduceMean ReduceMax ReduceMin ReduceL1 ReduceL2 ReduceLogicalAnd ReduceLogicalOr",
        _not_along(_attribute): "SoftMax LogSoftmax TopK GatherElements ShuffleChannels",
        _not_along(_input(1)): "CumSum MVN NormalizeL2 LRN Split VariadicSplit",
        _not_along(_input(2)): "Roll",
        _gather: "Gather",
        _matmul: "MatMul",
        _slice: "Slice StridedSlice",
        _pad: "Pad",
        _concat: "Concat",
        _prelu: "PReLU",
        _where_it_was: "Interpolate",
    }
    return {kind: rule for rule, kinds in by_rule.items() for kind in kinds.split()}


_RULES = _rules()
