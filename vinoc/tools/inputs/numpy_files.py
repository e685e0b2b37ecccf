"""Files of NumPy; objects, which would be pickles, are refused."""

from __future__ import annotations

import zlib
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from ...ir.dtype import Array
from ...ir.errors import UsageError

DAMAGED = (OSError, ValueError, EOFError, KeyError, AttributeError, BadZipFile, zlib.error, NotImplementedError)


def read_array(path: Path) -> Array:
    """The array of a .npy file. Raises UsageError."""
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found
        found.close()
    except DAMAGED as error:
        raise UsageError(f"cannot be read as .npy: {error}", str(path)) from error
    raise UsageError("is .npz, not .npy", str(path))


def read_either(path: Path) -> dict[str, Array]:
    """The arrays of a file by name; that of a .npy is "". Raises UsageError."""
    return {"": read_array(path)} if path.suffix.lower() == ".npy" else read_arrays(path)


def read_arrays(path: Path) -> dict[str, Array]:
    """The arrays of a .npz file by name. Raises UsageError."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except TypeError as error:
        raise UsageError("is .npy, not .npz", str(path)) from error
    except DAMAGED as error:
        raise UsageError(f"cannot be read as .npz: {error}", str(path)) from error


def one_array(arrays: dict[str, Array], name: str, path: Path) -> Array:
    """The array of that name. Raises UsageError."""
    if name not in arrays:
        raise UsageError(f"has no array '{name}'", str(path), f"it has {', '.join(arrays)}")
    return arrays[name]
