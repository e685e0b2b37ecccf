"""Inferences at a time, after openvino.properties.streams."""

from __future__ import annotations

from ..runtime import words
from .property import Property

Num = words.Num

num = Property("NUM_STREAMS", int)
