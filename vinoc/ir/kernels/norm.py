"""Normalizations. Sums are formed in f32 where the element type is narrower."""

from __future__ import annotations

import numpy as np

from .arithmetic import like, widen
from .array import Array


def batch_norm(data: Array, gamma: Array, beta: Array, mean: Array, variance: Array, epsilon: float) -> Array:
    """(data - mean) / sqrt(variance + epsilon) * gamma + beta, with a number for each channel (axis 1)."""
    column = (-1,) + (1,) * (data.ndim - 2)
    wide = widen(data)
    scale = widen(gamma) / np.sqrt(widen(variance) + wide.dtype.type(epsilon))
    out = (wide - widen(mean).reshape(column)) * scale.reshape(column)
    out += widen(beta).reshape(column)
    return like(out, data)


def mvn(data: Array, axes: Array, normalize_variance: bool, eps: float, eps_mode: str) -> Array:
    """data minus its mean over the axes, divided by its deviation where wanted."""
    over = tuple(int(a) for a in axes.reshape(-1))
    wide = widen(data)
    out = wide - wide.mean(over, keepdims=True)
    if normalize_variance:
        variance = np.square(out).mean(over, keepdims=True)
        small = wide.dtype.type(eps)
        out /= np.sqrt(variance + small) if eps_mode == "INSIDE_SQRT" else np.sqrt(variance) + small
    return like(out, data)


def group_norm(data: Array, scale: Array, bias: Array, groups: int, epsilon: float) -> Array:
    """Each group of channels to mean 0 and deviation 1, then scaled and moved channel by channel."""
    column = (-1,) + (1,) * (data.ndim - 2)
    grouped = widen(data).reshape(data.shape[0], groups, -1)
    out = grouped - grouped.mean(2, keepdims=True)
    out /= np.sqrt(np.square(out).mean(2, keepdims=True) + grouped.dtype.type(epsilon))
    out = out.reshape(data.shape) * widen(scale).reshape(column) + widen(bias).reshape(column)
    return like(out, data)


def normalize_l2(data: Array, axes: Array, eps: float, eps_mode: str) -> Array:
    """data / sqrt(sum of squares over the axes, plus eps or at least eps)."""
    wide = widen(data)
    squares = np.square(wide).sum(tuple(int(a) for a in axes.reshape(-1)), keepdims=True)
    small = wide.dtype.type(eps)
    return like(wide / np.sqrt(squares + small if eps_mode == "add" else np.maximum(squares, small)), data)


def lrn(data: Array, axes: Array, alpha: float, beta: float, bias: float, size: int) -> Array:
    """data / (bias + alpha / size^n * sum of squares in a window of `size` around the element, in n axes)^beta."""
    wide = widen(data)
    squares = np.square(wide)
    over = sorted({int(a) % data.ndim for a in axes.reshape(-1)})
    for axis in over:
        squares = moving_sum(squares, axis, size)
    kind = wide.dtype.type
    base = kind(bias) + kind(alpha / size ** len(over)) * squares
    return like(wide / np.power(base, kind(beta)), data)


def moving_sum(x: Array, axis: int, size: int) -> Array:
    """The sum of `size` neighbours along an axis, fewer at its ends; of an even number one more lies behind."""
    before, after = (size - 1) // 2, size // 2
    padding = [(0, 0)] * x.ndim
    padding[axis] = (before, after)
    view = np.lib.stride_tricks.sliding_window_view(np.pad(x, padding), size, axis)
    total: Array = view.sum(-1)
    return total


def softmax(data: Array, axis: int) -> Array:
    """exp(x) / sum of exp(x), computed on x minus its maximum; f16 and bf16 are rounded after each step."""
    if not data.size:
        return data
    wide = widen(data)
    out = widen(like(np.exp(wide - wide.max(axis, keepdims=True)), data))
    out /= widen(like(out.sum(axis, keepdims=True), data))
    return like(out, data)


def log_softmax(data: Array, axis: int) -> Array:
    """x - log(sum of exp(x)), computed on x minus its maximum."""
    if not data.size:
        return data
    wide = widen(data)
    out = wide - wide.max(axis, keepdims=True)
    out -= np.log(np.exp(out).sum(axis, keepdims=True))
    return like(out, data)


def grn(data: Array, bias: float) -> Array:
    """data / sqrt(sum of squares over the channels + bias)."""
    wide = widen(data)
    squares = np.square(wide).sum(1, keepdims=True)
    return like(wide / np.sqrt(squares + wide.dtype.type(bias)), data)
