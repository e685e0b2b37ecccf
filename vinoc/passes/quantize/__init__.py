"""Quantization by known ranges: the pass, the ranges, and where values are quantized."""

from .insert import Quantize, needed
from .ranges import Ignored, Range, Ranges, RangesError, Setting

__all__ = ["Ignored", "Quantize", "Range", "Ranges", "RangesError", "Setting", "needed"]
