"""Weights as integers of eight or four bits, and what expands them.

    scale           (Convert(q) - zero) * scale, as NNCF and OpenVINO's compression store them
    fake-quantize   FakeQuantize(Convert(q); -127, 127, -127 * scale, 127 * scale), as POT stored them

OpenVINO's device takes both for eight bits. Of four-bit weights it takes the first for compressed ones, whose product
is computed in floats, and only the second for integers to compute with: it looks at the number of levels, not at the
type, so these have the 255 levels of eight bits, of which 15 or 16 occur.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np

from ...ir.buffer import Buffer
from ...ir.builder import Builder
from ...ir.dtype import Array, DType, dtype, f8e5m2, f16, f32
from ...ir.graph import Node, Value
from ...ir.loc import fuse
from ...ir.ops.convert import Convert
from ...ir.ops.elementwise import Multiply, Subtract
from ...ir.ops.matrix import MatMul
from ...ir.ops.quantize import FakeQuantize
from ...ir.ops.shape import Reshape
from ...ir.record import record
from ..mark_weights import RECURRENT
from .channels import channel_axes
from .grid import HALF_LARGEST, HALF_SMALLEST, Grid, asymmetric, symmetric
from .places import Read
from .ranges import Range, Setting

Form = Literal["scale", "fake-quantize"]

NEARLY = 2.0**-20
"""Of a range, by which it is negative enough to have a zero point."""

NARROW = (f8e5m2, f16)
"""What scales are stored as where it holds them exactly: three bits, or eleven."""

FEWEST = 4
"""Elements from which on it saves anything to store a term as f16."""


@record(frozen=True)
class Weights:
    """A constant and what reads it alike. `expanded` is what they read: the constant, or its Convert to f32.

    `split` is the shape in which its elements are quantized, where that is not its own; `axes` are of that shape.
    """

    constant: Node
    expanded: Value
    axes: tuple[int, ...]
    reads: tuple[Read, ...]
    split: tuple[int, ...] = ()

    @property
    def array(self) -> Array:
        """The numbers, in the shape in which they are quantized."""
        array = self.constant.outputs[0].const
        assert array is not None
        return array.reshape(self.split) if self.split else array

    def grouped(self, size: int) -> Weights | None:
        """With a scale for every `size` elements that a channel of a matrix product, or gate, sums; None for others."""
        shape = self.array.shape
        matrices = len(shape) == 2 and all(isinstance(node.op, MatMul) for node in self.readers)
        if not matrices and not self.recurrent:
            return None
        (summed,) = (i for i in range(len(shape)) if i not in self.axes)
        count, rest = divmod(shape[summed], size)
        if rest or count < 2:
            return None
        split = (*shape[:summed], count, size, *shape[summed + 1 :])
        return replace(self, axes=tuple(i for i in range(len(split)) if i != summed + 1), split=split)

    @property
    def recurrent(self) -> bool:
        """Whether recurrent nodes read them, and nothing else does."""
        return self.readers[0].kind in RECURRENT

    @property
    def readers(self) -> tuple[Node, ...]:
        return tuple(node for node, _ in self.reads)

    @property
    def name(self) -> str:
        return self.expanded.name or self.constant.label


def weights_of(reads: list[Read]) -> tuple[list[Weights], list[tuple[Node, str]]]:
    """Float weights, each once; and the nodes that have none of their own, with the reason."""
    found: dict[tuple[Node, Value, tuple[int, ...], bool], list[Read]] = {}
    others: list[tuple[Node, str]] = []
    for node, port in reads:
        value = node.operand(port)
        constant = _constant(value)
        if constant is None:
            others.append((node, "its weights are computed, or quantized already"))
            continue
        axes = channel_axes(node, value.rank or 0)
        found.setdefault((constant, value, axes, node.kind in RECURRENT), []).append((node, port))
    return [Weights(c, v, axes, tuple(who)) for (c, v, axes, _), who in found.items()], others


def _constant(value: Value) -> Node | None:
    """The constant of floats that a value is, or is widened from."""
    node = value.node
    if node is not None and isinstance(node.op, Convert) and node.operand(0).is_const:
        node = node.operand(0).node
    if node is None or node.kind != "Constant" or node.outputs[0].dtype not in (f32, f16):
        return None
    return node


def grid_of(weights: Weights, given: Range, setting: Setting, exact: bool) -> Grid:
    """The grid of weights: from the range that is given, else from their own. Raises ValueError with what is wrong."""
    array = weights.array
    assert setting.levels is not None
    axes = weights.axes if setting.granularity != "tensor" else ()
    summed = tuple(i for i in range(array.ndim) if i not in axes)
    if not array.size:
        raise ValueError("they are empty")
    with np.errstate(invalid="ignore"):
        low = array.min(axis=summed, keepdims=True).astype(np.float64)
        high = array.max(axis=summed, keepdims=True).astype(np.float64)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise ValueError("they are not finite")
    if given.low is not None and given.high is not None:
        if given.channels is not None and given.channels != low.size:
            raise ValueError(f"{given.channels} ranges are given for their {low.size} output channels")
        low, high = (np.broadcast_to(v.reshape(-1), low.size).reshape(low.shape) for v in (given.low, given.high))
    if setting.mode == "symmetric":
        return symmetric(low, high, setting.levels, signed=True, exact=exact)
    grid = asymmetric(low, high, setting.levels, exact)
    # Without a zero point OpenVINO 2026.4.1 takes u8 weights for i8 ones, and computes with others, or not at all.
    return grid if grid.zero.any() else asymmetric(np.minimum(low, -NEARLY * high), high, setting.levels, exact)


def integers(
    array: Array, grid: Grid, bits: int, signed: bool, limited: Callable[[Array], Array] | None = None
) -> Buffer:
    """The nearest levels, counted from the lowest (unsigned) or from zero (signed). Computed in f32."""
    zero = grid.zero.astype(np.float32)
    steps = array.astype(np.float32, copy=False) / grid.scale.astype(np.float32)
    np.rint(steps, out=steps)
    if signed:
        np.clip(steps, -zero, grid.levels - 1 - zero, out=steps)
        steps = steps if limited is None else limited(steps)
    else:
        steps += zero
        np.clip(steps, 0, grid.levels - 1, out=steps)
    type = dtype(f"{'i' if signed else 'u'}{bits}")
    return Buffer.of(steps.astype(np.int8 if signed else np.uint8).astype(type.numpy), type)


def store(
    weights: Weights,
    grid: Grid,
    setting: Setting,
    form: Form,
    half: bool,
    by: str,
    limited: Callable[[Array], Array] | None = None,
) -> Value:
    """Puts integers and what expands them in place of the weights; returns what the products read now.

    `half`: scales are f8e5m2 or f16, where that holds them exactly. `limited`: what becomes of signed levels.
    """
    if half and form == "scale":
        grid = grid.shortened()
    constant, old = weights.constant, weights.expanded
    graph, producer, wide = constant.graph, old.node, old.dtype
    assert setting.bits is not None
    assert graph is not None
    assert producer is not None
    b = Builder(graph, before=producer.next)  # the last step alone says where it comes from: files stay short
    signed = setting.mode == "symmetric"
    type, name = dtype(f"{'i' if signed else 'u'}{setting.bits}"), weights.name
    stored = b.const(integers(weights.array, grid, setting.bits, signed, limited), name=f"{name}/{type}")
    real = b.node(Convert(wide, decompression=True), stored).outputs[0]
    last = _scaled(b, real, grid, type, half) if form == "scale" else _faked(b, real, grid, signed, wide)
    if weights.split:
        assert old.shape is not None
        last = b.node(Reshape(), last.outputs[0], b.const(np.array(old.shape, np.int64)))
    last.loc = fuse([constant.loc], by)
    made = last.outputs[0]
    made.name = old.name
    for reader, port in weights.reads:
        graph.set_input(reader, port, made)
    for node in dict.fromkeys((producer, constant)):
        if not any(out.n_uses for out in node.outputs):
            graph.erase(node)
    return made


def _scaled(b: Builder, real: Value, grid: Grid, type: DType, half: bool) -> Node:
    """(real - zero) * scale; zeros are stored as the weights are."""
    wide = real.dtype
    if type.kind == "u":
        zeros = b.const(Buffer.of(grid.zero.astype(np.uint8).astype(type.numpy), type))
        real = b.node(Subtract(), real, b.node(Convert(wide, decompression=True), zeros).outputs[0]).outputs[0]
    scale = b.const(grid.scale, wide)
    return b.node(Multiply(), real, narrowed_exactly(scale) if half and wide is f32 else scale)


def narrowed_exactly(value: Value) -> Value:
    """The first of the smaller types that holds a constant exactly, and its expansion; the constant where none does."""
    array = value.const
    assert array is not None
    fitting = (n for n in NARROW if np.array_equal(array.astype(n.numpy).astype(array.dtype), array))
    to = next(fitting, None)
    return narrowed(value, to) if to else value


def narrowed(value: Value, to: DType) -> Value:
    """Fewer bits and their expansion in place of a constant."""
    node = value.node
    assert node is not None
    assert node.graph is not None
    b = Builder(node.graph, before=node.next)
    array = value.const
    assert array is not None
    small = b.const(Buffer.of(array.astype(to.numpy), to))
    wide = b.node(Convert(value.dtype, decompression=True), small, name=value.name).outputs[0]
    node.graph.replace_uses(value, wide)
    node.graph.erase(node)
    return wide


def halve_terms(products: list[Node], kept: set[Value]) -> int:
    """Stores the biases of products and of recurrent nodes, and slopes behind products, as f16, where the largest of
    them is in its range. Those that are to be `kept` stay as they are.

    It changes a term by 2^-12 of itself at most, a sixteenth of a step of eight bits where the range holds the term.
    """
    terms: dict[Value, None] = {}
    for product in products:
        if product.kind in RECURRENT:
            bias = product.operand(len(product.inputs) - 1)
            if all(isinstance(u, Node) and u.kind in RECURRENT and i == len(u.inputs) - 1 for u, i in bias.uses):
                terms[bias] = None
            continue
        value = product.outputs[0]
        for kind in ("Add", "PReLU"):
            users = list(value.uses)
            reader = users[0][0] if len(users) == 1 else None
            if not isinstance(reader, Node) or reader.kind != kind:
                continue
            other = reader.operand(1 - users[0][1])
            if other.is_const and all(isinstance(u, Node) and u.kind == kind for u, _ in other.uses):
                terms[other] = None
                value = reader.output
    count = 0
    for term in terms:
        array = term.const
        if array is None or term.dtype is not f32 or array.size < FEWEST or term in kept:
            continue
        if HALF_SMALLEST <= np.abs(array).max() < HALF_LARGEST:
            narrowed(term, f16)
            count += 1
    return count


def _faked(b: Builder, real: Value, grid: Grid, signed: bool, wide: DType) -> Node:
    """FakeQuantize that maps integers on themselves times scale."""
    top = 127 if signed else 255
    low = 0 if not signed else -128 if grid.levels == 256 else -127
    first, last = low - (0 if signed else grid.zero), top - (0 if signed else grid.zero)
    ends = [b.const(np.asarray(v, np.float64), wide) for v in (low, top, first * grid.scale, last * grid.scale)]
    return b.node(FakeQuantize(levels=top - low + 1), real, *ends)
