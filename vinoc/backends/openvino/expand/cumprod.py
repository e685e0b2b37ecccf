"""Running products, which OpenVINO lacks."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....ir.builder import Builder
from ....ir.dtype import i64
from ....ir.graph import Graph, Value
from ....ir.ops.control_flow import TensorIterator
from ....ir.types import TensorType
from ....passes.pattern import Match, OpPattern, Tracer
from ....passes.rewrite import Decline, Rewrite, rewrite
from .axes import exchange


@rewrite
class ExpandCumProd(Rewrite):
    """CumProd(x; axis) = a TensorIterator along it: p_0 = 1, p_(t+1) = p_t x_t, y_t = p_(t+1), or p_t (exclusive).

    The axis and the first one change places before and after it; from the end to the start where it is reversed.
    """

    def pattern(self, p: Tracer, x: Any, axis: Any) -> OpPattern:
        return p.CumProd(x, axis)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        shape = m.x.shape
        if shape is None or 0 in shape:
            return Decline("the rank is not known, or there is nothing to multiply")
        exclusive, reverse = m.CumProd.exclusive, m.CumProd.reverse
        order = exchange(b, m.axis, len(shape)) if len(shape) > 1 else None
        x = m.x if order is None else b.Transpose(m.x, order)
        dims = b.ShapeOf(x, output_type=i64)
        first = np.arange(len(shape)) == 0
        ones = b.Broadcast(b.const(1, x.dtype), b.Select(b.const(first), b.const(1), dims))
        body = _step(TensorType(x.dtype, (1, *(x.shape or ())[1:])), exclusive)
        start, end, stride = (-1, 0, -1) if reverse else (0, -1, 1)
        iterator = TensorIterator(
            body_from=(0, 1),
            slice_axis=(0, -1),
            slice_start=(start, 0),
            slice_end=(end, -1),
            slice_stride=(stride, 1),
            slice_part=(1, 1),
            back_edge=(-1, 1),
            out_from=(0,),
            out_axis=(0,),
            out_start=(start,),
            out_end=(end,),
            out_stride=(stride,),
            out_part=(1,),
        )
        (y,) = b.outputs(iterator, x, ones, bodies=(body,))
        return y if order is None else b.Transpose(y, order)


def _step(row: TensorType, exclusive: bool) -> Graph:
    """x_t, p_t -> y_t, p_(t+1)."""
    graph = Graph("CumProd")
    b = Builder(graph)
    x, so_far = graph.add_input(row), graph.add_input(row)
    product = b.Multiply(so_far, x)
    graph.add_output(so_far if exclusive else product)
    graph.add_output(product)
    return graph
