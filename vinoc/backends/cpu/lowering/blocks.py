"""Elements that move between channels and space: a copy between two views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....ir.graph import Node
from ....ir.types import normalize_axis
from .place import Place
from .plan import Plan, lowers


@lowers("DepthToSpace")
def depth_to_space(plan: Plan, node: Node) -> None:
    """[N, b.., C, *spatial] or [N, C, b.., *spatial] -> [N, C, h, b, w, b]."""
    op: Any = node.op
    source, out = plan.read(node.operand(0)), plan.write(node.outputs[0])
    deal(plan, source, out, [op.block_size] * (len(out.shape) - 2), op.mode == "blocks_first")


def deal(plan: Plan, source: Place, out: Place, blocks: Sequence[int], blocks_first: bool) -> None:
    """The copy from channels to space, with a block size for each dimension."""
    n, channels, *spatial = out.shape
    small = [d // b for d, b in zip(spatial, blocks)]
    k = len(spatial)
    split = (n, *blocks, channels, *small) if blocks_first else (n, channels, *blocks, *small)
    depth, first = (1 + k, 1) if blocks_first else (1, 2)
    order = [0, depth]
    target: list[int] = [n, channels]
    for i in range(k):
        order += [2 + k + i, first + i]
        target += [small[i], blocks[i]]
    plan.copy(_split(source, split).transposed(order), _split(out, tuple(target)))


@lowers("SpaceToDepth")
def space_to_depth(plan: Plan, node: Node) -> None:
    """The inverse."""
    op: Any = node.op
    source, out = plan.read(node.operand(0)), plan.write(node.outputs[0])
    block, (n, channels, *spatial) = op.block_size, source.shape
    k = len(spatial)
    split: list[int] = [n, channels]
    for d in spatial:
        split += [d // block, block]
    inner, outer = [3 + 2 * i for i in range(k)], [2 + 2 * i for i in range(k)]
    small = [d // block for d in spatial]
    if op.mode == "blocks_first":
        order, target = [0, *inner, 1, *outer], (n, *[block] * k, channels, *small)
    else:
        order, target = [0, 1, *inner, *outer], (n, channels, *[block] * k, *small)
    plan.copy(_split(source, tuple(split)).transposed(order), _split(out, target))


@lowers("ShuffleChannels")
def shuffle_channels(plan: Plan, node: Node) -> None:
    """[G, C/G] -> [C/G, G] along the axis."""
    op: Any = node.op
    source, out = plan.read(node.operand(0)), plan.write(node.outputs[0])
    axis = normalize_axis(op.axis, len(source.shape))
    order = list(range(len(source.shape) + 1))
    order[axis], order[axis + 1] = axis + 1, axis
    plan.copy(source.cut(axis, op.group).transposed(order), out.cut(axis, source.shape[axis] // op.group))


def _split(place: Place, shape: tuple[int, ...]) -> Place:
    """Dimensions cut in two: strides can always say so."""
    view = place.reshaped(shape)
    assert view is not None
    return view
