"""What is drawn of measurements."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from ..charts.page import Page
from ..charts.plots import Bar, Point, box_plot, line_chart, ratio_chart
from .compare import Comparison, table
from .figures import Box, quantile
from .interleave import ratio, ratios
from .report import latency_rows
from .steps import Outcome
from .sweep import COLUMNS, Cell


def of_outcome(outcome: Outcome) -> Page:
    """The latencies of every repeat as boxes, and their course in time."""
    settings = outcome.settings
    page = Page(f"{settings.model.name} on {settings.device}")
    rows = latency_rows(outcome.latency, settings.latency_percentile)
    rows += [("throughput (FPS)", f"{outcome.throughput:.2f}"), ("load time (ms)", f"{outcome.prepared.load_ms:.2f}")]
    rows += [("first inference (ms)", f"{outcome.first_ms:.2f}")] if outcome.first_ms is not None else []
    rows += outcome.value.rows()
    page.table(("measured", "value"), rows, (1,))
    boxes = [(f"repeat {i + 1}", Box.of(run.latencies)) for i, run in enumerate(outcome.runs)]
    page.heading("Latency of every inference")
    page.chart(box_plot("Latency by repeat", "latency (ms)", boxes))
    if len(outcome.runs) > 1:
        for name, spread in outcome.spreads().items():
            page.note(f"{name}: {spread} over {len(outcome.runs)} repeats")
        page.chart(box_plot("Throughput over repeats", "throughput (FPS)",
                            [("all repeats", Box.of([r.throughput for r in outcome.runs]))]))  # fmt: skip
    return page


def of_sweep(title: str, cells: Sequence[Cell]) -> Page:
    """Latency against throughput, a line for each batch."""
    page = Page(title)
    series = []
    for batch in sorted({c.batch for c in cells}):
        own = [c for c in cells if c.batch == batch]
        points = [
            Point(c.outcome.throughput, c.outcome.latency.median, f"{c.streams}",
                  f"{c.streams} streams: {c.outcome.latency.median:.3f} ms, {c.outcome.throughput:.1f} FPS")
            for c in sorted(own, key=lambda c: c.streams)
        ]  # fmt: skip
        series.append((f"batch {batch}", points))
    page.chart(line_chart("Latency against throughput", "throughput (FPS)", "median latency (ms)", series))
    page.note("The number beside a point is that of the streams. Better is further right, and lower.")
    page.table(COLUMNS, [c.row() for c in cells], range(len(COLUMNS)))
    return page


def of_comparison(title: str, found: Comparison) -> Page:
    """Boxes of the samples, and bars of the ratios to the first."""
    page = Page(title)
    head, *rows = table(found)
    page.table(head, rows, range(1, len(head)))
    page.chart(box_plot("Samples, interleaved", "ms per inference", [(n, Box.of(s)) for n, s in found.samples.items()]))
    bars = []
    for name in list(found.samples)[1:]:
        per_round = sorted(ratios(found.samples, name, found.base))
        bars.append(
            Bar(name, ratio(found.samples, name, found.base), quantile(per_round, 0.25), quantile(per_round, 0.75),
                f"{name} / {found.base}: median {statistics.median(per_round):.3f}")
        )  # fmt: skip
    if bars:
        page.chart(ratio_chart(f"Time over that of {found.base}", "ratio; below 1: faster", bars, found.noise()))
    return page
