"""Products of integers of eight bits, in floats."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....ir.builder import Builder
from ....ir.dtype import f32, i32
from ....ir.graph import Value
from ....passes.pattern import Match, OpPattern, Tracer
from ....passes.rewrite import Decline, Rewrite, rewrite


@rewrite
class IntegerProductInFloats(Rewrite):
    """IntegerMatMul(a, b; za, zb) = Convert(MatMul(Convert(a) - za, Convert(b) - zb)), convolutions likewise.

    OpenVINO's CPU device has no product of integers that gives them: sums are f32, exact below 2^24.
    """

    def pattern(self, p: Tracer, a: Any, b: Any, a_zero: Any, b_zero: Any) -> OpPattern:
        return p.one_of("IntegerMatMul", "IntegerConvolution", name="product")(a, b, a_zero, b_zero)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        x, w = _centred(b, m.a, m.a_zero), _centred(b, m.b, m.b_zero)
        if m.product.kind == "IntegerMatMul":
            return b.Convert(b.MatMul(x, w), destination_type=i32)
        found = in_groups(b, m.product, x, w)
        return (
            Decline("the shape of the filters is not known")
            if found is None
            else b.Convert(found, destination_type=i32)
        )


def in_groups(b: Builder, op: Any, x: Value, w: Value) -> Value | None:
    """The Convolution or GroupConvolution of an IntegerConvolution; None where the filters' shape is not known."""
    from ....ir.ops.convolution import Convolution, GroupConvolution

    if op.groups == 1:
        return b.build(Convolution(*op.geometry), x, w)
    shape = op.split(w.shape)
    if shape is None or not all(isinstance(d, int) for d in shape):
        return None
    split = b.Reshape(w, b.const(np.array(shape)), special_zero=False)
    return b.build(GroupConvolution(*op.geometry), x, split)


def _centred(b: Builder, values: Value, zero: Value) -> Value:
    """Integers less their zero point, as f32."""
    found: Value = b.Convert(values, destination_type=f32)
    if zero.const is not None and not zero.const.any():
        return found
    less: Value = b.Subtract(found, b.Convert(zero, destination_type=f32))
    return less
