"""Reshapes whose target is computed from shapes, found to be constant."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from ...ir.builder import Builder
from ...ir.dim import Dim, Sym
from ...ir.graph import Value
from ..pattern import Match, OpPattern, Tracer
from ..rewrite import Decline, Rewrite, rewrite

Element: TypeAlias = "int | tuple[Value, int] | None"
"""One number of a shape that is computed: known, the length of an axis of a value, or anything."""

DEPTH = 12


@rewrite
class ReshapeToConstant(Rewrite):
    """Reshape(x, [n, ShapeOf(x)[i], ...]) = Reshape(x, [n, 0, ...]): a length taken from x is copied, or is the rest.

    What the target consists of is followed through ShapeOf, Gather, Slice, Concat and reshapes of lists, so that
    it is found for dimensions of which nothing is known, too.
    """

    def pattern(self, p: Tracer, x: Any, target: Any) -> OpPattern:
        return p.Reshape(x, target)

    def replace(self, b: Builder, m: Match) -> Value | Decline | None:
        if m.target.is_const:
            return None
        elements = elements_of(m.target)
        if elements is None or m.x.shape is None:
            return Decline("it is not known what the target consists of")
        if m.Reshape.special_zero is False and 0 in elements:
            return Decline("the target holds a 0 that means zero")
        target = constant_target(m.x, elements)
        if target is None:
            return Decline("more than one dimension of the target is neither known nor copied from its place")
        return b.Reshape(m.x, np.array(target, np.int64), special_zero=True)


def constant_target(x: Value, elements: list[Element]) -> list[int] | None:
    """The target with 0 for what is copied from its place and -1 for what remains; None where that is not enough."""
    shape = x.shape or ()
    target: list[int | None] = []
    for i, element in enumerate(elements):
        d = _dim(element)
        if isinstance(element, int):
            target.append(element)
        elif isinstance(d, int) and d > 0:
            target.append(d)
        elif i < len(shape) and _is_length_of(element, x, i):
            target.append(0)
        else:
            target.append(None)
    rest = [i for i, d in enumerate(target) if d is None]
    if len(rest) + target.count(-1) <= 1:
        return [-1 if d is None else d for d in target]
    if len(rest) == 1 and target.count(-1) == 1:  # what -1 stands for may be known, if the rest is an axis of x
        known = _missing(x, elements, target)
        if known is not None:
            return [-1 if d is None else known if d == -1 else d for d in target]
    return None


def _missing(x: Value, elements: list[Element], target: list[int | None]) -> int | None:
    """What -1 is when all dynamic lengths of x appear in the target, each once."""
    shape = list(enumerate(x.shape or ()))
    for i, (d, element) in enumerate(zip(target, elements, strict=True)):
        if d is None or d == 0:
            found = next((a for a in shape if _is_length_of(element if d is None else (x, i), x, a[0])), None)
            if found is None:
                return None
            shape.remove(found)
    left = 1
    for _, n in shape:
        if not isinstance(n, int):
            return None
        left *= n
    given = 1
    for d in target:
        given *= d if d is not None and d > 0 else 1
    return left // given if given and left % given == 0 and left else None


def _dim(element: Element) -> Dim | None:
    if element is None or isinstance(element, int):
        return element
    value, axis = element
    return value.shape[axis] if value.shape is not None else None


def _is_length_of(element: Element, x: Value, axis: int) -> bool:
    """Whether a number is the length of x along an axis: of x itself, or by the same named symbol."""
    if element is None or isinstance(element, int) or x.shape is None:
        return False
    value, own = element
    if value is x:
        return own == axis
    d = _dim(element)
    return isinstance(d, Sym) and not d.is_unknown and d == x.shape[axis]


def elements_of(value: Value, depth: int = DEPTH) -> list[Element] | None:
    """What a list of integers (or one) consists of; None where not even its length is known."""
    if value.const is not None:
        return [int(v) for v in value.const.reshape(-1)] if value.const.dtype.kind in "iu" else None
    node = value.node
    if node is None or depth == 0:
        return None
    kind, inputs = node.kind, node.inputs
    if kind == "ShapeOf":
        source = node.operand(0)
        return [(source, i) for i in range(source.rank)] if source.rank is not None else None
    if kind == "Concat":
        parts = [elements_of(v, depth - 1) if v is not None else None for v in inputs]
        return None if any(p is None for p in parts) else [e for p in parts for e in p or ()]
    if kind in ("Unsqueeze", "Squeeze", "Reshape", "Convert"):
        if kind == "Convert" and not value.dtype.is_integer:
            return None
        return elements_of(node.operand(0), depth - 1) if (value.rank or 0) <= 1 else None
    if kind in ("Gather", "Slice"):
        return _picked(value, kind, depth)
    return None


def _picked(value: Value, kind: str, depth: int) -> list[Element] | None:
    node = value.node
    assert node is not None
    source = elements_of(node.operand(0), depth - 1)
    rest = [v.const if v is not None else None for v in node.inputs[1:]]
    if source is None or any(r is None or r.size != 1 for r in rest[1:] if kind == "Slice") or rest[0] is None:
        return None
    if node.operand(0).rank != 1:
        return None
    if kind == "Gather":
        picks = [int(i) for i in rest[0].reshape(-1)]
        return [source[i] for i in picks] if all(-len(source) <= i < len(source) for i in picks) else None
    start, stop, step = (int(r.reshape(-1)[0]) for r in rest[:3] if r is not None)
    return source[start:stop:step] if step else None
