"""`vinoc run`: the command line."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from ...compiler.cli.options import FILE, SETTINGS, debug, outputs, plugin
from ...ir.errors import UsageError
from ..inputs.options import preparation
from ..words import ToolCommand


class RunCommand(ToolCommand):
    many = frozenset({"words"})


@click.command(cls=RunCommand, context_settings=SETTINGS, short_help="Run a model once on images or arrays.")
@click.argument("model", type=FILE)
@click.option(
    "-i",
    "--input",
    "words",
    multiple=True,
    metavar="PATH...",
    help="Images, .npy, .npz, .bin, folders, or input:path,path [random values].",
)
@click.option("-d", "--device", default="CPU", metavar="DEVICE", help="[CPU]")
@click.option("--precision", default="", metavar="TYPE", help="What the device may compute with: f32, f16, bf16.")
@click.option("--input_shape", "--shape", "shape", metavar="LIST", help="Shapes of inputs: [1,3,224,224].")
@click.option("-b", "--batch", type=int, metavar="N", help="The size of the batch.")
@preparation
@click.option("--labels", type=FILE, metavar="FILE", help="Names of classes, one a line.")
@click.option("--top", type=click.IntRange(1), metavar="N", help="How many classes are shown [5].")
@click.option("-o", "--save", type=FILE, metavar="FILE", help="Save the outputs: .npz, .npy or .json.")
@outputs
@plugin
@debug
def command(model: Path, words: tuple[str, ...], **given: Any) -> None:
    """Runs MODEL once for each file, or batch of files, and shows what it gives.

    vinoc run resnet.onnx --input cat.jpg --normalize imagenet --resize crop --labels imagenet.txt
    """
    from ...compiler.paths import check_file
    from ..inputs.fill import Look
    from .prepare import Asked, prepare
    from .results import SUFFIXES, read_labels, save, told

    check_file(given["save"], "--save", SUFFIXES, "what results are saved as")
    labels = read_labels(given["labels"]) if given["labels"] else []
    bgr = given["reverse_input_channels"] or given["color"] == "bgr"
    same = ("device", "precision", "shape", "batch", "layout", "normalize", "mean_values", "scale_values", "scale")
    look = Look(given["resize"], bgr)
    asked = Asked(model, files=words, look=look, outputs=given["output"], **{n: given[n] for n in same})
    ready = prepare(asked, lambda text: None, _note)
    if not ready.feeds:
        raise UsageError("the model is given nothing to compute", str(model))
    request = ready.compiled.create_infer_request()
    found: list[dict[str, Any]] = []
    for feed, title in zip(ready.feeds, ready.names, strict=True):
        began = time.perf_counter()
        results = request.infer(feed.arrays)
        took = (time.perf_counter() - began) * 1e3
        names = [next(iter(p._names), str(p.index)) for p in ready.compiled.outputs]
        found.append(dict(zip(names, results.to_tuple(), strict=True)))
        if words:
            print(f"{title}: {took:.2f} ms")
        for name, value in found[-1].items():
            asked_for = bool(labels or given["top"])
            print("\n".join(told(name, value, given["top"] or 5, labels, asked_for)))
    if given["save"] is not None:
        save(found, ready.names, given["save"])
        print(f"saved: {given['save']}")


def _note(text: str) -> None:
    import sys

    print(f"note: {text}", file=sys.stderr)
