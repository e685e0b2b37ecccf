"""The model that is measured: read, reshaped, its inputs and outputs given the types that users feed."""

from __future__ import annotations

from collections.abc import Sequence

from ...compiler.driver import open_model
from ...compiler.face.options import Face
from ...ir.builder import Builder
from ...ir.dim import Sym
from ...ir.dtype import DType, u8
from ...ir.errors import UsageError, nearest
from ...ir.graph import Graph
from ...ir.quiet import quiet_gc
from ...ir.types import TensorType
from ...passes.base import Pass
from ...passes.input_type import InputType, element_type
from ...passes.manager import PassManager
from ...passes.mean_scale import MeanScale
from ...passes.pipeline import Pipeline
from ...runtime.model import Model
from ..inputs.slots import Input, by_input, inputs_of
from .log import Log
from .settings import Settings

BATCH = "N"


def new_shapes(settings: Settings, inputs: Sequence[Input], log: Log) -> dict[str, list[str]]:
    """Shapes that inputs are to have, those of -shape and -b; empty where the model stays as it is."""
    shapes = {i.name: [_text(d) for d in i.shape] for i in inputs}
    before = {n: list(s) for n, s in shapes.items()}
    for name, values in by_input("-shape", settings.shape, list(shapes)).items():
        shapes[name] = [d.strip() for d in values[-1].split(",")] if values[-1].strip() else []
    if settings.batch is not None and settings.data_shape:
        log.warn("The batch is ignored: data shapes have their own")
    elif settings.batch is not None:
        _set_batch(settings.batch, shapes, inputs, log)
    return shapes if shapes != before else {}


def _text(dim: object) -> str:
    if not isinstance(dim, Sym):
        return str(dim)
    high = "" if dim.hi == float("inf") else str(int(dim.hi))
    return "?" if dim.lo <= 0 and not high else f"{int(dim.lo)}..{high}"


def _set_batch(batch: int, shapes: dict[str, list[str]], inputs: Sequence[Input], log: Log) -> None:
    found = False
    for given in inputs:
        axis, shape = given.axis(BATCH), shapes[given.name]
        if axis is None and not given.layout and shape and (not shape[0].isdigit() or int(shape[0]) <= 1):
            log.warn(f"The layout of input '{given.name}' is not known: its first dimension is taken for the batch")
            axis, given.layout = 0, (BATCH, "...")
        if axis is not None:
            shape[axis] = str(batch)
            found = True
    if not found:
        raise UsageError("no input has a batch", "-b", "name it with -layout: -layout '[N...]'")


def reshaped(settings: Settings, shapes: dict[str, list[str]]) -> Model:
    """The model read again for other shapes, so that arithmetic on them follows."""
    with quiet_gc():
        graph, passes = open_model(settings.model, face=Face(input=[(n, tuple(s)) for n, s in shapes.items()]))
        PassManager(Pipeline(passes)).run(graph)
    return Model(graph)


def refreshed(inputs: Sequence[Input], model: Model) -> list[Input]:
    """The inputs of a model that was reshaped, with the layouts they had."""
    found = inputs_of(model.inputs)
    for old, new in zip(inputs, found, strict=True):
        new.layout = old.layout or new.layout
    return found


def give_face(settings: Settings, model: Model, inputs: list[Input]) -> Model:
    """Element types, mean and scale: -ip, -op, -iop, -mean_values, -scale_values. Images are fed in bytes."""
    graph = model.graph.clone()
    types = _types(settings, inputs, graph)
    passes: list[Pass] = list(_normalized(settings, inputs))
    for given in inputs:
        wanted = types.get(given.name)
        if wanted is not None and wanted is not given.dtype:
            passes.append(InputType(type=wanted.name, input=given.name))
            given.dtype = wanted
    PassManager(Pipeline(tuple(passes))).run(graph)
    for index, names in enumerate(graph.output_names):
        wanted = next((types[n] for n in names if n in types), None)
        if wanted is None and settings.output_precision:
            wanted = element_type(settings.output_precision)
        if wanted is not None:
            convert_output(graph, index, wanted)
    return Model(graph)


def _types(settings: Settings, inputs: Sequence[Input], graph: Graph) -> dict[str, DType]:
    """The element types that ports are to have, by name."""
    found: dict[str, DType] = {}
    for given in inputs:
        if settings.input_precision:
            found[given.name] = element_type(settings.input_precision)
        elif given.is_image:
            found[given.name] = u8
    known = [i.name for i in inputs] + [n for names in graph.output_names for n in names]
    for part in filter(None, settings.io_precision.replace(" ", "").split(",")):
        name, colon, precision = part.rpartition(":")
        if not colon or name not in known:
            raise UsageError(f"no input or output '{name or part}'", "-iop", nearest(name, known))
        found[name] = element_type(precision)
    return found


def convert_output(graph: Graph, index: int, wanted: DType) -> None:
    """An output of another element type."""
    value = graph.outputs[index]
    if not isinstance(value.type, TensorType) or value.dtype is wanted:
        return
    if "s" in (value.dtype.kind, wanted.kind):
        raise UsageError(f"output '{value.name}' is {value.type}, which cannot be made {wanted}", "-op, -iop")
    graph.set_output(index, Builder(graph).Convert(value, destination_type=wanted, name=f"{value.name}/type"))


def _normalized(settings: Settings, inputs: Sequence[Input]) -> list[Pass]:
    """(x - mean) / scale for images, or for the inputs that are named."""
    names = [i.name for i in inputs if i.is_image] or [i.name for i in inputs]
    mean = by_input("-mean_values", settings.mean_values, names if settings.mean_values[:1] == "[" else _all(inputs))
    scale = by_input(
        "-scale_values", settings.scale_values, names if settings.scale_values[:1] == "[" else _all(inputs)
    )
    found: list[Pass] = []
    for given in inputs:
        if given.name in mean or given.name in scale:
            found.append(
                MeanScale(
                    input=given.name,
                    mean=_numbers("-mean_values", mean.get(given.name)),
                    scale=_numbers("-scale_values", scale.get(given.name)),
                    axis=given.axis("C"),
                )
            )
    return found


def _all(inputs: Sequence[Input]) -> list[str]:
    return [i.name for i in inputs]


def _numbers(option: str, values: list[str] | None) -> tuple[float, ...]:
    try:
        return tuple(float(v) for v in values[-1].split(",")) if values else ()
    except ValueError:
        raise UsageError(f"[{values[-1] if values else ''}] is no list of numbers", option) from None
