"""The report of a compilation as a page: every pass, what it did, and pictures of where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from html import escape
from itertools import count

from .. import __version__
from ..passes.base import Declined, Rewritten
from ..passes.camera import Picture
from ..passes.changes import Changed, Changes
from ..passes.manager import StepResult
from ..passes.registry import known, pass_class
from .catalogue import rule_summary
from .draw.page import Entry, figure, kinds_table, legend, page, tiles
from .draw.svg import svg
from .driver import Result, peak_memory
from .summary import bytes_text

SHOWN_REWRITES, SHOWN_DECLINED, SHOWN_NOTES = 400, 300, 100
"""Lines of a pass; the rest is counted. The .json report has all."""


def report_page(result: Result, changes: Changes) -> Iterator[str]:
    """The page, in pieces."""
    name = escape(result.model.name)
    return page(
        f"{result.model.name} - vinoc",
        f"{name} <small>&rarr; {escape(result.options.target)}</small>",
        _body(result, changes),
        _index(changes),
    )


def _index(changes: Changes) -> Iterator[Entry]:
    """The framework nodes, with the pictures that they or their successors are in."""
    pictures: dict[str, dict[str, None]] = {}
    for id, picture in _numbered(changes):
        for card in (*picture.before.cards, *picture.after.cards):
            for name in card.origin:
                pictures.setdefault(name, {})[id] = None
    for leaf, fate in changes.fates.items():
        known = f"{leaf.node} ({leaf.op_type})" if leaf.op_type else leaf.node
        yield Entry(leaf.node, leaf.op_type, list(dict.fromkeys(fate)), list(pictures.get(known, ())))


def _numbered(changes: Changes) -> Iterator[tuple[str, Picture]]:
    """All pictures with their names in the page, as they come in it."""
    numbers = count(1)
    for index in sorted(changes.steps):
        for _, pictures in _by_rule(changes.steps[index]):
            yield from ((f"p{next(numbers)}", p) for p in pictures)


def _by_rule(changed: Changed) -> list[tuple[str, list[Picture]]]:
    rules = dict.fromkeys([*changed.rules, *(p.rule for p in changed.pictures)])
    return [(rule, [p for p in changed.pictures if p.rule == rule]) for rule in rules]


def _body(result: Result, changes: Changes) -> Iterator[str]:
    yield from tiles(_tiles(result))
    yield f'<p class="soft">{escape(str(result.model))} by <code>{escape(result.pipeline) or "no pass"}</code>'
    if result.lowering:
        yield f"; lowering <code>{escape(result.lowering)}</code>"
    yield "</p><h2>Passes</h2>" + legend()
    yield '<div class="heads"><span></span><span>pass</span><span class="r">changes</span><span class="r">nodes</span>'
    yield '<span class="wide">added, removed, changed</span><span class="wide r">time</span></div>'
    ids = {id(picture): name for name, picture in _numbered(changes)}
    longest = max((s.seconds for s in result.steps), default=0.0) or 1.0
    for step in result.steps:
        yield from _step(step, changes.steps.get(step.index), ids, longest)
    for name, error in result.errors:
        yield f"<p>After <code>{escape(name)}</code>: outputs differ by {error:.1e} of their range.</p>"
    yield "<h2>Operations</h2><div class='panel'>"
    before, after = changes.kinds
    yield from kinds_table([(k, before[k], after[k]) for k in sorted(before | after)])
    yield "</div>"
    if changes.whole is not None:
        yield "<h2>The graph in the end</h2><details><summary>Show it; green is what passes made</summary>"
        yield "<div class='whole'>"
        yield from svg(changes.whole, "the graph after the last pass")
        yield "</div></details>"
    yield f'<p class="soft">vinoc {escape(__version__)}</p>'


def _tiles(result: Result) -> Iterator[tuple[str, str]]:
    before, after = result.before, result.after
    yield f"{before.nodes} &rarr; {after.nodes}", "nodes"
    yield f"{before.edges} &rarr; {after.edges}", "edges"
    yield str(sum(s.changes for s in result.steps)), "changes"
    phases = ", ".join(f"{name} {seconds:.2f}" for name, seconds in result.phases.items())
    yield f'<span title="{phases}">{result.seconds:.2f} s</span>', "time"
    yield bytes_text(peak_memory()), "most memory"
    for file in result.files:
        yield bytes_text(file.stat().st_size), escape(file.name)


def _step(step: StepResult, changed: Changed | None, ids: dict[int, str], longest: float) -> Iterator[str]:
    inside = changed is not None or step.declined or step.notes
    marks = "" if changed else " idle"
    yield f'<details class="pass{marks}{"" if inside else " empty"}" id="s{step.index}"><summary>'
    yield f"<span><code>{escape(step.pipeline)}</code></span>"
    yield f'<span class="r">{step.changes or "–"}</span>'
    nodes = f"{step.nodes_before} &rarr; {step.nodes_after}" if changed else str(step.nodes_after)
    yield f'<span class="r">{nodes}</span>'
    yield f'<span class="wide">{_signs(changed) if changed else ""}</span>'
    width = 100 * step.seconds / longest
    bar = f'<span class="bar"><i style="width: {width:.0f}%"></i></span>'
    yield f'<span class="wide r">{step.seconds * 1e3:.2f} ms{bar}</span></summary>'
    if inside:
        yield "<div>"
        yield from _notes(step)
        if changed:
            yield from _rules(step, changed, ids)
        yield from _declined(step.declined)
        yield "</div>"
    yield "</details>"


def _signs(changed: Changed) -> str:
    parts = [("plus", "+", changed.added, "added"), ("minus", "−", changed.removed, "removed")]
    parts += [("tilde", "~", changed.changed, "with other attributes or types")]
    parts += [("soft", "↷", changed.rewired, "with other operands")]
    return " ".join(f'<span class="{c}" title="{n} nodes {what}">{sign}{n}</span>' for c, sign, n, what in parts if n)


def _notes(step: StepResult) -> Iterator[str]:
    if step.notes:
        yield '<h3>Noted</h3><ul class="plain">'
        yield from (f"<li>{escape(str(note))}</li>" for note in step.notes[:SHOWN_NOTES])
        yield _rest(len(step.notes), SHOWN_NOTES) + "</ul>"


def _rules(step: StepResult, changed: Changed, ids: dict[int, str]) -> Iterator[str]:
    for rule, pictures in _by_rule(changed):
        total = changed.rules[rule] or changed.spots
        unit = "rewrites" if changed.rules[rule] else "places"
        yield f'<h3><code>{escape(rule)}</code> <span class="count">{_counted(total, unit)}</span></h3>'
        yield f'<p class="soft">{escape(_formula(rule))}</p>'
        rewritten = [r for r in step.rewritten if r.rule == rule]
        for picture in pictures:
            yield from figure(ids[id(picture)], _caption(step, picture), picture.before, picture.after)
        if total > len(pictures):
            yield f'<p class="soft">{total - len(pictures)} more, not drawn.</p>'
        if len(rewritten) > len(pictures):
            yield from _all(rewritten)


def _formula(rule: str) -> str:
    return pass_class(rule).summary() if rule in known() else rule_summary(rule)


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit if number != 1 else unit[:-1]}"


def _caption(step: StepResult, picture: Picture) -> str:
    if 0 < picture.number <= len(step.rewritten):
        return f"{picture.number}. {_told(step.rewritten[picture.number - 1])}"
    names = [c.name or c.kind for c in picture.before.cards if c.role in ("old", "changed")]
    names = names or [c.name or c.kind for c in picture.after.cards if c.role == "new"]
    shown = ", ".join(dict.fromkeys(names[:4])) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    return escape(shown)


def _told(r: Rewritten) -> str:
    return f"{' + '.join(map(escape, r.kinds))} &rarr; {', '.join(map(escape, r.results)) or 'what is there already'}"


def _all(rewritten: list[Rewritten]) -> Iterator[str]:
    yield f'<details><summary>All {len(rewritten)} rewrites</summary><ul class="plain scroll">'
    yield from (f"<li>{_told(r)}</li>" for r in rewritten[:SHOWN_REWRITES])
    yield _rest(len(rewritten), SHOWN_REWRITES) + "</ul></details>"


def _rest(total: int, shown: int) -> str:
    return f'<li class="soft">{total - shown} more; the .json report has all</li>' if total > shown else ""


def _declined(declined: list[Declined]) -> Iterator[str]:
    """What almost happened; what was told of single operations comes last, as there are many."""
    told = sorted(dict.fromkeys(declined), key=lambda d: d.alone)
    if not told:
        return
    rules = Counter(d.rule for d in told).most_common()
    heads = ", ".join(f"{rule} {n}" for rule, n in rules[:6]) + (", ..." if len(rules) > 6 else "")
    yield f"<h3>Almost <span class='count'>{_counted(len(told), 'times')}</span></h3>"
    yield f"<details><summary>{escape(heads)}</summary><div class='scroll'>"
    yield "<table><tr><th>rule</th><th>where</th><th>why not</th></tr>"
    for d in told[:SHOWN_DECLINED]:
        yield f"<tr><td><code>{escape(d.rule)}</code></td><td>{escape(d.where)}</td><td>{escape(d.why)}</td></tr>"
    yield f"</table></div></details><ul class='plain'>{_rest(len(told), SHOWN_DECLINED)}</ul>"
