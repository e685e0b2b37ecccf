"""Depthwise convolution: groups of one channel."""

from __future__ import annotations

from itertools import pairwise
from math import gcd, prod

import numpy as np

from ....ir.constant import Constant
from ....ir.graph import Value
from ..kernels.base import f32_bits
from ..kernels.depthwise import depthwise as kernel
from ..kernels.grouped import grouped
from .conv import Window
from .epilogue import Epilogue, post_arguments
from .packed import fresh
from .place import Form, Place
from .plan import Array, Plan
from .window import Windows, rounded, walk, work


def depthwise(plan: Plan, result: Value, source: Place, window: Window, filters: Value, epilogue: Epilogue) -> None:
    """filters are [channels, 1, 1, *kernel]."""
    channels = source.shape[1]
    lanes = plan.target.lanes
    rank = len(window.size)
    lattice = tuple((0, 1, k) for k in window.kernel) if plan.mode.accuracy else nonzero(filters, rank)
    weights = plan.packed.of(
        filters, ("depthwise", lanes, lattice), lambda array: pack(chosen(array, channels, lattice), lanes)
    )
    window = Window(
        window.size,
        window.out,
        tuple([n for _, _, n in lattice]),
        window.strides,
        tuple([d * step for d, (_, step, _) in zip(window.dilations, lattice)]),
        tuple([p - d * first for p, d, (first, _, _) in zip(window.pads, window.dilations, lattice)]),
    )
    out = plan.write(result, Form.LAST)
    scaled(plan, out, source, window, weights, bias_of(plan, epilogue.bias, channels), epilogue)


def scaled(
    plan: Plan, out: Place, source: Place, window: Window, weights: Array, bias: Array, epilogue: Epilogue,
    group: tuple[int, int] = (1, 1),
) -> None:  # fmt: skip
    """The call of the kernel, with packed weights and bias. group: its channels, in and out."""
    target = out if out.fits(Form.LAST) else plan.new(out.shape, out.dtype, Form.LAST)
    residual = plan.read(epilogue.residual, Form.LAST) if epilogue.residual is not None else None
    windows = Windows(window, source.strides[2:], 4 * weights.shape[1])
    variant = (*windows.variant(), residual is not None)
    walk(
        plan,
        windows,
        kernel(*variant) if group == (1, 1) else grouped(*group, *variant),
        source,
        target,
        2 * group[1] * work(window, *source.shape[:2]),
        weights=weights,
        bias=bias,
        residual=residual or 0,
        res_pixel=residual.pixel if residual else 0,
        res_line=residual.strides[-2] if residual and len(window.size) > 1 else 0,
        res_image=residual.strides[0] if residual else 0,
        lo=f32_bits(epilogue.lo),
        hi=f32_bits(epilogue.hi),
        **post_arguments(plan, epilogue),
    )
    if target is not out:
        plan.copy(target, out)


Lattice = tuple[tuple[int, int, int], ...]
"""First, step and number of the taps of each dimension."""


def nonzero(filters: Value, rank: int) -> Lattice:
    """The taps that are not zero in all channels: dilated kernels are often written out with zeros between.

    Zeros are left out although zero times infinity is NaN.
    """
    assert isinstance(filters.op, Constant)
    array = filters.op.value.array
    kernel = array.shape[array.ndim - rank :]
    if np.count_nonzero(array) == array.size:
        return tuple([(0, 1, n) for n in kernel])
    taps = array.reshape(-1, prod(kernel)).any(0).reshape(kernel)
    found = []
    for axis in range(rank):
        used = np.flatnonzero(taps.any(tuple([k for k in range(rank) if k != axis]))).tolist() or [0]
        step = gcd(*[b - a for a, b in pairwise(used)]) or 1
        found.append((used[0], step, (used[-1] - used[0]) // step + 1))
    return tuple(found)


def chosen(filters: Array, channels: int, lattice: Lattice) -> Array:
    """[channels, taps] of the taps of a lattice."""
    array = filters.reshape(channels, *filters.shape[-len(lattice) :])
    parts = [slice(first, first + (n - 1) * step + 1, step) for first, step, n in lattice]
    return array[(slice(None), *parts)].reshape(channels, -1)


def pack(filters: Array, lanes: int) -> Array:
    """[channels, taps] -> [taps, channels rounded up], f32."""
    channels, taps = filters.shape
    out = fresh((taps, rounded(channels, lanes)), make=np.zeros)
    out[:, :channels] = filters.T
    return out


def bias_of(plan: Plan, bias: Value | None, channels: int) -> Array:
    padded = rounded(channels, plan.target.lanes)
    if bias is None:
        return plan.zeros(padded)

    def make(array: Array) -> Array:
        return pack(np.broadcast_to(array.reshape(-1), channels).reshape(channels, 1), plan.target.lanes)

    return plan.packed.of(bias, ("depthwise bias", channels, plan.target.lanes), make)
