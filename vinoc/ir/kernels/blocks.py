"""Elements moved between channels, batch and space; patches of images."""

from __future__ import annotations

from math import prod

import numpy as np

from .array import Array, Ints
from .conv import auto_pads, last, out_sizes, pad_spatial, tap_slices, window_view


def depth_to_space(data: Array, block: int, mode: str) -> Array:
    """[N,C*b^k,*spatial] -> [N,C,*spatial*b]; channels are [b.., C] for blocks_first, [C, b..] for depth_first."""
    n, channels, *spatial = data.shape
    k = len(spatial)
    left = channels // block**k
    blocks = (block,) * k
    if mode == "blocks_first":
        x = data.reshape(n, *blocks, left, *spatial)
        depth, first = 1 + k, 1
    else:
        x = data.reshape(n, left, *blocks, *spatial)
        depth, first = 1, 2
    order = [0, depth]
    for i in range(k):
        order += [2 + k + i, first + i]
    return np.ascontiguousarray(x.transpose(order)).reshape(n, left, *[d * block for d in spatial])


def space_to_depth(data: Array, block: int, mode: str) -> Array:
    """The inverse of `depth_to_space`."""
    n, channels, *spatial = data.shape
    k = len(spatial)
    split: list[int] = []
    for d in spatial:
        split += [d // block, block]
    x = data.reshape(n, channels, *split)
    inner, outer = [3 + 2 * i for i in range(k)], [2 + 2 * i for i in range(k)]
    order = [0, *inner, 1, *outer] if mode == "blocks_first" else [0, 1, *inner, *outer]
    return np.ascontiguousarray(x.transpose(order)).reshape(n, channels * block**k, *[d // block for d in spatial])


def shuffle_channels(data: Array, axis: int, group: int) -> Array:
    """The channels dealt out: [G, C/G] -> [C/G, G] along the axis."""
    axis = axis % data.ndim
    x = data.reshape(*data.shape[:axis], group, data.shape[axis] // group, *data.shape[axis + 1 :])
    return np.ascontiguousarray(np.swapaxes(x, axis, axis + 1)).reshape(data.shape)


def batch_to_space(data: Array, block: Array, begin: Array, end: Array) -> Array:
    """Parts of the batch become blocks of space; then `begin` and `end` are cut off."""
    blocks = [int(b) for b in block]
    n = data.shape[0] // prod(blocks)
    x = data.reshape(*blocks[1:], n, *data.shape[1:])
    k = len(blocks) - 1
    order = [k]
    for i in range(k):
        order += [k + 1 + i, i]
    x = x.transpose(order).reshape(n, *[d * b for d, b in zip(data.shape[1:], blocks[1:])])
    cut = tuple(slice(int(b), size - int(e)) for b, e, size in zip(begin, end, x.shape))
    return np.ascontiguousarray(x[cut])


def space_to_batch(data: Array, block: Array, begin: Array, end: Array) -> Array:
    """Zeros are put around; then blocks of space become parts of the batch."""
    blocks = [int(b) for b in block]
    padded = np.pad(data, [(int(b), int(e)) for b, e in zip(begin, end)])
    split = [padded.shape[0]]
    for d, b in zip(padded.shape[1:], blocks[1:]):
        split += [d // b, b]
    k = len(blocks) - 1
    order = [*[2 + 2 * i for i in range(k)], 0, *[1 + 2 * i for i in range(k)]]
    small = [d // b for d, b in zip(padded.shape[1:], blocks[1:])]
    x = padded.reshape(split).transpose(order)
    return np.ascontiguousarray(x).reshape(padded.shape[0] * prod(blocks), *small)


def image_patches(data: Array, sizes: Ints, strides: Ints, rates: Ints, auto_pad: str) -> Array:
    """[N,C,H,W] -> [N,h*w*C,*out]: the elements of a patch lie along the channels, row by row."""
    begin, end = auto_pads(data.shape[2:], sizes, strides, rates, (), (), auto_pad)
    x = pad_spatial(data, begin, end)
    out = out_sizes(x.shape[2:], sizes, strides, rates)
    if 0 in out:
        return np.zeros((len(data), prod(sizes) * data.shape[1], *out), data.dtype)
    view = window_view(x, 1, sizes, strides, rates)[:, 0]
    patches = np.ascontiguousarray(view.transpose(0, 2, 3, 1, 4, 5))
    return patches.reshape(len(data), -1, *out)


def col2im(data: Array, size: Array, kernel: Array, strides: Ints, dilations: Ints, begin: Ints, end: Ints) -> Array:
    """[N,C*prod(kernel),L] -> [N,C,*size]: columns are added where windows of the image would take them."""
    batch = data if data.ndim == 3 else data[None]
    taps, image = [int(k) for k in kernel], [int(s) for s in size]
    padded = [s + b + e for s, b, e in zip(image, begin, end)]
    out = out_sizes(padded, taps, strides, dilations)
    columns = batch.reshape(len(batch), -1, *taps, *out)
    canvas = np.zeros((len(batch), columns.shape[1], *padded), data.dtype)
    for tap in np.ndindex(*taps):
        canvas[last(tap_slices(tap, out, strides, dilations))] += columns[(slice(None), slice(None), *tap)]
    found = canvas[last([slice(b, b + s) for b, s in zip(begin, image)])]
    return np.ascontiguousarray(found if data.ndim == 3 else found[0])
