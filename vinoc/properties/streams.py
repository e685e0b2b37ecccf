"""Inferences at a time, after openvino.properties.streams."""

from __future__ import annotations

from ..runtime.words import Num
from .property import Property

num = Property("NUM_STREAMS", int)

__all__ = [
    "Num",
    "num",
]
