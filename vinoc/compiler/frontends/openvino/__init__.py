"""OpenVINO IR as a source: what OpenVINO, Model Optimizer and vinoc write."""

from __future__ import annotations

from pathlib import Path

from ....ir.graph import Graph
from .reader import load

__all__ = ["OpenVinoFrontend", "load"]


class OpenVinoFrontend:
    """Reads `.xml` files of version 10 and 11, with the `.bin` beside them."""

    name = "openvino"
    extensions = (".xml",)

    def load(self, path: str | Path) -> Graph:
        """The graph of an IR file. Raises ModelError or ConversionError."""
        return load(path)
