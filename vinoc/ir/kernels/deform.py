"""Deformable convolution: every tap of the kernel looks at a place of its own."""

from __future__ import annotations

import numpy as np

from .array import Array, Ints
from .conv import accumulator, narrow


def deformable_convolution(
    data: Array, offsets: Array, filters: Array, mask: Array | None, strides: Ints, dilations: Ints, begin: Ints,
    group: int, deformable_group: int, soft_border: bool,
) -> Array:  # fmt: skip
    """data [N,C,H,W], offsets [N,D*kh*kw*2,h,w], filters [O,C/group,kh,kw], mask [N,D*kh*kw,h,w] -> [N,O,h,w].

    out[o, y, x] = sum of filter[o, c, i, j] * mask * data at (y * stride + i * dilation - begin + offset), bilinear.
    """
    wide = accumulator(data.dtype)
    n, channels, height, width = data.shape
    kh, kw = filters.shape[2:]
    out_h, out_w = offsets.shape[2:]
    shift = offsets.reshape(n, deformable_group, kh, kw, 2, out_h, out_w).astype(np.float64)
    rows = np.arange(out_h).reshape(-1, 1) * strides[0] - begin[0]
    columns = np.arange(out_w) * strides[1] - begin[1]
    taps = np.empty((n, channels, kh, kw, out_h, out_w), wide)
    parts = data.astype(wide, copy=False).reshape(n, deformable_group, -1, height, width)
    for i in range(kh):
        for j in range(kw):
            y = rows + i * dilations[0] + shift[:, :, i, j, 0]
            x = columns + j * dilations[1] + shift[:, :, i, j, 1]
            found = bilinear(parts, y, x, soft_border)
            if mask is not None:
                weights = mask.reshape(n, deformable_group, 1, kh, kw, out_h, out_w)
                found = found * weights[:, :, :, i, j].astype(wide)
            taps[:, :, i, j] = found.reshape(n, channels, out_h, out_w)
    columns_of = taps.reshape(n, group, -1, out_h * out_w)
    weights = filters.astype(wide, copy=False).reshape(group, len(filters) // group, -1)
    total = np.matmul(weights, columns_of).reshape(n, len(filters), out_h, out_w)
    return np.asarray(narrow(total, data.dtype))


def bilinear(data: Array, y: Array, x: Array, soft_border: bool) -> Array:
    """[N,D,C,H,W] at places [N,D,h,w] -> [N,D,C,h,w].

    Outside lie zeros; with `soft_border` places up to an element outside still mix with the border, otherwise they
    count as outside, and the far neighbour of the last element is that element.
    """
    height, width = data.shape[3:]
    top, left = np.floor(y), np.floor(x)
    batch = np.arange(data.shape[0]).reshape(-1, 1, 1, 1)
    part = np.arange(data.shape[1]).reshape(1, -1, 1, 1)
    total = np.zeros((*data.shape[:3], *y.shape[2:]), data.dtype)
    counted = np.ones(y.shape, np.bool_) if soft_border else (y >= 0) & (y < height) & (x >= 0) & (x < width)
    for row, row_weight in ((top, top + 1 - y), (top + 1, y - top)):
        for column, column_weight in ((left, left + 1 - x), (left + 1, x - left)):
            at_row, at_column = row.clip(0, height - 1), column.clip(0, width - 1)
            inside = counted
            if soft_border:
                inside = (row == at_row) & (column == at_column)
            picked = data[batch, part, :, at_row.astype(np.int64), at_column.astype(np.int64)]
            weight = np.where(inside, row_weight * column_weight, 0).astype(data.dtype)
            total += np.moveaxis(picked, -1, 2) * weight[:, :, None]
    return total
