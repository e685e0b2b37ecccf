"""Rules that bring a graph to what OpenVINO computes well."""

from __future__ import annotations

from math import prod
from typing import Any

from ...ir.builder import Builder
from ...ir.graph import Value
from ...passes.pattern import Const, Match, OpPattern, Tracer
from ...passes.rewrite import Decline, Rewrite, rewrite

LARGEST_WINDOW = 4096
"""Elements of a window up to which OpenVINO's pooling kernel was seen to be as fast as its reduction."""


@rewrite
class MeanToAvgPool(Rewrite):
    """ReduceMean(x, all spatial axes) = AvgPool(x, the whole image).

    OpenVINO's CPU device computes a ReduceMean in an order, and with fusions, that lose small terms beside large ones
    (SqueezeNet with synthetic weights: all classes wrong); its pooling does not.
    """

    def pattern(self, p: Tracer, x: Any, axes: Const) -> OpPattern:
        return p.ReduceMean(x, axes)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        shape = m.x.shape
        if shape is None or not 4 <= len(shape) <= 5:
            return Decline("the input has no known batch, channels and two or three spatial dimensions")
        if sorted(int(a) % len(shape) for a in m.axes.flat) != list(range(2, len(shape))):
            return Decline("it does not reduce all spatial axes and nothing else")
        spatial = shape[2:]
        if not m.ReduceMean.keep_dims or not m.x.dtype.is_float:
            return Decline("it drops the axes" if m.x.dtype.is_float else "the elements are not float")
        if not all(isinstance(d, int) and d > 0 for d in spatial) or prod(spatial) > LARGEST_WINDOW:
            return Decline("the image is not of a known, moderate size")
        nothing = (0,) * len(spatial)
        pooled: Value = b.AvgPool(
            m.x,
            strides=(1,) * len(spatial),
            pads_begin=nothing,
            pads_end=nothing,
            kernel=tuple(spatial),
            exclude_pad=True,
        )
        return pooled
