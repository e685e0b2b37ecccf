"""Moving elements: reshaping, permuting, repeating, joining, padding. Works on arrays of any dtype, object too."""

from __future__ import annotations

import numpy as np

from .array import Array


def reshape(data: Array, shape: Array, special_zero: bool) -> Array:
    """`data` in another shape: -1 is worked out, 0 copies a dimension where `special_zero`."""
    wanted = [int(d) for d in shape.reshape(-1)]
    copied = [i for i, d in enumerate(wanted) if d == 0 and special_zero]
    target = [data.shape[i] if i in copied else d for i, d in enumerate(wanted)]
    if -1 in target and (copied or not data.size):
        # Copied dimensions cancel, so that -1 is known even when they are 0.
        given = [d for i, d in enumerate(target) if d != -1 and i not in copied]
        left = [d for i, d in enumerate(data.shape) if i not in copied]
        product = int(np.prod(given, dtype=np.int64))
        target[target.index(-1)] = int(np.prod(left, dtype=np.int64)) // product if product else 1
    return data.reshape(target)


def squeeze(data: Array, axes: Array | None) -> Array:
    """`data` without dimensions of size 1: those of `axes`, or all where it is None or empty."""
    if axes is None or axes.size == 0:
        return data.reshape([d for d in data.shape if d != 1])
    drop = {int(a) % data.ndim for a in axes.reshape(-1)}
    return np.squeeze(data, tuple(drop))


def unsqueeze(data: Array, axes: Array) -> Array:
    """`data` with dimensions of size 1 at `axes` of the result."""
    return np.expand_dims(data, tuple(int(a) for a in axes.reshape(-1)))


def transpose(data: Array, order: Array) -> Array:
    """`data` with its dimensions in another order; an empty order reverses them."""
    return np.transpose(data, [int(i) for i in order] if order.size else None)


def tile(data: Array, repeats: Array) -> Array:
    """`data` repeated along each dimension; the shorter of shape and repeats is filled with ones in front."""
    return np.tile(data, [int(r) for r in repeats.reshape(-1)])


def broadcast(data: Array, target: Array, axes_mapping: Array | None, mode: str) -> Array:
    """`data` repeated to the shape `target`.

    numpy: aligned at the last dimension. bidirectional: the target's ones give way too. explicit: dimension i of
    `data` becomes dimension axes_mapping[i].
    """
    shape = tuple(int(d) for d in target.reshape(-1))
    if mode == "explicit":
        assert axes_mapping is not None
        aligned = [1] * len(shape)
        for d, axis in zip(data.shape, axes_mapping.reshape(-1)):
            aligned[int(axis)] = d
        data = data.reshape(aligned)
    elif mode == "bidirectional":
        shape = np.broadcast_shapes(data.shape, shape)
    return np.broadcast_to(data, shape)


def split(data: Array, axis: Array, lengths: Array) -> tuple[Array, ...]:
    """`data` cut along an axis into parts of these lengths, of which one may be -1: the rest."""
    along = int(axis.item())
    sizes = [int(n) for n in lengths.reshape(-1)]
    if -1 in sizes:
        sizes[sizes.index(-1)] = data.shape[along] - sum(n for n in sizes if n != -1)
    if min(sizes) < 0 or sum(sizes) != data.shape[along]:
        raise ValueError(f"a dimension of {data.shape[along]} cannot be split into {lengths.tolist()}")
    return tuple(np.split(data, np.cumsum(sizes[:-1], dtype=np.int64), along))


def split_evenly(data: Array, axis: Array, count: int) -> tuple[Array, ...]:
    """`data` cut along an axis into `count` equal parts."""
    return tuple(np.split(data, count, int(axis.item())))


def pad(data: Array, begin: Array, end: Array, value: Array | None, mode: str) -> Array:
    """`data` with elements added before and behind each dimension, or taken away where a pad is negative.

    constant: filled with `value` (default zero). edge, reflect, symmetric: every place beyond the border repeats
    the element at the border, or mirrors there without or with repeating it.
    """
    if mode == "constant":
        return _pad_constant(data, begin, end, value)
    out = data
    for axis, (b, e) in enumerate(zip(begin.tolist(), end.tolist())):
        if b or e:
            n = data.shape[axis]
            out = np.take(out, _mirrored(np.arange(-b, n + e), n, mode), axis)
    return out


def _mirrored(index: Array, n: int, mode: str) -> Array:
    """Places in -inf..inf as places in 0..n-1."""
    if mode == "edge":
        clipped: Array = np.clip(index, 0, n - 1)
        return clipped
    # Mirrors at both borders repeat with a period; its second half runs backwards.
    period = 2 * n if mode == "symmetric" else max(2 * (n - 1), 1)
    forwards = index % period
    backwards: Array = period - forwards - (1 if mode == "symmetric" else 0)
    folded: Array = np.minimum(forwards, backwards)
    return folded


def _pad_constant(data: Array, begin: Array, end: Array, value: Array | None) -> Array:
    pads = list(zip(begin.tolist(), end.tolist()))
    shape = [max(n + b + e, 0) for n, (b, e) in zip(data.shape, pads)]
    out = np.zeros(shape, data.dtype)
    if value is not None:
        out[...] = value.reshape(())
    source = tuple(slice(max(-b, 0), n + min(e, 0)) for n, (b, e) in zip(data.shape, pads))
    target = tuple(slice(max(b, 0), n - max(e, 0)) for n, (b, e) in zip(shape, pads))
    if all(n > 0 for n in shape) and all(s.stop > s.start for s in source):
        out[target] = data[source]
    return out


def roll(data: Array, shift: Array, axes: Array) -> Array:
    """`data` shifted around each of `axes`; shifts of one axis add up, one shift serves all axes."""
    shifts = np.broadcast_to(shift.reshape(-1), axes.size)
    return np.roll(data, tuple(int(s) for s in shifts), tuple(int(a) for a in axes.reshape(-1)))


def reverse_sequence(data: Array, lengths: Array, batch_axis: int, seq_axis: int) -> Array:
    """`data` with the first lengths[i] steps of sequence i reversed."""
    moved = np.moveaxis(data, (batch_axis, seq_axis), (0, 1))
    step = np.arange(moved.shape[1])
    n = lengths.astype(np.int64).reshape(-1, 1)
    source = np.where(step < n, n - 1 - step, step)
    out = moved[np.arange(moved.shape[0]).reshape(-1, 1), source]
    return np.moveaxis(out, (0, 1), (batch_axis, seq_axis))
