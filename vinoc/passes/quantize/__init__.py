"""Quantization by known ranges: the pass, the ranges, and where values are quantized.

The names below are imported when they are first used: the CPU device needs single modules of this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .insert import Quantize, needed
    from .ranges import Ignored, Range, Ranges, RangesError, Setting

__all__ = ["Ignored", "Quantize", "Range", "Ranges", "RangesError", "Setting", "needed"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from . import insert, ranges

    return getattr(insert if name in ("Quantize", "needed") else ranges, name)
