"""Writing elements by index, with and without a reduction of what meets in one place."""

from __future__ import annotations

from typing import Any

import numpy as np

from .array import Array


def scatter_update(data: Array, indices: Array, updates: Array, axis: Array) -> Array:
    """A copy of `data` with slices along an axis replaced. Of several for one place, the last counts."""
    out = data.astype(np.result_type(data.dtype, updates.dtype))
    out[(slice(None),) * range(data.ndim)[int(axis.item())] + (indices,)] = updates
    return out


def scatter_elements(
    data: Array, indices: Array, updates: Array, axis: Array, reduction: str, use_init_val: bool
) -> Array:
    """A copy of `data` with out[indices[i][j]][j] = updates[i][j] for axis 0, and so on.

    sum, prod, min, max, mean combine all updates of a place, and with `use_init_val` the element that was there.
    """
    along = range(data.ndim)[int(axis.item())]
    index = list(np.ogrid[tuple(slice(n) for n in indices.shape)])
    index[along] = indices.astype(np.int64)
    place = tuple(np.broadcast_arrays(*index))
    out = data.copy()
    if reduction == "none":
        out[place] = updates
        return out
    if not use_init_val:
        out[place] = neutral(reduction, data.dtype)
    if reduction == "mean":
        return _mean(out, place, updates, use_init_val)
    accumulate(out, place, updates, reduction)
    return out


def scatter_nd(data: Array, indices: Array, updates: Array, reduction: str) -> Array:
    """A copy of `data` with slices at coordinates, the last dimension of `indices`, replaced or combined."""
    out = data.astype(np.result_type(data.dtype, updates.dtype))
    place = tuple(np.moveaxis(indices.astype(np.int64), -1, 0))
    if reduction == "none":
        out[place] = updates
    else:
        accumulate(out, place, updates, reduction)
    return out


def accumulate(out: Array, place: tuple[Array, ...], updates: Array, reduction: str) -> None:
    """Combines updates into `out`, where one place may be met many times. Booleans: sum is or, prod is and."""
    names: dict[str, np.ufunc] = {"sum": np.add, "sub": np.subtract, "prod": np.multiply}
    names |= {"min": np.minimum, "max": np.maximum}
    if out.dtype == np.bool_:
        names = {"sum": np.logical_or, "max": np.logical_or, "prod": np.logical_and, "min": np.logical_and}
    names[reduction].at(out, place, updates)


def neutral(reduction: str, dtype: np.dtype[Any]) -> Array:
    """What a reduction starts from."""
    if reduction in ("sum", "mean"):
        return np.zeros((), dtype)
    if reduction == "prod":
        return np.ones((), dtype)
    if dtype == np.bool_:
        return np.array(reduction == "min")
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return np.array(limits.max if reduction == "min" else limits.min, dtype)
    return np.array(np.inf if reduction == "min" else -np.inf, dtype)


def _mean(out: Array, place: tuple[Array, ...], updates: Array, use_init_val: bool) -> Array:
    count = np.zeros(out.shape, np.int64)
    np.add.at(count, place, 1)
    touched = count > 0
    np.add.at(out, place, updates)
    divisor = count[touched] + int(use_init_val)
    total = out[touched]
    if out.dtype.kind in "iu":
        quotient = np.abs(total) // divisor.astype(out.dtype)  # towards zero
        out[touched] = np.where(total < 0, -quotient, quotient).astype(out.dtype)
    else:
        out[touched] = total / divisor.astype(out.dtype)
    return out
