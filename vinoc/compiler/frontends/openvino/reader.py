"""Reads OpenVINO IR versions 10 and 11 into a graph.

Every layer is read before the first problem is raised. Dimensions of ports are not believed: types are inferred
again from those of the Parameters.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import NamedTuple, TypeVar

from ....ir import types as _types
from ....ir.builder import Builder
from ....ir.constant import Constant
from ....ir.errors import ConversionError, InferenceError, ModelError, Problem, VinocError
from ....ir.graph import Graph, Value
from ....ir.loc import AnyLoc, Fused, Loc
from ....ir.op import Op
from ....ir.ops.convert import Convert
from ....ir.types import TensorType, Type, check_size
from .attributes import Symbols, Unreadable, dims, element_type, integers
from .control import BODIES, Ends, read_maps
from .document import Layer, in_order, model_info, parse, read_body, split_names
from .forms import Form, form_of
from .weights import Weights

T = TypeVar("T")


def load(path: str | PathLike[str], bin: str | PathLike[str] | None = None) -> Graph:
    """The graph of an IR file; its weights are in `bin`, by default beside it.

    Raises ModelError when it is no IR that is read, ConversionError with all that is wrong with its layers.
    """
    xml = Path(path)
    net = parse(xml)
    weights = Weights(Path(bin) if bin is not None else xml.with_suffix(".bin"))
    file = _File(xml, weights, named_by_layers=net.get("version") == "10")
    plan = file.plan(net)
    graph = file.build(plan, net.get("name", "") or xml.stem)
    if file.problems:
        raise ConversionError(str(xml), file.problems)
    graph.rt_info = model_info(net)
    graph.sources = (os.path.abspath(xml), os.path.abspath(weights.path))
    return graph


def _is_precise(info: Mapping[str, str]) -> bool:
    """Whether a layer is to stay in full precision: `precise`, since OpenVINO 2026 with the types by name."""
    return "precise" in info or "f16" in info.get("DisablePrecisionConversion", "")


class Step(NamedTuple):
    """A layer and what it becomes, once its inputs are there."""

    layer: Layer
    form: Form
    bodies: tuple[Plan, ...] = ()
    whole: tuple[tuple[int, ...], ...] = ()  # see control.Maps


class Plan(NamedTuple):
    """A body, read as far as that goes without types: faulty layers are left out."""

    ends: Ends
    types: list[TensorType | None]  # of the Parameters
    steps: list[Step]


class _File:
    """One IR file: what its bodies share."""

    def __init__(self, path: Path, weights: Weights, named_by_layers: bool) -> None:
        self.path = path
        self.weights = weights
        self.named_by_layers = named_by_layers
        self.problems: list[Problem] = []
        self.symbols = Symbols()

    def report(self, problem: Problem) -> None:
        self.problems.append(problem)

    # Reading

    def plan(self, element: ET.Element) -> Plan:
        """Reads the layers of a body. All that is wrong with them is reported."""
        layers = read_body(element, self.report)
        plan = Plan(Ends([], []), [], [])
        for layer in layers:
            kind = layer.type.lower()
            if kind == "parameter":
                plan.ends.parameters.append(layer)
                plan.types.append(self._guarded(layer, self._parameter))
            elif kind == "result":
                plan.ends.results.append(layer)
        for layer in in_order(layers, self.report):
            if layer.type.lower() not in ("parameter", "result"):
                step = self._guarded(layer, self._step)
                if step is not None:
                    plan.steps.append(step)
        return plan

    def _guarded(self, layer: Layer, read: Callable[[Layer], T]) -> T | None:
        try:
            return read(layer)
        except Unreadable:
            return None
        except ModelError:
            raise  # the weights file cannot be read: no constant could be
        except VinocError as error:
            self.report(layer.problem(error.what, error.help))
            return None

    def _parameter(self, layer: Layer) -> TensorType:
        dtype = element_type(layer.required("element_type"))
        text = layer.required("shape")
        try:
            shape = dims(text, self.symbols.of(layer.name))
        except ValueError:
            raise VinocError(f"attribute `shape` is '{text}', expected dimensions like 1,?,3..8") from None
        declared = TensorType(dtype, shape)
        check_size(declared)
        return declared

    def _constant(self, layer: Layer) -> Constant:
        dtype = element_type(layer.required("element_type"))
        shape = self._integers(layer, "shape")
        if min(shape, default=0) < 0:
            raise VinocError(f"attribute `shape` is {list(shape)}: a constant has no negative dimensions")
        check_size(TensorType(dtype, shape))
        (offset,), (size,) = self._integers(layer, "offset", 1), self._integers(layer, "size", 1)
        return Constant(self.weights.get(offset, size, dtype, shape))

    def _integers(self, layer: Layer, name: str, count: int | None = None) -> tuple[int, ...]:
        text = layer.required(name)
        try:
            found = integers(text)
            if count in (None, len(found)):
                return found
        except ValueError:
            pass
        expected = "integers" if count is None else "an integer"
        raise VinocError(f"attribute `{name}` is '{text}', expected {expected}")

    def _step(self, layer: Layer) -> Step:
        kind = layer.type.lower()
        if kind == "const":
            return Step(layer, Form(op=self._constant(layer)))
        if kind in BODIES:
            return self._control(layer, BODIES[kind])
        given = {"decompression": True} if kind == "convert" and "decompression" in layer.rt_info else None
        return Step(layer, form_of(layer, self.report, given))

    def _control(self, layer: Layer, tags: Sequence[str]) -> Step:
        elements = [layer.element.find(tag) for tag in tags]
        if None in elements:
            raise VinocError(f"<{tags[elements.index(None)]}> is missing")
        plans = tuple([self.plan(e) for e in elements if e is not None])
        maps = read_maps(layer, [p.ends for p in plans], self.report)
        return Step(layer, form_of(layer, self.report, maps.fields), plans, maps.whole)

    # Building

    def build(self, plan: Plan, name: str, fed: Sequence[Type | None] = ()) -> Graph:
        """The graph of a body; `fed` are the types of what enters it, where they are those of its inputs."""
        graph = Graph(name)
        values: dict[Layer, Sequence[Value]] = {}
        for i, (layer, declared) in enumerate(zip(plan.ends.parameters, plan.types, strict=True)):
            if declared is not None:
                type_ = _narrowed(declared, fed[i]) if fed else declared
                names = self._names(layer, 0)
                values[layer] = (graph.add_input(type_, names[0], names),)
        builder = Builder(graph)
        for step in plan.steps:
            inputs = self._inputs(step.layer, values)
            if inputs is None:
                continue
            try:
                values[step.layer] = self._insert(builder, step, inputs)
            except VinocError as error:
                types = ", ".join(str(v.type) for v in inputs)
                what = error.what.removesuffix(f" [inputs: {types}]")
                self.report(Problem(step.layer.type, step.layer.name, what, types, error.help))
        for layer in plan.ends.results:
            inputs = self._inputs(layer, values)
            if inputs is None:
                continue
            if len(inputs) != 1:
                self.report(layer.problem(f"a Result has one input, this has {len(inputs)}"))
                continue
            listed = split_names(layer.element.get("output_names", ""))
            source = layer.sources[0]
            graph.add_output(inputs[0], listed or (self._names(*source) if source else ()))
        return graph

    def _inputs(self, layer: Layer, values: dict[Layer, Sequence[Value]]) -> list[Value] | None:
        """What a layer reads; None where something of it is missing, which was reported."""
        inputs = []
        for i, source in enumerate(layer.sources):
            if source is None:
                self.report(layer.problem(f"nothing is connected to its input {i}"))
                return None
            outs = values.get(source[0], ())
            if source[1] >= len(outs):
                return None
            inputs.append(outs[source[1]])
        return inputs

    def _insert(self, builder: Builder, step: Step, inputs: list[Value]) -> Sequence[Value]:
        layer, form = step.layer, step.form
        builder.loc = self._loc(layer)
        if form.emit:
            made = form.emit(builder, inputs, layer.name)
        else:
            assert form.op is not None
            bodies = []
            for plan, whole in zip(step.bodies, step.whole, strict=True):
                fed = [inputs[k].type if 0 <= k < len(inputs) else None for k in whole]
                bodies.append(self.build(plan, f"{builder.graph.name}/{layer.name}", fed))
            made = builder.graph.insert(
                _marked(form.op, inputs), inputs, bodies=bodies, loc=builder.loc, name=layer.name
            ).outputs
        if len(made) < len(layer.outputs):
            raise VinocError(f"it has {len(layer.outputs)} outputs, {layer.type} gives {len(made)}")
        for i, value in enumerate(made[: len(layer.names)]):
            value.name = self._names(layer, i)[0]
        if _is_precise(layer.rt_info):
            for value in made:
                if value.node is not None:
                    value.node.precise = True
        return made

    def _names(self, layer: Layer, index: int) -> tuple[str, ...]:
        """The tensor names of an output. Version 10 has only names of layers."""
        listed = layer.names[index] if index < len(layer.names) else ()
        if listed and not self.named_by_layers:
            return listed
        return (layer.name if len(layer.outputs) < 2 else f"{layer.name}.{index}",)

    def _loc(self, layer: Layer) -> AnyLoc:
        own = Loc(self.path.name, layer.name, layer.type)
        fused = [n for n in split_names(layer.rt_info.get("fused_names", "")) if n != layer.name]
        if not fused:
            return own
        return Fused((*(Loc(self.path.name, n) for n in fused), own), "ir")


def _narrowed(declared: TensorType, fed: Type | None) -> TensorType:
    """The declared type of a body's input with what is known of the value that enters there."""
    if not isinstance(fed, TensorType) or fed.dtype is not declared.dtype:
        return declared
    try:
        return TensorType(fed.dtype, _types.merge(fed.shape, declared.shape))
    except InferenceError:
        return declared  # the operation will say what is wrong


def _marked(op: Op, inputs: Sequence[Value]) -> Op:
    """A Convert that expands a constant of small integers, marked as decompression: IR says so for f16 alone."""
    if not isinstance(op, Convert) or len(inputs) != 1 or not inputs[0].is_const:
        return op
    source = inputs[0].dtype
    expands = source.is_integer and source.bits <= 8 and op.destination_type.is_float
    return replace(op, decompression=True) if expands else op
