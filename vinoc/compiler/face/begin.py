"""Where a model begins, and with which types: what the frontend is told, so that conversion knows it from the start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...ir.buffer import Buffer
from ...ir.dtype import DType
from ...ir.errors import UsageError, VinocError
from ...ir.graph import Graph
from ...ir.types import TensorType, Type
from ...passes.batch import batched
from ...passes.dims import read_shape
from ...passes.freeze import frozen
from ...passes.input_type import element_type
from ...passes.layouts import Layout, axis_of
from ...passes.ports import find_input
from ..frontends.base import Frontend, Inputs
from ..frontends.outline import Outline, outline
from .names import tensor_called
from .options import Face
from .spelling import Entry, read_entries, read_frozen, read_layouts, read_shapes


@dataclass(slots=True)
class Begin:
    """`inputs` for the frontend; the inputs in the order in which they were named, and those of other element types."""

    inputs: Inputs = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    types: dict[str, DType] = field(default_factory=dict)


def begin(face: Face, frontend: Frontend, path: Path, outputs: Sequence[str]) -> Begin:
    """What `--input`, `--input_shape`, `--batch` and values in place of inputs come to. Raises UsageError."""
    entries = read_entries("--input", face.input)
    shapes = read_shapes("--input_shape", face.input_shape)
    constants = read_frozen("--freeze_placeholder_with_value", face.freeze_placeholder_with_value)
    _check(face, entries, shapes)
    if not (entries or shapes or constants or face.batch is not None):
        return Begin()
    told = outline(frontend, path)
    found = {tensor_called(told, e.name, "--input"): e for e in entries}
    if len(found) != len(entries):
        raise UsageError("the same tensor is named twice", "--input", ", ".join(e.name for e in entries))
    for c in constants:
        name = tensor_called(told, c.name, "--freeze_placeholder_with_value")
        entry = found.get(name, Entry(name))
        if entry.values is not None:
            raise UsageError(f"'{c.name}' is given two values", "--freeze_placeholder_with_value")
        found[name] = entry._replace(values=c.values)
    found = _with_shapes(found, shapes, told, bool(entries))
    if face.batch is not None and not entries:
        found = {n: found.get(n, Entry(n)) for n in (*told.inputs, *found)}
    known = _known_types(told, list(found), found, frontend, path)
    made = Begin(order=[n for n, e in found.items() if e.values is None] if entries else [])
    batch_axes = _batch_axes(face)
    made.inputs = {n: _begun(e, n, known.get(n), face, batch_axes, made) for n, e in found.items()}
    return made


def in_order(graph: Graph, names: Sequence[str]) -> None:
    """Where `--input` names all inputs, the model has them in that order."""
    indices = [find_input(graph, n) for n in names if any(n in given for given in graph.input_names)]
    if len(indices) == len(graph.inputs) == len(set(indices)):
        graph.order_inputs(indices)


def _check(face: Face, entries: Sequence[Entry], shapes: Sequence[object]) -> None:
    if shapes and any(e.shape is not None for e in entries):
        raise UsageError(
            "shapes are given by --input and by --input_shape", "--input_shape", "give them in one of the two"
        )
    if face.batch is None:
        return
    if shapes or any(e.shape is not None for e in entries):
        where = "--input_shape" if shapes else "--input"
        raise UsageError(f"the batch is given, and shapes by {where}", "--batch", "write the batch into the shapes")
    if face.batch < 1:
        raise UsageError(f"a batch of {face.batch} is asked for, expected 1 or more", "--batch")


def _with_shapes(
    found: dict[str, Entry], shapes: Sequence[tuple[str, ...]], told: Outline, named: bool
) -> dict[str, Entry]:
    """Shapes go to the inputs in the order of --input, or else of the model."""
    if not shapes:
        return found
    names = list(found) if named else [n for n in told.inputs if n not in found]
    if len(names) != len(shapes):
        raise UsageError(
            f"{len(shapes)} shapes are given for {len(names)} inputs: {', '.join(names)}",
            "--input_shape",
            "give one for each, or name those that are meant: --input 'name[1,3]'",
        )
    return {**found, **{n: found.get(n, Entry(n))._replace(shape=s) for n, s in zip(names, shapes, strict=True)}}


def _known_types(
    told: Outline, names: Sequence[str], found: dict[str, Entry], frontend: Frontend, path: Path
) -> dict[str, Type]:
    """The model's own types of tensors: declared, or inferred by converting what computes those that are not."""
    known = {n: told.inputs.get(n) or told.types.get(n) for n in names}
    missing = [n for n, t in known.items() if t is None and (found[n].type is None or found[n].shape is None)]
    if missing:
        try:
            graph = frontend.load(path, outputs=missing)
        except VinocError as error:
            raise UsageError(
                f"the type of '{missing[0]}' is not known: what computes it cannot be converted",
                "--input",
                f"give it: --input '{missing[0]}[1,3]{{f32}}' ({error.what})",
            ) from error
        known.update(zip(missing, [v.type for v in graph.outputs], strict=True))
    return {n: t for n, t in known.items() if t is not None}


def _batch_axes(face: Face) -> dict[str | None, Layout]:
    """The layouts by input, for the batch."""
    rows = (
        *read_layouts("--layout", face.layout),
        *read_layouts("--source_layout", face.source_layout, "source"),
    )
    return {r.name: r.source for r in rows if r.source is not None}


def _begun(
    entry: Entry, name: str, known: Type | None, face: Face, layouts: dict[str | None, Layout], made: Begin
) -> TensorType | Buffer | None:
    """The type or the contents for one input."""
    if known is not None and not isinstance(known, TensorType):
        if entry.shape is None and entry.type is None and entry.values is None and face.batch is None:
            return None
        raise UsageError(f"'{name}' is {known}, not a tensor: it can be given neither shape nor value", "--input")
    try:
        wanted = element_type(entry.type) if entry.type else None
        own = known.dtype if known is not None else wanted
        if own is None:
            raise UsageError(f"the type of '{name}' is not known", help=f"give it: '{entry.name}[1,3]{{f32}}'")
        declared = known.shape if known is not None else None
        shape = declared if entry.shape is None else read_shape(entry.shape, declared, name)
        if entry.values is not None:
            return frozen(TensorType(wanted or own, shape), entry.values, name)
        if face.batch is not None:
            layout = layouts.get(name, layouts.get(None) if len(layouts) == 1 else None)
            axis = axis_of(layout, "N", None if shape is None else len(shape)) if layout else None
            shape = batched(TensorType(own, shape), face.batch, axis, name)
    except UsageError as error:
        raise UsageError(error.what, error.where or ("--batch" if face.batch else "--input"), error.help) from None
    if wanted is not None and wanted is not own:
        made.types[name] = wanted
    return TensorType(own, shape) if (shape, own) != (declared, own) or name in made.types else None
