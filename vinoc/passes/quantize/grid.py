"""Evenly spaced values that hold zero exactly: scale * (q - zero) for q = 0 .. levels - 1.

Affine quantization as in Jacob et al. 2018 (arXiv:1712.05877), section 2.1. A range is widened, never cut, until zero
is one of its values.
"""

from __future__ import annotations

import numpy as np

from ...ir.dtype import Array
from ...ir.record import record

MANTISSA = 16
"""Bits of a scale. With the eight bits of a level f32 holds their product exactly, and so the ends of the range."""

EXACT_MANTISSA = 3
"""Bits of scales whose products f32 sums exactly: two of three bits, two levels of eight, and two bits are left for
the number of summands, which partly cancel. Scales are 1, 1.25, 1.5 or 1.75 times a power of two then."""

HALF_MANTISSA, HALF_SMALLEST, HALF_LARGEST = 11, 2.0**-14, 65504.0
"""Bits of f16, and between which numbers it has all of them."""

NARROWEST = 2.0**-16
"""Of the widest range of a tensor: what the range of a channel without values is taken for."""

SMALLEST = 2.0**-20
"""Width that the range of a whole tensor without values is taken for."""


@record(frozen=True)
class Grid:
    """`scale` and `zero` are f64 arrays of one shape; `zero` counts levels from the lowest."""

    scale: Array
    zero: Array
    levels: int

    @property
    def low(self) -> Array:
        """The smallest value."""
        return np.asarray(0.0 - self.zero * self.scale)

    @property
    def high(self) -> Array:
        """The largest value."""
        return np.asarray((self.levels - 1 - self.zero) * self.scale)

    def shortened(self) -> Grid:
        """The grid whose scale has the eleven bits of f16, if that holds it; it reaches no less far."""
        fits = self.scale.min(initial=1) >= HALF_SMALLEST and self.scale.max(initial=1) < HALF_LARGEST
        return Grid(_short(self.scale, HALF_MANTISSA), self.zero, self.levels) if fits else self


def asymmetric(low: Array, high: Array, levels: int, exact: bool = False) -> Grid:
    """scale = (high - low) / (levels - 1), zero = round(-low / scale); then the scale that reaches both ends.

    Exact ones: scale = (high - low) / levels, zero = floor(-low / scale); an end may be one step outside.
    """
    low, high = _opened(low, high)
    if exact:
        scale = _short((high - low) / levels, EXACT_MANTISSA)
        zero = np.clip(np.floor(-low / scale), np.where(low < 0, 1, 0), levels - 1 - np.where(high > 0, 1, 0))
        return Grid(scale, zero, levels)
    steps = levels - 1
    zero = np.rint(-low / ((high - low) / steps))
    zero = np.where(low < 0, np.maximum(zero, 1), 0)
    zero = np.where(high > 0, np.minimum(zero, steps - 1), zero)
    with np.errstate(divide="ignore", invalid="ignore"):
        below = np.where(zero > 0, -low / zero, 0)
        above = np.where(zero < steps, high / (steps - zero), 0)
    return Grid(_short(np.maximum(below, above), MANTISSA), zero, levels)


def symmetric(low: Array, high: Array, levels: int, signed: bool | None = None, exact: bool = False) -> Grid:
    """scale = max(|low|, |high|) / top, where top = levels - 1 - zero, and zero is levels // 2: -top .. top for an odd
    number of levels, -top - 1 .. top for an even one. Where nothing is negative, 0 .. levels - 1 unless `signed`.

    Exact ones: scale = max(|low|, |high|) / (top + 1); the ends may be one step outside.
    """
    low, high = _opened(low, high)
    signed = bool((low < 0).any()) if signed is None else signed
    zero = levels // 2 if signed else 0
    limit = np.maximum(-low, high)
    top = levels - 1 - zero
    scale = _short(limit / (top + 1), EXACT_MANTISSA) if exact else _short(limit / top, MANTISSA)
    return Grid(scale, np.full(limit.shape, zero, np.float64), levels)


def _opened(low: Array, high: Array) -> tuple[Array, Array]:
    """Ranges with zero in them, none of which is empty."""
    low = np.minimum(np.asarray(low, np.float64), 0)
    high = np.maximum(np.asarray(high, np.float64), 0)
    width = high - low
    least = max(float(width.max(initial=0.0)) * NARROWEST, SMALLEST)
    return low, np.where(width < least, low + least, high)


def _short(scale: Array, bits: int) -> Array:
    """The next number up that has so many bits."""
    fraction, exponent = np.frexp(scale)
    return np.asarray(np.ldexp(np.ceil(fraction * 2.0**bits), exponent - bits))
