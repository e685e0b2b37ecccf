"""OpenVINO IR as a source: what OpenVINO, Model Optimizer and vinoc write."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from ....ir.graph import Graph
from ..base import Inputs
from .cut import cut
from .reader import load

__all__ = ["OpenVinoFrontend", "load"]


class OpenVinoFrontend:
    """Reads `.xml` files of version 10 and 11, with the `.bin` beside them."""

    name = "openvino"
    extensions: tuple[str, ...] = (".xml",)

    def recognizes(self, path: Path) -> bool:
        """True for a file that begins as an IR does."""
        with open(path, "rb") as file:
            start = file.read(512)
        return start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<?xml", b"<net")) and b"<net" in start

    def load(
        self, path: str | PathLike[str], *, inputs: Inputs | None = None, outputs: Sequence[str] | None = None
    ) -> Graph:
        """The graph of an IR file, cut at tensors `inputs` and `outputs` where they are given.

        Raises ModelError, ConversionError with all that is wrong with its layers, UsageError for unknown names.
        """
        graph = load(path)
        return cut(graph, inputs or {}, outputs or ()) if inputs or outputs else graph
