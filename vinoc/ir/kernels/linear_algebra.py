"""Functions of matrices."""

from __future__ import annotations

import numpy as np

from .arithmetic import like
from .array import Array


def inverse(x: Array, adjoint: bool) -> Array:
    """The inverse of matrices [..., M, M], or of their transposes. A singular matrix raises LinAlgError."""
    wide = x.astype(np.float64)
    return like(np.linalg.inv(np.swapaxes(wide, -1, -2) if adjoint else wide), x)
