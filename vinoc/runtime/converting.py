"""Models converted as the command line does, and written."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import fields
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..compiler.config import DEFAULT_PASSES, FP16_PASS, with_fp16
from ..compiler.driver import open_model
from ..compiler.driver import read_model as read_graph
from ..compiler.face.options import Face, options_named
from ..ir.buffer import Buffer
from ..ir.constant import Constant
from ..ir.errors import ArgumentTypeError, UsageError, VinocError, did_you_mean
from ..ir.graph import Graph
from ..ir.quiet import quiet_gc
from ..passes.manager import PassManager
from ..passes.pipeline import Pipeline, parse
from .element import Type
from .model import Model
from .reading import Source, model_file
from .shapes import Dimension, PartialShape

_log = logging.getLogger("vinoc")


def convert_model(
    input_model: Source,
    input: Any = None,
    output: str | Sequence[str] | None = None,
    example_input: Any = None,
    extension: Any = None,
    verbose: bool = False,
    share_weights: bool = True,
    dynamo: bool = False,
    *,
    passes: str = DEFAULT_PASSES,
    compress_to_fp16: bool = False,
    **face: Any,
) -> Model:
    """Reads a model and optimizes it as the command line does. Raises VinocError, TypeError for unknown arguments.

    input          shapes and types of inputs: `{"x": [1, 3]}`, `[("x", [1, 3], Type.f32)]`, `[1, 3]`, `Type.f16`,
                   `([1, 3], Type.f16)`, a list of these; or text, as `--input` has it
    output         names of the tensors at which the model ends
    extension      plugin files, or one, that are loaded before
    verbose        logs what each pass did
    share_weights  whether weights stay mapped from the file; otherwise they are copied
    example_input, dynamo   how models of PyTorch are traced; there is nothing to trace here, so they are refused
    passes         the pipeline that optimizes the model; "" does nothing
    compress_to_fp16   stores weights in half precision

    Further arguments are those of the Model Optimizer, as text or as Python's values: `input_shape`, `batch`,
    `mean_values`, `scale_values`, `scale`, `reverse_input_channels`, `layout`, `source_layout`, `target_layout`,
    `freeze_placeholder_with_value`, `static_shape`, `transform`.
    """
    _refuse_unknown(face)
    _refuse_tracing(example_input, dynamo)
    _load(extension)
    if isinstance(input_model, list | tuple) and len(input_model) == 1:
        input_model = input_model[0]
    wanted = [n.strip() for n in output.split(",")] if isinstance(output, str) else list(output or ())
    with quiet_gc(), model_file(input_model) as path:
        asked = Face(**{**face, **_face_of(input, path)})
        graph, first = open_model(path, outputs=wanted, face=asked)
        steps = parse(with_fp16(passes) if compress_to_fp16 else passes).steps
        with options_named(asked):
            done = PassManager(Pipeline((*first, *steps))).run(graph)
    for step in done if verbose else ():
        _log.info("%s: %s", step.pipeline, ", ".join(f"{n} {rule}" for rule, n in step.matches.items()) or "nothing")
    if not share_weights:
        _own_weights(graph)
    return Model(graph)


def _refuse_unknown(face: Mapping[str, Any]) -> None:
    known = [f.name for f in fields(Face)]
    unknown = next((name for name in face if name not in known), None)
    if unknown is not None:
        hint = did_you_mean(unknown, [*known, "output", "extension", "passes", "compress_to_fp16"])
        raise ArgumentTypeError(f"convert_model has no argument `{unknown}`", help=hint or None)


def _refuse_tracing(example_input: Any, dynamo: bool) -> None:
    for name, given in (("example_input", example_input is not None), ("dynamo", dynamo)):
        if given:
            raise UsageError(
                f"`{name}` is for models that are traced; vinoc reads model files",
                help="export the model to ONNX (torch.onnx.export), and convert that",
            )


def _load(extension: Any) -> None:
    from ..compiler.plugins import load_plugins

    if extension is not None:
        given = extension.split(",") if isinstance(extension, str) else extension
        load_plugins([Path(given)] if isinstance(given, PathLike) else given)


def _own_weights(graph: Graph) -> None:
    """Copies all constants to memory of their own."""
    for node in (n for g in graph.walk() for n in g):
        if isinstance(node.op, Constant):
            buffer = node.op.value
            node.op = Constant(Buffer.of(np.array(buffer.array), buffer.dtype))


def _face_of(given: Any, path: Path) -> dict[str, Any]:
    """The options `input` and `input_shape` from what programs give for the inputs."""
    if given is None or isinstance(given, str):
        return {} if given is None else {"input": given}
    if isinstance(given, Mapping):
        return {"input": [_entry(name, value) for name, value in given.items()]}
    entries = list(given) if isinstance(given, list) and not _is_shape(given) else [given]
    if all(_is_shape(e) for e in entries):
        return {"input_shape": [PartialShape(e) for e in entries]}
    if not all(_is_named(e) for e in entries):
        names = [n[0] if n else f"{i}" for i, n in enumerate(read_graph(path).input_names)]
        if len(entries) > len(names):
            raise UsageError(f"{len(entries)} inputs are given, the model has {len(names)}: {', '.join(names)}")
        entries = [e if _is_named(e) else _entry(names[i], e) for i, e in enumerate(entries)]
    return {"input": [_parts(e[0], e[1:]) if isinstance(e, list | tuple) else e for e in entries]}


def _is_named(entry: Any) -> bool:
    """Whether it is the name of an input, or a tuple that begins with one."""
    return isinstance(entry, str) or (isinstance(entry, list | tuple) and bool(entry) and isinstance(entry[0], str))


def _is_shape(given: Any) -> bool:
    if isinstance(given, PartialShape):
        return True
    return isinstance(given, list | tuple) and bool(given) and all(isinstance(d, int | Dimension) for d in given)


def _entry(name: str, given: Any) -> tuple[Any, ...]:
    """(name, shape, type) of a shape, of a type, or of both; without what is not given."""
    whole = not isinstance(given, list | tuple) or all(map(_is_dimension, given))
    return _parts(name, [given] if whole else given)


def _parts(name: str, parts: Sequence[Any]) -> tuple[Any, ...]:
    shapes = [p for p in parts if isinstance(p, PartialShape | list | tuple)]
    types = [p for p in parts if p is not None and not isinstance(p, PartialShape | list | tuple)]
    if len(shapes) > 1 or len(types) > 1:
        raise UsageError(f"input '{name}' is given {list(parts)!r}", help="a shape, a type, or one of each")
    return (name, *[[str(d) for d in PartialShape(s)] for s in shapes], *[Type(t).type_name for t in types])


def _is_dimension(d: Any) -> bool:
    """Whether it is a number, a range, or text for one of them."""
    if isinstance(d, list | tuple):
        return len(d) == 2 and all(isinstance(n, int) for n in d)
    return isinstance(d, int | Dimension) or (isinstance(d, str) and (d == "?" or ".." in d or d.isdecimal()))


def save_model(model: Model, output_model: str | PathLike[str], compress_to_fp16: bool = True) -> None:
    """Writes a model as OpenVINO IR: `output_model`, which ends in .xml, and the .bin beside it.

    With `compress_to_fp16` weights are stored in half precision. Folders that are not there are made; nothing else
    is left after a failure. Raises VinocError.
    """
    from ..backends.base import backend

    path = Path(output_model)
    if path.suffix != ".xml":
        raise UsageError(f"a model is saved as .xml, not '{path.suffix}'", str(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VinocError(f"the folder cannot be made: {error.strerror or error}", str(path.parent)) from error
    target = backend("ir")
    graph = model.graph.clone()
    with quiet_gc():
        PassManager(target.lowering).run(graph)
        if compress_to_fp16:
            PassManager(FP16_PASS).run(graph)
        target.write(graph, path.parent, path.stem)


def serialize(model: Model, xml_path: str | PathLike[str], bin_path: str | PathLike[str] = "") -> None:
    """Writes a model as OpenVINO IR with its weights as they are; they go to `bin_path`, by default beside the XML.

    Raises VinocError.
    """
    save_model(model, xml_path, compress_to_fp16=False)
    beside = Path(xml_path).with_suffix(".bin")
    if bin_path and Path(bin_path) != beside:
        beside.replace(bin_path)
