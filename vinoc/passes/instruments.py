"""Instruments: what can be seen of a pipeline while it runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..ir.dtype import Array
from ..ir.errors import UsageError, VerificationError
from ..ir.graph import Graph
from ..ir.text import write_text
from ..ir.verify import verify
from .manager import Instrument, StepResult


class Verify(Instrument):
    """Verifies the graph after every pass that changed something, and names the pass that broke it."""

    def start(self, graph: Graph) -> None:
        verify(graph)

    def after(self, step: StepResult, graph: Graph) -> None:
        if not step.changes:
            return
        try:
            verify(graph)
        except VerificationError as error:
            error.where = f"after pass '{step.pipeline}' (step {step.index}), {error.where}"
            raise


class Dump(Instrument):
    """Writes the graph as text after passes: `DIR/03-fuse.vir`; constants go to one side file each.

    `only` names the passes to dump after; without it every pass that changed something is dumped.
    """

    def __init__(self, directory: str | Path, only: Collection[str] = ()) -> None:
        self.directory = Path(directory)
        self.only = only
        self.written: list[Path] = []

    def start(self, graph: Graph) -> None:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot create the dump directory: {error.strerror}", str(self.directory)) from None
        self._write("00-input", graph)

    def after(self, step: StepResult, graph: Graph) -> None:
        if step.name in self.only or (not self.only and step.changes):
            self._write(f"{step.index + 1:02d}-{step.name}", graph)

    def _write(self, name: str, graph: Graph) -> None:
        path = self.directory / f"{name}.vir"
        write_text(graph, path)
        self.written.append(path)


class NumericCheck(Instrument):
    """Evaluates the graph after every pass that changed something and compares with the outputs before.

    `evaluate` runs a graph on `inputs`; `tolerance` is relative to each output's range. After a pass that was told to
    change the model, what it computes then on inputs of `sample` is the new measure; after one that rounds, which may
    move outputs as far as it says, what it computes on the same.
    Raises VerificationError naming the first pass beyond the tolerance.
    """

    def __init__(
        self,
        evaluate: Callable[[Graph, Sequence[Any]], Sequence[Any]],
        inputs: Sequence[Any],
        tolerance: float = 1e-3,
        sample: Callable[[Graph], Sequence[Any]] | None = None,
    ) -> None:
        self.evaluate = evaluate
        self.inputs = inputs
        self.sample = sample
        self.tolerance = tolerance
        self.reference: Sequence[Any] = ()
        self.errors: list[tuple[str, float]] = []

    def start(self, graph: Graph) -> None:
        self.reference = self.evaluate(graph, self.inputs)

    def after(self, step: StepResult, graph: Graph) -> None:
        if not step.changes:
            return
        if step.face and self.sample is not None:
            self.inputs = self.sample(graph)
            self.start(graph)
            return
        worst, allowed = 0.0, max(self.tolerance, step.rounds)
        outputs = self.evaluate(graph, self.inputs)
        for i, (old, new) in enumerate(zip(self.reference, outputs, strict=True)):
            error = range_error(old, new)
            worst = max(worst, error)
            if not error <= allowed:
                name = next(iter(graph.output_names[i]), str(i))
                raise VerificationError(
                    f"output '{name}' differs by {error:.2e} of its range, {allowed:g} is allowed",
                    f"pass '{step.pipeline}' (step {step.index})",
                    f"`--passes` without '{step.name}' tells whether it alone is at fault",
                )
        if step.rounds:
            self.reference = outputs
        self.errors.append((step.pipeline, worst))


def range_error(expected: Any, actual: Any) -> float:
    """The largest absolute difference relative to the largest absolute expected value; inf where shapes differ.

    Where both are NaN, or the same infinity, they agree. Of sequences it is the error of the worst element; an
    optional that is empty agrees with nothing else.
    """
    if isinstance(expected, tuple | list):
        if not isinstance(actual, tuple | list) or len(expected) != len(actual):
            return float("inf")
        return max((range_error(e, a) for e, a in zip(expected, actual, strict=True)), default=0.0)
    if expected is None or actual is None:
        return 0.0 if expected is actual else float("inf")
    return _array_error(np.asarray(expected), np.asarray(actual))


def _array_error(expected: Array, actual: Array) -> float:
    if expected.shape != actual.shape:
        return float("inf")
    if not expected.size:
        return 0.0
    if expected.dtype.kind not in "fiub" and expected.dtype.kind != "V":
        return 0.0 if bool(np.all(expected == actual)) else float("inf")
    a, b = expected.astype(np.float64), actual.astype(np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    if same.all():
        return 0.0
    finite = np.abs(a[np.isfinite(a)])
    scale = float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    difference = np.where(same, 0.0, np.abs(a - b))
    return float("inf") if np.isnan(difference).any() else float(difference.max()) / scale
