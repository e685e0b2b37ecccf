"""Quantization that stays in floating point."""

from __future__ import annotations

from .. import types
from ..dtype import Array, DType, f8e4m3, f8e5m2
from ..errors import VinocError
from ..kernels import quantize
from ..op import Op, Operand, op
from ..types import TensorType
from .elementwise import AutoBroadcast, combine, floating, same_dtype


@op(opset=1)
class FakeQuantize(Op):
    """Rounds to `levels` evenly spaced values, halves to even.

    x <= min(il, ih): ol;  x > max(il, ih): oh;  else
    round((x - il) / (ih - il) * (levels - 1)) / (levels - 1) * (oh - ol) + ol.
    Computed in f32. The four limits broadcast to the data.
    """

    levels: int
    auto_broadcast: AutoBroadcast = "numpy"

    def validate(self) -> None:
        if self.levels < 2:
            raise VinocError(f"attribute `levels` of FakeQuantize is {self.levels}, expected at least 2")

    def infer(
        self, data: Operand, input_low: Operand, input_high: Operand, output_low: Operand, output_high: Operand
    ) -> TensorType:
        found = floating(data, "data")
        limits = (input_low, input_high, output_low, output_high)
        same_dtype(data, *limits)
        return TensorType(found.dtype, combine(self.auto_broadcast, found.shape, *(v.shape for v in limits)))

    def evaluate(
        self, data: Array, input_low: Array, input_high: Array, output_low: Array, output_high: Array
    ) -> Array:
        return quantize.fake_quantize(data, input_low, input_high, output_low, output_high, self.levels)


@op(opset=13)
class FakeConvert(Op):
    """Rounds data * scale - shift to the values of an 8-bit float, and undoes scale and shift. Saturates."""

    destination_type: DType = f8e4m3

    def validate(self) -> None:
        if self.destination_type not in (f8e4m3, f8e5m2):
            raise VinocError(
                f"attribute `destination_type` of FakeConvert is {self.destination_type}, expected f8e4m3 or f8e5m2"
            )

    def infer(self, data: Operand, scale: Operand, shift: Operand | None = None) -> TensorType:
        found = floating(data, "data")
        same_dtype(data, scale)
        shape = types.broadcast(found.shape, scale.shape)
        if shift is not None:
            same_dtype(data, shift)
            shape = types.broadcast(shape, shift.shape)
        return TensorType(found.dtype, shape)

    def evaluate(self, data: Array, scale: Array, shift: Array | None = None) -> Array:
        return quantize.fake_convert(data, scale, shift, self.destination_type.numpy)
