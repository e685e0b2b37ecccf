"""Outcomes as tables for people, CSV, JSON and pages."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..charts.page import Page
from .results import Finding, Outcome, shown

Row = tuple[str, ...]

FIELDS = (
    "model", "launcher", "device", "dataset", "tags", "metric_name", "metric_type", "metric_value", "metric_target",
    "metric_scale", "metric_postfix", "dataset_size", "ref", "abs_threshold", "rel_threshold", "profiling_file",
    "passed",
)  # fmt: skip
"""Accuracy Checker's columns of --csv_result, and a verdict"""


def groups(outcomes: Sequence[Outcome]) -> list[list[Outcome]]:
    """Outcomes that can stand in one table: of one data set, with the same metrics."""
    found: dict[tuple[str, ...], list[Outcome]] = {}
    for outcome in outcomes:
        found.setdefault((outcome.dataset, *(f.name for f in outcome.findings)), []).append(outcome)
    return list(found.values())


def comparison(outcomes: Sequence[Outcome]) -> tuple[Row, list[Row]]:
    """A row for each outcome of a group, a column for each metric; with how far it is from the first's."""
    base = outcomes[0]
    told = sorted({t for o in outcomes for t in o.tags})
    files = len({o.file for o in outcomes}) > len({(o.model, o.tags) for o in outcomes})
    head = ("model", *(("file",) if files else ()), *(("tags",) if told else ()), "launcher", "device", "samples",
            *(f.name for f in base.findings), "inference")  # fmt: skip
    rows = [
        (o.model, *((Path(o.file).name,) if files else ()), *((" ".join(o.tags),) if told else ()), o.launcher,
         o.device, str(o.samples), *_cells(o, base), _rate(o))
        for o in outcomes
    ]  # fmt: skip
    return head, rows


def _cells(outcome: Outcome, base: Outcome) -> Iterator[str]:
    for mine, first in zip(outcome.findings, base.findings, strict=True):
        change = mine.value - first.value
        scale = 100 if mine.result.unit == "%" else 1
        yield mine.shown if outcome is base or not abs(change) > 0 else f"{mine.shown} ({scale * change:+.2f})"


def _rate(outcome: Outcome) -> str:
    return f"{1e3 * outcome.inference / max(outcome.samples, 1):.2f} ms"


def references(outcomes: Sequence[Outcome]) -> tuple[Row, list[Row]]:
    """A row for each metric that has a reference."""
    head = ("model", "launcher", "metric", "value", "reference", "deviation", "allowed", "")
    rows: list[Row] = [
        (o.model, " ".join((o.launcher, *o.tags)), f.name, f.shown, f"{f.reference:g}", f"{f.deviation:+.4g}",
         _allowed(f), VERDICTS[f.passed])
        for o in outcomes for f in o.findings if f.reference is not None
    ]  # fmt: skip
    return head, rows


VERDICTS = {True: "passed", False: "MISSED", None: ""}


def _allowed(finding: Finding) -> str:
    wanted = finding.wanted
    limits = [f"{wanted.abs_threshold:g}"] if wanted.abs_threshold is not None else []
    limits += [f"{100 * wanted.rel_threshold:g} %"] if wanted.rel_threshold is not None else []
    return " and ".join(limits)


def parts(outcome: Outcome) -> Iterator[tuple[Row, list[Row]]]:
    """For metrics of the same parts, such as classes, a row for each part and a column for each metric."""
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for finding in outcome.findings:
        if finding.result.parts and finding.value == finding.result.value:
            groups.setdefault(tuple(finding.result.parts), []).append(finding)
    for names, having in groups.items():
        yield ("", *(f.name for f in having)), [(n, *(_part(f, n) for f in having)) for n in names]


def _part(finding: Finding, name: str) -> str:
    value = finding.result.parts.get(name, math.nan)
    return "" if math.isnan(value) else shown(value, finding.result.unit)


def to_csv(outcomes: Sequence[Outcome]) -> str:
    """A row for each metric of each outcome, and for each part of a metric."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FIELDS)
    for outcome in outcomes:
        for finding in outcome.findings:
            writer.writerow(_csv(outcome, finding, finding.name, finding.value))
            if finding.value == finding.result.value:
                for name, value in finding.result.parts.items():
                    writer.writerow(_csv(outcome, finding, f"{finding.name}@{name}", value)[:12])
    return out.getvalue()


def _csv(outcome: Outcome, finding: Finding, name: str, value: float) -> list[object]:
    result, wanted = finding.result, finding.wanted
    percent = result.unit == "%"
    return [
        outcome.model, outcome.launcher, outcome.device, outcome.dataset, " ".join(outcome.tags), name,
        wanted.metric.name, value, "higher-better" if result.higher_is_better else "lower-better",
        100 if percent else 1, result.unit, outcome.samples, "" if finding.reference is None else finding.reference,
        wanted.abs_threshold or 0, wanted.rel_threshold or 0, "", VERDICTS[finding.passed],
    ]  # fmt: skip


def to_page(outcomes: Sequence[Outcome], title: str) -> Page:
    """Tables of all outcomes, below them what each metric drew."""
    page = Page(title)
    for group in groups(outcomes):
        page.heading(f"{group[0].dataset}, {group[0].samples} samples")
        head, rows = comparison(group)
        page.table(head, rows, [i for i, name in enumerate(head) if i > list(head).index("device")])
    head, rows = references(outcomes)
    if rows:
        page.heading("References")
        page.table(head, rows, (3, 4, 5, 6))
    for outcome in outcomes:
        _details(page, outcome)
    return page


def _details(page: Page, outcome: Outcome) -> None:
    drawings = [d for f in outcome.findings for d in f.result.drawings]
    notes = [*outcome.remarks, *(n for f in outcome.findings for n in f.result.notes)]
    tables = list(parts(outcome))
    if not (tables or drawings or notes):
        return
    page.heading(f"{outcome.model} by {' '.join((outcome.launcher, *outcome.tags))}")
    for drawing in drawings:
        page.chart(drawing)
    for note in notes:
        page.note(note)
    for head, rows in tables:
        page.table(head, rows, range(1, len(head)))
