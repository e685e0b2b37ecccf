"""Reductions, soft maxima and normalizations: which dimensions are kept, which reduced, and the way through them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from ....ir.graph import Node, Value
from ....ir.types import normalize_axes
from ..kernels.base import Kernel, f32_bits
from ..kernels.copy import NARROW as PLANES
from ..kernels.normalize import normalize, reduction, softmax
from ..kernels.walk import KEPT, REDUCED, SIDE
from .movement import collapse, known
from .place import Form, Place
from .plan import Plan, Unfit, lowers, shape_of

Choose = Callable[[int, str], Kernel]
"""choose(columns, affine): the kernel for a way through the data, with gamma and beta as `walk` names it."""

THIN = 2
"""So many times the columns at hand fit into a vector where it pays to copy them into rows first."""


def walk(
    plan: Plan,
    source: Place,
    out: Place,
    axes: Sequence[int],
    choose: Choose,
    affine: tuple[Place, Place] | None = None,
    eps: float = 0.0,
    mean: bool = False,
) -> None:
    """Calls a kernel that reduces `axes` of the source; `out` has its shape, strides of 0 where it is reduced."""
    if not out.size:
        return
    if not source.size:
        raise Unfit("there is nothing to reduce")
    # A result may lie in any way; what is written once per row needs no adjacent elements.
    reduces = all(out.strides[k] == 0 or out.shape[k] == 1 for k in axes)
    for attempt in (source, None):
        place = attempt or rearranged(plan, source, axes)
        target = (
            out
            if attempt or reduces
            else replace(out, strides=place.strides, offset=0, buffer=plan.scratch(out.size).buffer)
        )
        affine = affine if attempt else _arranged(plan, affine, axes)
        found = _dimensions(place, target, axes, affine, reduces)
        if attempt and found and found[0] and not (reduces or affine) and found[2][-1] * THIN <= plan.target.lanes:
            continue
        if found is not None:
            _call(plan, place, target, found, choose, affine, eps, mean)
            if target is not out and not reduces:
                plan.copy(target, out)
            return
    raise Unfit("its strides have no common form")


def rearranged(plan: Plan, source: Place, axes: Sequence[int]) -> Place:
    """A copy in which the reduced dimensions are innermost and adjacent."""
    order = [k for k in range(len(source.shape)) if k not in axes] + list(axes)
    copied = plan.new(tuple(source.shape[k] for k in order), source.dtype)
    plan.copy(source.transposed(order), copied)
    return copied.transposed(np.argsort(order).tolist())


_Found = tuple[bool, str, list[int], list[list[int]], list[int], list[list[int]]]


def _dimensions(
    source: Place, out: Place, axes: Sequence[int], affine: tuple[Place, Place] | None, reduces: bool
) -> _Found | None:
    """(columns?, affine form, kept sizes and strides, reduced sizes and strides), or None where neither way fits."""
    strides = [source.strides, out.strides, affine[0].strides if affine else (0,) * len(source.shape)]
    kept_axes = [k for k in range(len(source.shape)) if k not in axes]
    kept = collapse([source.shape[k] for k in kept_axes], [[s[k] for k in kept_axes] for s in strides])
    reduced = collapse([source.shape[k] for k in axes], [[s[k] for k in axes] for s in strides])
    if len(kept[0]) > KEPT or len(reduced[0]) > REDUCED:
        return None
    count = prod(reduced[0])
    row = count == 1 or (reduced[1][0][-1] == 4 and (reduces or reduced[1][1][-1] == 4))
    column = kept[1][0][-1] == 4 and kept[1][1][-1] == 4
    if not row and not column:
        return None
    if row and column and not reduces and count == 1:
        row = False
    inner = reduced if row else kept
    form = ""
    if affine:
        step = inner[1][2][-1]
        if step not in (0, 4) and inner[0][-1] > 1:
            return None
        form = "vector" if step == 4 or inner[0][-1] == 1 else "scalar"
    return not row, form, *kept, *reduced


def _call(
    plan: Plan,
    source: Place,
    out: Place,
    found: _Found,
    choose: Choose,
    affine: tuple[Place, Place] | None,
    eps: float,
    mean: bool,
) -> None:
    columns, form, kept, kept_strides, reduced, reduced_strides = found
    args: dict[str, Any] = {"source": source, "out": out, "gamma": 0, "beta": 0}
    if affine:
        args |= {"gamma": affine[0], "beta": affine[1]}
    pad = [1] * (KEPT - len(kept))
    args |= {f"n{k}": n for k, n in enumerate(pad + kept)}
    for name, strides in zip("stg", kept_strides, strict=True):
        args |= {f"{name}{k}": s for k, s in enumerate([0] * len(pad) + strides)}
    more = [1] * (REDUCED - len(reduced))
    args |= {f"m{k}": n for k, n in enumerate(more + reduced)}
    for name, strides in zip("stg", reduced_strides, strict=True):
        args |= {f"{name}m{k}": s for k, s in enumerate([0] * len(more) + strides)}
    lanes, units, side = plan.target.lanes, prod(kept), 0
    if columns:
        side = 1 if kept[-1] <= lanes else SIDE
        units = prod(kept[:-1]) * -(-kept[-1] // (side * lanes))
    count = prod(reduced)
    plan.call(
        choose(side, form), units, flops=4 * source.size, **args, eps=f32_bits(eps),
        count=f32_bits(count if mean else 1.0), scale=f32_bits(1.0 / count if mean else 1.0),
    )  # fmt: skip


def _axes(node: Node, rank: int, index: int = 1) -> list[int]:
    return sorted(normalize_axes(known(node, index), rank))


def _float(node: Node) -> None:
    if node.outputs[0].dtype.name != "f32":
        raise Unfit(f"there is no kernel for {node.outputs[0].dtype}")


@lowers("SoftMax", "LogSoftmax")
def soft_maximum(plan: Plan, node: Node) -> None:
    _float(node)
    op: Any = node.op
    source = plan.read(node.operand(0))
    axis = op.axis % len(source.shape)
    out = like(plan, node.outputs[0], source)

    def choose(columns: int, affine: str) -> Kernel:
        return softmax(columns, node.kind == "LogSoftmax")

    count = source.shape[axis]
    rows = source.size // max(count, 1)
    if count in PLANES and rows >= plan.target.lanes and source.strides[axis] == 4 and axis == len(source.shape) - 1:
        return _in_planes(plan, source, out, choose)
    walk(plan, source, out, [axis], choose)
    return None


def _in_planes(plan: Plan, source: Place, out: Place, choose: Choose) -> None:
    """Few adjacent elements would be short vectors: each lies in a plane of its own meanwhile."""
    count = source.shape[-1]
    shape = (count, *source.shape[:-1])
    order = [*range(1, len(shape)), 0]
    planes, result = plan.new(shape, source.dtype), plan.new(shape, out.dtype)
    plan.copy(source, planes.transposed(order))
    flat = [p.reshaped((count, source.size // count)) for p in (planes, result)]
    assert flat[0] is not None
    assert flat[1] is not None
    walk(plan, flat[0], flat[1], [0], choose)
    plan.copy(result.transposed(order), out)


def like(plan: Plan, value: Value, source: Place) -> Place:
    """The place of a result, in the form of its source where that is free to choose."""
    free = value not in plan.places and plan.forms.parent(value) is None
    return plan.write(value, Form.LAST if free and len(source.shape) >= 3 and source.fits(Form.LAST) else None)


_NAMES = {
    "ReduceSum": "sum", "ReduceMean": "sum", "ReduceMax": "max", "ReduceMin": "min", "ReduceProd": "prod",
    "ReduceL1": "l1", "ReduceL2": "l2",
}  # fmt: skip


@lowers(*_NAMES)
def reduce(plan: Plan, node: Node) -> None:
    """Over any axes."""
    _float(node)
    op: Any = node.op
    source = plan.read(node.operand(0))
    axes = _axes(node, len(source.shape))
    if not axes:
        if node.kind in ("ReduceL1", "ReduceL2"):
            raise Unfit("it reduces nothing")
        plan.alias(node.outputs[0], source)
        return
    out = plan.write(node.outputs[0])
    view = _kept(out, axes, len(source.shape), op.keep_dims, source.shape)
    walk(plan, source, view, axes, lambda c, _: reduction(_NAMES[node.kind], c), mean=node.kind == "ReduceMean")


def _kept(out: Place, axes: Sequence[int], rank: int, keep_dims: bool, shape: tuple[int, ...]) -> Place:
    """The result as a place of the source's shape, with strides of 0 where it is reduced."""
    strides = list(out.strides)
    if not keep_dims:
        for k in axes:
            strides.insert(k, 0)
    return replace(out, shape=shape, strides=tuple(0 if k in axes else strides[k] for k in range(rank)))


@lowers("MVN")
def mean_variance(plan: Plan, node: Node) -> None:
    """Without a scale of its own."""
    _normalized(plan, node, node, 1, None)


@lowers("Region:norm")
def layer_norm(plan: Plan, node: Node) -> None:
    """MVN, then a product with a constant, then a sum with one."""
    body = node.bodies[0]
    first, *others = body
    outer = dict(zip(body.inputs, node.inputs, strict=True))
    shape = shape_of(node.outputs[0])
    gamma, beta = plan.constant(np.ones(1, np.float32)), plan.constant(np.zeros(1, np.float32))
    value = first.outputs[0]
    for step in others:
        other = step.operand(1) if step.operand(0) is value else step.operand(0)
        place = plan.read(outer[other])
        gamma, beta = (place, beta) if step.kind == "Multiply" else (gamma, place)
        value = step.outputs[0]
    axes = body.inputs.index(first.operand(1))
    _normalized(plan, node, first, axes, (_spread(gamma, shape), _spread(beta, shape)))


def _spread(place: Place, shape: tuple[int, ...]) -> Place:
    """Broadcast, by strides of 0."""
    own = (1,) * (len(shape) - len(place.shape)) + place.shape
    strides = (0,) * (len(shape) - len(place.shape)) + place.strides
    return replace(place, shape=shape, strides=tuple(0 if n == 1 else s for n, s in zip(own, strides)))


def _matched(plan: Plan, affine: tuple[Place, Place] | None) -> tuple[Place, Place] | None:
    """Both of one form: constants that differ in theirs are written out."""
    if affine is None or affine[0].strides == affine[1].strides:
        return affine
    return _arranged(plan, affine, [])


def _arranged(plan: Plan, affine: tuple[Place, Place] | None, axes: Sequence[int]) -> tuple[Place, Place] | None:
    """Constants written out in the same dimensions, those reduced innermost; strides of 0 in the others."""
    if affine is None:
        return None
    rank = len(affine[0].shape)
    order = [k for k in range(rank) if k not in axes] + list(axes)
    shape = tuple(n if any(p.strides[k] for p in affine) else 1 for k, n in enumerate(affine[0].shape))
    found = []
    for p in affine:
        if p.buffer.array is None:
            raise Unfit("its scale is not constant")
        array = np.ascontiguousarray(replace(p, shape=shape).view().transpose(order))
        own = plan.constant(array).transposed(np.argsort(order).tolist())
        found.append(_spread(own, affine[0].shape))
    return found[0], found[1]


def _normalized(plan: Plan, node: Node, mvn: Node, index: int, affine: tuple[Place, Place] | None) -> None:
    _float(node)
    op: Any = mvn.op
    source = plan.read(node.operand(0))
    axes = _axes(node, len(source.shape), index)
    divide = "" if not op.normalize_variance else "add" if op.eps_mode == "INSIDE_SQRT" else "outside"
    out = like(plan, node.outputs[0], source)
    walk(
        plan, source, out, axes, lambda c, form: normalize(c, form, True, divide), _matched(plan, affine), op.eps, True
    )


@lowers("GroupNormalization")
def group_norm(plan: Plan, node: Node) -> None:
    """Channels are [groups, channels of one]; gamma and beta are numbers of each channel."""
    _float(node)
    op: Any = node.op
    source = plan.read(node.operand(0))
    out = like(plan, node.outputs[0], source)
    batch, channels, *rest = source.shape
    shape = (batch, op.num_groups, channels // op.num_groups, *rest)
    scale, bias = (plan.formed(plan.read(node.operand(k)), Form.ROWS) for k in (1, 2))
    column = (1, op.num_groups, channels // op.num_groups) + (1,) * len(rest)
    affine = [_spread(p, shape) for p in (scale.reshaped(column), bias.reshaped(column)) if p is not None]
    views = [p.reshaped(shape) for p in (source, out)]
    if views[0] is None or views[1] is None:
        raise Unfit("its channels cannot be divided where they lie")
    axes = list(range(2, len(shape)))
    walk(
        plan, views[0], views[1], axes, lambda c, form: normalize(c, form, True, "add"), (affine[0], affine[1]),
        op.epsilon, True,
    )  # fmt: skip


@lowers("NormalizeL2", "GRN")
def unit_length(plan: Plan, node: Node) -> None:
    """Divided by the root of the sum of squares."""
    _float(node)
    op: Any = node.op
    source = plan.read(node.operand(0))
    axes = [1] if node.kind == "GRN" else _axes(node, len(source.shape))
    eps, mode = (op.bias, "add") if node.kind == "GRN" else (op.eps, op.eps_mode)
    walk(plan, source, like(plan, node.outputs[0], source), axes, lambda c, _: normalize(c, "", False, mode), None, eps)
