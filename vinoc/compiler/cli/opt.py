"""`vinoc opt`: passes on a graph in text form, text out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ...ir.errors import UsageError
from .options import FILE, SETTINGS, debug, framework, pipeline


@click.command(context_settings=SETTINGS, short_help="Run passes on a graph, print it as text.")
@click.argument("file", type=FILE)
@pipeline
@click.option("-o", "--output", type=FILE, metavar="FILE", help="Write the text there, large constants beside it.")
@framework
@debug
def command(file: Path, output: Path | None, **given: Any) -> None:
    """Reads FILE (.vir text, or any model), runs the passes and prints the graph as text.

    Without --passes nothing is run.
    """
    from ...ir.quiet import quiet_gc
    from ...ir.text import print_graph
    from ..config import Options
    from ..driver import read_model, run_passes
    from ..summary import explain_steps
    from .console import progress

    if output is not None and output.suffix != ".vir":
        raise UsageError(f"a graph in text form is a .vir file, not '{output.suffix}'", f"-o {output}")
    options = Options(
        passes=given["passes"] or "",
        verify=given["verify"],
        dump_dir=given["dump_dir"],
        dump_after=given["dump_after"],
        explain=given["explain"],
    )
    with quiet_gc():
        graph = read_model(file, given["framework"])
        with progress() as watch:
            steps = run_passes(graph, options, watch)
        for line in explain_steps(steps, options.explain):
            print(f"// {line}")
        if output is None:
            print(print_graph(graph), end="")
        else:
            _write(graph, output)


def _write(graph: Any, output: Path) -> None:
    from ...ir.errors import VinocError
    from ...ir.text import write_text

    try:
        write_text(graph, output)
    except OSError as error:
        raise VinocError(f"cannot be written: {error.strerror or error}", str(output)) from error
