"""Which channels of a graph can be scaled without changing what it computes, and by which constants.

For ReLU, PReLU, pooling, moving and adding, f(s x) = s f(x) where s > 0. So a factor s_k on all channels that are tied
to each other, a class k, can be multiplied into the weights and biases that make them, and divided out of the weights
that read them (Nagel et al. 2019, arXiv:1906.04721, section 4.1, there for two layers; here for all ways through a
graph, such as residual sums, concatenations and shuffled channels; with Multiply and Add of constants, as at the end of
a layer normalization, it is the smoothing of Xiao et al. 2022, arXiv:2211.10438).

Every float value gets an array of its shape that holds the number of the class of each element, made by running the
operations that move values on these numbers. Class 0 is pinned: its factor is 1. NOTHING marks zeros, which any factor
leaves alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ....ir.dtype import Array, f16, f32
from ....ir.graph import Graph, Node, Value
from ....ir.op import as_tuple
from ....ir.ops.convert import Convert
from ....ir.types import TensorType, static_shape
from ....passes.mark_weights import PRODUCTS

PINNED, NOTHING = 0, -1

MOVERS = frozenset(
    {"Reshape", "Squeeze", "Unsqueeze", "Transpose", "Split", "VariadicSplit", "Slice", "StridedSlice", "Gather"}
    | {"Pad", "DepthToSpace", "SpaceToDepth", "ShuffleChannels", "Broadcast", "SpaceToBatch", "BatchToSpace"}
    | {"Concat", "Tile", "Identity"}
)
"""Operations each of whose results is one of the values they read, or zero."""

POOLS = frozenset({"MaxPool", "AvgPool", "Interpolate", "AdaptiveAvgPool"})
"""Homogeneous operations that keep axes 0 and 1 and mix values along the others."""

REDUCTIONS = frozenset({"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"})

UNARY = frozenset({"ReLU", "PReLU", "LeakyReLU", "Abs", "Negative"})


@dataclass(frozen=True, eq=False)
class Term:
    """A constant operand: it becomes constant * s[up] / s[down]; both have shapes that broadcast with it."""

    node: Node
    port: int
    up: Array
    down: Array


@dataclass(frozen=True, eq=False)
class Classes:
    """`ids`: classes by element, broadcast views of the values' shapes; `count` of them, the pinned one included."""

    count: int
    ids: dict[Value, Array]
    terms: list[Term]


def constant_of(value: Value | None) -> Array | None:
    """The floats of a constant, or of one that is widened from f16."""
    if value is None:
        return None
    if value.const is not None:
        return value.const
    node = value.node
    if node is None or not isinstance(node.op, Convert) or value.dtype is not f32:
        return None
    source = node.operand(0)
    return np.asarray(source.const, np.float32) if source.const is not None and source.dtype in (f16, f32) else None


def classes_of(graph: Graph, shapes: Sequence[tuple[int, ...]] = ()) -> Classes:
    """The classes of a graph; a value whose shape is open is pinned. `shapes`: of the inputs, where theirs are open;
    what they tell of channels holds for other lengths."""
    if not shapes or all(static_shape(v.tensor.shape) is not None for v in graph.inputs):
        return _Finder(graph).run()
    copy = graph.clone()
    copy.set_input_types({i: TensorType(v.dtype, s) for i, (v, s) in enumerate(zip(copy.inputs, shapes, strict=True))})
    found = _Finder(copy).run()
    nodes = dict(zip(copy, graph, strict=True))
    values = dict(zip(copy.inputs, graph.inputs, strict=True))
    for a, b in nodes.items():
        values.update(zip(a.outputs, b.outputs, strict=True))
    terms = [Term(nodes[t.node], t.port, t.up, t.down) for t in found.terms]
    return Classes(found.count, {values[v]: ids for v, ids in found.ids.items()}, terms)


class _Finder:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.parent: list[int] = [PINNED]
        self.ids: dict[Value, Array] = {}
        self.terms: list[Term] = []
        self.shared: dict[Value, Term] = {}

    def run(self) -> Classes:
        for value in self.graph.inputs:
            self.pinned(value)
        for node in self.graph:
            if node.kind != "Constant":
                self.visit(node)
        for value in self.graph.outputs:
            self.pin(self.ids.get(value))
        roots = self.roots()
        kept = np.unique(np.concatenate([[PINNED], *(np.unique(roots[_short(a)]) for a in self.ids.values())]))
        kept = kept[kept >= 0]
        number = np.zeros(len(roots) + 1, np.int64)
        number[kept] = np.arange(len(kept))
        number[-1] = NOTHING
        renumber = number[np.append(roots[:-1], len(roots) - 1)]

        def final(array: Array) -> Array:
            return np.broadcast_to(renumber[_short(array)], array.shape)

        ids = {value: final(array) for value, array in self.ids.items()}
        terms = [Term(t.node, t.port, final(t.up), final(t.down)) for t in self.terms]
        return Classes(len(kept), ids, terms)

    # Sets of classes

    def fresh(self, shape: tuple[int, ...]) -> Array:
        n = int(np.prod(shape))
        first = len(self.parent)
        self.parent.extend(range(first, first + n))
        return np.arange(first, first + n).reshape(shape)

    def find(self, k: int) -> int:
        while self.parent[k] != k:
            self.parent[k] = k = self.parent[self.parent[k]]
        return k

    def roots(self) -> Array:
        """By class its set; the last entry, reached by index -1, is NOTHING."""
        return np.array([*(self.find(k) for k in range(len(self.parent))), NOTHING])

    def join(self, a: int, b: int) -> None:
        a, b = self.find(a), self.find(b)
        self.parent[max(a, b)] = min(a, b)

    def join_all(self, ids: Iterable[int]) -> None:
        known = [int(k) for k in ids if k >= 0]
        for k in known[1:]:
            self.join(known[0], k)

    def join_pairs(self, a: Array, b: Array) -> None:
        """Joins the classes of elements at the same places."""
        pairs = np.unique(np.stack([a.ravel(), b.ravel()], 1), axis=0)
        for x, y in pairs[(pairs >= 0).all(axis=1)].tolist():
            self.join(x, y)

    def pin(self, ids: Array | None) -> None:
        if ids is not None:
            self.join_all([PINNED, *np.unique(_short(ids)).tolist()])

    def pinned(self, value: Value) -> None:
        shape = static_shape(value.type.shape) if isinstance(value.type, TensorType) else None
        if shape is not None:
            self.ids[value] = np.broadcast_to(np.int64(PINNED), shape)

    def along(self, ids: Array, axes: tuple[int, ...]) -> Array:
        """Makes one class of those that differ along axes only; returns them with these axes of length 1."""
        ids = _short(ids)
        axes = tuple(a % ids.ndim for a in axes)
        moved = np.moveaxis(ids, axes, range(-len(axes), 0)) if axes else ids[..., None]
        rows = moved.reshape(int(np.prod(moved.shape[: ids.ndim - len(axes)])), -1)
        first = rows[:, 0]
        if rows.shape[1] > 1 and (rows != rows[:, :1]).any():
            for row in np.unique(rows, axis=0):
                self.join_all(row.tolist())
            first = rows.max(axis=1)
        kept = [1 if i in axes else n for i, n in enumerate(ids.shape)]
        return first.reshape(kept)

    # Operations

    def visit(self, node: Node) -> None:
        shapes = [static_shape(o.type.shape) if isinstance(o.type, TensorType) else None for o in node.outputs]
        known = all(s is not None for s in shapes) and all(o.dtype.is_float for o in node.outputs[:1])  # not indices
        handler = self.handler(node.kind) if known and not node.bodies else None
        if handler is not None and handler(node):
            return
        for value in node.inputs:
            self.pin(self.ids.get(value) if value is not None else None)
        for value in node.outputs:
            self.pinned(value)

    def handler(self, kind: str) -> Callable[[Node], bool] | None:
        if kind in PRODUCTS:
            return self.product
        for kinds, found in (
            (MOVERS, self.mover),
            (POOLS, self.pool),
            (REDUCTIONS, self.reduction),
            (UNARY, self.unary),
            (("Add", "Subtract"), self.sum),
            (("Maximum", "Minimum"), self.extreme),
            (("Multiply",), self.multiply),
        ):
            if kind in kinds:
                return found
        return None

    def give(self, value: Value, ids: Array) -> None:
        shape = static_shape(value.tensor.shape)
        assert shape is not None
        self.ids[value] = np.broadcast_to(_short(ids), shape)

    def product(self, node: Node) -> bool:
        data, weights = self.ids.get(node.operand(0)), constant_of(node.inputs[1])
        if data is None or weights is None or weights.ndim < 2:
            return False
        if node.kind == "MatMul":
            axis = -2 if node.op.transpose_a else -1  # type: ignore[attr-defined]
            if data.ndim < 2:
                return False
            down = self.along(data, tuple(i for i in range(data.ndim) if i != data.ndim + axis)).reshape(-1)
            flipped = node.op.transpose_b  # type: ignore[attr-defined]
            rows, columns = (weights.shape[-1], weights.shape[-2]) if flipped else weights.shape[-2:]
            up = self.fresh((columns,))
            down = np.broadcast_to(down, (rows,))
            out = up
            up, down = (up[:, None], down[None]) if flipped else (up[None], down[:, None])
        else:
            channels = np.broadcast_to(self.along(data, (0, *range(2, data.ndim))).reshape(-1), (data.shape[1],))
            up, down = self.filters(node.kind, weights.shape, channels)
            out = up.reshape(1, -1, *[1] * (data.ndim - 2))
        self.share(Term(node, 1, up, down))
        self.give(node.output, out)
        return True

    def share(self, term: Term) -> None:
        """Takes up a product: its weights are scaled alike for all products that read them."""
        self.terms.append(term)
        first = self.shared.setdefault(term.node.operand(1), term)
        for a, b in ((first.up, term.up), (first.down, term.down)):
            if first is not term and a.shape == b.shape:
                self.join_pairs(a, b)
            elif first is not term:
                self.pin(a)
                self.pin(b)

    def filters(self, kind: str, shape: tuple[int, ...], channels: Array) -> tuple[Array, Array]:
        """Classes of what a convolution gives and reads, laid along its filters."""
        grouped = kind.startswith("Group")
        backward = kind.endswith("BackpropData")
        groups = shape[:1] if grouped else ()
        first, second = shape[len(groups) : len(groups) + 2]
        n_in, n_out = (first, second) if backward else (second, first)
        rest = [1] * (len(shape) - len(groups) - 2)
        into, out = channels.reshape(*groups, n_in), self.fresh((*groups, n_out))
        if backward:
            return out[..., None, :].reshape(*groups, 1, n_out, *rest), into.reshape(*groups, n_in, 1, *rest)
        return out.reshape(*groups, n_out, 1, *rest), into.reshape(*groups, 1, n_in, *rest)

    def mover(self, node: Node) -> bool:
        """Runs the operation on numbers of classes; they are one higher there, so that padding gives NOTHING."""
        operands: list[object] = []
        for port, value in enumerate(node.inputs):
            ids = self.ids.get(value) if value is not None else None
            constant = value.const if value is not None else None
            moving = port == 0 or node.kind == "Concat"
            if moving and ids is None and constant is not None and not constant.any():
                ids = np.broadcast_to(np.int64(NOTHING), constant.shape)
            if moving:
                if ids is None:
                    return False
                operands.append(ids + 1)
            elif value is None or constant is not None:
                operands.append(constant)
            else:
                return False
        if node.kind == "Pad":
            constant = node.op.pad_mode == "constant"  # type: ignore[attr-defined]
            if constant and len(operands) > 3 and np.asarray(operands[3]).any():
                return False
            operands[3:] = [np.int64(0)] if constant else []
        for value, ids in zip(node.outputs, as_tuple(node.op.evaluate(*operands)), strict=True):  # type: ignore[attr-defined]
            self.give(value, _narrowed(np.asarray(ids, np.int64) - 1))
        return True

    def pool(self, node: Node) -> bool:
        ids = self.ids.get(node.operand(0))
        rank = node.operand(0).rank or 0
        if ids is None or rank < 3 or any(o.n_uses for o in node.outputs[1:]):
            return False
        if node.kind == "Interpolate" and node.outputs[0].tensor.shape[:2] != node.operand(0).tensor.shape[:2]:  # type: ignore[index]
            return False
        self.give(node.outputs[0], self.along(ids, tuple(range(2, rank))))
        return True

    def reduction(self, node: Node) -> bool:
        ids, axes = self.ids.get(node.operand(0)), node.operand(1).const
        if ids is None or axes is None:
            return False
        places = tuple(int(a) % ids.ndim for a in np.atleast_1d(axes))
        found = self.along(ids, places)
        shape = [1 if i in places else n for i, n in enumerate(ids.shape)]
        full = np.broadcast_to(found, shape)
        if node.output.rank != ids.ndim:
            full = np.squeeze(full, places)
        self.give(node.output, full)
        return True

    def unary(self, node: Node) -> bool:
        ids = self.ids.get(node.operand(0))
        if ids is None or (len(node.inputs) > 1 and constant_of(node.inputs[1]) is None):
            return False
        self.give(node.output, ids)
        return True

    def sum(self, node: Node) -> bool:
        constants = [constant_of(v) for v in node.inputs]
        for port in (0, 1):
            array = constants[port]
            if array is not None:
                ids = self.ids.get(node.operand(1 - port))
                if ids is None:
                    return False
                shape = static_shape(node.output.tensor.shape)
                assert shape is not None
                laid = np.broadcast_to(ids, shape) if ids.ndim == len(shape) else None
                if laid is None:
                    return False
                if array.any():
                    self.terms.append(Term(node, port, _short(laid), np.zeros([1] * len(shape), np.int64)))
                self.give(node.output, _told(laid) if array.any() else laid)
                return True
        return self.extreme(node)

    def extreme(self, node: Node) -> bool:
        a, b = (self.ids.get(v) if v is not None else None for v in node.inputs[:2])
        if a is None or b is None:
            return False
        a, b = np.broadcast_arrays(_short(a), _short(b))
        self.join_pairs(a, b)
        self.give(node.output, np.where(a == NOTHING, b, a))
        return True

    def multiply(self, node: Node) -> bool:
        """By a constant: a class of its own for each element that has one there. By a pinned value: unchanged."""
        for port in (0, 1):
            array, ids = constant_of(node.inputs[port]), self.ids.get(node.operand(1 - port))
            if array is not None:
                if ids is None or array.ndim > ids.ndim or ids.shape != static_shape(node.output.tensor.shape):
                    return False
                shape = (1,) * (ids.ndim - array.ndim) + array.shape
                axes = tuple(i for i, n in enumerate(shape) if n == 1)
                if array.size == 1 or not array.all():
                    self.give(node.output, ids)
                    return True
                down = self.along(ids, axes)
                up = self.fresh(shape)
                self.terms.append(Term(node, port, up, np.broadcast_to(down, shape)))
                self.give(node.output, up)
                return True
        known = [self.ids.get(v) if v is not None else None for v in node.inputs]
        roots = self.roots()
        for port in (0, 1):
            a, b = known[port], known[1 - port]
            if a is None or b is None or a.shape != static_shape(node.output.tensor.shape):
                continue
            if not roots[_short(b)].any():
                self.give(node.output, a)
                return True
        return False


def _narrowed(ids: Array) -> Array:
    """One element along each axis along which all are alike: what is kept stays small."""
    for axis in range(ids.ndim):
        first = ids.take([0], axis) if ids.shape[axis] > 1 else ids
        if first is not ids and (ids == first).all():
            ids = first
    return ids


def _told(ids: Array) -> Array:
    """Where a constant is added to zeros, they are zeros no longer."""
    return np.where(ids == NOTHING, PINNED, ids) if (_short(ids) == NOTHING).any() else ids


def _short(ids: Array) -> Array:
    """Axes along which nothing changes have length 1."""
    ids = np.asarray(ids)
    return ids[tuple(slice(None, 1) if step == 0 and n > 1 else slice(None) for n, step in zip(ids.shape, ids.strides))]
