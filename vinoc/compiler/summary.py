"""What was done, as lines for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ..passes.manager import StepResult
from .driver import Result, peak_memory

SHOWN_NOTES = 8


def summary(result: Result) -> Iterator[str]:
    """Counts before and after, each pass with its matches and time, files with their sizes, time and memory."""
    before, after = result.before, result.after
    yield f"{result.model}: {before.nodes} -> {after.nodes} nodes, {before.edges} -> {after.edges} edges"
    yield from table(list(_passes(result)))
    yield from _notes(result)
    for name, error in result.errors:
        yield f"  after {name}: outputs differ by {error:.1e} of their range"
    for path in result.files:
        yield f"[ SUCCESS ] {_kind(path)}: {path.resolve()} ({bytes_text(path.stat().st_size)})"
    phases = ", ".join(f"{name} {seconds:.2f}" for name, seconds in result.phases.items())
    yield f"[ SUCCESS ] Total execution time: {result.seconds:.2f} seconds ({phases})"
    if memory := peak_memory():
        yield f"[ SUCCESS ] Peak memory: {bytes_text(memory)}"


def _passes(result: Result) -> Iterator[tuple[str, str, str, str]]:
    """A row for each pass, its executions added up, below it one for each rule of a group.

    Passes that the target adds are left out where they found nothing.
    """
    lowering = set(result.lowering.split(",")) - set(result.pipeline.split(","))
    for name in dict.fromkeys(s.pipeline for s in result.steps):
        mine = [s for s in result.steps if s.pipeline == name]
        if name in lowering and not any(s.changes for s in mine):
            continue
        times = f" (run {len(mine)} times)" if len(mine) > 1 else ""
        seconds = sum(s.seconds for s in mine)
        nodes = f"{mine[0].nodes_before} -> {mine[-1].nodes_after} nodes"
        yield f"  {name}{times}", f"{sum(s.changes for s in mine)} matches", nodes, f"{seconds * 1e3:.1f} ms"
        for rule, count in matches_by_rule(mine).most_common():
            if rule != mine[0].name:
                yield f"    {rule}", f"{count}", "", ""


def _notes(result: Result) -> Iterator[str]:
    """What passes found that users should know, the first of each pass."""
    for step in result.steps:
        yield from (f"  {step.name}: {note}" for note in step.notes[:SHOWN_NOTES])
        if len(step.notes) > SHOWN_NOTES:
            yield f"  {step.name}: {len(step.notes) - SHOWN_NOTES} more; --report tells all"


def matches_by_rule(steps: Iterable[StepResult]) -> Counter[str]:
    """How often each rule was applied."""
    out: Counter[str] = Counter()
    for step in steps:
        out.update(step.matches)
    return out


def timing(result: Result) -> Iterator[str]:
    """Every execution of every pass, and the phases, with their share of the whole."""
    total = result.seconds or 1.0
    rows = [("step", "pass", "changes", "nodes", "time", "share")]
    for s in result.steps:
        share = f"{s.seconds / total:.1%}"
        rows.append((str(s.index), s.pipeline, str(s.changes), str(s.nodes_after), f"{s.seconds * 1e3:.2f} ms", share))
    inside = sum(s.seconds for s in result.steps)
    for name, seconds in result.phases.items():
        label = "between passes (verification, dumps)" if name == "passes" else name
        seconds = seconds - inside if name == "passes" else seconds
        rows.append(("", label, "", "", f"{seconds * 1e3:.2f} ms", f"{seconds / total:.1%}"))
    yield from table(rows)


def explanation(result: Result) -> Iterator[str]:
    """Why rules of the passes to explain did not apply, by framework node."""
    yield from explain_steps(result.steps, result.options.explain)


def explain_steps(steps: Sequence[StepResult], names: Sequence[str]) -> Iterator[str]:
    """The same for the passes or rules of these names."""
    for name in names:
        mine = [s for s in steps if s.name == name]
        inside = [s for s in steps if s.name != name]
        declined = dict.fromkeys(
            [*(d for s in mine for d in s.declined), *(d for s in inside for d in s.declined if d.rule == name)]
        )
        applied = sum(s.changes for s in mine) + sum(s.matches[name] for s in inside)
        yield f"{name}: applied {applied} times, declined {len(declined)} times"
        shown = [d for d in declined if d.rule == name or not d.alone]
        for d in shown:
            yield f"  {d.where}: {d.rule}: {d.why}"
        if len(shown) < len(declined):
            rules = sorted({d.rule for d in declined if d.alone})
            yield f"  rules for single operations, each to be explained by its name: {', '.join(rules)}"


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows with their columns aligned."""
    widths = [max(map(len, column)) for column in zip(*rows)] if rows else []
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()


def bytes_text(count: int) -> str:
    """A size for people: `512 B`, `1.4 MB`."""
    size, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size /= 1000
        units.pop(0)
    return f"{size:.0f} B" if units[0] == "B" else f"{size:.3g} {units[0]}"


def _kind(path: Path) -> str:
    return {".xml": "XML file", ".bin": "BIN file", ".mapping": "Mapping file"}.get(path.suffix, "File")
