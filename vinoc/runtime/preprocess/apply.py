"""The steps of one input or output, built into a graph."""

from __future__ import annotations

from typing import NamedTuple

from ...ir.builder import Builder
from ...ir.errors import UsageError, VinocError
from ...ir.graph import Graph, Value
from ...ir.types import TensorType, accepts
from ...passes.ports import tensor_of
from ..layout import Layout
from ..nodes.kinds import Parameter
from . import steps as make
from .formats import FORMATS, ColorFormat
from .info import InputInfo, OutputInfo
from .journal import Journal
from .plan import Plan, plan
from .state import State, Step

READY = (ColorFormat.UNDEFINED, ColorFormat.RGB, ColorFormat.BGR, ColorFormat.GRAY)
"""What a model may take."""


class Row(NamedTuple):
    """A step, with the tensor before and behind it; None where the step failed."""

    text: str
    before: str
    after: str | None


class Trace:
    """What was done: for people."""

    def __init__(self) -> None:
        self.plan: Plan | None = None
        self.given: list[Row] = []
        self.implicit: list[Row] = []
        self.final = ""
        self.layout = Layout()


def before(graph: Graph, index: int, info: InputInfo, known: Layout, journal: Journal, trace: Trace) -> Value:
    """What the steps make of the user's tensor: a value of the model's type. Raises UsageError.

    The steps stand before all nodes; nothing reads them yet. `known`: the layout that the model notes.
    """
    old, where = graph.inputs[index], f"input {label(graph.inputs[index], graph.input_names[index], index)}"
    try:
        model = tensor_of(old)
        found = trace.plan = plan(info, model, known)
        values = [journal.add_input(index, t, *_names(graph, index, info, k)) for k, t in enumerate(found.types)]
    except VinocError as error:
        raise UsageError(error.what, where, error.help) from None
    if not found.layout.empty:
        for value in values:
            Parameter(value).set_layout(found.layout)
    state = State(
        Builder(graph, before=graph.first), values, found.layout, info.tensor().color,
        model.dtype, found.model_layout, model.shape, old.name,
    )  # fmt: skip
    _run(state, info.preprocess().steps, where, trace.given)
    _check_ready(state, where)
    _run(state, _implicit(state), where, trace.implicit)
    value = state.values[0]
    if not accepts(model, value.tensor):
        raise UsageError(f"the steps end with {value.type}, the model takes {model}", where)
    return value


def behind(graph: Graph, index: int, info: OutputInfo, known: Layout, trace: Trace) -> Value:
    """What the steps make of the model's output. Raises UsageError. They stand behind all nodes.

    `known`: the layout that the model notes.
    """
    value, where = graph.outputs[index], f"output {label(graph.outputs[index], graph.output_names[index], index)}"
    if not isinstance(value.type, TensorType):
        raise UsageError(f"it is {value.type}, not a tensor", where)
    layout = info.model().layout or known
    if not layout.empty and not layout.fits(value.type.rank):
        raise UsageError(f"layout {layout} is not for the model's output, which is {value.type}", where)
    tensor = info.tensor()
    state = State(
        Builder(graph), [value], layout, wanted=tensor.dtype, wanted_layout=tensor.layout or Layout(), name=value.name
    )
    _run(state, info.postprocess().steps, where, trace.given)
    _run(state, _implicit(state, grows=False), where, trace.implicit)
    trace.final, trace.layout = state.before, state.layout
    return state.values[0]


def label(value: Value, names: tuple[str, ...], index: int) -> str:
    """How a port is called in messages."""
    name = names[0] if names else value.name
    return f"'{name}'" if name else str(index)


def _names(graph: Graph, index: int, info: InputInfo, plane: int) -> tuple[str, tuple[str, ...]]:
    """The label and the public names of a plane."""
    tensor, name, names = info.tensor(), graph.inputs[index].name, graph.input_names[index]
    if len(FORMATS[tensor.color].planes) < 2:
        return name, names
    if tensor.sub_names:
        sub = tensor.sub_names[plane]
        return f"{name}/{sub}", tuple(f"{n}/{sub}" for n in names)
    return f"{name}/{plane}", ()


def _run(state: State, steps: list[Step], where: str, rows: list[Row]) -> None:
    for step in steps:
        start = str(state)
        rows.append(Row(step.text, start, None))
        try:
            step.run(state)
        except VinocError as error:
            raise UsageError(error.what, f"{where}, step '{step.text}'", error.help) from None
        rows[-1] = Row(step.text, start, str(state))


def _check_ready(state: State, where: str) -> None:
    if len(state.values) != 1 or state.color not in READY:
        raise UsageError(
            f"the image is still {state.color_name}, the model takes RGB, BGR or gray",
            where,
            "add convert_color(ColorFormat.RGB)",
        )


def _implicit(state: State, grows: bool = True) -> list[Step]:
    """What is added by itself: the element type and the layout that are wanted."""
    steps = []
    if state.wanted is not None and state.type.dtype is not state.wanted:
        steps.append(make.convert_type(state.wanted))
    if not state.wanted_layout.empty and state.wanted_layout != state.layout:
        steps.append(make.convert_layout(state.wanted_layout, grows))
    return steps
