"""A sketch as SVG. Colors come from the page's style sheet, by classes, so that one picture serves light and dark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from html import escape
from itertools import pairwise

from ...passes.sketch import Card, Row, Sketch
from .layout import GAP_X, Layout, Point, layered

KIND, NAME, ROW, TYPE = 8.2, 6.6, 6.4, 6.1
"""Widths of a character: of a kind (13 px, bold), a name (11 px), a row (10.5 px), a type (10 px)."""

LEAST = 0.72
"""How far a picture may shrink to fit its place; text stays readable."""

HEAD, NAME_LINE, ROW_LINE, PILL = 23.0, 15.0, 15.0, 24.0
SIDE = 10.0
"""Between a card's border and its text."""

MARGIN = 8.0
LONGEST_NAME, LONGEST_ROW, LONGEST_TYPE = 36, 46, 32

PORTS = ("input", "output", "more")


def svg(sketch: Sketch, label: str) -> Iterator[str]:
    """The picture; `label` says what it shows to those who do not see it."""
    cards = {card.key: card for card in sketch.cards}
    size = {key: _size(card) for key, card in cards.items()}
    labels = _labels(sketch)
    room = {k: (max(w, 2 * (TYPE * len(labels.get(k, "")) + 8 - GAP_X)), h) for k, (w, h) in size.items()}
    layout = layered(room, [(w.source, w.target) for w in sketch.wires])
    right = max((layout.centre[k][0] + 8 + TYPE * len(t) for k, t in labels.items()), default=0.0)
    width, height = max(layout.width, right) + 2 * MARGIN, layout.height + 2 * MARGIN
    yield (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" role="img" '
        f'style="min-width: {LEAST * width:.0f}px" aria-label="{escape(label)}">'
        f'<g transform="translate({MARGIN:.0f} {MARGIN:.0f})">'
    )
    yield from _wires(layout, size)
    for key, text in labels.items():
        x, y = layout.centre[key]
        yield f'<text class="type" x="{x + 6:.1f}" y="{y + size[key][1] / 2 + 13:.1f}">{escape(text)}</text>'
    for key, card in cards.items():
        yield from _card(card, layout.centre[key], size[key])
    yield "</g></svg>"


def differences(before: Sketch, after: Sketch) -> tuple[Sketch, Sketch]:
    """Both pictures with the rows marked in which a card differs from its counterpart.

    That is the same node, or the only one of its kind that came for the only one that went.
    """
    pairs = {b.key: a for b in before.cards for a in after.cards if a.key == b.key and b.role == "changed"}
    gone, come = (_only(s, role) for s, role in ((before, "old"), (after, "new")))
    pairs.update({gone[kind].key: come[kind] for kind in gone.keys() & come.keys()})
    back = {a.key: b for b in before.cards if (a := pairs.get(b.key))}
    first = tuple(_marked(c, pairs.get(c.key)) for c in before.cards)
    return replace(before, cards=first), replace(after, cards=tuple(_marked(c, back.get(c.key)) for c in after.cards))


def _only(sketch: Sketch, role: str) -> dict[str, Card]:
    mine = [c for c in sketch.cards if c.role == role]
    counts = Counter(c.kind for c in mine)
    return {c.kind: c for c in mine if counts[c.kind] == 1}


def _marked(card: Card, other: Card | None) -> Card:
    if other is None:
        return card
    told = {r.name: r.text for r in other.rows}
    rows = (r if r.role != "near" or told.get(r.name) == r.text else r._replace(role="changed") for r in card.rows)
    return replace(card, rows=tuple(rows))


def _size(card: Card) -> tuple[float, float]:
    if card.role in PORTS:
        return 2 * SIDE + 8 + NAME * len(_port_text(card)), PILL
    wide = max([KIND * len(card.kind), NAME * len(_short(card.name)), *(ROW * len(_row_text(r)) for r in card.rows)])
    return max(110.0, 2 * SIDE + wide), HEAD + (NAME_LINE if card.name else 0) + ROW_LINE * len(card.rows) + 7


def _port_text(card: Card) -> str:
    return f"{card.kind} {_short(card.name)}".strip()


def _short(name: str) -> str:
    """A name that fits: the end tells more than the beginning."""
    return name if len(name) <= LONGEST_NAME else "…" + name[1 - LONGEST_NAME :]


def _row_text(row: Row) -> str:
    text = f"{row.name} {row.text}"
    return text if len(text) <= LONGEST_ROW else text[: LONGEST_ROW - 1] + "…"


def _labels(sketch: Sketch) -> dict[int, str]:
    """The types of what leaves each card, told once below it."""
    found: dict[int, dict[str, None]] = {}
    for wire in sketch.wires:
        if wire.text:
            found.setdefault(wire.source, {})[wire.text] = None
    told = {key: ", ".join(list(texts)[:2]) + (", …" if len(texts) > 2 else "") for key, texts in found.items()}
    return {key: text if len(text) <= LONGEST_TYPE else text[: LONGEST_TYPE - 1] + "…" for key, text in told.items()}


def _wires(layout: Layout, size: dict[int, tuple[float, float]]) -> Iterator[str]:
    for (source, target), points in layout.path.items():
        ends = [*points]
        ends[0] = points[0][0], points[0][1] + size[source][1] / 2
        ends[-1] = points[-1][0], points[-1][1] - size[target][1] / 2
        yield f'<path class="wire" d="{_curve(ends)}"/>'
        x, y = ends[-1]
        yield f'<path class="tip" d="M{x - 3.5:.1f} {y - 6:.1f}L{x:.1f} {y:.1f}L{x + 3.5:.1f} {y - 6:.1f}Z"/>'


def _curve(points: list[Point]) -> str:
    """Bends that leave and arrive vertically."""
    text = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x, y), (u, v) in pairwise(points):
        half = (y + v) / 2
        text += f"L{u:.1f} {v:.1f}" if abs(x - u) < 0.5 else f"C{x:.1f} {half:.1f} {u:.1f} {half:.1f} {u:.1f} {v:.1f}"
    return text


def _card(card: Card, centre: Point, size: tuple[float, float]) -> Iterator[str]:
    (width, height), (x, y) = size, centre
    left, top = x - width / 2, y - height / 2
    found = escape(" ".join([card.kind, card.name, *card.origin, *card.results]).lower())
    yield (
        f'<g class="card {card.role}" data-k="{card.key}" data-s="{found}" transform="translate({left:.1f} {top:.1f})">'
        f"<title>{escape(tip(card))}</title>"
    )
    radius = height / 2 if card.role in PORTS else 5
    yield f'<rect class="box" width="{width:.1f}" height="{height:.1f}" rx="{radius:.0f}"/>'
    if card.role in PORTS:
        yield f'<text class="port" x="{width / 2:.1f}" y="{height / 2 + 4:.1f}">{escape(_port_text(card))}</text></g>'
        return
    yield f'<text class="kind" x="{SIDE:.0f}" y="17">{escape(card.kind)}</text>'
    line = HEAD
    if card.name:
        yield f'<text class="name" x="{SIDE:.0f}" y="{line + 10:.0f}">{escape(_short(card.name))}</text>'
        line += NAME_LINE
    for row in card.rows:
        yield from _row(row, line + 2, width)
        line += ROW_LINE
    yield "</g>"


def _row(row: Row, top: float, width: float) -> Iterator[str]:
    if row.role != "near":
        yield f'<rect class="row {row.role}" x="3" y="{top:.0f}" width="{width - 6:.1f}" height="14" rx="2"/>'
    text = _row_text(row).removeprefix(row.name)
    head = f'<tspan class="key">{escape(row.name)}</tspan>'
    yield f'<text class="field" x="{SIDE:.0f}" y="{top + 10.5:.1f}">{head}{escape(text)}</text>'


ROLES = {"old": "removed here", "new": "made here", "changed": "changed here"}


def tip(card: Card) -> str:
    """All about a card: what it is, what it computes, which framework nodes it comes from and by which rule."""
    lines = [f"{card.kind} '{card.name}'" if card.name else card.kind]
    if card.role in ROLES:
        lines.append(ROLES[card.role])
    lines += [f"{r.name} {r.text}" for r in card.rows]
    lines += [f"-> {text}" for text in card.results]
    if card.origin:
        lines.append(f"from {', '.join(card.origin)}" + (f", by {card.by}" if card.by else ""))
    return "\n".join(lines)
