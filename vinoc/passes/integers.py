"""Integers as the floats that products of them are written with."""

from __future__ import annotations

from ..ir.builder import Builder
from ..ir.dtype import f32
from ..ir.graph import Value


def centred(b: Builder, values: Value, zero: Value) -> Value:
    """Integers less their zero point, as f32."""
    found: Value = b.Convert(values, destination_type=f32)
    if zero.const is not None and not zero.const.any():
        return found
    less: Value = b.Subtract(found, b.Convert(zero, destination_type=f32))
    return less
