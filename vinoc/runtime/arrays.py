"""Arrays of strings in the forms that programs, tensors and devices have them in."""

from __future__ import annotations

import numpy as np

from ..ir.dtype import Array
from ..ir.errors import UsageError


def to_strings(array: Array) -> Array:
    """Strings or bytes as an array of str objects. Raises UsageError for anything else."""
    if array.dtype.kind not in "OSUT":
        raise UsageError(f"expected strings, got an array of {array.dtype}")
    out = np.empty(array.shape, object)
    out.reshape(-1)[:] = [_text(v) for v in array.reshape(-1).tolist()]
    return out


def as_text(array: Array) -> Array:
    """Strings as an array of kind U."""
    return np.array([_text(v) for v in array.reshape(-1).tolist()], np.str_).reshape(array.shape)


def as_bytes(array: Array) -> Array:
    """Strings as an array of kind S, in UTF-8."""
    encoded = [_text(v).encode("utf-8", "surrogateescape") for v in array.reshape(-1).tolist()]
    return np.array(encoded, np.bytes_).reshape(array.shape)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, str):
        return value
    raise UsageError(f"expected strings, got {value!r}")
