"""A picture as a list of shapes, whatever file it becomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

INK, FAINT, GRID = "#222222", "#666666", "#dddddd"
COLORS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb")
"""Told apart by people with any colour vision: Paul Tol, "Colour schemes", SRON/EPS/TN/09-002, figure 1."""


@dataclass(frozen=True)
class Line:
    x1: float
    y1: float
    x2: float
    y2: float
    color: str = INK
    width: float = 1.0


@dataclass(frozen=True)
class Rect:
    x: float
    y: float
    width: float
    height: float
    fill: str
    edge: str = ""
    title: str = ""


@dataclass(frozen=True)
class Circle:
    x: float
    y: float
    radius: float
    fill: str
    title: str = ""


@dataclass(frozen=True)
class Path:
    """A line through points."""

    points: tuple[tuple[float, float], ...]
    color: str = INK
    width: float = 1.5


@dataclass(frozen=True)
class Text:
    """`y` is the baseline; `turned` text runs upwards."""

    x: float
    y: float
    text: str
    anchor: Literal["start", "middle", "end"] = "start"
    size: float = 12.0
    color: str = INK
    turned: bool = False


Shape: TypeAlias = Line | Rect | Circle | Path | Text


@dataclass
class Drawing:
    """Shapes on a white ground, in pixels from the upper left corner. `title` tells what it shows."""

    width: float
    height: float
    title: str
    shapes: list[Shape] = field(default_factory=list)

    def add(self, *shapes: Shape) -> None:
        self.shapes += shapes


def text_width(text: str, size: float = 12.0) -> float:
    """About how wide a text of a sans-serif font is."""
    return 0.56 * size * len(text)
