"""`vinoc check`: would this model convert?"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from .options import FILE, SETTINGS, debug, framework, outputs, plugin


@click.command(context_settings=SETTINGS, short_help="List all that stands in the way of a conversion.")
@click.argument("model", type=FILE)
@click.option("-t", "--target", metavar="T", default="ir", help="Target: ir, numpy, numba, cpu [ir].")
@click.option("--passes", metavar="P", help="Passes to run before the target is asked.")
@framework
@outputs
@plugin
@debug
def command(
    model: Path,
    target: str,
    passes: str | None,
    framework: str | None,
    output: Sequence[str],
) -> int:
    """Tells whether MODEL would convert, and if not, every problem at once; writes no file."""
    from ..check import check_model
    from ..config import DEFAULT_PASSES, Options
    from ..errors_table import COLUMNS, headline, rows, text
    from .console import print_table, progress

    pipeline = DEFAULT_PASSES if passes is None else passes
    options = Options(passes=pipeline, target=target, framework=framework, outputs=output)
    with progress() as watch:
        verdict = check_model(model, options, watch)
    if verdict.ok and verdict.size:
        print(f"{model}: converts to '{target}': {verdict.size.nodes} nodes, {verdict.size.edges} edges")
        return 0
    if sys.stdout.isatty():
        print_table(COLUMNS, [r.cells() for r in rows(verdict.problems)])
    else:
        print("\n".join(text(verdict.problems)))
    print(f"{model}: {headline(verdict.problems)}")
    return 1
