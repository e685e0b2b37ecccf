"""Elementwise nodes and the reduction of what they give, which is not stored."""

from __future__ import annotations

from math import prod
from typing import Any

from ....ir.constant import Constant
from ....ir.graph import Graph, Node
from ....ir.types import normalize_axes
from ..codegen.operations import COSTLY
from ..kernels.chain import ADJACENT, REPEATED, SCALAR
from ..kernels.fold_chain import FOLDED, KEPT, fold_chain
from .chain import COSTLY_PART, PART, compute, source_of_chain
from .expression import Reading
from .movement import collapse
from .place import Form, Place
from .plan import Argument, Plan, lowers, shape_of
from .reductions import HOW, fold, whole_strides


@lowers("Region:folded")
def folded(plan: Plan, node: Node) -> None:
    """One kernel, or two where dimensions are too many or lie too far apart."""
    body: Graph = node.bodies[0]
    *chain, reduction = [n for n in body if type(n.op) is not Constant]
    outer = {v: given for v, given in zip(body.inputs, node.inputs, strict=True) if given is not None}
    reading = Reading(outer)
    expression = reading.read(chain)
    inner = reduction.operand(0)
    shape = shape_of(inner)
    axes = sorted(normalize_axes(reduction.operand(1).const.reshape(-1).tolist(), len(shape)))  # type: ignore[union-attr]
    out, whole = plan.write(node.outputs[0], Form.ROWS), plan.new(shape, inner.dtype.numpy)
    sources = [source_of_chain(plan, o, whole) for o in reading.operands]
    places = [(k, s) for k, s in enumerate(sources) if isinstance(s, Place)]
    kept = [k for k in range(len(shape)) if k not in axes]
    outs = whole_strides(out, axes, reduction.op.keep_dims)  # type: ignore[attr-defined]
    n, along = _merged(shape, kept, [outs, *(s.strides for _, s in places)])
    m, across = _merged(shape, axes, [s.strides for _, s in places])
    near = all(own[-1] in (0, s.itemsize) for (_, s), own in zip(places, along[1:], strict=True))
    if len(n) > KEPT or len(m) > FOLDED or along[0][-1] != out.itemsize or not near:
        compute(plan, expression, reading.operands, whole)
        return fold(plan, reduction, whole, axes, out)
    args: dict[str, Argument] = {"output": out}
    args.update((f"x{k}", s) for k, s in enumerate(sources))
    args |= _numbered("n", n, KEPT, 1) | _numbered("m", m, FOLDED, 1) | _numbered("output_", along[0], KEPT)
    reads = [SCALAR] * len(sources)
    for (k, place), own, folds in zip(places, along[1:], across, strict=True):
        reads[k] = ADJACENT if own[-1] == place.itemsize and n[-1] > 1 else REPEATED
        strides = [*[0] * (KEPT - len(own)), *own, *[0] * (FOLDED - len(folds)), *folds]
        args |= _numbered(f"x{k}_", strides, KEPT + FOLDED)
    columns, terms = n[-1], prod(m)
    size = COSTLY_PART if any(s.kind in COSTLY for s in expression.steps) else PART
    part = min(columns, max(size // max(terms, 1), 64))
    parts = -(-columns // part)
    kernel = fold_chain(expression, tuple(reads), HOW[reduction.kind])
    plan.call(kernel, prod(n[:-1]) * parts, flops=len(expression.steps) * prod(shape), part=part, parts=parts, **args)
    return None


def _merged(shape: tuple[int, ...], dims: list[int], strides: list[Any]) -> tuple[list[int], list[list[int]]]:
    return collapse([shape[k] for k in dims], [[s[k] for k in dims] for s in strides])


def _numbered(name: str, numbers: list[int], count: int, filler: int = 0) -> dict[str, Argument]:
    padded = [*[filler] * (count - len(numbers)), *numbers]
    return {f"{name}{d}": n for d, n in enumerate(padded)}
