"""Other shapes for the inputs of a model, and another batch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..ir.dim import Dim, Sym, bounds, symbol
from ..ir.errors import ArgumentTypeError, InferenceError, UsageError
from ..ir.graph import Graph, Value
from ..ir.ops.state import ReadValue
from ..ir.types import Shape
from ..passes.ports import reshape as give_shapes
from ..passes.ports import tensor_of
from .layout import Layout
from .nodes.kinds import Parameter
from .shapes import Dimension, PartialShape


def reshape(graph: Graph, shapes: Mapping[int, PartialShape], variables: Mapping[str, Any] | None = None) -> None:
    """Gives inputs, by index, and variables, by name, other shapes; what depends on them is inferred again.

    Raises UsageError for shapes that the model cannot take; the inputs are as they were.
    """
    wanted = {i: _named(s, graph.inputs[i]) for i, s in shapes.items()}
    dims = {i: s for i, s in wanted.items() if s is not None}
    if len(dims) != len(wanted):
        raise UsageError("an input of a model needs a rank", help="write its dimensions, ? for open ones")
    give_shapes(graph, dims)
    for name, shape in (variables or {}).items():
        _reshape_variable(graph, name, read_shape(shape))


def read_shape(given: Any) -> PartialShape:
    """A shape as programs write it. Raises TypeError for what is none."""
    if isinstance(given, PartialShape | str | list | tuple):
        return PartialShape(given)
    raise ArgumentTypeError(
        f"a shape is a PartialShape, a list, a tuple or text, not {type(given).__name__}", help='"1,3,?,10..20"'
    )


def _named(shape: PartialShape, value: Value) -> Shape | None:
    """The dimensions with a symbol for each that is open, so that equal sizes are known to be equal further on."""
    if shape.dims is None:
        return None
    declared = tensor_of(value).shape or ()
    base = re.sub(r"\W+", "_", value.name, flags=re.ASCII).strip("_") or "input"
    base = f"d_{base}" if base[0].isdigit() else base
    return tuple(
        _symbolic(d, declared[i] if len(declared) == len(shape) else None, f"{base}_{i}_")
        for i, d in enumerate(shape.dims)
    )


def _symbolic(dim: Dim, declared: Dim | None, fresh: str) -> Dim:
    if not isinstance(dim, Sym) or not dim.is_unknown:
        return dim
    if isinstance(declared, Sym) and bounds(declared) == bounds(dim):
        return declared
    low, high = bounds(dim)
    return symbol(fresh, int(low), high)


def _reshape_variable(graph: Graph, name: str, shape: PartialShape) -> None:
    nodes = [n for g in graph.walk() for n in g if isinstance(n.op, ReadValue) and n.op.variable_id == name]
    if not nodes:
        raise UsageError(f"the model has no variable '{name}'")
    for node in nodes:
        op = node.op
        assert node.graph is not None
        assert isinstance(op, ReadValue)
        try:
            node.graph.set_op(node, replace(op, variable_shape=shape.dims))
        except InferenceError as error:
            raise UsageError(f"variable '{name}' cannot be {shape}: {error.what}", error.where) from None


def batch_of(graph: Graph) -> Dimension:
    """The batch of the inputs whose layout has one. Raises UsageError where none has, or they differ."""
    found: Dimension | None = None
    for index, axis in _batches(graph).items():
        dim = PartialShape(tensor_of(graph.inputs[index]).shape).get_dimension(axis)
        if found is not None and not found.compatible(dim):
            raise UsageError(f"the inputs do not have one batch: {_listed(graph)}")
        found = dim if found is None or dim.refines(found) else found
    assert found is not None
    return found


def set_batch_of(graph: Graph, batch: Any) -> None:
    """Gives all inputs whose layout has a batch another one. Raises UsageError."""
    size = Dimension(batch)
    shapes = {}
    for index, axis in _batches(graph).items():
        shape = PartialShape(tensor_of(graph.inputs[index]).shape)
        shape[axis] = size
        shapes[index] = shape
    reshape(graph, shapes)


def _batches(graph: Graph) -> dict[int, int]:
    """Where the batch is, for each input whose layout says so."""
    layouts = {i: _layout(value) for i, value in enumerate(graph.inputs)}
    found = {i: layout.get_index_by_name("N") for i, layout in layouts.items() if layout.has_name("N")}
    if not found:
        raise UsageError(
            f"the batch is not known: no layout of an input says where it is; inputs: {_listed(graph)}",
            help='say it: model.input(0).node.set_layout(Layout("NCHW"))',
        )
    return found


def _layout(value: Value) -> Layout:
    return Parameter(value).get_layout()


def _listed(graph: Graph) -> str:
    return "; ".join(f"'{v.name}' {v.type}, layout {_layout(v)}" for v in graph.inputs)
