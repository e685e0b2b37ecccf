"""The page of a cross check: the graph coloured by error, the error along the model, all layers in a table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from ...backends.files import write_text
from ...compiler.draw.page import Entry, page, tiles
from ...compiler.draw.svg import svg
from ...compiler.driver import read_model
from ...ir.constant import Constant
from ...ir.graph import Graph, Node
from ...ir.quiet import quiet_gc
from ...passes.sketch import Card, Keys, Live, Row, Sketch, sketch
from ..charts.drawing import Drawing
from ..charts.plots import Point, line_chart
from ..charts.svg import to_svg
from .compare import Pair
from .run import Check
from .sides import Side
from .text import COLUMNS, NUMBERS, decibels, overall, row, verdict
from .trace import nodes_of

WHOLE = 220
"""Nodes up to which the whole graph is drawn; of larger ones a part around what diverges, or around what is worst."""

NEAR = 90
"""Nodes of such a part."""

SHADES = ("#66bd63", "#a6d96a", "#d9ef8b", "#ffffbf", "#fee08b", "#fdae61", "#f46d43", "#d478e8")
LIMITS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
"""From which error of the range on the next shade begins; after ColorBrewer's RdYlGn, which is told apart in print."""


def pale(color: str) -> str:
    """A color `#rrggbb` with twice as much white."""
    parts = [(int(color[i : i + 2], 16) + 2 * 255) // 3 for i in (1, 3, 5)]
    return "#" + "".join(f"{p:02x}" for p in parts)


STYLE = (
    "<style>"
    + "".join(f"svg .card.e{i} .box {{ fill: {c} }} " for i, c in enumerate(SHADES))
    + "".join(f"svg .card.inner.e{i} .box {{ fill: {pale(c)} }} " for i, c in enumerate(SHADES))
    + "svg .card[class*=' e'] text, svg .card[class*=' e'] tspan { fill: #111 } .chart svg text { fill: #333 }"
    + " svg .card.first .box { stroke: var(--hit); stroke-width: 5 }"
    + " .shades span { padding: .1rem .5rem; color: #111 } tr.bad td { font-weight: 600; color: #c22 }"
    + " .chart svg { background: #fff } td.n, th.n { text-align: right } #graph .side { max-height: 85vh }"
    + " .wide { overflow-x: auto } .wide td { white-space: nowrap }</style>"
)


def write_check_page(check: Check, a: Side, b: Side, path: Path) -> None:
    """Writes the page, complete or not at all. Raises VinocError."""
    heading = f"{escape(check.a.title)} <small>and</small> {escape(check.b.title)}"
    graph = drawn_graph(check, a, b)
    title = f"{check.a.title} and {check.b.title} - vinoc crosscheck"
    text = page(title, heading, _body(check, graph), _index(check), foldable=False)
    write_text(path, "".join(f"{piece}\n" for piece in text))


def drawn_graph(check: Check, a: Side, b: Side) -> Graph | None:
    """The graph that is drawn: that of the side that fused less."""
    known = [t.graph for t in (check.a, check.b) if t.graph is not None]
    if known:
        return max(known, key=len)
    with quiet_gc():
        return next((read_model(s.path) for s in (a, b) if not s.is_stored), None)


def shade(pair: Pair) -> int:
    """Which of SHADES an error has; the last is for NaN and infinities that only B has."""
    if pair.difference.broke:
        return len(SHADES) - 1
    return sum(not pair.error < limit for limit in LIMITS)


def _body(check: Check, graph: Graph | None) -> Iterator[str]:
    yield STYLE
    pairs = check.found.pairs
    bad = sum(p.diverges(check.tolerance) for p in pairs)
    worst = max(pairs, key=lambda p: p.error)
    yield from tiles(
        (
            (str(len(pairs)), "tensors compared"),
            (str(bad), f"beyond {check.tolerance:g} of their range"),
            (f"{worst.error:.1e}", f"the most, {escape(worst.name[-30:])}"),
            (f"{decibels(min(p.difference.snr for p in pairs)) or 'no noise'}", "dB, the least signal to noise"),
        )
    )
    yield f"<pre>{escape(chr(10).join([*verdict(check), *overall(check)]))}</pre>"
    yield f'<h2>Error along the model</h2><div class="chart">{to_svg(along(check))}</div>'
    if graph is not None:
        yield from _picture(check, graph)
    yield from _table(check)


def along(check: Check) -> Drawing:
    """The chart of the error of each tensor in the order of A; no error is drawn below the least of all, infinite ones
    above the largest."""
    found = [(i, p, p.error) for i, p in enumerate(check.found.pairs)]
    finite = [e for _, _, e in found if 0 < e < math.inf] or [1e-9]
    least, most = min(finite) / 2, max(*finite, check.tolerance) * 2
    if any(e == math.inf for _, _, e in found):
        most = max(most, 10.0)

    def point(i: int, pair: Pair, error: float) -> Point:
        shown = least if not error > 0 else min(error, most) if math.isfinite(error) else most
        return Point(float(i), shown, "", f"{pair.name}: {error:.2e}")

    limit = [Point(0.0, check.tolerance), Point(float(max(len(found) - 1, 1)), check.tolerance)]
    series = [("error", [point(*f) for f in found]), ("tolerance", limit)]
    return line_chart("Error of each tensor", "tensor, in the order of A", "of its range", series, log_y=True)


def _picture(check: Check, graph: Graph) -> Iterator[str]:
    nodes = _core(check, graph)
    drawing = coloured(sketch(Live(), nodes, Keys(), "plain", most=len(nodes)), nodes, check)
    part = "" if len(nodes) == _count(graph) else f", {len(nodes)} of {_count(graph)} nodes"
    yield f"<h2>The graph by error{part}</h2>"
    names = [f"under {LIMITS[0]:.0e}", *(f"{limit:.0e} and more" for limit in LIMITS), "NaN, inf"]
    marks = "".join(f'<span style="background: {c}">{n}</span>' for c, n in zip(SHADES, names, strict=True))
    yield f'<p class="shades">{marks} of the range; pale: within a group that '
    yield "is seen at its end; no shade: no partner; thick border: the first that diverges</p>"
    yield f'<figure id="graph"><div class="side">{"".join(svg(drawing, "the graph"))}</div></figure>'


def _count(graph: Graph) -> int:
    return sum(type(n.op) is not Constant for n in graph)


def _core(check: Check, graph: Graph) -> list[Node]:
    """The nodes that are drawn: all, or those around the first that diverges, else around the worst."""
    nodes = [n for n in graph if type(n.op) is not Constant]
    if len(nodes) <= WHOLE:
        return nodes
    pair = check.first or max(check.found.pairs, key=lambda p: p.error)
    at = next((i for i, n in enumerate(nodes) if _is(n, pair)), 0)
    begin = max(0, min(at - NEAR // 2, len(nodes) - NEAR))
    return nodes[begin : begin + NEAR]


def _is(node: Node, pair: Pair) -> bool:
    names = {pair.a.name, pair.b.name}
    return any(v.name in names for v in node.outputs if v.name) or bool(
        pair.a.nodes and nodes_of(node) and nodes_of(node)[-1] == pair.a.nodes[-1] and node.kind == pair.a.kind
    )


def coloured(drawing: Sketch, nodes: Sequence[Node], check: Check) -> Sketch:
    """The sketch with a shade and the error on the cards of what was compared."""
    by_name = {name: p for p in check.found.pairs for name in (p.b.name, p.a.name)}
    by_node = {node: p for p in check.found.pairs for node in p.b.nodes}
    cards = list(drawing.cards)
    for i, node in enumerate(nodes):
        found = next((by_name[v.name] for v in node.outputs if v.name in by_name), None)
        around = next((by_node[n] for n in nodes_of(node) if n in by_node), None)
        if found is not None:
            cards[i] = _shaded(cards[i], found, " first" if found is check.first else "")
        elif around is not None:
            cards[i] = _shaded(cards[i], around, " inner")
    return Sketch(tuple(cards), drawing.wires, drawing.left_out)


def _shaded(card: Card, pair: Pair, mark: str) -> Card:
    role = f"{card.role} e{shade(pair)}{mark}"
    told = Row("error", f"{pair.error:.1e}" + (" at its end" if mark == " inner" else ""))
    return Card(
        card.key, card.kind, card.name, role, (told,), card.results, card.origin, card.by  # type: ignore[arg-type]  # classes of the style sheet
    )  # fmt: skip


def _table(check: Check) -> Iterator[str]:
    yield '<h2>All tensors</h2><div class="wide"><table>'
    mark = ['class="n"' if i in NUMBERS else "" for i in range(len(COLUMNS))]
    yield "<tr>" + "".join(f"<th {m}>{escape(c)}</th>" for c, m in zip(COLUMNS, mark, strict=True)) + "</tr>"
    for pair in check.found.pairs:
        bad = ' class="bad"' if pair.diverges(check.tolerance) else ""
        cells = row(pair, check.tolerance)
        yield f"<tr{bad}>" + "".join(f"<td {m}>{escape(c)}</td>" for c, m in zip(cells, mark, strict=True)) + "</tr>"
    yield "</table></div>"


def _index(check: Check) -> Iterator[Entry]:
    for pair in check.found.pairs:
        yield Entry(pair.name, pair.a.kind, [f"{pair.error:.1e} of its range"], ["graph"])
