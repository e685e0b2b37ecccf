"""Comparisons of two operands, with NumPy broadcasting. The result is boolean."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ..dtype import Array, boolean
from ..errors import InferenceError
from ..kernels import arithmetic
from ..op import Op, Operand, op
from ..types import TensorType
from .elementwise import AutoBroadcast, combine, same_dtype


class Comparison(Op):
    """What the comparisons share. Ordered ones take numbers and booleans; `Equal` and `NotEqual` take all types."""

    auto_broadcast: AutoBroadcast = "numpy"
    symbolic: ClassVar[bool] = True
    ordered: ClassVar[bool] = True

    def infer(self, a: Operand, b: Operand) -> TensorType:
        same_dtype(a, b)
        if self.ordered and a.dtype.kind in "cs":
            raise InferenceError(f"elements of type {a.dtype} have no order")
        return TensorType(boolean, combine(self.auto_broadcast, a.shape, b.shape))


@op(opset=1)
class Equal(Comparison):
    """a == b."""

    commutative: ClassVar[bool] = True
    ordered: ClassVar[bool] = False
    auto_broadcast: AutoBroadcast = "numpy"

    def evaluate(self, a: Array, b: Array) -> Array:
        return arithmetic.equal(a, b)


@op(opset=1)
class NotEqual(Comparison):
    """a != b."""

    commutative: ClassVar[bool] = True
    ordered: ClassVar[bool] = False
    auto_broadcast: AutoBroadcast = "numpy"

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.logical_not(arithmetic.equal(a, b))


@op(opset=1)
class Greater(Comparison):
    """a > b."""

    auto_broadcast: AutoBroadcast = "numpy"

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.greater(a, b)


@op(opset=1)
class GreaterEqual(Comparison):
    """a >= b."""

    auto_broadcast: AutoBroadcast = "numpy"

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.greater_equal(a, b)


@op(opset=1)
class Less(Comparison):
    """a < b."""

    auto_broadcast: AutoBroadcast = "numpy"

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.less(a, b)


@op(opset=1)
class LessEqual(Comparison):
    """a <= b."""

    auto_broadcast: AutoBroadcast = "numpy"

    def evaluate(self, a: Array, b: Array) -> Array:
        return np.less_equal(a, b)
