"""The report as lines."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ...compiler.summary import bytes_text, table
from .report import COST, Report

VALUES = ("value", "seen", "range", "levels", "SQNR", "beyond", "recipe")
LAYERS = ("layer", "kind", "computed in", "weights", "SQNR", "M mult.", "saved", "ms", "own error", "cost", "remarks")


def decibels(value: float | None) -> str:
    """A ratio in decibels; nothing where there is none."""
    return "" if value is None else "exact" if value == math.inf else f"{value:.1f}"


def span(ends: tuple[float, float]) -> str:
    return f"{ends[0]:.4g}..{ends[1]:.4g}"


def summary(report: Report, said: Collection[str] = ()) -> Iterator[str]:
    """What a person wants to know at once: sizes, error, share of integers, warnings but those that were `said`."""
    sizes = report.sizes
    for name, before, after in ((".bin", sizes.float_bin, sizes.bin), (".xml", sizes.float_xml, sizes.xml)):
        yield f"{name}: {bytes_text(before)} -> {bytes_text(after)} ({after / max(before, 1):.3f})"
    both = sizes.bin + sizes.xml, sizes.float_bin + sizes.float_xml
    yield f"together: {both[0] / max(both[1], 1):.3f} of the float model"
    share = "" if report.share is None else f", {report.share:.1%} of the multiplications"
    yield f"in integers: {sum(r.integers for r in report.layers)} of {len(report.layers)} products{share}"
    if (speed := report.speed) is not None:
        whole = f"{speed.float_ms:.3f} -> {speed.ms:.3f} ms, {speed.ratio:.2f} of the float model's time"
        yield f"CPU device: {whole}; {speed.integer:.0%} of it in integer products"
    for out in report.outputs:
        figures = f"error {out.error:.3g} of its norm, SQNR {decibels(out.sqnr)} dB, cosine {out.cosine:.5f}"
        yield f"{out.kind} '{out.name}': {figures}"
    if report.skipped:
        yield f"{len(report.skipped)} samples were left out: {', '.join(list(report.skipped)[:5])}"
    for name, value in report.facts.items():
        if isinstance(value, str):
            yield f"{name}: {value}"
    yield from (f"warning: {text}" for text in report.warnings if text not in said)


def fact(value: Any) -> str:
    """What an algorithm found out, in a line."""
    if isinstance(value, Mapping):
        return "; ".join(f"{k}: {fact(v)}" for k, v in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(fact, value)) or "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def lines(report: Report) -> Iterator[str]:
    """All of it."""
    yield f"{report.model}, calibrated on {report.samples} samples"
    yield from summary(report)
    yield ""
    yield from table([VALUES, *value_table(report)])
    yield ""
    yield from table([LAYERS, *layer_table(report)])
    for name, value in report.facts.items():
        if not isinstance(value, str) and name != COST:
            yield f"{name}: {fact(value)}"
    if report.skipped:
        yield ""
        yield from (f"left out: {name}: {why}" for name, why in report.skipped.items())


def value_table(report: Report) -> list[tuple[str, ...]]:
    """A row for each quantized value."""
    return [
        (
            row.name, span(row.seen), span(row.range) + (f" x{row.channels}" if row.channels > 1 else ""),
            str(row.levels), decibels(row.sqnr), f"{row.saturated:.2%}" if row.saturated else "", "; ".join(row.recipe),
        )
        for row in report.values
    ]  # fmt: skip


def layer_table(report: Report) -> list[tuple[str, ...]]:
    """A row for each product."""
    return [
        (
            row.name, row.kind, "integers" if row.integers else "floats", f"{row.weight_bits} bits",
            decibels(row.weight_sqnr), f"{row.multiplications / 1e6:.2f}", bytes_text(row.saved),
            "" if row.milliseconds is None else "{:.3f} -> {:.3f}".format(*row.milliseconds),
            *("" if error is None else f"{error:.3g}" for error in (row.own, row.cost)),
            "; ".join((*([row.why] if row.why else []), *row.recipe)),
        )
        for row in report.layers
    ]  # fmt: skip
