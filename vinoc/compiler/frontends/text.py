"""Reads vinoc's own text form, as `--dump-dir` and `vinoc opt` write it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from ...ir.errors import ModelError
from ...ir.graph import Graph
from ...ir.text import read_text
from .base import Inputs

_HEAD = re.compile(rb"(\s|//[^\n]*\n)*graph\b")


class TextFrontend:
    """The frontend of `.vir` files."""

    name = "vir"
    extensions = (".vir",)

    def recognizes(self, path: Path) -> bool:
        with path.open("rb") as file:
            return _HEAD.match(file.read(4096)) is not None

    def load(
        self, path: str | PathLike[str], *, inputs: Inputs | None = None, outputs: Sequence[str] | None = None
    ) -> Graph:
        """The graph of the file, cut at tensors `inputs` and `outputs` where they are given.

        Raises ModelError with line and column, UsageError for unknown names.
        """
        from .openvino.cut import cut

        try:
            graph = read_text(path)
        except OSError as error:
            raise ModelError(f"cannot be read: {error.strerror or error}", str(path)) from error
        return cut(graph, inputs or {}, outputs or ()) if inputs or outputs else graph
