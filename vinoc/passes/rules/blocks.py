"""Blocks and channels that are moved by reshapes and transposes; enlargement by repetition."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ir.builder import Builder
from ...ir.graph import Value
from ...ir.types import Shape, static_shape
from ..pattern import Const, Match, OpPattern, Tracer
from ..rewrite import Decline, Rewrite, rewrite
from .movement import full_order, target_of

Moved = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], list[int]]


def _moved(m: Match) -> Moved | Decline:
    """The shapes of input, middle and result, and the order, of Reshape(Transpose(Reshape(x)))."""
    shapes = [static_shape(v.shape) for v in (m.x, m.node("parted").output, m.root.output)]
    order = full_order(m.order, m.node("parted").output.rank)
    # The batch alone may be dynamic: it is looked at as 1, where it is not moved.
    x, middle, out = (v.shape for v in (m.x, m.node("parted").output, m.root.output))
    if x is None or middle is None or out is None or order is None:
        return Decline("the shapes are not known")
    if any(s is None for s in shapes):
        same = x[:1] == middle[:1] == out[:1]
        shapes = [static_shape((1, *s[1:])) for s in (x, middle, out)]
        if not same or order.tolist()[:1] != [0] or any(s is None for s in shapes):
            return Decline("more than the batch is dynamic")
    found: list[tuple[int, ...]] = [s for s in shapes if s is not None]
    return found[0], found[1], found[2], order.tolist()


def _written(p: Tracer, x: Any, s: Any, order: Any, t: Any) -> OpPattern:
    return p.Reshape(p.Transpose(p.Reshape(x, s, name="parted"), order), t, name="joined")


@rewrite
class FuseDepthToSpace(Rewrite):
    """DepthToSpace(x) = Reshape(Transpose(Reshape(x))): blocks of channels become blocks of the image.

    (Shi et al. 2016, arXiv:1609.05158.) [N, b, b, C, H, W] -> [N, C, H, b, W, b] is blocks_first, [N, C, b, b, H, W]
    depth_first.
    """

    def pattern(self, p: Tracer, x: Any, s: Any, order: Const, t: Any) -> OpPattern:
        return _written(p, x, s, order, t)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        moved = _moved(m)
        if isinstance(moved, Decline):
            return moved
        x, middle, out, order = moved
        k = len(x) - 2
        if k < 1 or len(middle) != 2 * k + 2 or middle[0] != x[0]:
            return Decline("it does not part the channels into blocks")
        for mode, block_at, channel_at in (("blocks_first", 1, k + 1), ("depth_first", 2, 1)):
            blocks = middle[block_at : block_at + k]
            wanted = [0, channel_at]
            for i in range(k):
                wanted += [k + 2 + i, block_at + i]
            size = blocks[0]
            joined = (x[0], middle[channel_at], *[n * size for n in x[2:]])
            if order == wanted and set(blocks) == {size} and middle[k + 2 :] == x[2:] and out == joined:
                return b.DepthToSpace(m.x, mode=mode, block_size=size)
        return Decline("the order is that of no DepthToSpace")


@rewrite
class FuseSpaceToDepth(Rewrite):
    """SpaceToDepth(x) = Reshape(Transpose(Reshape(x))): the inverse of DepthToSpace.

    [N, C, H, b, W, b] -> [N, b, b, C, H, W] is blocks_first, -> [N, C, b, b, H, W] depth_first.
    """

    def pattern(self, p: Tracer, x: Any, s: Any, order: Const, t: Any) -> OpPattern:
        return _written(p, x, s, order, t)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        moved = _moved(m)
        if isinstance(moved, Decline):
            return moved
        x, middle, out, order = moved
        k = len(x) - 2
        if k < 1 or len(middle) != 2 * k + 2 or middle[:2] != x[:2]:
            return Decline("it does not part the image into blocks")
        size = middle[3]
        if any(middle[3 + 2 * i] != size or middle[2 + 2 * i] * size != x[2 + i] for i in range(k)):
            return Decline("the blocks are not of one size")
        if out != (x[0], x[1] * size**k, *[n // size for n in x[2:]]):
            return Decline("the blocks do not become channels")
        at, inside = [2 + 2 * i for i in range(k)], [3 + 2 * i for i in range(k)]
        for mode, wanted in (("blocks_first", [0, *inside, 1, *at]), ("depth_first", [0, 1, *inside, *at])):
            if order == wanted:
                return b.SpaceToDepth(m.x, mode=mode, block_size=size)
        return Decline("the order is that of no SpaceToDepth")


@rewrite
class FuseShuffleChannels(Rewrite):
    """ShuffleChannels(x; g) = Reshape(Transpose(Reshape(x; [N, g, C / g, ...]); 0, 2, 1, ...); shape of x).

    (Zhang et al. 2018, arXiv:1707.01083.)
    """

    def pattern(self, p: Tracer, x: Any, s: Any, order: Const, t: Any) -> OpPattern:
        return _written(p, x, s, order, t)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        moved = _moved(m)
        if isinstance(moved, Decline):
            return moved
        x, middle, out, order = moved
        if out != x or len(x) != 4 or len(middle) < 4 or middle[0] != x[0] or middle[1] * middle[2] != x[1]:
            return Decline("it does not part the channels into two dimensions, or the result has another shape")
        if order != [0, 2, 1, *range(3, len(middle))]:
            return Decline("it exchanges other dimensions than those of the channels")
        return b.ShuffleChannels(m.x, axis=1, group=middle[1])


@rewrite
class FuseNearestUpsampling(Rewrite):
    """Interpolate(x; nearest, scale s) = Reshape(repeat(Reshape(x; [N, C, H, 1, W, 1]); 1, 1, 1, s, 1, s)).

    The repetition is a Tile, a Broadcast, or a product with ones.
    """

    def pattern(self, p: Tracer, x: Any, s: Any, times: Any, t: Any, ones: Const) -> tuple[OpPattern, ...]:
        parted = p.one_of("Reshape", "Unsqueeze", name="parted")(x, s)
        return (
            p.Reshape(p.one_of("Tile", "Broadcast", name="wide")(parted, times), t, name="joined"),
            p.Reshape(p.Multiply(parted, ones, name="wide"), t, name="joined"),
        )

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if m.has("ones") and (m.ones != 1).any():
            return Decline("the factors are not ones")
        shapes = [v.shape for v in (m.x, m.node("parted").output, m.node("wide").output, m.root.output)]
        if any(s is None for s in shapes):
            return Decline("the shapes are not known")
        x, middle, wide, out = (s or () for s in shapes)
        k = len(x) - 2
        if k < 1 or len(middle) != 2 + 2 * k or len(wide) != len(middle) or not _interleaved(x, middle):
            return Decline("the spatial dimensions do not have one of length 1 behind each")
        scales = wide[3::2]
        static = all(isinstance(d, int) for d in (*x[2:], *scales))
        if not static or wide[:2] != x[:2] or wide[2::2] != x[2:]:
            return Decline("the image is not of a known size, or other dimensions are repeated")
        if tuple(out) != (*x[:2], *[int(n) * int(s) for n, s in zip(x[2:], scales, strict=True)]):
            return Decline("the result does not have the repeated size")
        axes = np.arange(2, len(x), dtype=np.int64)
        return b.Interpolate(
            m.x,
            np.array(scales, np.float32),
            axes,
            mode="nearest",
            shape_calculation_mode="scales",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )


def _interleaved(x: Shape, middle: Shape) -> bool:
    wanted: list[Any] = [*x[:2]]
    for n in x[2:]:
        wanted += [n, 1]
    return list(middle) == wanted


@rewrite
class SplitConcatToInterpolate(Rewrite):
    """Concat(x_0, x_0, x_1, x_1, ...) = Interpolate(x; nearest, scale 2), x_i the lines of x along an axis."""

    def pattern(self, p: Tracer, x: Any, axis: Const, lengths: Any) -> tuple[OpPattern, ...]:
        return (
            p.Concat(p.Split(x, axis, name="parts", shared=True), ...),
            p.Concat(p.VariadicSplit(x, axis, lengths, name="parts", shared=True), ...),
        )

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        parts, inputs, shape = m.node("parts").outputs, m.root.inputs, m.x.shape
        if shape is None or len(shape) < 4 or m.x.dtype.kind != "f":
            return Decline("it is no image of floats")
        axis = int(m.axis.reshape(-1)[0]) % len(shape)
        times, rest = divmod(len(inputs), len(parts))
        if axis < 2 or axis != m.Concat.axis % len(shape) or shape[axis] != len(parts):
            return Decline("it does not part an image into lines and join them along the same axis")
        if rest or times < 2 or any(v is not parts[i // times] for i, v in enumerate(inputs)):
            return Decline("the parts are not repeated in their order, each as often")
        return b.Interpolate(
            m.x,
            np.array([times], np.float32),
            np.array([axis], np.int64),
            mode="nearest",
            shape_calculation_mode="scales",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )


@rewrite
class MergeInterpolates(Rewrite):
    """Interpolate(Interpolate(x; axes a); axes c) = Interpolate(x; axes a, c), of one kind, over different axes."""

    def pattern(self, p: Tracer, x: Any, s: Const, a: Const, t: Const, c: Const) -> OpPattern:
        return p.Interpolate(p.Interpolate(x, s, a, name="inner"), t, c, name="outer")

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if m.inner != m.outer:
            return Decline("they resize in different ways")
        rank = m.x.rank
        if rank is None or m.inner.mode == "cubic" or any((*m.inner.pads_begin, *m.inner.pads_end)):
            return Decline("the order of the axes matters: it pads, or is cubic")
        first, second = ([int(v) % rank for v in axes.reshape(-1)] for axes in (m.a, m.c))
        if set(first) & set(second):
            return Decline("both resize the same axis")
        axes = np.array([*first, *second], np.int64)
        sizes = np.concatenate([m.s.reshape(-1), m.t.reshape(-1).astype(m.s.dtype)])
        by_axis = np.argsort(axes)
        return b.build(m.inner, m.x, sizes[by_axis], axes[by_axis])


@rewrite
class ConcatToTile(Rewrite):
    """Concat(x, x, ..., x; axis) = Tile(x; n along the axis)."""

    def pattern(self, p: Tracer, x: Any) -> OpPattern:
        return p.Concat(x, x, ...)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if any(v is not m.x for v in m.root.inputs):
            return Decline("the parts are not all the same value")
        rank = m.x.rank
        if rank is None or rank < 2 or m.x.is_const:
            return Decline("the part is a list or a constant, or its rank is not known")
        repeats = np.ones(rank, np.int64)
        repeats[m.Concat.axis % rank] = len(m.root.inputs)
        return b.Tile(m.x, repeats)


@rewrite
class TransposeToReshape(Rewrite):
    """Transpose(x) = Reshape(x), where only dimensions of length 1 change their place."""

    def pattern(self, p: Tracer, x: Any, order: Const) -> OpPattern:
        return p.Transpose(x, order)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        shape, order = m.x.shape, full_order(m.order, m.x.rank)
        if shape is None or order is None:
            return Decline("the rank is not known")
        moved = [int(i) for i in order if shape[int(i)] != 1]
        if moved != sorted(moved):
            return Decline("it moves dimensions that are longer than 1")
        target = target_of(shape, m.root.output.shape)
        if target is None:
            return Decline("more than one dimension of the result is dynamic")
        return b.Reshape(m.x, target, special_zero=False)


@rewrite
class FuseSplitConcat(Rewrite):
    """Concat(Squeeze(Split(x; axis)_0), ...; last) = Reshape(Transpose(x; axis before the last)).

    Parts of length 1 along an axis that are put side by side along another.
    """

    def pattern(self, p: Tracer, x: Any, axis: Const, gone: Const, lengths: Any) -> tuple[OpPattern, ...]:
        return (
            p.Concat(p.Squeeze(p.Split(x, axis, name="parts", shared=True), gone, name="first"), ...),
            p.Concat(p.Squeeze(p.VariadicSplit(x, axis, lengths, name="parts", shared=True), gone, name="first"), ...),
        )

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        shape, out = m.x.shape, m.root.output.shape
        if shape is None or out is None:
            return Decline("the shapes are not known")
        axis = int(m.axis.reshape(-1)[0]) % len(shape)
        parts = m.node("parts").outputs
        squeezed = [v.node for v in m.root.inputs if v is not None]
        if shape[axis] != len(parts) or len(squeezed) != len(parts):
            return Decline("the parts are not of length 1, or not all are taken")
        for part, node in zip(parts, squeezed, strict=True):
            if node is None or node.kind != "Squeeze" or node.inputs[0] is not part or len(node.inputs) < 2:
                return Decline("the parts are not squeezed in their order")
            dropped = node.operand(1).const
            if dropped is None or [int(a) % len(shape) for a in dropped.reshape(-1)] != [axis]:
                return Decline("another axis is dropped than the parts were taken from")
            if node.output.n_uses > 1:
                return Decline(f"the result of '{node.label}' is also read elsewhere")
        joined = m.Concat.axis % (len(shape) - 1)
        order = [d for d in range(len(shape)) if d != axis]
        order.insert(joined, axis)
        target = target_of(shape, out)
        if target is None:
            return Decline("more than one dimension of the result is dynamic")
        moved = b.Transpose(m.x, np.array(order, np.int64)) if order != list(range(len(shape))) else m.x
        return b.Reshape(moved, target, special_zero=False)
