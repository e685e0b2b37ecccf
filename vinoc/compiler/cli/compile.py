"""`vinoc MODEL`: the default verb."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from ... import __version__
from ...ir.errors import UsageError
from ..config import REPORTS
from .options import FILE, SETTINGS, debug, face, framework, outputs, pipeline

FP16, FP32 = ("FP16", "half"), ("FP32", "float")


class CompileCommand(click.Command):
    """The default verb: its help lists the others."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _joined(args))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from .verbs import summaries

        with formatter.section("Commands (vinoc COMMAND --help)"):
            formatter.write_dl(summaries())


def _joined(args: list[str]) -> list[str]:
    """`--compress_to_fp16 False` as one word: its value is optional, and a model's name is none."""
    out: list[str] = []
    for word in args:
        last = out[-1].replace("-", "_") if out else ""
        if last == "__compress_to_fp16" and word.lower() in ("true", "false"):
            out[-1] += "=" + word
        else:
            out.append(word)
    return [w + "=True" if w.replace("-", "_") == "__compress_to_fp16" else w for w in out]


@click.command(cls=CompileCommand, context_settings=SETTINGS, short_help="Compile a model.")
@click.argument("model", required=False, type=FILE)
@click.option("-m", "--input_model", type=FILE, metavar="FILE", help="The model, in place of the argument.")
@click.option("-o", "--output_dir", type=FILE, default=Path(), metavar="DIR", help="Folder for the files [current].")
@click.option("-n", "--model_name", metavar="NAME", help="Stem of the files [the model's].")
@click.option("-t", "--target", metavar="T", default="ir", help="What to make: ir, numpy, numba, cpu [ir].")
@framework
@outputs
@face
@pipeline
@click.option("--data_type", type=click.Choice([*FP16, *FP32]), help="FP16 or half: the same as --compress_to_fp16.")
@click.option("--compress_to_fp16", type=bool, metavar="[True|False]", default=False, help="Store weights as FP16.")
@click.option("--time_passes", is_flag=True, help="Print the time of every execution of every pass.")
@click.option("--report", type=FILE, metavar="FILE", help="Write an account of the compilation, .json or .html.")
@click.option("--silent", is_flag=True, help="Print nothing but errors.")
@debug
@click.version_option(__version__, message="vinoc %(version)s")
def command(**given: Any) -> None:
    """Compiles MODEL for a target and writes the files.

    vinoc model.onnx -o out
    """
    from ..driver import compile_model_file
    from ..paths import check_file
    from ..summary import explanation, summary, timing
    from .console import progress

    check_file(given["report"], "--report", REPORTS, "a report")
    model = _model(given["model"], given["input_model"])
    with progress(not given["silent"]) as watch:
        result = compile_model_file(model, _options(given), watch)
    if given["report"] is not None:
        from ..report import write_report

        write_report(result, given["report"])
    printers: list[Callable[[Any], Any]] = [explanation] if given["explain"] else []
    printers += [timing] if given["time_passes"] else []
    printers += [summary] if not given["silent"] else []
    for printer in printers:
        for line in printer(result):
            print(line)


def _model(argument: Path | None, option: Path | None) -> Path:
    if argument is not None and option is not None:
        raise UsageError(f"two models are given: '{argument}' and '{option}'", "--input_model", "give one of them")
    model = argument or option
    if model is None:
        raise UsageError("no model is given", help="vinoc MODEL -o DIR; `vinoc --help` lists all options")
    return model


def _options(given: dict[str, Any]) -> Any:
    from ..config import DEFAULT_PASSES, Options, with_fp16
    from ..face.options import Face

    passes = DEFAULT_PASSES if given["passes"] is None else given["passes"]
    if given["compress_to_fp16"] or given["data_type"] in FP16:
        if given["data_type"] in FP32:
            raise UsageError("--data_type FP32 contradicts --compress_to_fp16", help="give one of them")
        passes = with_fp16(passes)
    return Options(
        passes=passes,
        target=given["target"],
        out_dir=given["output_dir"],
        model_name=given["model_name"],
        framework=given["framework"],
        outputs=given["output"],
        face=Face(**{f.name: given[f.name] for f in fields(Face)}),
        verify=given["verify"],
        dump_dir=given["dump_dir"],
        dump_after=given["dump_after"],
        explain=given["explain"],
        record=given["report"] is not None,
    )
