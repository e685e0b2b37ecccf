"""NumPy: the reference interpreter, and modules that need nothing else."""

from __future__ import annotations

from .backend import NumpyBackend
from .interpreter import Interpreter

__all__ = ["Interpreter", "NumpyBackend"]
