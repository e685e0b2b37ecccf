"""Random numbers that are the same everywhere for the same seeds.

The generator is Philox4x32-10: J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .arithmetic import is_integer
from .array import Array
from .convert import convert


def philox(count: int, global_seed: int, op_seed: int) -> Array:
    """`count` random u32. The key is the global seed, the counter starts at 0 in the stream of the op's seed.

    Two zero seeds ask for numbers that differ from call to call.
    """
    if global_seed == 0 and op_seed == 0:
        return np.random.default_rng().integers(0, 2**32, count, np.uint32)
    word = np.uint64(0xFFFFFFFF)
    half = np.uint64(32)
    blocks = np.arange(-(-count // 4), dtype=np.uint64)
    stream = np.full_like(blocks, op_seed & 0xFFFFFFFFFFFFFFFF)
    c0, c1, c2, c3 = blocks & word, blocks >> half, stream & word, stream >> half
    k0, k1 = global_seed & 0xFFFFFFFF, global_seed >> 32 & 0xFFFFFFFF
    for _ in range(10):
        left, right = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        c0, c1, c2, c3 = (
            right >> half ^ c1 ^ np.uint64(k0),
            right & word,
            left >> half ^ c3 ^ np.uint64(k1),
            left & word,
        )
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=-1).reshape(-1)[:count].astype(np.uint32)


def words(count: int, global_seed: int, op_seed: int, alignment: str) -> Array:
    """`count` random u32: by Philox, as TensorFlow draws them, or by MT19937 over the global seed, as PyTorch does."""
    if alignment == "tensorflow":
        return philox(count, global_seed, op_seed)
    twister = np.random.RandomState(global_seed & 0xFFFFFFFF if global_seed or op_seed else None)
    return twister.randint(0, 2**32, count, np.uint32)


def unit(count: int, global_seed: int, op_seed: int, alignment: str) -> Array:
    """f32 in [0, 1): the lower 23 bits (PyTorch: 24) of each random word."""
    drawn = words(count, global_seed, op_seed, alignment)
    bits = 23 if alignment == "tensorflow" else 24
    return (drawn & np.uint32(2**bits - 1)).astype(np.float32) / np.float32(2**bits)


def uniform(
    shape: Array, low: Array, high: Array, to: np.dtype[Any], global_seed: int, op_seed: int, alignment: str
) -> Array:
    """Numbers in [low, high), of the type `to`."""
    dims = tuple(np.asarray(shape).reshape(-1).tolist())
    count = int(np.prod(dims, dtype=np.int64))
    first, last = low.reshape(()), high.reshape(())
    if not is_integer(np.empty(0, to)):
        drawn = unit(count, global_seed, op_seed, alignment)
        wide: np.dtype[Any] = np.dtype(np.float64 if to == np.float64 else np.float32)
        bottom, top = first.astype(wide), last.astype(wide)
        return convert(drawn.astype(wide) * (top - bottom) + bottom, to).reshape(dims)
    width = int(last) - int(first)
    if width < 1:
        raise ValueError(f"the range [{first}, {last}) is empty")
    if width <= 2**32:
        drawn = words(count, global_seed, op_seed, alignment).astype(np.uint64)
    else:
        pairs = words(2 * count, global_seed, op_seed, alignment).astype(np.uint64).reshape(-1, 2)
        drawn = pairs[:, 0] | pairs[:, 1] << np.uint64(32)
    offset = (drawn % np.uint64(width)).astype(np.int64)
    return (offset + np.int64(int(first))).astype(to).reshape(dims)


def multinomial(
    probs: Array,
    samples: Array,
    to: np.dtype[Any],
    with_replacement: bool,
    log_probs: bool,
    global_seed: int,
    op_seed: int,
) -> Array:
    """`samples` classes for each row of probabilities, drawn with or without putting them back."""
    count = int(samples.reshape(()))
    weights = np.atleast_2d(probs).astype(np.float64)
    if log_probs:
        weights = np.exp(weights - weights.max(axis=-1, keepdims=True))
    rows = weights.shape[0]
    if not with_replacement and count > weights.shape[1]:
        raise ValueError(f"{count} of {weights.shape[1]} classes cannot be drawn without putting them back")
    drawn = unit(rows * count, global_seed, op_seed, "tensorflow").reshape(rows, count).astype(np.float64)
    out = np.empty((rows, count), to)
    for i in range(count):
        ends = np.cumsum(weights, axis=-1)
        picked = np.argmax(ends > drawn[:, i : i + 1] * ends[:, -1:], axis=-1)
        out[:, i] = picked
        if not with_replacement:
            weights[np.arange(rows), picked] = 0
    return out if probs.ndim == 2 else out[0]


def dropout_mask(shape: Array, ratio: Array, seed: int) -> Array:
    """True where a uniform number is not below the ratio."""
    generator = np.random.RandomState(seed & 0xFFFFFFFF if seed >= 0 else None)
    return np.asarray(generator.uniform(0.0, 1.0, tuple(int(n) for n in shape)) >= ratio.reshape(()))
