"""What half precision (f16) holds of an array: the nearest values, and what is lost."""

from __future__ import annotations

import numpy as np

from ..ir.buffer import is_repeated
from ..ir.dtype import Array
from ..ir.record import record

MAX = 65504.0
SMALLEST = 2.0**-24
"""The smallest but zero."""

NORMAL = 2.0**-14
"""The smallest that has all eleven bits."""

EIGHT_BITS = 2.0**-17
"""From here on values have eight bits or more (eleven from 2^-14 on); below, the fewer the smaller."""

MAGNITUDE, INFINITY = np.uint16(0x7FFF), np.uint16(0x7C00)
"""Bits of f16 but the sign, and those of infinity: integers compare several times faster."""

BLOCK = 1 << 16
"""Elements treated at a time: a handful of arrays of that size stay in the second-level cache."""


def nearest(array: Array) -> Array:
    """The nearest half-precision values; those beyond the range become the largest (infinities stay)."""
    if array.size > 1 and is_repeated(array):
        return np.broadcast_to(nearest(array[(0,) * array.ndim].reshape(1))[0], array.shape)
    if array.size and max(array.max(), -array.min()) < NORMAL:
        return _subnormal(array)
    with np.errstate(over="ignore"):
        half: Array = array.astype(np.float16, order="C")
    overflowed = half.view(np.uint16) & MAGNITUDE >= INFINITY
    if overflowed.any():
        overflowed &= np.isfinite(array)
        half[overflowed] = np.copysign(np.float16(MAX), half[overflowed])
    return half


def _subnormal(array: Array) -> Array:
    """The same where all are below the normal range; processors take twenty times as long for such a conversion."""
    steps = np.rint(array * array.dtype.type(1 / SMALLEST))
    bits = np.abs(steps).astype(np.uint16)
    bits |= np.signbit(array).astype(np.uint16) << np.uint16(15)
    return bits.view(np.float16)


@record()
class Losses:
    """What f16 cannot hold of an array: how many finite values of `size` are `beyond` its range and how many that are
    not 0 would `vanish`; `largest` is the largest finite magnitude."""

    size: int
    beyond: int = 0
    vanish: int = 0
    largest: float = 0.0

    @property
    def is_total(self) -> bool:
        """Whether a device that computes in f16 would have another number, or hardly any bits of it."""
        return self.beyond > 0 or 0 < self.largest < EIGHT_BITS

    def why(self, share: float) -> str:
        """Why the array is better left as it is; empty where f16 holds it but for `share` of its values."""
        if self.beyond:
            return f"{self.beyond} of its {self.size} values are beyond 65504, up to {self.largest:.3g}"
        if 0 < self.largest < NORMAL:
            return f"all its values are below 2^-14, {self.largest:.3g} at most: f16 has few or no bits for them"
        if self.vanish > share * self.size:
            return f"{100 * self.vanish / self.size:.3g}% of its values are below 2^-24 and would vanish"
        return ""


def losses(array: Array) -> Losses:
    """Counts them, a block at a time."""
    flat = array[(0,) * array.ndim].reshape(1) if array.size and is_repeated(array) else array.reshape(-1)
    out = Losses(flat.size)
    for i in range(0, flat.size, BLOCK):
        size = np.abs(flat[i : i + BLOCK])
        largest = float(size.max())
        if not largest <= MAX:
            largest = float(size.max(where=np.isfinite(size), initial=0))
            out.beyond += int(np.count_nonzero((size > MAX) & (size < np.inf)))
        if not size.min() >= SMALLEST:
            out.vanish += int(np.count_nonzero((size < SMALLEST) & (size > 0)))
        out.largest = max(out.largest, largest)
    if array.size > flat.size:
        out.size, out.beyond, out.vanish = array.size, array.size * out.beyond, array.size * out.vanish
    return out


def is_uniform(array: Array) -> bool:
    """Whether one value fills an array."""
    if not array.size or is_repeated(array):
        return True
    flat = array.reshape(-1)
    return bool(flat[0] == flat[-1] and flat[0] == flat[flat.size // 2] and (flat == flat[0]).all())
