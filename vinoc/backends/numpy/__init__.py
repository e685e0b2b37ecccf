"""NumPy: the reference interpreter, and modules that need nothing else."""

from __future__ import annotations

from pathlib import Path

from ...ir.graph import Graph
from .backend import NumpyBackend
from .interpreter import Interpreter

__all__ = ["Interpreter", "NumpyBackend", "generate"]


def generate(graph: Graph, directory: Path | str, name: str) -> list[Path]:
    """Writes a graph as `<name>.py` and `<name>.npz`: see `codegen.generate`."""
    from .codegen import generate  # parsing of source is not needed to run graphs

    return generate(graph, directory, name)
