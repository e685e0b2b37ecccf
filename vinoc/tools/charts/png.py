"""Drawings as PNG, by Pillow (extra `charts`)."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from ..extras import require
from .drawing import Circle, Drawing, Line, Path, Rect, Shape, Text

SCALE = 2
"""Pixels of the file for each of the drawing: screens of today show that sharply."""

OVER = 2
"""Drawn larger still, then averaged, so that slanted lines have no steps."""


def to_png(drawing: Drawing) -> bytes:
    """The file. Raises VinocError without Pillow."""
    images = require("PIL.Image", "charts", "a chart as PNG")
    pens = require("PIL.ImageDraw", "charts", "a chart as PNG")
    k = SCALE * OVER
    canvas = images.new("RGB", (round(drawing.width * k), round(drawing.height * k)), "#ffffff")
    pen = pens.Draw(canvas)
    for shape in drawing.shapes:
        _draw(shape, canvas, pen, k)
    size = (round(drawing.width * SCALE), round(drawing.height * SCALE))
    out = BytesIO()
    canvas.resize(size, images.Resampling.BOX).save(out, "PNG", optimize=True)
    return out.getvalue()


def _draw(shape: Shape, canvas: Any, pen: Any, k: int) -> None:
    if isinstance(shape, Line):
        ends = [(shape.x1 * k, shape.y1 * k), (shape.x2 * k, shape.y2 * k)]
        pen.line(ends, fill=shape.color, width=max(round(shape.width * k), 1))
    elif isinstance(shape, Path):
        points = [(x * k, y * k) for x, y in shape.points]
        pen.line(points, fill=shape.color, width=max(round(shape.width * k), 1), joint="curve")
    elif isinstance(shape, Rect):
        corner = ((shape.x + shape.width) * k, (shape.y + shape.height) * k)
        pen.rectangle([(shape.x * k, shape.y * k), corner], fill=shape.fill, outline=shape.edge or None, width=k)
    elif isinstance(shape, Circle):
        r = shape.radius * k
        pen.ellipse([shape.x * k - r, shape.y * k - r, shape.x * k + r, shape.y * k + r], fill=shape.fill)
    else:
        _write(shape, canvas, pen, k)


def _write(shape: Text, canvas: Any, pen: Any, k: int) -> None:
    fonts = require("PIL.ImageFont", "charts", "a chart as PNG")
    font = fonts.load_default(shape.size * k)
    place = {"start": "ls", "middle": "ms", "end": "rs"}[shape.anchor]
    if not shape.turned:
        pen.text((shape.x * k, shape.y * k), shape.text, fill=shape.color, font=font, anchor=place)
        return
    images = require("PIL.Image", "charts", "a chart as PNG")
    pens = require("PIL.ImageDraw", "charts", "a chart as PNG")
    width, height = round(font.getlength(shape.text)) + 2, round(shape.size * k * 1.6)
    mask = images.new("L", (width, height), 0)
    pens.Draw(mask).text((0, height * 0.75), shape.text, fill=255, font=font, anchor="ls")
    mask = mask.rotate(90, expand=True)
    start = {"start": width, "middle": width / 2, "end": 0}[shape.anchor]
    left, top = round(shape.x * k - height * 0.75), round(shape.y * k - start)
    canvas.paste(images.new("RGB", mask.size, shape.color), (left, top), mask)
