"""What is logged, after openvino.properties.log."""

from __future__ import annotations

from ..runtime.words import Level
from .property import Property

level = Property("LOG_LEVEL", Level)

__all__ = [
    "Level",
    "level",
]
