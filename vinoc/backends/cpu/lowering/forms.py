"""Decided before lowering: which values are channels-last, and which are parts of a concatenation."""

from __future__ import annotations

from ....ir.constant import Constant
from ....ir.graph import Graph, Node, Value
from ....ir.types import static_shape
from .place import Form

MAKERS = frozenset({"MaxPool", "AvgPool", "LRN", "BatchNormInference"})
"""Nodes whose kernels work on channels-last tensors; regions of MAKER_KERNELS too."""

MAKER_KERNELS = frozenset({"conv", "exact_conv", "integer_conv", "level_conv", "integer_average", "resample_quantize"})

MOVERS = frozenset({"Pad", "Interpolate", "DepthToSpace", "SpaceToDepth", "ShuffleChannels"})
"""Nodes that write into a place of any strides."""

FOLLOWERS = MOVERS | {"Concat", "Split", "VariadicSplit", "Region", "Slice", "StridedSlice"}
"""Nodes that take any form, and give what they get."""


class Forms:
    """The form of each value that is computed, and its place within another.

    _views: images that lie channels-last because they are others with their pixels in a line.
    """

    def __init__(self, graph: Graph) -> None:
        self._last: set[Value] = set()
        self._views: set[Value] = set()
        self._parents: dict[Value, tuple[Value, int, int]] = {}
        for node in graph:
            if (
                _makes_last(node)
                or self._turns_last(node)
                or (_follows(node) and any(v in self._last for v in node.inputs))
            ):
                self._last.update(v for v in node.outputs if (v.rank or 0) >= 3)
            elif node.kind == "Reshape" and node.inputs[0] in self._last:
                self._views.add(node.outputs[0])
            if node.kind == "Concat":
                self._adopt(node)

    def _turns_last(self, node: Node) -> bool:
        """Whether a Transpose makes of an image with adjacent channels, in rows, one that has its channels first."""
        if node.kind != "Transpose" or node.inputs[0] in self._last or node.inputs[0] in self._views:
            return False
        order = node.operand(1).const
        if order is None or order.size < 3:
            return False
        return bool(order.tolist() == [0, order.size - 1, *range(1, order.size - 1)])

    def of(self, value: Value) -> Form:
        """The form in which a value is best computed."""
        return Form.LAST if value in self._last else Form.ROWS

    def parent(self, value: Value) -> tuple[Value, int, int] | None:
        """(concatenation, axis, first index) of which the value is to be a part."""
        return self._parents.get(value)

    def _adopt(self, node: Node) -> None:
        out = node.outputs[0]
        rank = out.rank or 0
        axis = node.op.axis % rank if rank else 0  # type: ignore[attr-defined]
        start = 0
        for value in node.inputs:
            assert value is not None
            shape = static_shape(value.tensor.shape)
            if shape is None:
                return
            free = value.node is not None and type(value.op) is not Constant and value not in self._parents
            if free and not value.is_output and _owns_its_memory(value):
                self._parents[value] = (out, axis, start)
            start += shape[axis]


def _makes_last(node: Node) -> bool:
    if node.kind == "Region":
        return node.op.kernel in MAKER_KERNELS  # type: ignore[attr-defined]
    return node.kind in MAKERS


def _follows(node: Node) -> bool:
    """Whether a node gives what it gets, as a Reshape does that splits a line of pixels: behind encoders of tokens."""
    if node.kind != "Reshape":
        return node.kind in FOLLOWERS
    source, out = (static_shape(v.tensor.shape) for v in (node.operand(0), node.outputs[0]))
    return bool(source and out and 2 < len(source) < len(out) and source[:2] == out[:2])


def _owns_its_memory(value: Value) -> bool:
    """Whether a kernel writes it, rather than its being a view of another value."""
    return value.node is not None and value.node.kind in {"Region", "Concat", *MAKERS, *MOVERS}
