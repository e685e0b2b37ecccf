"""What the passes share that change a model's inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..ir.builder import Builder
from ..ir.errors import InferenceError, UsageError, did_you_mean
from ..ir.graph import Graph, Value
from ..ir.types import Shape, TensorType
from .batch_free import changes_batch, free_batch


def find_input(graph: Graph, name: str) -> int:
    """The index of the input of that name; without one, of the only input. Raises UsageError that lists all."""
    known = {n: i for i, names in enumerate(graph.input_names) for n in names}
    for i, value in enumerate(graph.inputs):
        known.setdefault(value.name, i)
    if name in known:
        return known[name]
    listed = ", ".join(f"'{v.name}' {v.type}" for v in graph.inputs) or "none"
    if name:
        raise UsageError(
            f"the model has no input '{name}'", help=f"{did_you_mean(name, known)} it has: {listed}".strip()
        )
    if len(graph.inputs) != 1:
        raise UsageError(f"the model has {len(graph.inputs)} inputs", help=f"say which (input=...); it has: {listed}")
    return 0


def chosen(graph: Graph, name: str) -> list[int]:
    """The input of that name, or all of them without one."""
    return [find_input(graph, name)] if name else list(range(len(graph.inputs)))


def find_output(graph: Graph, name: str) -> int:
    """The index of the output of that name. Raises UsageError that lists all."""
    known = {n: i for i, names in enumerate(graph.output_names) for n in names}
    for i, value in enumerate(graph.outputs):
        known.setdefault(value.name, i)
    if name not in known:
        listed = ", ".join(f"'{n}'" for n in known) or "none"
        hint = did_you_mean(name, known)
        raise UsageError(f"the model has no output '{name}'", help=f"{hint} it has: {listed}".strip())
    return known[name]


def tensor_of(value: Value) -> TensorType:
    """The type of an input that is a tensor. Raises UsageError for any other."""
    if not isinstance(value.type, TensorType):
        raise UsageError(f"input '{value.name}' is {value.type}, not a tensor")
    return value.type


def put_behind(graph: Graph, value: Value, make: Callable[[Builder, Value], Value]) -> None:
    """Whatever reads an input reads what `make` builds of it."""
    readers = list(value.uses)
    made = make(Builder(graph, before=graph.first), value)
    for owner, i in readers:
        if isinstance(owner, Graph):
            owner.set_output(i, made)
        else:
            owner.graph.set_input(owner, i, made)  # type: ignore[union-attr]  # it reads a value of this graph


def reshape(graph: Graph, shapes: Mapping[int, Shape]) -> int:
    """Gives inputs other shapes, all at once, and infers all that depends on them again. Returns how many changed.

    Where a first dimension changes, Reshapes that have the batch written into them follow it: see `free_batch`.
    Raises UsageError where that fails, with the node that cannot take it; the graph is as it was.
    """
    types = {i: TensorType(tensor_of(graph.inputs[i]).dtype, s) for i, s in shapes.items()}
    types = {i: t for i, t in types.items() if t != graph.inputs[i].type}
    batch = changes_batch(graph, shapes)
    if batch:
        free_batch(graph, literal=False)
    try:
        try:
            graph.set_input_types(types)
        except InferenceError:
            if not batch or not free_batch(graph, literal=True):
                raise
            graph.set_input_types(types)
    except InferenceError as error:
        listed = ", ".join(f"input '{graph.inputs[i].name}' cannot be {t}" for i, t in types.items())
        raise UsageError(f"{listed}: {error.what}", error.where, error.help) from None
    return len(types)
