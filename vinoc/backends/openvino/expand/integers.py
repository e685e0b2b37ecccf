"""Products of integers of eight bits, in floats."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....ir.builder import Builder
from ....ir.dtype import i32
from ....ir.graph import Value
from ....ir.ops.convolution import Convolution, GroupConvolution
from ....ir.types import static_shape
from ....passes.integers import centred
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
        x, w = centred(b, m.a, m.a_zero), centred(b, m.b, m.b_zero)
        if m.product.kind == "IntegerMatMul":
            return b.Convert(b.MatMul(x, w), destination_type=i32)
        found = _convolved(b, m.product, x, w)
        if found is None:
            return Decline("the shape of the filters is not known")
        return b.Convert(found, destination_type=i32)


def _convolved(b: Builder, op: Any, x: Value, w: Value) -> Value | None:
    """What an IntegerConvolution is of floats; None where it has groups and the filters' shape is not known."""
    if op.groups == 1:
        return b.build(Convolution(*op.geometry), x, w)
    shape = static_shape(op.split(w.shape))
    if shape is None:
        return None
    split = b.Reshape(w, b.const(np.array(shape)), special_zero=False)
    return b.build(GroupConvolution(*op.geometry), x, split)
