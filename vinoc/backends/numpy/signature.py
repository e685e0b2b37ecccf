"""Arrays against types: what is checked of a graph's inputs and of every result."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np

from ...ir.dim import Sym
from ...ir.errors import EvaluationError
from ...ir.graph import Graph
from ...ir.types import SequenceType, TensorType, Type


class Bindings:
    """What the symbols of a graph stand for in one run, learnt from its inputs."""

    __slots__ = ("sizes",)

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}

    def size(self, d: Sym) -> int | None:
        """The number that a dimension stands for, where all its symbols are bound."""
        if d.is_unknown:
            return None
        total = d.const
        for monomial, factor in d.terms:
            for atom in monomial:
                bound = self.sizes.get(atom.name)
                if bound is None:
                    return None
                factor *= bound
            total += factor
        return total

    def learn(self, d: Sym, size: int) -> None:
        """Binds a plain symbol. Other expressions teach nothing."""
        if len(d.terms) == 1 and not d.const:
            (monomial, factor), *_ = d.terms
            if len(monomial) == 1 and factor == 1:
                self.sizes[monomial[0].name] = size


def mismatch(type: Type, value: Any, bindings: Bindings | None = None) -> str | None:
    """How a value contradicts a type, or None when it fits."""
    if isinstance(type, SequenceType):
        if not isinstance(value, list | tuple):
            return f"expected {type}, got {describe(value)}"
        return next((w for v in value if (w := mismatch(type.element, v))), None)
    if not isinstance(type, TensorType):
        return None if value is None else mismatch(type.element, value)
    if not isinstance(value, np.ndarray):
        return f"expected {type}, got {describe(value)}"
    if value.dtype != type.dtype.numpy:
        return f"expected element type {type.dtype.name}, got {value.dtype} ({describe(value)})"
    shape = type.shape
    if shape is None or shape == value.shape:
        return None
    if len(shape) != value.ndim:
        return f"expected rank {len(shape)} ({type}), got {describe(value)}"
    for axis, (d, size) in enumerate(zip(shape, value.shape)):
        if not isinstance(d, Sym):
            if d != size:
                return f"expected dimension {axis} to be {d} ({type}), got {describe(value)}"
            continue
        if not d.lo <= size <= d.hi:
            return f"expected dimension {axis} to be {_range(d)} ({type}), got {describe(value)}"
        expected = bindings.size(d) if bindings is not None else None
        if expected is not None and expected != size:
            return f"expected dimension {axis} to be {d} = {expected} ({type}), got {describe(value)}"
    return None


def check_inputs(graph: Graph, inputs: Sequence[Any]) -> Bindings:
    """Compares the inputs with the graph's. Raises EvaluationError that says what was expected.

    A symbol must have one size wherever it occurs; it is bound where it stands alone as a dimension.
    """
    if len(inputs) != len(graph.inputs):
        wanted = ", ".join(f"{_name(graph, i)}: {v.type}" for i, v in enumerate(graph.inputs)) or "none"
        raise EvaluationError(f"expected {len(graph.inputs)} inputs ({wanted}), got {len(inputs)}", graph.name)
    bindings = Bindings()
    learnt: dict[str, str] = {}
    for i, (value, array) in enumerate(zip(graph.inputs, inputs)):
        if wrong := mismatch(value.type, array):
            raise EvaluationError(wrong, f"input '{_name(graph, i)}'", _cast_hint(value.type, array))
        if not isinstance(value.type, TensorType):
            continue
        for d, size in zip(value.type.shape or (), array.shape):
            if not isinstance(d, Sym):
                continue
            bound = bindings.size(d)
            if bound is None:
                bindings.learn(d, size)
                learnt.setdefault(str(d), f"input '{_name(graph, i)}'")
            elif bound != size:
                origin = f" by {learnt[str(d)]}" if str(d) in learnt else ""
                what = f"dimension {d} is {size}, it was set to {bound}{origin} ({value.type}, got {describe(array)})"
                raise EvaluationError(what, f"input '{_name(graph, i)}'")
    return bindings


def describe(value: Any) -> str:
    """A value's type in the notation of messages: `f32[1,3]`."""
    if isinstance(value, np.ndarray):
        name = {"object": "string", "bool": "boolean"}.get(value.dtype.name, value.dtype.name)
        kind, bits = name.rstrip("0123456789"), name.lstrip("abcdefghijklmnopqrstuvwxyz_")
        name = {"float": "f", "int": "i", "uint": "u", "bfloat": "bf"}.get(kind, kind) + bits if bits else name
        return f"{name}[{','.join(map(str, value.shape))}]"
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a Python {type(value).__name__}"


def _cast_hint(expected: Type, value: Any) -> str | None:
    if isinstance(expected, TensorType) and isinstance(value, np.ndarray) and value.dtype != expected.dtype.numpy:
        return f'convert the array: `array.astype("{expected.dtype.numpy}")`'
    return None


def _range(d: Sym) -> str:
    return f"{d.lo:g} or more" if d.hi == inf else f"{d.lo:g} to {d.hi:g}"


def _name(graph: Graph, index: int) -> str:
    names = graph.input_names[index]
    return names[0] if names else graph.inputs[index].name or str(index)
