"""What is logged, after openvino.properties.log."""

from __future__ import annotations

from ..runtime import words
from .property import Property

Level = words.Level

level = Property("LOG_LEVEL", Level)
