"""`vinoc explain`: where a node of a model went."""

from __future__ import annotations

from pathlib import Path

import click

from ..config import DEFAULT_PASSES
from .options import FILE, SETTINGS, debug, framework, plugin


@click.command(context_settings=SETTINGS, short_help="Tell what became of a model's node, pass by pass.")
@click.argument("model", type=FILE)
@click.argument("node")
@click.option("--passes", metavar="P", default=DEFAULT_PASSES, show_default=True, help="The pipeline to follow it in.")
@plugin
@framework
@debug
def command(model: Path, node: str, passes: str, framework: str | None) -> None:
    """Follows NODE of MODEL through the passes: every rule that touched it, and those that almost did."""
    from ...ir.quiet import quiet_gc
    from ..driver import read_model
    from ..explain import explain

    with quiet_gc():
        for line in explain(read_model(model, framework), node, passes):
            print(line)
