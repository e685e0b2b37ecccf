"""`vinoc quantize`: the command line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import click

from ...compiler.cli.options import FILE, SETTINGS, debug, plugin
from ...ir.errors import UsageError
from ..inputs.options import preparation
from ..words import ToolCommand
from .options import TARGETS, Integers, Options, Preset


class QuantizeCommand(ToolCommand):
    many = frozenset({"data", "reports", "keep_float", "ignore", "ignore_type", "ignore_pattern", "algorithms", "runs"})
    switches = frozenset({"weights_only"})


def _list(*names: str, help: str, metavar: str = "NAME...") -> Callable[[Any], Any]:
    return click.option(*names, multiple=True, metavar=metavar, help=help)


@click.command(cls=QuantizeCommand, context_settings=SETTINGS, short_help="Quantize a model to integers.")
@click.argument("model", type=FILE, required=False)
@_list("-i", "--data", "data", metavar="PATH...", help="Folder of images, .npy, .npz, or input:PATH for each input.")
@click.option("-o", "--output_dir", "out", type=FILE, default=Path(), metavar="OUT", help="Folder or .xml [current].")
@click.option("-n", "--model_name", "name", default="", metavar="NAME", help="Stem of the files [the model's, _int8].")
@click.option("-c", "--config", type=FILE, metavar="FILE", help="A configuration file of POT, in place of the rest.")
@click.option(
    "--preset",
    type=click.Choice(get_args(Preset)),
    default="accuracy",
    show_default=True,
    help="Levels of values: symmetric, or (mixed, accuracy) asymmetric where they have a sign.",
)
@click.option("--subset", "--subset_size", type=click.IntRange(0), metavar="N", help="Samples to take; 0: all [300].")
@click.option("--weights_only", type=bool, default=False, metavar="[BOOL]", help="Weights alone; needs no data.")
@click.option(
    "--group", type=click.IntRange(0), default=0, metavar="N",
    help="With --weights_only: elements of a sum that share a scale, as 64 [0: all].",
)  # fmt: skip
@click.option("--bits", type=click.Choice(["8", "4"]), default="8", show_default=True, help="Of weights.")
@click.option("--activation_bits", type=click.IntRange(2, 8), default=8, metavar="N", help="Of values [8].")
@click.option(
    "--target",
    type=click.Choice(TARGETS),
    default="host",
    show_default=True,
    help="What it is for; without VNNI weights have seven bits where many sums would saturate.",
)
@click.option(
    "--integers",
    type=click.Choice(get_args(Integers)),
    default="auto",
    show_default=True,
    help="auto: of what would not be faster in integers on the target, weights alone.",
)
@_list("--ignore", help="Nodes that stay float.")
@_list("--ignore_type", metavar="KIND...", help="Kinds of operations that stay float: Add, MatMul.")
@_list("--ignore_pattern", metavar="REGEX...", help="Nodes whose names begin with this stay float.")
@_list("--keep_float", metavar="auto|NAME...", help="The layers that cost most stay float, or these.")
@_list("--algorithm", "algorithms", help="These algorithms, in this order, in place of the preset's.")
@click.option("--input_shape", "--shape", "shape", metavar="LIST", help="Shapes of inputs: [1,3,224,224].")
@preparation
@_list("--report", "reports", metavar="FILE...", help="Write a report: .html, .json, .txt.")
@click.option(
    "--pareto", type=FILE, metavar="FILE", help="Try all presets, draw error against time and size: .html, .svg."
)
@_list("--runs", "runs", metavar="FILE...", help="With --pareto: reports in JSON of other runs.")
@click.option("--save_ranges", type=FILE, metavar="FILE", help="Write the ranges, for the pass `quantize`.")
@click.option("--resume", type=FILE, metavar="FILE", help="Keep statistics there; a run that was stopped goes on.")
@click.option("--silent", is_flag=True, help="Print nothing but warnings and errors.")
@plugin
@debug
def command(model: Path | None, config: Path | None, **given: Any) -> None:
    """Quantizes MODEL by what samples of DATA show, and writes it as IR.

    vinoc quantize model.onnx --data images --normalize signed -o out

    Mean and scale are applied to the data; the model's inputs stay as they are.
    """
    from ...compiler.paths import check_file
    from ..charts.page import SUFFIXES

    if config is not None:
        from .pot import run_config

        run_config(config, model, given)
        return
    if model is None:
        raise UsageError("no model is given", help="vinoc quantize MODEL --data DIR -o OUT")
    if given["runs"] and given["pareto"] is None:
        raise UsageError("goes with --pareto, whose picture shows them", "--runs")
    job = job_of(model, given)
    if given["pareto"] is not None:
        check_file(given["pareto"], "--pareto", SUFFIXES, "a chart")
    told(job, given["silent"])
    if given["pareto"] is not None:
        drawn(job, given["pareto"], given["runs"])


def job_of(model: Path, given: dict[str, Any]) -> Any:
    """What the options ask for."""
    from ...passes.quantize import Ignored
    from ..bench.prepare import existing
    from .job import Job, output_file

    weights_only = bool(given["weights_only"])
    if not given["data"] and not weights_only:
        raise UsageError("no data are given", "--data", "a folder of images, or --weights_only to need none")
    options = Options(
        preset=given["preset"],
        bits=given["activation_bits"],
        weight_bits=int(given["bits"]),
        weights_only=weights_only,
        group=given["group"],
        ignored=Ignored(_names(given["ignore"]), given["ignore_pattern"], _names(given["ignore_type"])),
        keep_float=_names(given["keep_float"]),
        algorithms=_names(given["algorithms"]),
        target=given["target"],
        integers=given["integers"],
        **({"subset": given["subset"]} if given["subset"] is not None else {}),
    )
    return Job(
        model=existing(model), data=asked_of(given), out=output_file(given["out"], given["name"], model, options),
        options=options, reports=[Path(r) for r in given["reports"]], ranges=given["save_ranges"],
        resume=given["resume"], input_shape=given["shape"],
    )  # fmt: skip


def asked_of(given: dict[str, Any]) -> Any:
    """What the options say about data; None where there are none."""
    from ..inputs.fill import Look
    from .asked import Asked

    if not given["data"]:
        return None
    look = Look(given["resize"], given["reverse_input_channels"] or given["color"] == "bgr")
    same = ("layout", "normalize", "mean_values", "scale_values", "scale")
    return Asked(given["data"], look, **{n: given[n] for n in same})


def _names(words: tuple[str, ...]) -> tuple[str, ...]:
    """Words with commas between them, or several of them."""
    return tuple(part for word in words for part in word.split(",") if part)


def drawn(job: Any, path: Path, runs: tuple[str, ...]) -> None:
    """Tries all presets and draws them with runs whose reports are given."""
    from ...compiler.cli.console import bars, print_table
    from ..charts.page import write_page
    from .pareto import COLUMNS, best, page_of, row, stored, tried
    from .watch import Watch

    others = [stored(Path(r)) for r in runs]
    with bars() as tick:
        found = [*tried(job, Watch(tick)), *others]
    winners = best(found)
    print_table(COLUMNS, [row(r, r.name in winners) for r in found])
    for file in write_page(page_of(job.model.name, found), path):
        print(f"chart: {file}")


def told(job: Any, silent: bool = False) -> Any:
    """Runs a job and says what was done."""
    from ...compiler.cli.console import bars
    from .job import run_job
    from .report_text import summary
    from .watch import Watch

    said: list[str] = []

    def warn(text: str) -> None:
        said.append(text)
        print(f"warning: {text}", file=sys.stderr)

    with bars(not silent) as tick:
        done = run_job(job, Watch(tick, warn))
    if silent:
        for text in set(done.report.warnings) - set(said):
            warn(text)
    else:
        for line in summary(done.report, said):
            print(line)
        for file in done.files:
            print(f"written: {file}")
    return done
