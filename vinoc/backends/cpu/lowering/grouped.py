"""Convolution in groups of few channels: whole groups in a vector."""

from __future__ import annotations

import numpy as np

from .conv import Convolution
from .depthwise import bias_of, pack, scaled
from .place import Form
from .plan import Array, Plan


def fits(plan: Plan, conv: Convolution) -> bool:
    """Whether groups have no more channels in than out, and vectors hold whole ones: several, unless few go in."""
    ins, outs, lanes = conv.channels, conv.depth, plan.target.lanes
    return conv.groups > 1 and ins <= outs and 1 < outs < lanes + (ins < outs) and lanes % outs == 0


def lower(plan: Plan, conv: Convolution) -> None:
    """One convolution."""
    lanes, channels = plan.target.lanes, conv.groups * conv.depth
    weights = plan.packed.of(conv.filters, ("grouped", lanes), lambda array: by_member(array, conv, lanes))
    bias = bias_of(plan, conv.epilogue.bias, channels)
    out = plan.write(conv.result, Form.LAST)
    group = (conv.channels, conv.depth)
    scaled(plan, out, conv.source, conv.window, weights, bias, conv.epilogue, group)


def by_member(filters: Array, conv: Convolution, lanes: int) -> Array:
    """[groups, outs, ins, *kernel] -> [taps, ins * channels rounded up]: for each tap the weights of the first
    inputs of the groups, of the second ones, and so on."""
    taps = filters.reshape(conv.groups * conv.depth, conv.channels, -1)
    return np.concatenate([pack(taps[:, k], lanes) for k in range(conv.channels)], axis=1)
