"""Operations that only move or pick values: what they do to integers, they do to the reals that these stand for."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....ir.graph import Node

MOVERS = frozenset(
    {
        "BatchToSpace", "Broadcast", "Concat", "DepthToSpace", "Gather", "GatherElements", "GatherND", "Identity",
        "Interpolate", "MaxPool", "Pad", "ReduceMax", "ReduceMin", "Reshape", "ReverseSequence", "Roll",
        "ShuffleChannels", "Slice", "SpaceToDepth", "Split", "Squeeze", "StridedSlice", "Tile", "Transpose",
        "Unsqueeze", "VariadicSplit",
    }
)  # fmt: skip


def data_ports(node: Node) -> range:
    """Which operands are moved; the others say where to. Nothing where a node computes more than places."""
    op: Any = node.op
    if node.kind not in MOVERS:
        return range(0)
    if node.kind == "Interpolate" and not _is_nearest(op):
        return range(0)
    if node.kind == "MaxPool" and node.outputs[1].n_uses:
        return range(0)
    return range(len(node.inputs)) if node.kind == "Concat" else range(1)


def _is_nearest(op: Any) -> bool:
    return op.mode == "nearest" and not any(op.pads_begin) and not any(op.pads_end)


def pad_level(node: Node, scale: float, zero: float) -> int | None:
    """The level of what a Pad puts around its data; None where it is no level."""
    value = node.inputs[3] if len(node.inputs) > 3 else None
    if value is None:
        number = 0.0
    elif value.const is None:
        return None
    else:
        number = float(np.asarray(value.const).reshape(-1)[0])
    level = number / scale + zero
    return int(level) if level.is_integer() and 0 <= level <= 255 else None
