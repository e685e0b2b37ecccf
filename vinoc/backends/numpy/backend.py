"""The backend `numpy`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...ir.errors import UsageError
from ...ir.graph import Graph
from .interpreter import Hook, Interpreter


class NumpyBackend:
    """Writes a module that needs NumPy alone; runs graphs with the reference interpreter."""

    name = "numpy"
    lowering = "whole-bytes"

    def write(self, graph: Graph, directory: Path, name: str, **options: Any) -> Sequence[Path]:
        """Writes `<name>.py` and `<name>.npz`. Raises ConversionError that lists all nodes it cannot express."""
        from .codegen import Generator

        if options:
            raise UsageError(f"target numpy has no option '{next(iter(options))}'")
        return Generator(graph, name).write(directory)

    def compile(self, graph: Graph, on_node: Hook | None = None, **options: Any) -> Interpreter:
        """An interpreter of the graph, which must not be changed while it is in use."""
        if options:
            raise UsageError(f"target numpy has no option '{next(iter(options))}'")
        return Interpreter(graph, on_node)
