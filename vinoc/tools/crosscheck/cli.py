"""`vinoc crosscheck`: the command line."""

from __future__ import annotations

import json
import shutil
import sys
from typing import Any

import click

from ...compiler.cli.options import FILE, SETTINGS, Finite, debug, plugin
from ...ir.errors import UsageError
from ..words import ToolCommand


class CrosscheckCommand(ToolCommand):
    many = frozenset({"words"})


@click.command(
    cls=CrosscheckCommand, context_settings=SETTINGS, short_help="Compare two runs of a model, layer by layer."
)
@click.argument("a", required=False)
@click.argument("b", required=False)
@click.option("-m", "model", metavar="FILE", help="As in OpenVINO's cross check tool: what is checked,")
@click.option("-ref_m", "ref_model", metavar="FILE", help="what it is compared with [the same],")
@click.option("-d", "device", metavar="ENGINE", help="what runs it [cpu],")
@click.option("-ref_d", "ref_device", metavar="ENGINE", help="what runs the other [reference].")
@click.option("-i", "--input", "words", multiple=True, metavar="PATH...", help="Images, .npy, .npz, .bin [random].")
@click.option("--seed", type=click.IntRange(0), default=0, metavar="N", help="Of random inputs [0].")
@click.option("--passes", default="", metavar="P", help="A pipeline that B goes through first.")
@click.option("--passes_a", default="", metavar="P", help="The same of A.")
@click.option("--every_tensor", is_flag=True, help="Keep every tensor, though nodes can then not be fused.")
@click.option(
    "-layers", "--layers", default="all", metavar="LIST", help="Tensors to compare; none: outputs only [all]."
)
@click.option(
    "--tolerance", type=Finite(0), metavar="X", help="Of a layer's range [1e-3; f16 2e-2; bf16 1e-1; quantized 5e-2]."
)
@click.option("--worst", type=click.IntRange(0), metavar="N", help="Print the N worst layers only.")
@click.option("--dump", type=FILE, metavar="FILE", help="Write the tensors of A as .npz; alone if there is no B.")
@click.option("--dump_b", type=FILE, metavar="FILE", help="Write those of B.")
@click.option("--html", type=FILE, metavar="FILE", help="Write a page with the graph coloured by error.")
@click.option("--json", "as_json", type=FILE, metavar="FILE", help="Write all numbers.")
@plugin
@debug
def command(a: str | None, b: str | None, **given: Any) -> int:
    """Runs A and B on the same inputs and compares every tensor that both have.

    Each is FILE, FILE@ENGINE or FILE@ENGINE:PRECISION. A file is a model of any format, or a .npz that --dump wrote;
    engines are reference, cpu, onnxruntime, openvino; precisions f32, f16, bf16. Without B, a model is compared with
    itself on the CPU. Exits with 1 when a layer diverges; then it is named, and who made it.

    vinoc crosscheck model.onnx model.xml@openvino:f16
    """
    from ...compiler.cli.console import progress
    from ...compiler.paths import check_file
    from .run import crosscheck, make_inputs, run, wanted_layers
    from .sides import other, read_side
    from .trace import dump

    check_file(given["html"], "--html", (".html",), "a page")
    for option in ("dump", "dump_b"):
        check_file(given[option], f"--{option}", (".npz",), "a file of tensors")
    check_file(given["as_json"], "--json")
    left, right = _texts(a, b, given)
    every = given["every_tensor"]
    side_a = read_side(left, given["passes_a"], every)
    alone = right is None and given["dump"] is not None
    side_b = other(side_a) if right is None else read_side(right, given["passes"], every)
    if right is None and given["passes"]:
        side_b = read_side(f"{side_b.path}@{side_b.engine}", given["passes"], every)
    notes: list[str] = []
    inputs = make_inputs([side_a] if alone else [side_a, side_b], given["words"], given["seed"], notes.append)
    if alone:
        trace = run(side_a, inputs)
        dump(trace, given["dump"])
        print(f"{len(trace.layers)} tensors of {side_a} are in {given['dump']}")
        return 0
    layers = wanted_layers(given["layers"], [side_a, side_b])
    with progress() as stage:
        check = crosscheck(side_a, side_b, inputs, given["tolerance"], layers, stage)
    for key, trace in (("dump", check.a), ("dump_b", check.b)):
        if given[key] is not None:
            dump(trace, given[key])
    _print(check, given["worst"])
    if given["html"] is not None:
        from .page import write_check_page

        write_check_page(check, side_a, side_b, given["html"])
        print(f"page: {given['html']}")
    if given["as_json"] is not None:
        from ...backends.files import write_text
        from .text import as_dict

        write_text(given["as_json"], json.dumps(as_dict(check), indent=2) + "\n")
    return 0 if check.first is None else 1


def _texts(a: str | None, b: str | None, given: dict[str, Any]) -> tuple[str, str | None]:
    """A and B from the arguments, or from the options of OpenVINO's tool."""
    model = given["model"]
    if model is None:
        if a is None:
            raise UsageError("nothing is given to compare", help="vinoc crosscheck A [B]")
        for option, name in (("-d", "device"), ("-ref_d", "ref_device"), ("-ref_m", "ref_model")):
            if given[name] is not None:
                raise UsageError("goes with -m", option, "write FILE@ENGINE for A and B, or -m FILE in their place")
        return a, b
    if a is not None:
        raise UsageError("models are given as arguments and by -m", "-m", "give one of them")
    return f"{given['ref_model'] or model}@{given['ref_device'] or 'reference'}", f"{model}@{given['device'] or 'cpu'}"


def _print(check: Any, worst: int | None) -> None:
    from ...compiler.cli.console import print_table
    from .text import COLUMNS, NARROW, WIDE, overall, row, verdict

    print(f"A: {check.a.title}")
    print(f"B: {check.b.title}")
    pairs = check.found.pairs
    if worst is not None:
        pairs = sorted(pairs, key=lambda p: -p.error)[:worst]
    narrow = sys.stdout.isatty() and shutil.get_terminal_size().columns < WIDE
    shown = NARROW if narrow else range(len(COLUMNS))
    if pairs:
        rows = [row(p, check.tolerance) for p in pairs]
        print_table([COLUMNS[i] for i in shown], [[r[i] for i in shown] for r in rows])
    for line in (*overall(check), *verdict(check)):
        print(line)
