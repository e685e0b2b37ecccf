"""Accuracy against latency and size: a model quantized in several ways, and runs whose reports were kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...compiler.summary import bytes_text
from ...ir.errors import UsageError, VinocError
from ..charts.page import Page
from ..charts.plots import Point, line_chart

VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "performance": {"preset": "performance"},
    "mixed": {"preset": "mixed"},
    "accuracy": {"preset": "accuracy"},
    "weights of 8 bits": {"weights_only": True, "weight_bits": 8},
    "weights of 4 bits": {"weights_only": True, "weight_bits": 4},
}
"""What is tried: options that differ."""

COLUMNS = ("run", "error", "of the float model's time", "size", "of the float model's size", "best")

FLOAT = "float"


@dataclass(frozen=True)
class Run:
    """A quantized model: the largest relative error of an output; its time and its bytes as shares of the float
    model's; `bytes`: of both files. `time` is None where it was not measured."""

    name: str
    error: float
    time: float | None
    bytes: int
    size: float


def stored(path: Path) -> Run:
    """The run that a report in JSON is of. Raises UsageError for another file."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        sizes = told["sizes"]
        whole = sizes["bin"] + sizes["xml"]
        error = max((o["error"] for o in told["outputs"]), default=0.0)
        time = told["speed"]["ratio"] if told.get("speed") else None
        return Run(path.stem, float(error), time, whole, whole / (sizes["float_bin"] + sizes["float_xml"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"is no report of vinoc quantize: {error}", f"--runs {path}") from error


def best(runs: Sequence[Run]) -> set[str]:
    """The runs than which none has less error at no more time and no more bytes."""

    def beats(a: Run, b: Run) -> bool:
        pairs = [(a.error, b.error), (a.bytes, b.bytes)]
        if a.time is not None and b.time is not None:
            pairs.append((a.time, b.time))
        return all(x <= y for x, y in pairs) and any(x < y for x, y in pairs)

    return {run.name for run in runs if not any(beats(other, run) for other in runs)}


def page_of(title: str, runs: Sequence[Run]) -> Page:
    """Two charts and a table."""
    page = Page(f"{title}: accuracy against latency and size")
    timed = [run for run in runs if run.time is not None]
    if timed:
        page.chart(_chart("Error and time", "of the float model's time", [(r, r.time or 0.0) for r in timed]))
    page.chart(_chart("Error and size", "size of both files (kB)", [(r, r.bytes / 1e3) for r in runs]))
    page.note("The line joins the runs that no other one beats in both. Better is further left, and lower.")
    winners = best(runs)
    page.table(COLUMNS, [row(run, run.name in winners) for run in runs], (1, 2, 3, 4))
    return page


def row(run: Run, wins: bool) -> tuple[str, ...]:
    """As in COLUMNS."""
    time = "" if run.time is None else f"{run.time:.2f}"
    return run.name, f"{run.error:.3g}", time, bytes_text(run.bytes), f"{run.size:.3f}", "yes" if wins else ""


def _chart(title: str, axis: str, found: Sequence[tuple[Run, float]]) -> Any:
    """The points, and a line through those that have less error than all that are further left."""
    front: list[Point] = []
    others: list[tuple[str, list[Point]]] = []
    for run, x in sorted(found, key=lambda pair: (pair[1], pair[0].error)):
        told = f"{run.name}: {x:.3g}, error {run.error:.3g}"
        if not front or run.error < front[-1].y:
            front.append(Point(x, run.error, run.name, told))
        else:
            others.append((run.name, [Point(x, run.error, "", told)]))  # the legend names it
    series = [("best", front), *others]
    return line_chart(title, axis, "largest error of an output", series)


def tried(job: Any, watch: Any) -> list[Run]:
    """The float model, and the model of a job quantized in all ways. What fails is told and left out."""
    from .job import loaded, written_sizes
    from .measure import output_noise
    from .timing import compared

    graph, data, preparation = loaded(job)
    made = {}
    for name, changes in VARIANTS.items():
        options = replace(job.options, **changes)
        try:
            made[name] = job.quantizer(graph, data, options, preparation, watch)
        except VinocError as failure:
            watch.warn(f"{name} is left out: {failure}")
    if not made:
        return []
    first = next(iter(made.values()))
    samples = first.work.samples
    original = first.work.original
    times = compared({FLOAT: original, **{n: r.graph for n, r in made.items()}}, samples, by_layer=False)
    runs = []
    for name, result in made.items():
        sizes = written_sizes(result)
        whole, before = sizes.bin + sizes.xml, sizes.float_bin + sizes.float_xml
        noise = output_noise(original, result.graph, samples)
        error = max((n.relative for n in noise), default=0.0)
        runs.append(Run(name, error, times.ratios[name], whole, whole / before))
    return [Run(FLOAT, 0.0, 1.0, before, 1.0), *runs]
