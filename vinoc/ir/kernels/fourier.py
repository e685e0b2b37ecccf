"""Discrete Fourier transforms. Complex numbers are a last dimension of two: real and imaginary part.

Everything is computed in f64 and brought to the type of the data at the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .array import Array


def dft(data: Array, axes: Array, signal_size: Array | None, inverse: bool = False) -> Array:
    """The spectrum of complex data [..., 2] along `axes`, or with `inverse` the signal of a spectrum; [..., 2].

    The inverse is divided by the number of points. `signal_size`: see `sizes_of`.
    """
    x = to_complex(data)
    along = axes_of(axes, x.ndim)
    transform = np.fft.ifftn if inverse else np.fft.fftn
    return to_pairs(transform(x, sizes_of(x, along, signal_size), along), data.dtype)


def rdft(data: Array, axes: Array, signal_size: Array | None) -> Array:
    """The spectrum of real data along `axes`, [..., 2]: of the last axis the half that determines the other."""
    along = axes_of(axes, data.ndim)
    spectrum = np.fft.rfftn(data.astype(np.float64), sizes_of(data, along, signal_size), along)
    return to_pairs(spectrum, data.dtype)


def irdft(data: Array, axes: Array, signal_size: Array | None) -> Array:
    """The real signal of half a spectrum [..., 2]; the half axis, the last of `axes`, gets 2 * (size - 1) points."""
    x = to_complex(data)
    along = axes_of(axes, x.ndim)
    sizes = sizes_of(x, along, signal_size)
    if signal_size is None or np.asarray(signal_size).reshape(-1)[-1] == -1:
        sizes[-1] = 2 * (x.shape[along[-1]] - 1)
    return np.fft.irfftn(x, sizes, along).astype(data.dtype)


def axes_of(axes: Array, rank: int) -> list[int]:
    """The axes counted from the front of what is transformed, the dimension of two not counted."""
    return [a + rank if a < 0 else a for a in np.asarray(axes).reshape(-1).tolist()]


def sizes_of(x: Array, axes: list[int], signal_size: Array | None) -> list[int]:
    """To how many points each axis is cut, or filled with zeros; -1 leaves it as it is."""
    given = [-1] * len(axes) if signal_size is None else np.asarray(signal_size).reshape(-1).tolist()
    return [x.shape[a] if n == -1 else int(n) for a, n in zip(axes, given, strict=True)]


def to_complex(data: Array) -> Array:
    """Pairs [..., 2] as complex numbers."""
    pairs = np.ascontiguousarray(data, np.float64)
    return np.asarray(pairs.view(np.complex128)[..., 0])


def to_pairs(x: Array, dtype: np.dtype[Any]) -> Array:
    """Complex numbers as pairs [..., 2] of another type."""
    return np.stack([x.real, x.imag], -1).astype(dtype)
