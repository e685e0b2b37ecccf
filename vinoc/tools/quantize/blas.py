"""NumPy's matrix products on one thread.

Those of calibration are small, and the threads of OpenBLAS wait actively for each other: beside the threads of the CPU
device they take twice the processor's time, and are later. The library that NumPy's packages bring has functions for
it, whose names begin with `scipy_openblas` or `openblas`; another BLAS stays as it is.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

NAMES = [f"{start}_{{}}_num_threads{end}" for start in ("scipy_openblas", "openblas") for end in ("64_", "")]


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for matrix products within; as many as before behind it."""
    library, name = _library()
    if library is None:
        yield
        return
    before = getattr(library, name.format("get"))()
    getattr(library, name.format("set"))(1)
    try:
        yield
    finally:
        getattr(library, name.format("set"))(before)


@cache
def _library() -> tuple[Any, str]:
    """OpenBLAS as NumPy has loaded it, and how its functions are called; None where NumPy has another BLAS."""
    home = Path(np.__file__).parent
    folders = (home.parent / "numpy.libs", home / ".dylibs", home / ".libs")
    for path in (p for folder in folders if folder.is_dir() for p in folder.glob("*openblas*")):
        with suppress(OSError):
            library = ctypes.CDLL(str(path))
            for name in NAMES:
                if hasattr(library, name.format("set")) and hasattr(library, name.format("get")):
                    return library, name
    return None, ""
