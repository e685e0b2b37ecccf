"""From what was asked to passes: those that run in front of all others, in the order in which they get to the inputs.

Data come in by the type, then in the layout, that users want; mean and scale follow, then the order of colors, then the
model. Passes put their operations right behind the input, so they run in the opposite order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...ir.dim import bounds
from ...ir.errors import UsageError, nearest
from ...ir.graph import Graph
from ...ir.types import TensorType
from ...passes.base import Pass
from ...passes.channels import COLORS, color_axis
from ...passes.input_type import InputType
from ...passes.layout import Layout as LayoutPass
from ...passes.layouts import axis_of, expand, show
from ...passes.low_latency import LowLatency
from ...passes.make_stateful import MakeStateful
from ...passes.mean_scale import MeanScale
from ...passes.ports import find_input, find_output
from ...passes.prune_channels import PruneChannels
from ...passes.reverse_channels import ReverseChannels
from ...passes.static_shape import StaticShape
from .begin import Begin
from .options import Face
from .spelling import Laid, read_changes, read_layouts, read_numbers

AXIS_OF_CHANNELS = "C"


def passes_for(face: Face, begin: Begin, graph: Graph) -> tuple[Pass, ...]:
    """The passes that give a model the face that was asked for. Raises UsageError naming the option."""
    layouts = Layouts(face, graph)
    reversed_ = dict(_reversed(graph, layouts)) if face.reverse_input_channels else {}
    return (
        *([StaticShape()] if face.static_shape else []),
        *_changes(face),
        *(ReverseChannels(input=name_of(graph, i), axis=axis) for i, axis in reversed_.items()),
        *_normalized(face, begin, graph, layouts, set(reversed_)),
        *layouts.passes(),
        *(InputType(type=t.name, input=name) for name, t in begin.types.items()),
    )


def name_of(graph: Graph, index: int) -> str:
    """How passes find an input."""
    return next(iter(graph.input_names[index]), graph.inputs[index].name)


class Layouts:
    """The layouts of ports: what the model has, and what its users want."""

    def __init__(self, face: Face, graph: Graph) -> None:
        self.graph = graph
        self.inputs: dict[int, Laid] = {}
        self.outputs: dict[int, Laid] = {}
        if face.layout is not None and (face.source_layout is not None or face.target_layout is not None):
            raise UsageError("--layout says both the source and the target", "--layout", "leave the other options out")
        given = [
            *(("--layout", r) for r in read_layouts("--layout", face.layout)),
            *(("--source_layout", r) for r in read_layouts("--source_layout", face.source_layout, "source")),
            *(("--target_layout", r) for r in read_layouts("--target_layout", face.target_layout, "target")),
        ]
        for option, row in given:
            self._add(option, row)
        for option, side in (("--target_layout", self.inputs), ("--target_layout", self.outputs)):
            for row in side.values():
                if row.source is None:
                    raise UsageError(f"the layout that '{row.name}' has is not given", option, "add --source_layout")

    def _add(self, option: str, row: Laid) -> None:
        side, index, shape = self._port(option, row)
        for layout in (row.source, row.target):
            if layout is not None and shape is not None:
                try:
                    expand(layout, len(shape))
                except UsageError as error:
                    listed = ",".join(map(str, shape))
                    named = row.name or name_of(self.graph, index)
                    raise UsageError(f"{error.what}: '{named}' is [{listed}]", option) from None
        old = side.get(index, Laid(row.name, None, None))
        side[index] = Laid(row.name or old.name, row.source or old.source, row.target or old.target)

    def _port(self, option: str, row: Laid) -> tuple[dict[int, Laid], int, Any]:
        graph = self.graph
        if row.name is None:
            if len(graph.inputs) != 1:
                listed = ", ".join(name_of(graph, i) for i in range(len(graph.inputs)))
                raise UsageError(
                    f"one layout is given, the model has {len(graph.inputs)} inputs", option, f"name them: {listed}"
                )
            return self.inputs, 0, _shape(graph.inputs[0].type)
        for side, find, values in ((self.inputs, find_input, graph.inputs), (self.outputs, find_output, graph.outputs)):
            try:
                index = find(graph, row.name)
            except UsageError:
                continue
            return side, index, _shape(values[index].type)
        known = [n for names in (*graph.input_names, *graph.output_names) for n in names]
        raise UsageError(f"no input or output '{row.name}'", option, nearest(row.name, known))

    def channels(self, index: int) -> int | None:
        """The axis of the channels of an input, where its layout tells."""
        row = self.inputs.get(index)
        if row is None or row.source is None:
            return None
        return axis_of(row.source, AXIS_OF_CHANNELS, getattr(self.graph.inputs[index].type, "rank", None))

    def passes(self) -> Iterator[Pass]:
        for index, row in self.inputs.items():
            if row.target is not None and row.source is not None:
                yield LayoutPass(source=show(row.source), target=show(row.target), input=name_of(self.graph, index))
        for index, row in self.outputs.items():
            if row.target is not None and row.source is not None:
                name = next(iter(self.graph.output_names[index]), self.graph.outputs[index].name)
                yield LayoutPass(source=show(row.source), target=show(row.target), output=name)


def _shape(type: Any) -> Any:
    return type.shape if isinstance(type, TensorType) else None


def _reversed(graph: Graph, layouts: Layouts) -> Iterator[tuple[int, int]]:
    """(input, axis of its colors) for every image."""
    count = 0
    for index, value in enumerate(graph.inputs):
        type = value.type
        if not isinstance(type, TensorType):
            continue
        axis = layouts.channels(index)
        if axis is None and index not in layouts.inputs:
            try:
                axis = color_axis(type)
            except UsageError as error:
                raise UsageError(error.what, "--reverse_input_channels", error.help) from None
        elif axis is not None and type.shape is not None:
            low, high = bounds(type.shape[axis])
            axis = axis if low <= COLORS <= high else None
        if axis is not None:
            count += 1
            yield index, axis
    if not count:
        listed = ", ".join(f"'{v.name}' {v.type}" for v in graph.inputs)
        raise UsageError(
            f"no input is an image of three channels: {listed}",
            "--reverse_input_channels",
            "give the layout where it is one: --layout nhwc",
        )


@dataclass(slots=True)
class _Numbers:
    mean: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()


def _normalized(face: Face, begin: Begin, graph: Graph, layouts: Layouts, reversed_: set[int]) -> Iterator[Pass]:
    """Mean and scale of each input; the model's order of channels is turned round where users' is."""
    found: dict[int, _Numbers] = {}
    for index, values in _by_input("--mean_values", face.mean_values, begin, graph):
        found.setdefault(index, _Numbers()).mean = values
    for index, values in _by_input("--scale_values", face.scale_values, begin, graph):
        found.setdefault(index, _Numbers()).scale = values
    if face.scale is not None:
        if face.scale_values is not None:
            raise UsageError("--scale and --scale_values are given", "--scale", "give one of them")
        floats = [i for i, v in enumerate(graph.inputs) if isinstance(v.type, TensorType) and v.dtype.is_float]
        if not floats:
            raise UsageError("no input is of floats, which alone can be scaled", "--scale")
        for index in floats:
            found.setdefault(index, _Numbers()).scale = (float(face.scale),)
    for index, n in found.items():
        back = slice(None, None, -1 if index in reversed_ else 1)
        try:
            yield MeanScale(
                input=name_of(graph, index), mean=n.mean[back], scale=n.scale[back], axis=layouts.channels(index)
            )
        except UsageError as error:
            option = "--scale" if face.scale is not None else "--scale_values" if n.scale else "--mean_values"
            raise UsageError(error.what, option, error.help) from None


def _by_input(option: str, value: Any, begin: Begin, graph: Graph) -> Iterator[tuple[int, tuple[float, ...]]]:
    rows = read_numbers(option, value)
    names: Sequence[str] = begin.order or [name_of(graph, i) for i in range(len(graph.inputs))]
    if rows and rows[0][0] is None and len(rows) != len(names):
        raise UsageError(
            f"{len(rows)} lists of numbers are given for {len(names)} inputs: {', '.join(names)}",
            option,
            f"name those that are meant: {option} '{names[0] if names else 'data'}[...]'",
        )
    seen: set[int] = set()
    for place, (name, values) in enumerate(rows):
        try:
            index = find_input(graph, names[place] if name is None else name)
        except UsageError as error:
            raise UsageError(error.what, option, error.help) from None
        if index in seen:
            raise UsageError(f"input '{name}' is given twice", option)
        seen.add(index)
        yield index, values


TRANSFORMS = ("LowLatency2", "MakeStateful", "Pruning")


def _changes(face: Face) -> Iterator[Pass]:
    for name, settings in read_changes("--transform", face.transform):
        given = dict(settings)
        if name == "MakeStateful":
            pairs = given.pop("param_res_names", None)
            if not isinstance(pairs, dict) or not pairs:
                raise UsageError(
                    "MakeStateful needs its pairs", "--transform", "MakeStateful[param_res_names={'in':'out'}]"
                )
            made: Pass = MakeStateful(inputs=tuple(pairs), outputs=tuple(pairs.values()))
        elif name == "LowLatency2":
            made = LowLatency(constant=_flag(given.pop("use_const_initializer", True)))
        elif name == "Pruning":
            made = PruneChannels()
        else:
            raise UsageError(f"no transformation '{name}'", "--transform", nearest(name, TRANSFORMS))
        if given:
            raise UsageError(f"{name} has no setting '{next(iter(given))}'", "--transform")
        yield made


def _flag(value: Any) -> bool:
    text = str(value).lower()
    if text in ("true", "1", "false", "0"):
        return text in ("true", "1")
    raise UsageError(f"'{value}' is neither True nor False", "--transform")
