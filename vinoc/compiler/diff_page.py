"""What differs between two models as a page: every place side by side, and both graphs whole where they are small."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from .. import __version__
from ..backends.files import write_text
from ..ir.graph import Graph, Node
from ..passes.changes import WHOLE, together
from ..passes.sketch import Keys, Live, Role, Sketch, is_weight, sketch
from .diff import Difference, Match
from .draw.page import Entry, figure, kinds_table, legend, page, tiles
from .driver import Size

SHOWN_PLACES = 80
"""Pictures of a page; the rest is counted, and its text is there."""

SHOWN_CHANGES = 12
"""Lines below a picture."""

SHOWN_NODES = 5000
"""Nodes of each graph that the search knows."""


def write_diff_page(first: Path, second: Path, found: Difference, path: Path) -> None:
    """Writes the page, complete or not at all. Raises VinocError."""
    names = f"{escape(first.name)} <small>&rarr;</small> {escape(second.name)}"
    places = list(_places(found))
    body = _body(found, places, (first.name, second.name))
    text = page(f"{first.name} and {second.name} - vinoc diff", names, body, _index(found, places), False)
    write_text(path, "".join(f"{piece}\n" for piece in text))


@dataclass(slots=True)
class Place:
    """Differing nodes that hang together, in a graph or in a body of the name `prefix`."""

    prefix: str
    match: Match
    nodes: list[Node]
    before: Sketch = field(default_factory=Sketch)
    after: Sketch = field(default_factory=Sketch)
    lines: list[str] = field(default_factory=list)


def _places(found: Difference) -> Iterator[Place]:
    keys, number = Keys(), 0
    for prefix, match in found.matches:
        roles = _roles(match)
        _same_keys(match, keys)
        units = [n for n in roles if n not in match.back]
        for nodes in together(units, lambda n, match=match: _makers(match, n)):
            place = Place(prefix, match, nodes)
            if (number := number + 1) > SHOWN_PLACES:
                yield place
                continue
            place.before = sketch(Live(), [n for n in nodes if n.graph is match.a], keys, roles=roles)
            after = [match.forth.get(n, n) for n in nodes]
            place.after = sketch(Live(), [n for n in after if n.graph is match.b], keys, roles=roles)
            for node in nodes:
                if node in match.forth:
                    place.lines += [f"{node.label}: {what}" for what in match.changes(node, match.forth[node])]
            yield place


def _roles(match: Match) -> dict[Node, Role]:
    """The nodes of both graphs that differ."""
    roles: dict[Node, Role] = {n: "old" for n in match.a if n not in match.forth}
    for left, right in match.forth.items():
        if any(True for _ in match.changes(left, right)):
            roles[left] = roles[right] = "changed"
    roles.update({n: "new" for n in match.b if n not in match.back})
    return roles


def _same_keys(match: Match, keys: Keys) -> None:
    """What is matched has one number in the pictures of both."""
    pairs: list[tuple[Hashable, Hashable]] = [*match.back.items()]
    pairs += [(y, x) for x, y in match.input_of.items()]
    pairs += [((match.b, i), (match.a, i)) for i in range(min(len(match.a.outputs), len(match.b.outputs)))]
    for right, left in pairs:
        keys.same(right, left)


def _makers(match: Match, node: Node) -> set[Node]:
    """Those that a node reads in either graph; of matched ones that of the first."""
    both = [node, match.forth[node]] if node in match.forth else [node]
    makers = [v.node for n in both for v in n.inputs if v is not None and v.node is not None]
    return {match.back.get(m, m) for m in makers}


def _body(found: Difference, places: Sequence[Place], files: tuple[str, str]) -> Iterator[str]:
    _, match = found.matches[0]
    a, b = Size.of(match.a), Size.of(match.b)
    yield from tiles(
        [
            (f"{a.nodes} &rarr; {b.nodes}", "nodes"),
            (f"{a.edges} &rarr; {b.edges}", "edges"),
            (f'<span class="minus">{len(found.removed)}</span>', "removed"),
            (f'<span class="plus">{len(found.added)}</span>', "added"),
            (f'<span class="tilde">{len(found.changed)}</span>', "changed"),
            (str(len(places)), "places"),
        ]
    )
    if found.equal:
        yield "<p>They are equal.</p>"
    if found.interface:
        yield '<h2>Inputs and outputs</h2><ul class="plain panel">'
        yield from (f"<li>{escape(text)}</li>" for text in found.interface)
        yield "</ul>"
    if places:
        yield "<h2>Places</h2>" + legend()
    for number, place in enumerate(places[:SHOWN_PLACES], 1):
        yield from _place(place, number, files)
    if len(places) > SHOWN_PLACES:
        yield f'<p class="soft">{len(places) - SHOWN_PLACES} more places, not drawn.</p>'
    yield "<h2>Operations</h2><div class='panel'>"
    yield from kinds_table(_kinds(match.a, match.b))
    yield "</div>"
    yield from _whole(match, files)
    if not found.equal:
        yield '<h2>Everything as text</h2><details><summary>Show it</summary><pre class="panel scroll mono">'
        yield escape("\n".join(found.lines()))
        yield "</pre></details>"
    yield f'<p class="soft">vinoc {escape(__version__)}</p>'


def _place(place: Place, number: int, files: tuple[str, str]) -> Iterator[str]:
    names = list(dict.fromkeys(n.label for n in place.nodes))
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    caption = f"{number}. {escape(place.prefix + ', '.join(names[:4]) + more)}"
    yield from figure(f"p{number}", caption, place.before, place.after, files)
    if place.lines:
        yield '<ul class="plain soft">'
        yield from (f"<li>{escape(text)}</li>" for text in place.lines[:SHOWN_CHANGES])
        if len(place.lines) > SHOWN_CHANGES:
            yield f"<li>{len(place.lines) - SHOWN_CHANGES} more</li>"
        yield "</ul>"


def _kinds(a: Graph, b: Graph) -> list[tuple[str, int, int]]:
    first, second = (Counter(n.kind for g in graph.walk() for n in g) for graph in (a, b))
    return [(kind, first[kind], second[kind]) for kind in sorted(first | second)]


def _whole(match: Match, files: tuple[str, str]) -> Iterator[str]:
    """Both graphs, where they are small enough."""
    mine, theirs = ([n for n in g if not is_weight(n)] for g in (match.a, match.b))
    if max(len(mine), len(theirs)) > WHOLE:
        return
    keys, roles = Keys(), _roles(match)
    _same_keys(match, keys)
    before = sketch(Live(), mine, keys, role="plain", roles=roles, most=WHOLE)
    after = sketch(Live(), theirs, keys, role="plain", roles=roles, most=WHOLE)
    yield "<h2>The graphs</h2><details><summary>Show them side by side</summary>"
    yield from figure("whole", "", before, after, files)
    yield "</details>"


def _index(found: Difference, places: Sequence[Place]) -> Iterator[Entry]:
    """The nodes of both graphs, and the pictures in which they are."""
    picture = {n: f"p{i}" for i, place in enumerate(places[:SHOWN_PLACES], 1) for n in place.nodes}
    for prefix, match in found.matches:
        for node in [n for n in match.a if not is_weight(n)][:SHOWN_NODES]:
            other = match.forth.get(node)
            what = list(match.changes(node, other)) if other else ["removed"]
            yield Entry(prefix + node.label, node.kind, what or ["the same"], _one(picture.get(node)))
        for node in [n for n in match.b if n not in match.back and not is_weight(n)][:SHOWN_NODES]:
            yield Entry(prefix + node.label, node.kind, ["added"], _one(picture.get(node)))


def _one(name: str | None) -> list[str]:
    return [name] if name else []
