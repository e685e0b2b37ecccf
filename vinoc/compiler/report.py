"""The account of a compilation as a file: JSON for programs, one HTML page for people (report_page.py)."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .. import __version__
from ..backends.files import write_text
from ..ir.errors import UsageError
from ..passes.changes import Changed, Changes
from ..passes.manager import StepResult
from .config import REPORTS
from .driver import Result, peak_memory
from .paths import check_file


def write_report(result: Result, path: Path) -> None:
    """Writes the report, complete or not at all; the suffix chooses the form. Raises VinocError."""
    check_file(path, "--report", REPORTS, "a report")
    if path.suffix == ".json":
        text = json.dumps(as_dict(result), indent=2) + "\n"
    else:
        from .report_page import report_page

        text = "".join(f"{piece}\n" for piece in report_page(result, _changes(result)))
    write_text(path, text)


def _changes(result: Result) -> Changes:
    if result.changes is None:
        raise UsageError("what passes changed was not recorded", help="compile with Options(record=True)")
    return result.changes


def as_dict(result: Result) -> dict[str, Any]:
    """All of a result as plain values; what passes changed is in it where that was recorded."""
    changes = result.changes
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
        "steps": [_step(s) | (_changed(changes.steps.get(s.index)) if changes else {}) for s in result.steps],
        "output_errors": [{"pass": name, "error": error} for name, error in result.errors],
        **(_whole(changes) if changes else {}),
    }


def _whole(changes: Changes) -> dict[str, Any]:
    """Counts of kinds, [before, after], and what became of each framework node."""
    before, after = changes.kinds
    return {
        "kinds": {kind: [before[kind], after[kind]] for kind in sorted(before | after)},
        "nodes": [
            {"name": leaf.node, "type": leaf.op_type, "file": leaf.file, "to": list(dict.fromkeys(fate))}
            for leaf, fate in changes.fates.items()
        ],
    }


def _changed(changed: Changed | None) -> dict[str, Any]:
    """How many nodes a step added, removed, changed and gave other operands, and pictures as boxes and wires."""
    found = changed or Changed()
    names = ("added", "removed", "changed", "rewired", "spots")
    return {
        **{name: getattr(found, name) for name in names},
        "pictures": [asdict(p) for p in found.pictures],
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
        "notes": [{"where": n.where, "what": n.what} for n in step.notes],
        "declined": [{"rule": d.rule, "where": d.where, "why": d.why} for d in dict.fromkeys(step.declined)],
    }
