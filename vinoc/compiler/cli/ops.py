"""`vinoc ops`: the operations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from .options import SETTINGS, debug, plugin


@click.command(context_settings=SETTINGS, short_help="List the operations: inputs, attributes, support.")
@click.argument("kinds", nargs=-1, metavar="[KIND]...")
@click.option("--matrix", is_flag=True, help="Which parts of vinoc know each operation.")
@click.option("--frontend", metavar="NAME", help="The operators that a frontend reads (onnx), with their versions.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@plugin
@debug
def command(kinds: Sequence[str], matrix: bool, frontend: str | None, as_json: bool) -> None:
    """Lists all operations, or tells all about those named."""
    from ...ir.op import op_class, registry
    from ..catalogue import MATRIX, describe_op, support
    from .console import print_table

    if frontend is not None:
        _operators(frontend, kinds, as_json)
        return
    classes = [op_class(k) for k in kinds] or [registry()[k] for k in sorted(registry())]
    if matrix:
        cells = support(classes)
        if as_json:
            print(json.dumps(cells, indent=2))
            return
        marks = [(kind, *("x" if row[c] else "-" for c in MATRIX)) for kind, row in cells.items()]
        print_table(("operation", *MATRIX), marks)
        return
    rows = [describe_op(c) for c in classes]
    if as_json:
        print(json.dumps(rows, indent=2))
    elif kinds:
        print("\n\n".join(map(_full, rows)))
    else:
        lines = [(r["kind"], r["opset"], _ports(r), r["summary"], _attributes(r)) for r in rows]
        print_table(("operation", "opset", "inputs", "meaning", "attributes"), lines)


def _operators(frontend: str, names: Sequence[str], as_json: bool) -> None:
    """Prints the operators of a frontend. Raises UsageError for a frontend without a table."""
    from ..operators import COLUMNS, rows
    from .console import print_table

    table = rows(frontend, names)
    if as_json:
        print(json.dumps([dict(zip(COLUMNS, row, strict=True)) for row in table], indent=2))
    else:
        print_table(COLUMNS, table)


def _ports(row: dict[str, Any]) -> str:
    return ", ".join(map(_port, row["inputs"]))


def _port(port: dict[str, Any]) -> str:
    return f"*{port['name']}" if port["variadic"] else port["name"] + ("?" if port["optional"] else "")


def _attributes(row: dict[str, Any]) -> str:
    return ", ".join(a["name"] for a in row["attributes"])


def _full(row: dict[str, Any]) -> str:
    lines = [f"{row['kind']}({_ports(row)})  {row['opset']}"]
    lines += [f"  {line}".rstrip() for line in row["doc"].splitlines()]
    for a in row["attributes"]:
        default = "required" if a["required"] else f"default {a['default']}"
        choices = f" of {', '.join(a['choices'])}" if a["choices"] else ""
        lines.append(f"  {a['name']}: {a['type']}{choices}, {default}")
    return "\n".join(lines)
