"""`vinoc diff`: what differs between two models."""

from __future__ import annotations

from pathlib import Path

import click

from .options import FILE, SETTINGS, debug


@click.command(context_settings=SETTINGS, short_help="Compare two models; exit code 1 when they differ.")
@click.argument("first", type=FILE)
@click.argument("second", type=FILE)
@click.option("--html", type=FILE, metavar="FILE", help="Draw the differences side by side, on a page of its own.")
@click.option("--silent", is_flag=True, help="Print nothing; the exit code tells.")
@debug
def command(first: Path, second: Path, html: Path | None, silent: bool) -> int:
    """Compares FIRST and SECOND, files of any format: `-` removed, `+` added, `~` changed, `!` inputs and outputs."""
    from ...ir.quiet import quiet_gc
    from ..diff import diff
    from ..diff_page import write_diff_page
    from ..driver import Size, read_model
    from ..paths import check_file

    check_file(html, "--html", (".html",), "a page")
    with quiet_gc():
        a, b = read_model(first), read_model(second)
        found = diff(a, b)
        if html is not None:
            write_diff_page(first, second, found, html)
    if silent:
        return 0 if found.equal else 1
    for path, graph in ((first, a), (second, b)):
        size = Size.of(graph)
        print(f"{path}: {size.nodes} nodes, {size.edges} edges")
    if found.equal:
        print("equal")
        return 0
    for line in found.lines():
        print(line)
    print(f"{len(found.removed)} removed, {len(found.added)} added, {len(found.changed)} changed")
    return 1
