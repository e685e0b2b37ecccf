"""Elements around a tensor, and elements by index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

import numpy as np

from ....ir.graph import Node
from ....ir.kernels.movement import _mirrored as mirrored
from ..kernels import gather as g
from ..kernels.copy import DIMS
from ..kernels.fill import FILL
from .movement import SIZES, TARGET, collapse, known
from .place import Place
from .plan import Array, Plan, Unfit, lowers, shape_of

MERGED = 1 << 14
"""Entries of a table of two dimensions in one, at most."""


def emit_fill(plan: Plan, target: Place, bits: int) -> None:
    """Sets all elements to one value, given as bits. Raises Unfit."""
    if target.itemsize not in FILL:
        raise Unfit(f"elements of type {target.dtype} are not set by a kernel")
    if prod(target.shape) == 0:
        return
    sizes, (t,) = collapse(target.shape, (target.strides,))
    if len(sizes) > DIMS:
        raise Unfit(f"{len(sizes)} dimensions that cannot be merged")
    pad = DIMS - len(sizes)
    sizes, t = [1] * pad + sizes, [0] * pad + t
    args = dict(zip((*SIZES, *TARGET), (*sizes, *t), strict=True))
    plan.call(FILL[target.itemsize], prod(sizes[:3]), target=target, value=bits, **args)


def emit_frame(plan: Plan, target: Place, begin: Sequence[int], sizes: Sequence[int], bits: int) -> Place:
    """Sets all elements but those of the box [begin : begin + sizes]; returns the box."""
    for axis, (b, n, whole) in enumerate(zip(begin, sizes, target.shape, strict=True)):
        end = b + n
        if b:
            emit_fill(plan, target.sliced(axis, 0, b), bits)
        if end < whole:
            emit_fill(plan, target.sliced(axis, end, whole - end), bits)
        if n < whole:
            target = target.sliced(axis, b, n)
    return target


def emit_gather(plan: Plan, source: Place, target: Place, indices: Sequence[Array]) -> None:
    """target[i, j, ...] = source[indices[0][i], indices[1][j], ...]. Raises Unfit."""
    item = target.itemsize
    if item not in g.GATHER or source.dtype != target.dtype:
        raise Unfit(f"elements of type {source.dtype} are not moved by a kernel")
    if prod(target.shape) == 0:
        return
    order = sorted((k for k in range(len(target.shape)) if target.shape[k] > 1), key=lambda k: -target.strides[k])
    fixed = sum(int(i[0]) * s for i, s, n in zip(indices, source.strides, target.shape) if n == 1)
    tables = [np.asarray(indices[k], np.int64) * source.strides[k] for k in order] or [np.zeros(1, np.int64)]
    strides = [target.strides[k] for k in order] or [item]
    tables, strides = _merged(tables, strides, item)
    if len(tables) > g.DIMS:
        raise Unfit(f"{len(tables)} dimensions that cannot be merged")
    if len(tables) == 2:  # the first is what threads share
        tables, strides = [tables[0], np.zeros(1, np.int64), tables[1]], [strides[0], 0, strides[1]]
    tables = [np.zeros(1, np.int64)] * (g.DIMS - len(tables)) + tables
    strides = [0] * (g.DIMS - len(strides)) + strides
    lo, hi = _run(tables[-1], item) if strides[-1] == item else (0, 0)
    args: dict[str, Any] = {f"n{k}": len(t) for k, t in enumerate(tables)}
    args |= {f"t{k}": s for k, s in enumerate(strides)}
    args |= {f"table{k}": plan.packed.get(("offsets", t.tobytes()), partial(np.array, t)) for k, t in enumerate(tables)}
    moved = replace(source, offset=source.offset + fixed)
    plan.call(g.GATHER[item], len(tables[0]) * len(tables[1]), source=moved, target=target, lo=lo, hi=hi, **args)


def _merged(tables: list[Array], strides: list[int], item: int) -> tuple[list[Array], list[int]]:
    """Neighbouring dimensions in one, where the destination allows it and it makes one long run or saves dimensions."""
    k = len(tables) - 1
    while k > 0:
        a, b = tables[k - 1], tables[k]
        together = (a[:, None] + b).reshape(-1)
        longer = k == len(tables) - 1 and _length(together, item) > max(_length(b, item), len(together) // 2)
        if strides[k - 1] == strides[k] * len(b) and len(together) <= MERGED and (longer or len(tables) > g.DIMS):
            tables = [*tables[: k - 1], together, *tables[k + 1 :]]
            strides = [*strides[: k - 1], strides[k], *strides[k + 1 :]]
        k -= 1
    return tables, strides


def _length(table: Array, item: int) -> int:
    lo, hi = _run(table, item)
    return hi - lo


def _run(table: Array, item: int) -> tuple[int, int]:
    """The longest stretch of adjacent elements."""
    breaks = np.flatnonzero(np.diff(table) != item) + 1
    edges = np.concatenate([[0], breaks, [len(table)]])
    k = int(np.argmax(np.diff(edges)))
    return int(edges[k]), int(edges[k + 1])


@lowers("Pad")
def pad(plan: Plan, node: Node) -> None:
    """A frame around a copy; mirrored and repeated elements by tables."""
    out_value = node.outputs[0]
    begin, end = known(node, 1), known(node, 2)
    mode = node.op.pad_mode  # type: ignore[attr-defined]
    source = plan.read(node.operand(0))
    if not any(begin) and not any(end):
        return plan.alias(out_value, source)
    shape = shape_of(out_value)
    if mode != "constant":
        indices = [mirrored(np.arange(-b, n + e), n, mode) for n, b, e in zip(source.shape, begin, end)]
        return emit_gather(plan, source, plan.write(out_value), indices)
    bits = _pad_bits(node, source)
    for axis, (b, e) in enumerate(zip(begin, end)):
        n = source.shape[axis]
        low, high = max(-b, 0), n + min(e, 0)
        if low or high < n:
            source = source.sliced(axis, low, max(high - low, 0))
    first = [max(b, 0) for b in begin]
    if all(b <= 0 for b in begin) and all(e <= 0 for e in end):
        return plan.alias(out_value, source)
    if 0 in source.shape or any(b + n > m for b, n, m in zip(first, source.shape, shape)):
        return emit_fill(plan, plan.write(out_value), bits)
    plan.copy(source, emit_frame(plan, plan.write(out_value), first, source.shape, bits))
    return None


def _pad_bits(node: Node, source: Place) -> int:
    """The bits of the value that is put around."""
    value = node.inputs[3] if len(node.inputs) > 3 else None
    if value is None:
        return 0
    if value.const is None:
        raise Unfit("the value to pad with is not known")
    raw = np.asarray(value.const).astype(source.dtype).reshape(1)
    return int(raw.view(f"i{source.itemsize}")[0])
