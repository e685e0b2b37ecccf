"""Anchors: boxes that heads of detectors give offsets to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, sqrt

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError


@dataclass(frozen=True)
class SsdAnchors:
    """MediaPipe's options of SSD anchors (ssd_anchors_calculator.proto), by the same names.

    Layers of one stride that follow each other share a grid: their anchors stand together at each cell.
    """

    size: tuple[int, int]
    strides: Sequence[int]
    min_scale: float
    max_scale: float
    aspect_ratios: Sequence[float] = (1.0,)
    interpolated_scale_aspect_ratio: float = 1.0
    reduce_boxes_in_lowest_layer: bool = False
    fixed_anchor_size: bool = True
    offset: tuple[float, float] = (0.5, 0.5)

    def scale(self, layer: int) -> float:
        """From the least to the greatest in equal steps. Liu et al., "SSD", 2016, equation 4."""
        count = len(self.strides)
        if count == 1:
            return (self.min_scale + self.max_scale) / 2
        return self.min_scale + (self.max_scale - self.min_scale) * layer / (count - 1)

    def sides(self, layer: int) -> list[tuple[float, float]]:
        """(width, height) of the anchors of one layer: s sqrt(r), s / sqrt(r) for each ratio, one between scales."""
        scale = self.scale(layer)
        if layer == 0 and self.reduce_boxes_in_lowest_layer:
            found = [(0.1, 1.0), (scale, 2.0), (scale, 0.5)]
        else:
            found = [(scale, float(ratio)) for ratio in self.aspect_ratios]
            if self.interpolated_scale_aspect_ratio > 0:
                following = self.scale(layer + 1) if layer + 1 < len(self.strides) else 1.0
                found.append((sqrt(scale * following), self.interpolated_scale_aspect_ratio))
        return [(s * sqrt(r), s / sqrt(r)) for s, r in found]

    def made(self) -> Array:
        """[anchors, 4]: x, y, width, height relative to the image, x and y the middle; width and height 1 where sizes
        are fixed."""
        parts = []
        for stride, layers in groupby(range(len(self.strides)), key=lambda i: self.strides[i]):
            sides = np.array([s for layer in layers for s in self.sides(layer)])
            sides = np.ones_like(sides) if self.fixed_anchor_size else sides
            rows, columns = ceil(self.size[0] / stride), ceil(self.size[1] / stride)
            y, x = np.divmod(np.arange(rows * columns), columns)
            centers = np.stack([(x + self.offset[0]) / columns, (y + self.offset[1]) / rows], axis=1)
            parts.append(np.hstack([np.repeat(centers, len(sides), axis=0), np.tile(sides, (len(centers), 1))]))
        return np.concatenate(parts)


def priors(size: tuple[int, int], strides: Sequence[int], sides: Sequence[Sequence[float]]) -> Array:
    """[anchors, 4] of x y width height relative to an image (height, width): squares of `sides` pixels at the middle of
    each cell of each grid. Deng et al., "RetinaFace", 2019, section 4.2."""
    height, width = size
    parts = []
    for stride, each in zip(strides, sides, strict=True):
        rows, columns = round(height / stride), round(width / stride)
        y, x = np.divmod(np.arange(rows * columns), columns)
        centers = np.stack([(x + 0.5) * stride / width, (y + 0.5) * stride / height], axis=1)
        squares = np.array([[s / width, s / height] for s in each])
        parts.append(np.hstack([np.repeat(centers, len(each), axis=0), np.tile(squares, (len(centers), 1))]))
    return np.concatenate(parts)


def checked(anchors: Array, count: int, where: str) -> Array:
    """Raises a UsageError where there are not as many anchors as boxes."""
    if len(anchors) != count:
        what = f"the model has {count} boxes, the options make {len(anchors)} anchors"
        raise UsageError(what, where, "look at the size of the input, at strides and scales")
    return anchors
