"""`vinoc show`: a model, or one node of it."""

from __future__ import annotations

from pathlib import Path

import click

from ...ir.errors import UsageError
from .options import FILE, SETTINGS, debug, framework, plugin


@click.command(context_settings=SETTINGS, short_help="Show a model's inputs, outputs and operations, or a node.")
@click.argument("model", type=FILE)
@click.argument("node", required=False)
@click.option("--plan", is_flag=True, help="Show the schedule of kernels that the CPU device makes of it.")
@click.option("--times", is_flag=True, help="With --plan: run it on random inputs, and show the time of every step.")
@click.option(
    "--input_shape", metavar="LIST", help="With --plan: shapes of the inputs: [1,3,480,640]. Default: ? is 1."
)
@click.option("--json", "as_json", is_flag=True, help="With --plan: print it as JSON.")
@plugin
@framework
@debug
def command(
    model: Path,
    node: str | None,
    plan: bool,
    times: bool,
    input_shape: str | None,
    as_json: bool,
    framework: str | None,
) -> None:
    """Shows what is in MODEL; with NODE, all about the nodes of that name."""
    from ...ir.quiet import quiet_gc
    from ..driver import read_model
    from ..show import node_lines, plan_lines, summary, with_shapes

    if times and not plan:
        raise UsageError("--times goes with --plan")
    if as_json and not plan:
        raise UsageError("--json goes with --plan")
    if input_shape and not plan:
        raise UsageError("--input_shape goes with --plan")
    with quiet_gc():
        graph = read_model(model, framework)
        if input_shape:
            with_shapes(graph, input_shape)
        if plan:
            lines = plan_lines(graph, times, as_json)
        else:
            lines = node_lines(graph, node) if node else summary(graph)
        for line in lines:
            print(line)
