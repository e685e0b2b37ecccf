"""The kinds of charts: boxes, points along lines, ratios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from .axes import Scale, draw_x, draw_y, figure, legend_rows
from .drawing import COLORS, FAINT, INK, Circle, Drawing, Line, Path, Rect, Text, text_width

WIDTH = 760.0


class Boxed(Protocol):
    """Tukey's five numbers, and what lies outside."""

    @property
    def low(self) -> float: ...
    @property
    def first(self) -> float: ...
    @property
    def median(self) -> float: ...
    @property
    def third(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def outside(self) -> tuple[float, ...]: ...


def box_plot(title: str, axis: str, rows: Sequence[tuple[str, Boxed]]) -> Drawing:
    """A box a row: quartiles and median, whiskers, what lies beyond them as dots; what is off the scale is counted."""
    left = _margin([name for name, _ in rows])
    top, step = 50.0, 34.0
    bottom = top + step * len(rows)
    drawing = _begun(title, bottom + 50)
    far = max(b.high + 3 * (b.high - b.low) for _, b in rows)
    shown = [v for _, b in rows for v in (b.low, b.high, *(o for o in b.outside if o <= far))]
    scale = Scale.over(shown, left, WIDTH - 60, log=None)
    draw_x(drawing, scale, top, bottom, axis)
    for i, (name, box) in enumerate(rows):
        y = top + step * (i + 0.5)
        _label(drawing, left, y, name)
        _box(drawing, scale, y, box, COLORS[i % len(COLORS)], far)
    return drawing


def _box(drawing: Drawing, scale: Scale, y: float, box: Boxed, color: str, far: float) -> None:
    low, first, median, third, high = (scale.at(v) for v in (box.low, box.first, box.median, box.third, box.high))
    told = f"{figure(box.low)} | {figure(box.first)} | {figure(box.median)} | {figure(box.third)} | {figure(box.high)}"
    drawing.add(
        Line(low, y, high, y, FAINT), Line(low, y - 5, low, y + 5, FAINT), Line(high, y - 5, high, y + 5, FAINT)
    )
    drawing.add(Rect(first, y - 9, max(third - first, 1), 18, color, FAINT, told))
    drawing.add(Line(median, y - 9, median, y + 9, INK, 2))
    drawing.add(*(Circle(scale.at(v), y, 2, color, figure(v)) for v in box.outside if v <= far))
    beyond = sum(v > far for v in box.outside)
    if beyond:
        drawing.add(Text(WIDTH - 54, y + 4, f"{beyond} > {figure(far)}", "start", 10, FAINT))


@dataclass(frozen=True)
class Point:
    """`title` is shown under the pointer, `label` beside the point."""

    x: float
    y: float
    label: str = ""
    title: str = ""


def line_chart(title: str, x_axis: str, y_axis: str, series: Sequence[tuple[str, Sequence[Point]]],
               log_y: bool = False) -> Drawing:  # fmt: skip
    """Points joined by a line for each series, with a legend."""
    names = [name for name, _ in series]
    rows = legend_rows(names, WIDTH - 110)
    top = 44.0 + 20 * len(rows)
    left, right, bottom = 80.0, WIDTH - 30, top + 320
    drawing = _begun(title, bottom + 50)
    points = [p for _, found in series for p in found]
    xs = Scale.over((p.x for p in points), left, right)
    ys = Scale.over((p.y for p in points), bottom, top, log=log_y)
    draw_x(drawing, xs, top, bottom, x_axis)
    draw_y(drawing, ys, left, right, y_axis)
    for i, (_, found) in enumerate(series):
        color = COLORS[i % len(COLORS)]
        places = tuple((xs.at(p.x), ys.at(p.y)) for p in found)
        drawing.add(Path(places, color))
        for (x, y), p in zip(places, found, strict=True):
            drawing.add(Circle(x, y, 4, color, p.title or p.label))
            if p.label:
                drawing.add(Text(x + 6, y - 6, p.label, "start", 10, FAINT))
    for row, members in enumerate(rows):
        _legend(drawing, left, 46 + 20 * row, [(names[i], COLORS[i % len(COLORS)]) for i in members])
    return drawing


def _legend(drawing: Drawing, x: float, y: float, entries: Sequence[tuple[str, str]]) -> None:
    for name, color in entries:
        drawing.add(Rect(x, y - 9, 12, 10, color), Text(x + 18, y, name))
        x += text_width(name) + 34


@dataclass(frozen=True)
class Bar:
    """A ratio, and how far it spreads."""

    name: str
    value: float
    low: float
    high: float
    title: str = ""


def ratio_chart(title: str, axis: str, bars: Sequence[Bar], band: tuple[float, float] | None = None) -> Drawing:
    """A bar a row from 1 to the ratio, with a line for its spread; `band` is the range that is noise.

    The scale is a logarithm's: half and twice are as far from 1.
    """
    left = _margin([b.name for b in bars])
    top, step = 50.0, 28.0
    bottom = top + step * len(bars)
    drawing = _begun(title, bottom + 50)
    shown = [v for b in bars for v in (b.value, b.low, b.high)] + [*(band or ()), 0.9, 1.1]
    scale = Scale.over(shown, left, WIDTH - 80, log=True)
    if band is not None:
        low, high = (scale.at(v) for v in band)
        drawing.add(Rect(low, top, max(high - low, 1), bottom - top, "#eeeeee", title="noise"))
    draw_x(drawing, scale, top, bottom, axis)
    one = scale.at(1.0)
    for i, bar in enumerate(bars):
        y = top + step * (i + 0.5)
        _label(drawing, left, y, bar.name)
        end = scale.at(bar.value)
        fill = COLORS[2] if bar.value < 1 else COLORS[1]
        drawing.add(Rect(min(one, end), y - 8, abs(end - one), 16, fill, title=bar.title or figure(bar.value)))
        drawing.add(Line(scale.at(bar.low), y, scale.at(bar.high), y, INK))
        drawing.add(Text(scale.at(max(bar.high, 1.0)) + 5, y + 4, figure(bar.value), "start", 11))
    drawing.add(Line(one, top, one, bottom, INK))
    return drawing


def _begun(title: str, height: float) -> Drawing:
    drawing = Drawing(WIDTH, height, title)
    drawing.add(Text(16, 26, title, "start", 15))
    return drawing


def _margin(names: Sequence[str]) -> float:
    return min(max([text_width(n) for n in names] or [0.0]) + 28, 300.0)


def _label(drawing: Drawing, left: float, y: float, name: str) -> None:
    room = int(270 / (0.56 * 12))
    drawing.add(Text(left - 8, y + 4, name if len(name) <= room else f"{name[: room - 1]}…", "end"))
