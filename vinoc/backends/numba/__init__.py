"""numba: modules like those of NumPy, with their loops compiled, that need NumPy and numba alone."""

from __future__ import annotations

from .backend import NumbaBackend

__all__ = ["NumbaBackend"]
