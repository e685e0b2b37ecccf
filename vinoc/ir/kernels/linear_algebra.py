"""Functions of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arithmetic import like

Array = np.ndarray[Any, np.dtype[Any]]


def inverse(x: Array, adjoint: bool) -> Array:
    """The inverse of matrices [..., M, M]; with `adjoint` the adjugate, that is, the inverse times the determinant.

    A singular matrix raises LinAlgError unless the adjugate is asked for, which always exists.
    """
    wide = x.astype(np.float64)
    return like(_adjugate(wide) if adjoint else np.linalg.inv(wide), x)


def _adjugate(x: Array) -> Array:
    """By x = u * diag(s) * v: adj(x) = det(u) * det(v) * v' * diag(products of all other s) * u'."""
    u, s, v = np.linalg.svd(x)
    size = x.shape[-1]
    others = np.stack([np.prod(np.delete(s, i, axis=-1), axis=-1) for i in range(size)], axis=-1)
    sign = np.linalg.det(u) * np.linalg.det(v)
    turned = np.swapaxes(v, -1, -2) * others[..., None, :]
    return sign[..., None, None] * (turned @ np.swapaxes(u, -1, -2))  # type: ignore[no-any-return]
