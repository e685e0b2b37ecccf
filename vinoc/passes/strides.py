"""Does not compute what a later 1x1 convolution with strides leaves out."""

from __future__ import annotations

from dataclasses import field, replace
from typing import Any

from ..ir.builder import Builder
from ..ir.graph import Graph, Node, Value
from ..ir.loc import fuse
from ..ir.ops.convolution import Convolution
from ..ir.ops.pooling import MaxPool
from ..ir.order import in_order
from ..ir.record import record
from .base import Context, Pass, graph_pass
from .kinds import BINARY, UNARY
from .rewrite import adopt_name, erase_dead

Strides = tuple[int, ...]


@graph_pass("move-strides")
class MoveStrides(Pass):
    """Conv1x1(f(Conv(x)); strides s) = Conv1x1(f(Conv(x; strides s))), f elementwise: only what is read is computed.

    (The Model Optimizer's ResNet optimization.) All readers of f must be 1x1 convolutions of the same strides, and
    all that f reads must come from convolutions; one other source of f gets a MaxPool of window 1 to pick its share.
    """

    needs = frozenset({"Convolution"})

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        for node in list(graph)[::-1]:
            if node.graph is not graph or not _picks(node) or context.is_spent:
                continue
            found = _sources(node.operand(0), _strides(node))
            if isinstance(found, str):
                context.decline(self.name, node.where, found)
                continue
            source, name = node.loc, node.label
            found.move(graph)
            count += 1
            context.rewrote(self.name, source, [name], [node.kind])
        return count


def _picks(node: Node) -> bool:
    """Whether a node is a 1x1 convolution that leaves out elements of what it reads."""
    op = node.op
    if not isinstance(op, Convolution) or all(s == 1 for s in op.strides):
        return False
    kernel = node.operand(1).shape
    return kernel is not None and all(k == 1 for k in kernel[2:]) and _no_padding(op)


def _no_padding(op: Convolution) -> bool:
    return op.auto_pad == "valid" or (op.auto_pad == "explicit" and not any((*op.pads_begin, *op.pads_end)))


def _strides(node: Node) -> Strides:
    assert isinstance(node.op, Convolution)
    return node.op.strides


@record()
class _Sources:
    strides: Strides
    readers: dict[Node, None] = field(default_factory=dict)
    between: dict[Node, None] = field(default_factory=dict)
    convolutions: dict[Node, None] = field(default_factory=dict)
    others: dict[Value, None] = field(default_factory=dict)

    def move(self, graph: Graph) -> None:
        one = (1,) * len(self.strides)
        nodes = in_order((*self.convolutions, *self.between, *self.readers))
        new: dict[Value, Value] = {}
        for node in nodes:
            b = Builder(graph, before=node, loc=fuse((node.loc,), "move-strides"))
            op: Any = node.op
            if node in self.readers:
                op = replace(op, strides=one)
            elif node in self.convolutions:
                op = replace(op, strides=tuple(a * c for a, c in zip(op.strides, self.strides, strict=True)))
            inputs = [v if v is None else new.get(v) or self._picked(b, v, new) for v in node.inputs]
            made = b.build(op, *inputs)
            new[node.output] = made
            if node in self.readers:
                adopt_name(node.output, made)
                graph.replace_uses(node.output, made)
        erase_dead(graph, nodes[::-1])

    def _picked(self, b: Builder, value: Value, new: dict[Value, Value]) -> Value:
        if value not in self.others:
            return value
        one, none = (1,) * len(self.strides), (0,) * len(self.strides)
        pool = MaxPool(strides=self.strides, dilations=one, pads_begin=none, pads_end=none, kernel=one)
        new[value] = b.build(pool, value)
        return new[value]


def _sources(value: Value, strides: Strides) -> _Sources | str:
    """What a value is computed from, up to convolutions that can leave out what nobody reads; else why not."""
    found = _Sources(strides)
    stack = [value]
    rank = len(strides) + 2
    while stack:
        v = stack.pop()
        node = v.node
        if node is not None and isinstance(node.op, Convolution) and node.op.auto_pad in ("explicit", "valid"):
            found.convolutions[node] = None
        elif node is not None and node.kind in UNARY and len(node.inputs) == 1 and node.kind != "Convert":
            found.between[node] = None
            stack.append(node.operand(0))
        elif node is not None and node.kind in BINARY and _alike(node, rank):
            found.between[node] = None
            stack += [x for x in dict.fromkeys(node.inputs) if x is not None and not x.is_const]
        else:
            found.others[v] = None
            continue
        for owner, _ in v.uses:
            if isinstance(owner, Node) and (owner in found.between or owner in found.readers):
                continue
            if isinstance(owner, Node) and _picks(owner) and _strides(owner) == strides and owner.inputs[0] is v:
                found.readers[owner] = None
            else:
                label = f"'{owner.label}' ({owner.kind})" if isinstance(owner, Node) else "the graph's outputs"
                return f"{label} reads all of what it is computed from"
    if not found.convolutions or len(found.others) > 1:
        return "what it is computed from does not come from convolutions"
    if any(o is value for o in found.others):
        return "it does not read a convolution"
    return found


def _alike(node: Node, rank: int) -> bool:
    """Whether the operands have one shape, but for constants that are the same all over the image."""
    out = node.output.shape
    if out is None or len(out) != rank:
        return False
    for x in node.inputs:
        if x is None or x.shape is None:
            return False
        if x.is_const:
            full = (1,) * (rank - len(x.shape)) + tuple(x.shape)
            if any(n != 1 for n in full[2:]):
                return False
        elif len(x.shape) != rank or any(n == 1 and o != 1 for n, o in zip(x.shape[2:], out[2:], strict=True)):
            return False
    return True
