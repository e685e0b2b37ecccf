"""Drawings as SVG 1.1."""

from __future__ import annotations

from html import escape

from .drawing import Circle, Drawing, Line, Path, Rect, Shape, Text

FONT = "font-family:system-ui,sans-serif"


def to_svg(drawing: Drawing) -> str:
    """An element that stands in a file of its own or in a page."""
    body = "\n".join(_shape(s) for s in drawing.shapes)
    w, h = _n(drawing.width), _n(drawing.height)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" '
        f'style="{FONT}">\n<title>{escape(drawing.title)}</title>\n'
        f'<rect width="{w}" height="{h}" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _shape(shape: Shape) -> str:
    if isinstance(shape, Line):
        ends = " ".join(f'{n}="{_n(getattr(shape, n))}"' for n in ("x1", "y1", "x2", "y2"))
        return f'<line {ends} stroke="{shape.color}" stroke-width="{_n(shape.width)}"/>'
    if isinstance(shape, Rect):
        box = f'x="{_n(shape.x)}" y="{_n(shape.y)}" width="{_n(shape.width)}" height="{_n(shape.height)}"'
        edge = f' stroke="{shape.edge}"' if shape.edge else ""
        return _titled("rect", f'{box} fill="{shape.fill}"{edge}', shape.title)
    if isinstance(shape, Circle):
        at = f'cx="{_n(shape.x)}" cy="{_n(shape.y)}" r="{_n(shape.radius)}"'
        return _titled("circle", f'{at} fill="{shape.fill}"', shape.title)
    if isinstance(shape, Path):
        points = " ".join(f"{_n(x)},{_n(y)}" for x, y in shape.points)
        return f'<polyline points="{points}" fill="none" stroke="{shape.color}" stroke-width="{_n(shape.width)}"/>'
    return _text(shape)


def _text(shape: Text) -> str:
    turn = f' transform="rotate(-90 {_n(shape.x)} {_n(shape.y)})"' if shape.turned else ""
    anchor = "" if shape.anchor == "start" else f' text-anchor="{shape.anchor}"'
    at = f'x="{_n(shape.x)}" y="{_n(shape.y)}" font-size="{_n(shape.size)}" fill="{shape.color}"'
    return f"<text {at}{anchor}{turn}>{escape(shape.text)}</text>"


def _titled(tag: str, attributes: str, title: str) -> str:
    """With a title, which browsers show under the pointer."""
    return f"<{tag} {attributes}><title>{escape(title)}</title></{tag}>" if title else f"<{tag} {attributes}/>"


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
