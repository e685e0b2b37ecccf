"""The account of a compilation as a file: JSON for programs, one HTML page for people."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from .. import __version__
from ..ir.errors import UsageError, VinocError
from ..passes.manager import StepResult
from .driver import Result, peak_memory
from .summary import bytes_text

SUFFIXES = (".json", ".html")


def check_report_path(path: Path) -> None:
    """Raises UsageError, before any work, when a report cannot be written there."""
    if path.suffix not in SUFFIXES:
        raise UsageError(f"a report is .json or .html, not '{path.suffix}'", f"--report {path}")
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder '{path.parent}'", f"--report {path}")


def write_report(result: Result, path: Path) -> None:
    """Writes the report, complete or not at all; the suffix chooses the form. Raises VinocError."""
    check_report_path(path)
    data = as_dict(result)
    text = json.dumps(data, indent=2) + "\n" if path.suffix == ".json" else "\n".join(_page(data)) + "\n"
    hidden = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        hidden.write_text(text, encoding="utf-8")
        os.replace(hidden, path)
    except OSError as error:
        hidden.unlink(missing_ok=True)
        raise VinocError(f"cannot write the report: {error.strerror or error}", str(path)) from error


def as_dict(result: Result) -> dict[str, Any]:
    """All of a result as plain values."""
    return {
        "vinoc": __version__,
        "model": str(result.model),
        "target": result.options.target,
        "passes": result.pipeline,
        "lowering": result.lowering,
        "verify": result.options.verify,
        "before": {"nodes": result.before.nodes, "edges": result.before.edges},
        "after": {"nodes": result.after.nodes, "edges": result.after.edges},
        "seconds": {**{k: round(v, 6) for k, v in result.phases.items()}, "total": round(result.seconds, 6)},
        "peak_memory_bytes": peak_memory(),
        "files": [{"path": str(p.resolve()), "bytes": p.stat().st_size} for p in result.files],
        "steps": [_step(s) for s in result.steps],
        "output_errors": [{"pass": name, "error": error} for name, error in result.errors],
    }


def _step(step: StepResult) -> dict[str, Any]:
    return {
        "index": step.index,
        "pass": step.name,
        "pipeline": step.pipeline,
        "changes": step.changes,
        "seconds": round(step.seconds, 6),
        "nodes_before": step.nodes_before,
        "nodes_after": step.nodes_after,
        "matches": dict(step.matches.most_common()),
        "rewritten": [
            {"rule": r.rule, "source": str(r.source), "replaced": list(r.kinds), "by": list(r.results)}
            for r in step.rewritten
        ],
        "declined": [{"rule": d.rule, "where": d.where, "why": d.why} for d in dict.fromkeys(step.declined)],
    }


_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222 }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .25rem .7rem; vertical-align: top }
th { border-bottom: 2px solid #888 } td { border-bottom: 1px solid #ddd } td.n, th.n { text-align: right }
code { font-size: .92em } .rule { padding-left: 2rem; color: #555 } summary { cursor: pointer }
@media (prefers-color-scheme: dark) { body { background: #181818; color: #ddd } td { border-color: #333 }
  .rule { color: #aaa } }
"""


def _page(data: dict[str, Any]) -> Iterator[str]:
    name = escape(Path(data["model"]).name)
    yield f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{name} - vinoc</title>'
    yield f"<style>{_STYLE}</style></head><body>"
    yield f"<h1>{name} &rarr; {escape(data['target'])}</h1>"
    before, after = data["before"], data["after"]
    times = ", ".join(f"{k} {v:.3f} s" for k, v in data["seconds"].items())
    yield "<table>"
    yield _row("Model", escape(data["model"]))
    yield _row("Passes", f"<code>{escape(data['passes']) or '(none)'}</code>")
    if data["lowering"]:
        yield _row("Lowering", f"<code>{escape(data['lowering'])}</code>")
    yield _row("Nodes", f"{before['nodes']} &rarr; {after['nodes']}")
    yield _row("Edges", f"{before['edges']} &rarr; {after['edges']}")
    yield _row("Time", times)
    yield _row("Peak memory", bytes_text(data["peak_memory_bytes"]))
    for file in data["files"]:
        yield _row("File", f"{escape(file['path'])} ({bytes_text(file['bytes'])})")
    yield "</table>"
    yield "<h2>Passes</h2><table>"
    heads = [("pass", ""), ("matches", "n"), ("nodes before", "n"), ("nodes after", "n"), ("time (ms)", "n")]
    yield "<tr>" + "".join(f'<th class="{c}">{h}</th>' for h, c in heads) + "</tr>"
    for step in data["steps"]:
        yield from _step_rows(step)
    yield "</table>"
    for error in data["output_errors"]:
        what = f"outputs differ by {error['error']:.1e} of their range"
        yield f"<p>After <code>{escape(error['pass'])}</code>: {what}.</p>"
    for step in data["steps"]:
        yield from _details(step)
    yield f"<p><small>vinoc {escape(data['vinoc'])}</small></p></body></html>"


def _row(head: str, content: str) -> str:
    return f"<tr><td>{head}</td><td>{content}</td></tr>"


def _step_rows(step: dict[str, Any]) -> Iterator[str]:
    cells = (step["changes"], step["nodes_before"], step["nodes_after"], f"{step['seconds'] * 1e3:.2f}")
    numbers = "".join(f'<td class="n">{c}</td>' for c in cells)
    yield f"<tr><td><code>{escape(step['pipeline'])}</code></td>{numbers}</tr>"
    for rule, count in step["matches"].items():
        if rule != step["pass"]:
            yield f'<tr><td class="rule">{escape(rule)}</td><td class="n">{count}</td><td></td><td></td><td></td></tr>'


def _details(step: dict[str, Any]) -> Iterator[str]:
    rewritten, declined = step["rewritten"], step["declined"]
    if not rewritten and not declined:
        return
    counts = f"{len(rewritten)} replaced, {len(declined)} declined"
    yield f"<details><summary><code>{escape(step['pipeline'])}</code>: {counts}</summary><table>"
    yield "<tr><th>rule</th><th>nodes</th><th>what</th></tr>"
    for r in rewritten:
        what = f"{' '.join(map(escape, r['replaced']))} &rarr; {' '.join(map(escape, r['by'])) or '(nothing)'}"
        yield f"<tr><td>{escape(r['rule'])}</td><td>{escape(r['source'])}</td><td>{what}</td></tr>"
    for d in declined:
        yield f"<tr><td>{escape(d['rule'])}</td><td>{escape(d['where'])}</td><td>declined: {escape(d['why'])}</td></tr>"
    yield "</table></details>"
