"""`vinoc passes`: what can be written in `--passes`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from .options import SETTINGS, debug, plugin


@click.command(context_settings=SETTINGS, short_help="List the passes, their options and rules.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@plugin
@debug
def command(names: Sequence[str], as_json: bool) -> None:
    """Lists all passes, or tells all about those named."""
    from ...passes.registry import names as known
    from ..catalogue import describe_pass

    rows = [describe_pass(name) for name in names or known()]
    if as_json:
        print(json.dumps(rows, indent=2))
    elif names:
        print("\n\n".join(map(_full, rows)))
    else:
        _overview(rows)


def _overview(rows: Sequence[dict[str, Any]]) -> None:
    """Groups with their rules below them; rules are passes too, so they are not listed twice."""
    from .console import print_table

    inside = {rule for row in rows for rule in row["members"]}
    lines = []
    for row in rows:
        if row["name"] in inside:
            continue
        lines.append((row["name"], row["summary"], _options(row)))
        lines += [(f"  {m}", _summary(m, rows), "") for m in row["members"]]
    print_table(("pass", "what it does", "options"), lines)


def _summary(name: str, rows: Sequence[dict[str, Any]]) -> str:
    from ..catalogue import rule_summary

    return next((r["summary"] for r in rows if r["name"] == name), "") or rule_summary(name)


def _options(row: dict[str, Any]) -> str:
    return ", ".join(o["name"] + ("" if o["required"] else f"={o['default']}") for o in row["options"])


def _full(row: dict[str, Any]) -> str:
    lines = [f"{row['name']}  ({row['owner']})", *(f"  {line}".rstrip() for line in row["doc"].splitlines())]
    for o in row["options"]:
        default = "required" if o["required"] else f"default {o['default']}"
        lines.append(f"  option {o['name']}: {o['type']}, {default}")
    lines += [f"  after {a['pass']}: {a['reason']}" for a in row["after"]]
    if row["members"]:
        lines.append("  rules: " + ", ".join(row["members"]))
    return "\n".join(lines)
