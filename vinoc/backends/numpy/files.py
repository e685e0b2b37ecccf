"""The two files of a generated module, written whole or not at all."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ...ir.buffer import Buffer
from ...ir.dtype import Array
from ...ir.errors import VinocError
from ..files import written_together


def write_all(directory: Path, name: str, text: str, weights: Mapping[str, Buffer]) -> list[Path]:
    """Writes `<name>.py` and, with any weights, `<name>.npz`; by way of temporary names. Returns the paths."""
    directory.mkdir(parents=True, exist_ok=True)
    targets = [directory / f"{name}.npz"] if weights else []
    targets.append(directory / f"{name}.py")
    with written_together(targets) as files:
        if weights:
            _write_npz(files[0], weights)
        files[-1].write(text.encode())
    return list(reversed(targets))


def _write_npz(file: BinaryIO, weights: Mapping[str, Buffer]) -> None:
    """What `np.savez` writes, with a fixed time, so that equal weights give equal bytes."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for key, buffer in weights.items():
            with archive.open(zipfile.ZipInfo(f"{key}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, _storable(key, buffer.array), allow_pickle=False)


def _storable(key: str, array: Array) -> Array:
    """Strings in NumPy's fixed width; reading them gives `str` objects again."""
    if array.dtype != object:
        return np.ascontiguousarray(array).reshape(array.shape)
    items = array.reshape(-1).tolist()
    if not all(isinstance(s, str) and not s.endswith("\0") for s in items):
        raise VinocError(f"constant '{key}' holds bytes that are no text", help="the module cannot store it")
    return np.array(items, dtype=np.str_).reshape(array.shape)
