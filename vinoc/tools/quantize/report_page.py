"""The report as a page of HTML, with charts."""

from __future__ import annotations

import math

from ..charts.drawing import Drawing
from ..charts.page import Page
from ..charts.plots import Point, line_chart
from .report import COST, Report
from .report_text import LAYERS, VALUES, fact, layer_table, summary, value_table

CEILING = 80.0
"""Decibels above which an error is none that a chart could show."""


def page_of(report: Report) -> Page:
    """What was done, the error along the model, every value and every layer."""
    page = Page(f"{report.model}, quantized")
    for line in summary(report):
        page.note(line)
    page.heading("Error along the model")
    page.chart(along(report))
    page.note("SQNR of values: of their rounding by itself, in the order of the model. 6 dB more halve the error.")
    if any(row.cost is not None for row in report.layers):
        page.heading("What layers cost")
        page.chart(costs(report))
    page.heading("Values that are quantized")
    page.table(VALUES, value_table(report), (1, 2, 3, 4, 5))
    page.heading("Layers")
    page.table(LAYERS, layer_table(report), (3, 4, 5, 6, 7, 8, 9))
    others = [(name, fact(v)) for name, v in report.facts.items() if not isinstance(v, str) and name != COST]
    if others:
        page.heading("What algorithms found")
        page.table(("fact", "value"), others)
    if report.skipped:
        page.heading("Samples that were left out")
        page.table(("sample", "why"), list(report.skipped.items()))
    return page


def along(report: Report) -> Drawing:
    """The SQNR of values and weights in their order."""
    values = [Point(float(i), _shown(v.sqnr), "", f"{v.name}: {v.sqnr:.1f} dB") for i, v in enumerate(report.values)]
    weights = [
        Point(float(i), _shown(row.weight_sqnr), "", f"{row.name}: {row.weight_sqnr:.1f} dB")
        for i, row in enumerate(report.layers)
        if row.weight_sqnr is not None
    ]
    series = [(name, points) for name, points in (("values", values), ("weights", weights)) if points]
    return line_chart("SQNR by place", "place, in the order of the model", "dB", series)


def costs(report: Report) -> Drawing:
    """How much less the outputs' error is with one layer in float, worst first."""
    known = [(row, row.cost) for row in report.ranking() if row.cost is not None]
    points = [Point(float(i), max(cost, 1e-9), "", f"{row.name}: {cost:.3g}") for i, (row, cost) in enumerate(known)]
    return line_chart(
        "What the outputs gain by a layer in float",
        "layer, worst first",
        "error, of the norm",
        [("cost", points)],
        log_y=True,
    )


def _shown(value: float) -> float:
    return min(max(value, 0.0), CEILING) if not math.isnan(value) else 0.0
