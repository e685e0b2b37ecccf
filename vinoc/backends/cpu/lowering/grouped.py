"""Convolution in groups of few channels: whole groups in a vector."""

from __future__ import annotations

import numpy as np

from .conv import Convolution
from .depthwise import bias_of, pack, scaled
from .place import Form
from .plan import Array, Plan


def fits(plan: Plan, conv: Convolution) -> bool:
    """Whether groups have as many channels out as in, and vectors hold several, whole ones."""
    lanes = plan.target.lanes
    return conv.groups > 1 < conv.depth == conv.channels < lanes and lanes % conv.depth == 0


def lower(plan: Plan, conv: Convolution) -> None:
    """One convolution."""
    lanes, channels = plan.target.lanes, conv.groups * conv.depth
    weights = plan.packed.of(
        conv.filters, ("grouped", lanes, conv.depth), lambda array: by_member(array, channels, conv.depth, lanes)
    )
    bias = bias_of(plan, conv.epilogue.bias, channels)
    out = plan.write(conv.result, Form.LAST)
    scaled(plan, out, conv.source, conv.window, weights, bias, conv.epilogue, conv.depth)


def by_member(filters: Array, channels: int, size: int, lanes: int) -> Array:
    """[groups, size, size, *kernel] -> [taps, size * channels rounded up]: for each tap the weights of the first
    channels of the groups, of the second ones, and so on."""
    taps = filters.reshape(channels, size, -1)
    return np.concatenate([pack(taps[:, k], lanes) for k in range(size)], axis=1)
