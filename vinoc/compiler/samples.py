"""Seeded random inputs for a graph, for checks that compare numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from typing import Any

import numpy as np

from ..ir.dim import Sym
from ..ir.dtype import Array
from ..ir.errors import EvaluationError, VinocError
from ..ir.graph import Graph
from ..ir.types import TensorType, Type

_SIZES = (1, 8, 64, 256)
"""What dimensions without a number are tried as, one after the other; within their bounds."""


def random_inputs(graph: Graph, size: int = 1, seed: int = 0) -> list[Any]:
    """An input for each input of the graph: floats of a normal distribution, integers and booleans 0 or 1.

    Integers are indices and masks more often than not, and 0 and 1 are valid in most. Dimensions without a
    number become `size`, equal symbols equally. Raises VinocError where a rank is not known.
    """
    rng = np.random.default_rng(seed)
    bound: dict[str, int] = {}
    return [_sample(value.type, value.name, size, bound, rng) for value in graph.inputs]


def candidates(graph: Graph, seed: int = 0) -> Iterator[list[Any]]:
    """Inputs of growing size; the first alone where all shapes are static."""
    for size in _SIZES:
        yield random_inputs(graph, size, seed)
        if all(isinstance(v.type, TensorType) and v.type.is_static for v in graph.inputs):
            return


def evaluable_inputs(graph: Graph, evaluate: Any, seed: int = 0) -> list[Any]:
    """The first candidates on which the graph can be evaluated. Raises VinocError when there are none."""
    problem: EvaluationError | None = None
    for inputs in candidates(graph, seed):
        try:
            evaluate(graph, inputs)
        except EvaluationError as error:
            problem = error
        else:
            return inputs
    assert problem is not None
    raise VinocError(
        f"the model cannot be evaluated on random inputs: {problem.what}",
        problem.where,
        "use --verify structure; `numeric` needs a model that runs on noise",
    ) from problem


def _sample(type: Type, name: str, size: int, bound: dict[str, int], rng: np.random.Generator) -> Any:
    if not isinstance(type, TensorType):
        raise VinocError(f"random values cannot be made for input '{name}' of type {type}")
    if type.shape is None:
        raise VinocError(f"random values cannot be made for input '{name}': its rank is not known")
    shape = tuple(_size(d, size, bound) if isinstance(d, Sym) else d for d in type.shape)
    return _noise(type, shape, rng)


def _size(d: Sym, wish: int, bound: dict[str, int]) -> int:
    """A number for a dimension: of a plain symbol within its bounds, of an expression the nearest that is allowed."""
    if d.is_unknown or len(d.terms) != 1 or d.const or d.terms[0][1] != 1 or len(d.terms[0][0]) != 1:
        return _clamp(wish, d.lo, d.hi)
    atom = d.terms[0][0][0]
    return bound.setdefault(atom.name, _clamp(wish, atom.lo, atom.hi))


def _clamp(wish: int, lo: float, hi: float) -> int:
    return int(max(lo, wish if hi == inf else min(wish, hi)))


def _noise(type: TensorType, shape: Sequence[int], rng: np.random.Generator) -> Array:
    d = type.dtype
    if d.kind == "s":
        out = np.empty(shape, object)
        out.fill("a")
        return out
    if d.kind in "fc":
        return rng.standard_normal(shape).astype(d.numpy)
    return rng.integers(0, 2, shape).astype(d.numpy)
