"""Sampling of images at computed places, regions of interest, non-maximum suppression."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arithmetic import like, widen
from .array import Array


def grid_sample(data: Array, grid: Array, align_corners: bool, mode: str, padding: str) -> Array:
    """data [N,C,H,W] at the places grid [N,h,w,2] of (x, y) in -1..1 -> [N,C,h,w]."""
    wide = widen(data)
    where = grid.astype(np.float32, copy=False)
    x = denormalize(where[..., 0], data.shape[3], align_corners)
    y = denormalize(where[..., 1], data.shape[2], align_corners)
    if mode == "nearest":
        return like(pick(wide, np.rint(y), np.rint(x), align_corners, padding), data)
    reach = 1 if mode == "bilinear" else 2
    left, top = np.floor(x), np.floor(y)
    total = np.zeros((*data.shape[:2], *grid.shape[1:3]), wide.dtype)
    for i in range(1 - reach, reach + 1):
        for j in range(1 - reach, reach + 1):
            weight = tap_weight(y - top - i, mode) * tap_weight(x - left - j, mode)
            total += pick(wide, top + i, left + j, align_corners, padding) * weight[:, None]
    return like(total, data)


def grid_sample_nd(data: Array, grid: Array, align_corners: bool, mode: str, padding: str) -> Array:
    """data [N,C,*spatial] at the places grid [N,*out,rank], the last dimension first, in -1..1 -> [N,C,*out]."""
    wide = widen(data)
    sizes = data.shape[2:]
    where = grid.astype(np.float32, copy=False)
    places = [denormalize(where[..., -1 - i], size, align_corners) for i, size in enumerate(sizes)]
    if mode == "nearest":
        return like(pick_nd(wide, [np.rint(p) for p in places], align_corners, padding), data)
    reach = 1 if mode == "bilinear" else 2
    bases = [np.floor(p) for p in places]
    total = np.zeros((*data.shape[:2], *grid.shape[1:-1]), wide.dtype)
    for taps in np.ndindex(*[2 * reach] * len(sizes)):
        at = [base + (t + 1 - reach) for base, t in zip(bases, taps)]
        weight = np.ones(grid.shape[:-1], np.float32)
        for place, tap in zip(places, at):
            weight = weight * tap_weight(place - tap, mode)
        total += pick_nd(wide, at, align_corners, padding) * weight[:, None]
    return like(total, data)


def pick_nd(data: Array, at: list[Array], align_corners: bool, padding: str) -> Array:
    """The elements of [N,C,*spatial] at whole places, an array [N,*out] for each spatial axis."""
    inside = np.ones(at[0].shape, np.bool_)
    index: list[Any] = [np.arange(len(data)).reshape(-1, *[1] * (at[0].ndim - 1)), slice(None)]
    for place, size in zip(at, data.shape[2:]):
        inside = inside & (place >= 0) & (place < size)
        folded = reflect(place, size, align_corners) if padding == "reflection" else place
        index.append(folded.clip(0, size - 1).astype(np.int64))
    found: Array = np.moveaxis(data[tuple(index)], -1, 1)
    return np.where(inside[:, None], found, found.dtype.type(0)) if padding == "zeros" else found


def denormalize(at: Array, size: int, align_corners: bool) -> Array:
    """-1..1 as a place between the first and the last element, or between their outer edges."""
    return np.asarray((at + 1) / 2 * (size - 1) if align_corners else ((at + 1) * size - 1) / 2)


def tap_weight(distance: Array, mode: str) -> Array:
    """The weight of an element at a distance: a triangle, or Keys' cubic kernel with -0.75."""
    d = np.abs(distance)
    if mode == "bilinear":
        return np.asarray(np.maximum(1 - d, 0))
    near = (1.25 * d - 2.25) * d * d + 1
    far = ((-0.75 * d + 3.75) * d - 6) * d + 3
    return np.where(d <= 1, near, np.where(d < 2, far, 0)).astype(d.dtype)


def pick(data: Array, y: Array, x: Array, align_corners: bool, padding: str) -> Array:
    """The elements of [N,C,H,W] at whole places [N,h,w]; outside zeros, the border or what is mirrored."""
    height, width = data.shape[2:]
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    if padding == "reflection":
        y, x = reflect(y, height, align_corners), reflect(x, width, align_corners)
    row = y.clip(0, height - 1).astype(np.int64)
    column = x.clip(0, width - 1).astype(np.int64)
    batch = np.arange(len(data)).reshape(-1, 1, 1)
    found = np.moveaxis(data[batch, :, row, column], -1, 1)
    return np.where(inside[:, None], found, found.dtype.type(0)) if padding == "zeros" else found


def reflect(at: Array, size: int, align_corners: bool) -> Array:
    """Whole places mirrored at the middle of the first and last element, or at their outer edges."""
    if align_corners:
        period = max(2 * (size - 1), 1)
        folded = np.mod(at, period)
        return np.minimum(folded, period - folded) if size > 1 else np.zeros_like(at)
    folded = np.mod(at, 2 * size)
    return np.asarray(np.minimum(folded, 2 * size - 1 - folded))


MOST_SAMPLES = 1 << 26
"""Of one region: what is more comes from coordinates that make no sense."""


def roi_align(
    data: Array, rois: Array, batches: Array, height: int, width: int, sampling: int, scale: float,
    mode: str, aligned: str,
) -> Array:  # fmt: skip
    """Each region [x1,y1,x2,y2] cut into bins; of each the mean or maximum of bilinear samples -> [R,C,h,w]."""
    wide = widen(data)
    out = np.zeros((len(rois), data.shape[1], height, width), wide.dtype)
    kind = np.float32
    before = kind(0.5) if aligned == "half_pixel" else kind(0)
    after = kind(0) if aligned == "asymmetric" else kind(0.5)
    for r, (region, batch) in enumerate(zip(rois.astype(kind), batches.tolist())):
        x1, y1, x2, y2 = (region + before) * kind(scale) - after
        least = kind(1) if aligned == "asymmetric" else kind(-np.inf)
        bin_h, bin_w = max(y2 - y1, least) / kind(height), max(x2 - x1, least) / kind(width)
        ny, nx = (sampling, sampling) if sampling > 0 else (int(np.ceil(bin_h)), int(np.ceil(bin_w)))
        if ny < 1 or nx < 1:
            continue
        if height * ny * width * nx > MOST_SAMPLES:
            raise ValueError(f"region {r}, {region.tolist()}, takes {height * ny} x {width * nx} samples")
        y = y1 + np.arange(height * ny, dtype=kind) * bin_h / kind(ny) + bin_h / kind(2 * ny)
        x = x1 + np.arange(width * nx, dtype=kind) * bin_w / kind(nx) + bin_w / kind(2 * nx)
        samples = sample_lattice(wide[int(batch)], y, x).reshape(-1, height, ny, width, nx)
        out[r] = samples.mean((2, 4)) if mode == "avg" else samples.max((2, 4))
    return like(out, data)


def sample_lattice(data: Array, y: Array, x: Array) -> Array:
    """[C,H,W] at rows y and columns x, bilinear; 0 for what lies more than an element outside."""
    rows, row_weights = neighbours(y, data.shape[1])
    columns, column_weights = neighbours(x, data.shape[2])
    total = np.zeros((len(data), len(y), len(x)), data.dtype)
    for row, row_weight in zip(rows, row_weights):
        for column, column_weight in zip(columns, column_weights):
            total += data[:, row][:, :, column] * (row_weight[:, None] * column_weight).astype(data.dtype)
    return total


def roi_corner_max(
    data: Array, rois: Array, batches: Array, height: int, width: int, sampling: int, scale: float, half_pixel: bool
) -> Array:
    """As roi_align's maximum, but of the four weighted elements around each sample instead of their sum."""
    wide = widen(data)
    out = np.zeros((len(rois), data.shape[1], height, width), wide.dtype)
    kind = np.float32
    shift = kind(0.5) if half_pixel else kind(0)
    least = kind(-np.inf) if half_pixel else kind(1)
    for r, (region, batch) in enumerate(zip(rois.astype(kind), batches.tolist())):
        x1, y1, x2, y2 = region * kind(scale) - shift
        bin_h, bin_w = max(y2 - y1, least) / kind(height), max(x2 - x1, least) / kind(width)
        ny, nx = (sampling, sampling) if sampling > 0 else (int(np.ceil(bin_h)), int(np.ceil(bin_w)))
        if ny < 1 or nx < 1:
            continue
        y = y1 + np.arange(height * ny, dtype=kind) * bin_h / kind(ny) + bin_h / kind(2 * ny)
        x = x1 + np.arange(width * nx, dtype=kind) * bin_w / kind(nx) + bin_w / kind(2 * nx)
        image = wide[int(batch)]
        rows, row_weights = neighbours(y, image.shape[1])
        columns, column_weights = neighbours(x, image.shape[2])
        best = np.full((len(image), len(y), len(x)), -np.inf, image.dtype)
        for row, row_weight in zip(rows, row_weights):
            for column, column_weight in zip(columns, column_weights):
                weight = (row_weight[:, None] * column_weight).astype(image.dtype)
                best = np.maximum(best, image[:, row][:, :, column] * weight)
        out[r] = best.reshape(-1, height, ny, width, nx).max((2, 4))
    return like(out, data)


def neighbours(at: Array, size: int) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """The two elements around each place and their weights, which are 0 far outside."""
    inside = (at >= -1) & (at <= size)
    clipped = at.clip(0, None)
    low = np.minimum(np.floor(clipped), size - 1)
    weight = np.where(clipped >= size - 1, 0, clipped - low)
    first = low.astype(np.int64)
    return (first, np.minimum(first + 1, size - 1)), ((1 - weight) * inside, weight * inside)


def roi_pool(data: Array, rois: Array, height: int, width: int, scale: float, method: str) -> Array:
    """Each region [batch,x1,y1,x2,y2] cut into bins; the maximum of each, or one bilinear sample -> [R,C,h,w]."""
    out = np.zeros((len(rois), data.shape[1], height, width), data.dtype)
    for r, roi in enumerate(rois.astype(np.float32)):
        image = data[int(roi[0])]
        if method == "max":
            corners = roi[1:] * np.float32(scale)
            nearest = np.trunc(corners + np.copysign(np.float32(0.5), corners))  # halves away from zero, as in C
            out[r] = pool_bins(image, nearest.astype(np.int64), height, width)
        else:
            out[r] = sample_bins(image, roi[1:], height, width)
    return out


def pool_bins(image: Array, region: Array, height: int, width: int) -> Array:
    """The maxima of a region of whole places in [C,H,W]; 0 for an empty bin."""
    out = np.zeros((len(image), height, width), image.dtype)
    x1, y1, x2, y2 = region.tolist()
    rows = bin_edges(y1, y2, height, image.shape[1])
    columns = bin_edges(x1, x2, width, image.shape[2])
    for i, (top, bottom) in enumerate(rows):
        for j, (left, right) in enumerate(columns):
            if top < bottom and left < right:
                out[:, i, j] = image[:, top:bottom, left:right].max((1, 2))
    return out


def bin_edges(first: int, last: int, bins: int, size: int) -> list[tuple[int, int]]:
    length = max(last - first + 1, 1)
    edges = [(i * length // bins, -(-(i + 1) * length // bins)) for i in range(bins)]
    return [(min(max(a + first, 0), size), min(max(b + first, 0), size)) for a, b in edges]


def sample_bins(image: Array, region: Array, height: int, width: int) -> Array:
    """Bilinear samples from corner to corner of a region in 0..1 of [C,H,W]; 0 outside."""
    x1, y1, x2, y2 = region
    y = sample_places(y1, y2, height, image.shape[1])
    x = sample_places(x1, x2, width, image.shape[2])
    inside = ((y >= 0) & (y <= image.shape[1] - 1))[:, None] & ((x >= 0) & (x <= image.shape[2] - 1))
    samples = sample_lattice(widen(image), y, x)
    return like(np.where(inside, samples, samples.dtype.type(0)), image)


def sample_places(first: Any, last: Any, count: int, size: int) -> Array:
    """From `first` to `last`, or the middle of them for one place alone."""
    if count == 1:
        return np.array([(first + last) * np.float32(size - 1) / np.float32(2)], np.float32)
    step = (last - first) * np.float32(size - 1) / np.float32(count - 1)
    return np.asarray(np.arange(count, dtype=np.float32) * step + first * np.float32(size - 1))


def non_max_suppression(
    boxes: Array, scores: Array, limit: int, iou_threshold: float, score_threshold: float, sigma: float,
    center: bool, descending: bool, index_type: np.dtype[Any],
) -> tuple[Array, Array, Array]:  # fmt: skip
    """boxes [B,N,4], scores [B,C,N] -> rows of (batch, class, box), rows of (batch, class, score), their number."""
    chosen: list[tuple[float, int, int, int]] = []
    for batch in range(len(boxes)):
        edges = corners(boxes[batch].astype(np.float32), center)
        for label in range(scores.shape[1]):
            values = scores[batch, label].astype(np.float32)
            for box, score in suppress(edges, values, limit, iou_threshold, score_threshold, sigma):
                chosen.append((score, batch, label, box))
    if descending:
        chosen.sort(key=lambda found: (-found[0], *found[1:]))
    indices = np.array([found[1:] for found in chosen], index_type).reshape(-1, 3)
    values = np.array([(b, c, s) for s, b, c, _ in chosen], scores.dtype).reshape(-1, 3)
    return indices, values, np.array([len(chosen)], index_type)


def corners(boxes: Array, center: bool) -> Array:
    """Boxes as [y1,x1,y2,x2], the smaller first; from [x,y,width,height] of their centers if `center`."""
    if center:
        x, y, w, h = boxes.T / np.array([[1], [1], [2], [2]], boxes.dtype)
        return np.stack([y - h, x - w, y + h, x + w], 1)
    first, last = boxes[:, :2], boxes[:, 2:]
    return np.concatenate([np.minimum(first, last), np.maximum(first, last)], 1)


def suppress(
    boxes: Array, scores: Array, limit: int, iou_threshold: float, score_threshold: float, sigma: float
) -> list[tuple[int, float]]:
    """The best boxes and their scores, best first, each overlapping the better ones by no more than the threshold.

    With sigma > 0 an overlap lowers the score instead: by exp(-iou^2 / (2 sigma)) for every better box (soft NMS).
    """
    left = np.flatnonzero(scores > score_threshold)
    left = left[np.argsort(-scores[left], kind="stable")]
    current = scores[left]
    if sigma <= 0:
        kept = apart(boxes[left], limit, iou_threshold)
        return [(int(left[i]), float(current[i])) for i in kept]
    chosen: list[tuple[int, float]] = []
    while len(left) and len(chosen) < limit:
        best = int(current.argmax())
        box = int(left[best])
        chosen.append((box, float(current[best])))
        left, current = np.delete(left, best), np.delete(current, best)
        overlap = iou(boxes[box], boxes[left])
        current = current * np.exp(np.float32(-0.5 / sigma) * overlap * overlap)
        keep = current > score_threshold
        left, current = left[keep], current[keep]
    return chosen


def apart(boxes: Array, limit: int, iou_threshold: float, block: int = 128) -> list[int]:
    """Those of boxes in their order that overlap none taken before by more than the threshold, at most `limit`.

    Block by block: all overlaps with what was taken at once, then those within the block.
    """
    most, taken = np.float32(iou_threshold), list[int]()
    for begin in range(0, len(boxes), block):
        if len(taken) >= limit:
            break
        part = boxes[begin : begin + block]
        free = np.flatnonzero((iou(boxes[taken][:, None], part) <= most).all(0))
        fine = iou(part[free][:, None], part[free]) <= most
        open_ = np.ones(len(free), np.bool_)
        for i, box in enumerate(free):
            if open_[i]:
                taken.append(begin + int(box))
                open_ &= fine[i]
    return taken[: max(limit, 0)]


def iou(box: Array, others: Array) -> Array:
    """Intersection over union of boxes [..., 4]; 0 where one is empty."""
    y1, x1, y2, x2 = (box[..., k] for k in range(4))
    v1, u1, v2, u2 = (others[..., k] for k in range(4))
    zero = others.dtype.type(0)
    common = np.maximum(np.minimum(y2, v2) - np.maximum(y1, v1), zero)
    common *= np.maximum(np.minimum(x2, u2) - np.maximum(x1, u1), zero)
    area, areas = (y2 - y1) * (x2 - x1), (v2 - v1) * (u2 - u1)
    full = (areas > 0) & (area > 0)
    union = np.where(full, area + areas - common, others.dtype.type(1))
    return np.asarray(np.where(full, common / union, zero))
