"""The grid of a FakeQuantize, as numbers of Quantize and Dequantize."""

from __future__ import annotations

import numpy as np

from ....ir.dtype import Array
from ....ir.graph import Node
from ....ir.kernels.quantize import even_steps
from ....ir.record import record

MOST_LEVELS = 256


@record(frozen=True)
class Steps:
    """value = (q - zero) * scale, f32 arrays that broadcast to the data."""

    scale: Array
    zero: Array

    @property
    def is_whole(self) -> bool:
        """Whether zero is a level, or would be one if there were enough."""
        return bool((self.zero == np.rint(self.zero)).all())


@record(frozen=True)
class FakeGrid:
    """Levels are counted on the grid `source`; they stand for values on the grid `target`."""

    levels: int
    source: Steps
    target: Steps


def grid_of(node: Node) -> FakeGrid | str:
    """What a FakeQuantize does to its data, or why no u8 can hold it."""
    levels: int = node.op.levels  # type: ignore[attr-defined]
    limits = [v.const if v is not None else None for v in node.inputs[1:]]
    if levels > MOST_LEVELS:
        return f"it has {levels} levels"
    if any(v is None for v in limits):
        return "its limits are computed"
    il, ih, ol, oh = (_single(np.asarray(v, np.float64)) for v in limits)
    source = _steps(il, ih, levels)
    same = node.inputs[1:3] == node.inputs[3:5]  # as a rule
    target = source if same else _steps(ol, oh, levels)
    if source is None or target is None:
        return "its limits are equal, exchanged or not finite"
    if not target.is_whole:
        return "zero is not one of its levels"
    rank = node.operand(0).rank
    if rank is None or max(source.scale.ndim, source.zero.ndim, target.scale.ndim) > rank:
        return "its limits have more dimensions than the data"
    return FakeGrid(levels, source, target)


def _steps(low: Array, high: Array, levels: int) -> Steps | None:
    with np.errstate(all="ignore"):
        scale, zero = even_steps(low, high, levels)
    single = scale.astype(np.float32)
    if not (np.isfinite(zero).all() and np.isfinite(single).all() and (single >= np.finfo(np.float32).tiny).all()):
        return None
    return Steps(single, (zero + 0.0).astype(np.float32))


def _single(array: Array) -> Array:
    """A scalar where all elements are equal: an array of one element may have the rank of the data."""
    first = array.reshape(-1)[:1]
    return first.reshape(()) if (array == first).all() else array
