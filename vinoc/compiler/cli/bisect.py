"""`vinoc bisect`: which pass, and which rewrite, makes a model wrong."""

from __future__ import annotations

from pathlib import Path

import click

from ..config import DEFAULT_PASSES
from .options import FILE, SETTINGS, Finite, debug, framework, plugin


@click.command(context_settings=SETTINGS, short_help="Find the pass and the rewrite that make a model wrong.")
@click.argument("model", type=FILE)
@click.option(
    "--passes", metavar="P", default=DEFAULT_PASSES, show_default=True, help="The pipeline that is suspected."
)
@click.option("--inputs", type=FILE, metavar="NPZ", help="Arrays by input name; else seeded random ones.")
@click.option("--expected", type=FILE, metavar="NPZ", help="Right outputs by name; else those without any pass.")
@click.option("--device", type=click.Choice(["TEMPLATE", "CPU"]), default="TEMPLATE", show_default=True)
@click.option("--tolerance", type=Finite(0), default=1e-3, show_default=True, help="Of the range of each output.")
@plugin
@framework
@debug
def command(
    model: Path,
    passes: str,
    inputs: Path | None,
    expected: Path | None,
    device: str,
    tolerance: float,
    framework: str | None,
) -> None:
    """Runs the passes on MODEL one by one, its outputs compared behind each, then halves the rewrites of the bad one.

    Exits with 1 when something was found.
    """
    from ...ir.errors import VinocError
    from ...ir.quiet import quiet_gc
    from ...passes.measure import read_arrays
    from ..bisect import bisect, evaluator, lines
    from ..driver import read_model
    from ..samples import evaluable_inputs

    with quiet_gc():
        graph = read_model(model, framework)
        reference, suspected = evaluator("TEMPLATE"), evaluator(device)
        given = read_arrays(inputs, graph.input_names, "input") if inputs else evaluable_inputs(graph, reference)
        right = read_arrays(expected, graph.output_names, "output") if expected else reference(graph, given)
        found = bisect(graph.clone, passes, given, right, suspected, tolerance)
    for line in lines(found):
        print(line)
    if found is not None:
        rule = f"rule '{found.rewrite.rule}'" if found.rewrite else f"pass '{found.step.name}'"
        raise VinocError(
            f"{rule} makes the model wrong", str(model), f"`vinoc show {model} NODE` shows the nodes named"
        )
