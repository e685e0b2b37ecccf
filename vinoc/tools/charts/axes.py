"""From numbers to places, and the marks on the axes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .drawing import FAINT, GRID, Drawing, Line, Text, text_width


@dataclass(frozen=True)
class Scale:
    """Numbers from low to high at places from start to end; with `log` by their logarithms."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    @classmethod
    def over(
        cls, values: Iterable[float], start: float, end: float, zero: bool = False, log: bool | None = False
    ) -> Scale:
        """A scale with a little room on both sides of the values; from 0 on where `zero` is asked for.

        `log` None: where the values span more than a factor of ten.
        """
        given = [v for v in values if math.isfinite(v)]
        if log is None:
            log = bool(given) and 0 < 10 * min(given) < max(given)
        found = [v for v in given if v > 0 or not log] or [1.0]
        low, high = min(found), max(found)
        if log:
            return cls(low / 1.15, high * 1.15, start, end, True)
        room = (high - low or abs(high) or 1.0) * 0.06
        return cls(0.0 if zero else low - room, high + room, start, end)

    def at(self, value: float) -> float:
        f = math.log if self.log else float
        share = (f(value) - f(self.low)) / ((f(self.high) - f(self.low)) or 1.0)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Round numbers, some five of them."""
        if self.log:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            for digits in ((1,), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7)):
                found = [d * 10.0**p for p in powers for d in digits if self.low <= d * 10.0**p <= self.high]
                if len(found) >= 3:
                    return found
        span = self.high - self.low
        rough = span / 6
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(d * power for d in (1, 2, 2.5, 5, 10) if d * power >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [i * step for i in range(first, math.floor(self.high / step + 1e-9) + 1)]


def figure(value: float) -> str:
    """A number as short as it can be read."""
    if value == 0:
        return "0"
    if abs(value) >= 1e6 or abs(value) < 1e-3:
        return f"{value:.3g}"
    return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def draw_x(drawing: Drawing, scale: Scale, top: float, bottom: float, title: str) -> None:
    """Grid lines from top to bottom, numbers below, the title below them."""
    last = -math.inf
    for tick in scale.ticks():
        x, shown = scale.at(tick), figure(tick)
        drawing.add(Line(x, top, x, bottom, GRID))
        if x - text_width(shown, 11) / 2 > last:
            drawing.add(Text(x, bottom + 16, shown, "middle", 11, FAINT))
            last = x + text_width(shown, 11) / 2 + 4
    drawing.add(Line(min(scale.start, scale.end), bottom, max(scale.start, scale.end), bottom, FAINT))
    drawing.add(Text((scale.start + scale.end) / 2, bottom + 36, title, "middle", 12, FAINT))


def draw_y(drawing: Drawing, scale: Scale, left: float, right: float, title: str) -> None:
    """Grid lines from left to right, numbers at the left, the title upwards beside them."""
    for tick in scale.ticks():
        y = scale.at(tick)
        drawing.add(Line(left, y, right, y, GRID), Text(left - 6, y + 4, figure(tick), "end", 11, FAINT))
    drawing.add(Line(left, min(scale.start, scale.end), left, max(scale.start, scale.end), FAINT))
    drawing.add(Text(left - 52, (scale.start + scale.end) / 2, title, "middle", 12, FAINT, turned=True))


def legend_rows(names: Sequence[str], width: float) -> list[list[int]]:
    """Which names stand in which row, so that rows are no wider than that."""
    rows: list[list[int]] = [[]]
    used = 0.0
    for i, name in enumerate(names):
        wide = text_width(name) + 34
        if rows[-1] and used + wide > width:
            rows.append([])
            used = 0.0
        rows[-1].append(i)
        used += wide
    return rows
