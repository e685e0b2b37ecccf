"""Pages that hold everything they need: style, script and pictures. They ask nobody for anything."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from ...passes.sketch import Sketch
from .svg import differences, svg

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
"""What the page may load: nothing but what is in it. The browser enforces it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A node of a model in the search: what became of it, and the pictures in which it is."""

    name: str
    type: str
    to: Sequence[str]
    pictures: Sequence[str] = ()


def page(title: str, heading: str, body: Iterable[str], index: Iterable[Entry], foldable: bool = True) -> Iterator[str]:
    """A whole page. `heading` and `body` are HTML, `title` is text; `foldable`: there are sections to open."""
    here = Path(__file__).parent
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
    yield f"<title>{escape(title)}</title>"
    yield f"<style>\n{(here / 'page.css').read_text(encoding='utf-8')}</style></head><body>"
    yield f'<header class="top"><div><h1>{heading}</h1>'
    yield '<div class="find"><input id="find" type="search" placeholder="Find a node ( / )" aria-label="Find a node">'
    yield '<div id="found"></div></div>'
    yield f'<button id="unfold" type="button"{"" if foldable else " hidden"}>Open all</button>'
    yield '<button id="theme" type="button" title="Light or dark">◐</button></div></header><main>'
    yield from body
    yield '</main><div id="tip" role="tooltip"></div>'
    yield f'<script type="application/json" id="index">{_json(index)}</script>'
    yield f"<script>\n{(here / 'page.js').read_text(encoding='utf-8')}</script></body></html>"


def _json(index: Iterable[Entry]) -> str:
    """Data within a page; `<` is spelled so that no text can end the element."""
    rows = [{"name": e.name, "type": e.type, "to": list(e.to), "pictures": list(e.pictures)} for e in index]
    return json.dumps(rows, separators=(",", ":")).replace("<", "\\u003c")


def figure(
    id: str, caption: str, before: Sketch, after: Sketch, names: tuple[str, str] = ("before", "after")
) -> Iterator[str]:
    """Two pictures of these names side by side. `caption` is HTML."""
    before, after = differences(before, after)
    yield f'<figure id="{id}"><figcaption>{caption}</figcaption><div class="pair">'
    for name, sketch in zip(names, (before, after), strict=True):
        more = f", and {sketch.left_out} more nodes" if sketch.left_out else ""
        yield f'<div class="side"><span>{escape(name)}{more}</span>'
        if sketch.cards:
            yield from svg(sketch, name)
        else:
            yield '<p class="soft">nothing</p>'
        yield "</div>"
    yield "</div></figure>"


def tiles(cells: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Figures with what they mean; both are HTML."""
    yield '<div class="tiles">'
    for figure_, meaning in cells:
        yield f'<div class="tile" title="{meaning}"><b>{figure_}</b><span>{meaning}</span></div>'
    yield "</div>"


def legend() -> str:
    """What the colors of cards mean."""
    marks = (("old", "removed"), ("new", "made"), ("changed", "changed"), ("card-line", "around it"))
    items = "".join(f'<span><i style="color: var(--{c})"></i>{text}</span>' for c, text in marks)
    return f'<div class="legend">{items}<span>constants are lines of the cards that read them</span></div>'


def kinds_table(kinds: Sequence[tuple[str, int, int]]) -> Iterator[str]:
    """How many nodes there are of each kind, before and after."""
    yield '<table><tr><th>operation</th><th class="n">before</th><th class="n">after</th><th class="n"></th></tr>'
    for kind, a, b in kinds:
        sign = "" if a == b else f'<span class="{"plus" if b > a else "minus"}">{b - a:+d}</span>'
        yield f'<tr><td>{escape(kind)}</td><td class="n">{a}</td><td class="n">{b}</td><td class="n">{sign}</td></tr>'
    yield "</table>"
