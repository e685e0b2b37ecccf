"""Leaves out channels of convolutions that are always zero."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field

import numpy as np

from ..ir.builder import Builder
from ..ir.dtype import Array
from ..ir.graph import Graph, Node, Value
from ..ir.loc import fuse
from ..ir.order import in_order
from ..ir.record import record
from .base import Context, Pass, graph_pass
from .rewrite import adopt_name, erase_dead

PASSING = frozenset(
    (
        "Abs", "AvgPool", "Ceiling", "Dropout", "Elu", "Erf", "Floor", "Gelu", "HSwish", "Identity", "MaxPool", "Mish",
        "Negative", "ReLU", "Round", "Selu", "Sign", "Sin", "SoftSign", "Sqrt", "Swish", "Tanh"
    )
)  # fmt: skip
"""What makes zero of zero, and of a channel one channel."""


@graph_pass("prune-channels")
class PruneChannels(Pass):
    """Channels of a convolution whose filters are zero are left out, there and in the convolutions that read them.

    As the Model Optimizer's Pruning: for models whose filters were set to zero in training. On the way to the readers
    a channel must stay zero: through activations, pooling, products, depthwise convolutions, and sums with zero.
    Zero times infinity is taken for zero.
    """

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        for node in list(graph):
            if node.graph is not graph or context.is_spent or node.kind != "Convolution":
                continue
            filters = node.operand(1).const
            if filters is None:
                continue
            zero = np.array(~filters.reshape(filters.shape[0], -1).any(axis=1))
            if not zero.any():
                continue
            way = _Way(node, zero)
            why = way.follow()
            if why:
                context.decline(self.name, node.where, why)
                continue
            source, name, left_out = node.loc, node.label, int((~way.kept).sum())
            way.narrow(graph)
            count += 1
            context.rewrote(self.name, source, [name], ["Convolution"])
            context.note(name, f"{left_out} of {len(way.kept)} channels are zero and left out")
        return count


@record(eq=False)
class _Way:
    """From a convolution to those that read its channels. `zero`: which channels are zero all along it."""

    first: Node
    zero: Array
    between: dict[Node, None] = field(default_factory=dict)
    readers: dict[Node, None] = field(default_factory=dict)
    cut: dict[tuple[Node, int], int] = field(default_factory=dict)
    """The constants that lose channels: reader and port -> axis."""

    @property
    def kept(self) -> Array:
        """The channels that stay: one of them even where all are zero."""
        kept: Array = ~self.zero
        if not kept.any():
            kept[0] = True
        return kept

    def follow(self) -> str:
        """Finds all that the channels go through. Returns what is in the way."""
        self.cut[self.first, 1] = 0
        values = [self.first.outputs[0]]
        while values:
            value = values.pop()
            if value.is_output:
                return "its channels are an output"
            for user in value.users:
                if user in self.between or user in self.readers:
                    continue
                passed = self._passes(user, value)
                if isinstance(passed, str):
                    return passed
                if passed:
                    self.between[user] = None
                    values.append(user.outputs[0])
                else:
                    self.readers[user] = None
        if not self.zero.any():
            return "something that is not zero is added to its zero channels"
        return "" if not self.kept.all() else "it has one channel"

    def _passes(self, user: Node, value: Value) -> bool | str:
        """Whether channels go on behind a reader; or why they cannot be left out."""
        refused = f"{user.label} ({user.kind}) reads all channels"
        if any(out.n_uses for out in user.outputs[1:]):
            return refused
        if user.kind in PASSING:
            return True
        handler = _HANDLERS.get(user.kind)
        found = handler(self, user, value) if handler else None
        return refused if found is None else found

    def _convolution(self, user: Node, value: Value) -> bool | None:
        if user.operand(0) is not value or user.operand(1) is value or not user.operand(1).is_const:
            return None
        self.cut[user, 1] = 1
        return False

    def _depthwise(self, user: Node, value: Value) -> bool | None:
        filters = user.operand(1)
        if not filters.is_const or user.operand(0) is not value or filters.shape is None:
            return None
        if filters.shape[:3] != (len(self.zero), 1, 1):
            return None
        self.cut[user, 1] = 0
        return True

    def _clamp(self, user: Node, value: Value) -> bool | None:
        return True if user.op.min <= 0 <= user.op.max else None  # type: ignore[attr-defined]

    def _slopes(self, user: Node, value: Value) -> bool | None:
        slope = user.operand(1)
        if not slope.is_const or user.operand(0) is not value or slope.shape is None:
            return None
        if slope.shape == (len(self.zero),):
            self.cut[user, 1] = 0
        elif slope.shape != (1,) and slope.shape != ():
            return None
        return True

    def _product(self, user: Node, value: Value) -> bool | None:
        port = 1 if user.operand(0) is value else 0
        factors = self._constant(user, port, value)
        if factors is None or not np.isfinite(factors).all():
            return None
        if user.kind == "Divide" and (port == 0 or not factors.all()):
            return None
        return True

    def _sum(self, user: Node, value: Value) -> bool | None:
        port = 1 if user.operand(0) is value else 0
        terms = self._constant(user, port, value)
        if terms is None:
            return None
        other = terms.any(axis=tuple(i for i in range(terms.ndim) if i != 1))
        self.zero = self.zero & ~np.broadcast_to(other, self.zero.shape)
        return True

    def _constant(self, user: Node, port: int, value: Value) -> Array | None:
        """The constant operand at a port with as many dimensions as the value; notes where it has channels."""
        array, rank = user.operand(port).const, value.rank
        if array is None or rank is None or array.ndim > rank:
            return None
        axis = 1 - (rank - array.ndim)
        if axis >= 0 and array.shape[axis] != 1:
            self.cut[user, port] = axis
        return array.reshape((1,) * (rank - array.ndim) + array.shape)

    def narrow(self, graph: Graph) -> None:
        """Makes all anew with the channels that stay."""
        nodes = in_order((self.first, *self.between, *self.readers))
        new: dict[Value, Value] = {}
        for node in nodes:
            b = Builder(graph, before=node, loc=fuse((node.loc,), "prune-channels"))
            made = b.node(node.op, *self._operands(b, node, new), name=node.outputs[0].name)
            if node in self.readers:
                adopt_name(node.outputs[0], made.outputs[0])
                graph.replace_uses(node.outputs[0], made.outputs[0])
            else:
                new[node.outputs[0]] = made.outputs[0]
        erase_dead(graph, nodes[::-1])

    def _operands(self, b: Builder, node: Node, new: dict[Value, Value]) -> Iterator[Value | None]:
        for i, value in enumerate(node.inputs):
            axis = self.cut.get((node, i))
            if value is None or axis is None:
                yield None if value is None else new.get(value, value)
            else:
                assert value.const is not None
                yield b.const(np.compress(self.kept, value.const, axis), value.dtype, value.name)


_HANDLERS: dict[str, Callable[[_Way, Node, Value], bool | None]] = {
    "Convolution": _Way._convolution,
    "GroupConvolution": _Way._depthwise,
    "Clamp": _Way._clamp,
    "PReLU": _Way._slopes,
    "Multiply": _Way._product,
    "Divide": _Way._product,
    "Add": _Way._sum,
    "Subtract": _Way._sum,
}
"""Whether channels go on behind a node of a kind, end there in filters, or (None) cannot be left out."""
