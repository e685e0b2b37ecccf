"""Places of values among sorted values."""

from __future__ import annotations

from typing import Any

import numpy as np

from .array import Array


def bucketize(x: Array, buckets: Array, to: np.dtype[Any], with_right_bound: bool) -> Array:
    """The index of the interval that holds each element; an interval includes its right or its left end."""
    return _places(buckets, x, not with_right_bound).astype(to)


def search_sorted(ordered: Array, values: Array, right: bool, to: np.dtype[Any]) -> Array:
    """Where each value would go into its row of `ordered`: before equal elements, or behind (`right`)."""
    if ordered.ndim == 1:
        return _places(ordered, values, right).astype(to)
    out = np.empty(values.shape, to)
    for row in np.ndindex(*values.shape[:-1]):
        out[row] = _places(ordered[row], values[row], right)
    return out


def _places(ordered: Array, values: Array, right: bool) -> Array:
    return np.asarray(np.searchsorted(ordered, values, side="right" if right else "left"))
