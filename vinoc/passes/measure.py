"""What the nodes of a model compute on sample inputs: how large it gets."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ..ir.dtype import Array, bf16
from ..ir.entries import entries
from ..ir.errors import UsageError
from ..ir.graph import Graph, Node, Value

See = Callable[[Node, Sequence[Any], float], None]


@dataclass(slots=True)
class Reach:
    """The largest finite magnitude of what a node computed; `made` when it made infinity or NaN of finite numbers."""

    largest: float = 0.0
    made: bool = False

    def __str__(self) -> str:
        if self.made:
            return "makes infinity or NaN of finite numbers"
        return f"reaches {self.largest:.4g}"


def run_watched(graph: Graph, inputs: Sequence[Any], see: See) -> None:
    """Evaluates a graph by the reference; `see` is told of every node, those of bodies included.

    The reference stands above this layer, so that it comes in by its entry point, as plugins do.
    """
    entries("vinoc.backends")["numpy"].load()().compile(graph, on_node=see).run(inputs)


class Reaches:
    """How large the floats get that the nodes of a model compute, over all samples."""

    def __init__(self) -> None:
        self.of: dict[Node, Reach] = {}
        self._finite: dict[Value, bool] = {}

    def add(self, graph: Graph, inputs: Sequence[Any]) -> None:
        """Evaluates one sample. Raises EvaluationError where the model cannot be run on it."""
        self._finite = {v: _is_finite(a) for v, a in zip(graph.inputs, inputs, strict=True)}
        run_watched(graph, inputs, self._see)

    def _see(self, node: Node, results: Sequence[Any], seconds: float) -> None:
        given = all(self._was_finite(v) for v in node.inputs if v is not None)
        for value, result in zip(node.outputs, results, strict=True):
            if not _is_float(result):
                continue
            size = np.abs(result if result.dtype.kind == "f" else result.astype(np.float32))
            finite = np.isfinite(size)
            whole = bool(finite.all())
            self._finite[value] = self._finite.get(value, True) and whole
            reach = self.of.setdefault(node, Reach())
            reach.largest = max(reach.largest, float(size.max(where=finite, initial=0.0)))
            reach.made |= given and not whole

    def _was_finite(self, value: Value) -> bool:
        """Whether a value held only numbers; a body's input is believed to."""
        if value not in self._finite:
            array = value.const
            self._finite[value] = array is None or _is_finite(array)
        return self._finite[value]


def _is_float(array: Any) -> bool:
    return isinstance(array, np.ndarray) and array.size > 0 and (array.dtype.kind == "f" or array.dtype == bf16.numpy)


def _is_finite(array: Any) -> bool:
    return not _is_float(array) or bool(np.isfinite(array).all())


def read_npz(path: Path) -> dict[str, Array]:
    """The arrays of an .npz file, by name. Raises UsageError."""
    try:
        stored = np.load(path)
        if isinstance(stored, np.ndarray):
            raise ValueError("it is one array without a name")
        with stored:
            return dict(stored)
    except (OSError, EOFError, ValueError, BadZipFile, zlib.error) as error:
        what = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot be read as .npz: {what}", str(path), "numpy.savez writes such files") from error


def read_arrays(path: Path, names: Sequence[tuple[str, ...]], what: str) -> list[Any]:
    """The arrays of an .npz file for the inputs or outputs of a graph. Raises UsageError for those that are missing."""
    found = read_npz(path)
    arrays = [next((found[n] for n in several if n in found), None) for several in names]
    missing = [next(iter(several), "?") for several, array in zip(names, arrays, strict=True) if array is None]
    if missing:
        raise UsageError(
            f"has no array for {what} {', '.join(map(repr, missing))}", str(path), f"it holds {', '.join(found)}"
        )
    return arrays
