"""The backend `numba`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...ir.errors import UsageError
from ...ir.graph import Graph


class NumbaBackend:
    """Writes a module that needs NumPy and numba alone."""

    name = "numba"
    lowering = "whole-bytes,numba-loops,dce"

    def write(self, graph: Graph, directory: Path, name: str, **options: Any) -> Sequence[Path]:
        """Writes `<name>.py` and `<name>.npz`. Raises ConversionError that lists all nodes it cannot express."""
        from .codegen import NumbaGenerator

        if options:
            raise UsageError(f"target numba has no option '{next(iter(options))}'")
        return NumbaGenerator(graph, name).write(directory)
