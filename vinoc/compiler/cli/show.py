"""`vinoc show`: a model, or one node of it."""

from __future__ import annotations

from pathlib import Path

import click

from .options import FILE, SETTINGS, debug, framework


@click.command(context_settings=SETTINGS, short_help="Show a model's inputs, outputs and operations, or a node.")
@click.argument("model", type=FILE)
@click.argument("node", required=False)
@framework
@debug
def command(model: Path, node: str | None, framework: str | None, debug: bool) -> None:
    """Shows what is in MODEL; with NODE, all about the nodes of that name."""
    from ..driver import quiet_gc, read_model
    from ..show import node_lines, summary

    with quiet_gc():
        graph = read_model(model, framework)
        for line in node_lines(graph, node) if node else summary(graph):
            print(line)
