"""Convolutions with filters of 3x3 that see every pixel, by Winograd's algorithm F(4x4, 3x3).

S. Winograd, Arithmetic Complexity of Computations (1980); A. Lavin, S. Gray, Fast Algorithms for Convolutional Neural
Networks (arXiv:1509.09308). A filter of three taps over a line is a product of polynomials: those of six pixels and of
the filter are evaluated at six points, 0, A, -A, B, -B and infinity, multiplied point by point, and from the products
four results are interpolated. Along lines and columns that takes 36 multiplications for 16 results, in place of 144.
Of A and B the usual choice 1 and 2 is several times less exact than 3/4 and 3/2.

Pixels of a tile share what is not a number: if one of 6x6 is NaN or infinite, the 4x4 results are NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from numba import prange

from .conv import as_images, endings, fits, windows
from .memory import aligned, room
from .phases import fill, split
from .settings import compiled, inlined, loop, share, tasks_of, threads_for
from .tiles import ROWS, finish, multiply, store_eight
from .vectors import HALF, SHORT, WIDE, load, load_fourths, mixed, plus, plus_product, store, times, will_write, zeros

Array = np.ndarray[Any, np.dtype[Any]]
Ints = Sequence[int]

A, B = np.float32(0.75), np.float32(1.5)
A2, B2, A3, B3 = A * A, B * B, A * A * A, B * B * B


def pack_transformed(filters: Array) -> Array:
    """Filters [O,I,3,3] at the 36 points, [36,O/8,I,8]; zeros stand for the channels that lack."""
    points = [0.0, float(A), -float(A), float(B), -float(B)]
    rows = [[p**k / np.prod([p - q for q in points if q != p]) for k in range(3)] for p in points]
    evaluate = np.array([*rows, [0.0, 0.0, 1.0]])
    channels, depth = filters.shape[:2]
    blocks = -(-channels // ROWS)
    packed = np.zeros((36, blocks * ROWS, depth), np.float32)
    packed[:, :channels] = (np.kron(evaluate, evaluate) @ filters.reshape(-1, 9).T).reshape(36, channels, depth)
    return np.ascontiguousarray(packed.reshape(36, blocks, ROWS, depth).swapaxes(2, 3))


def convolution_3x3(
    data: Array, filters: Array, bias: Array, begin: Ints, end: Ints, auto_pad: str, low: float, high: float,
    residual: Array | None, slopes: Array | None,
) -> Array:  # fmt: skip
    """data [N,I,H,W], filters [36,O/8,I,8], bias and slopes [O] -> [N,O,H',W'].

    The sums plus bias plus residual [N,O,H',W'], times a slope where they are negative, limited to low..high.
    """
    shape, result, pads, threads, tiles, count, pitch = planned_tiles(
        data.shape, filters.shape, len(bias), begin, end, auto_pad
    )
    out, data = room(result), as_images(data, shape)
    given = endings(result, bias, residual, slopes, low, high)
    points = room((36, filters.shape[2] | 1, pitch))  # odd numbers of cache lines apart: others share a few places
    transform(threads, data, points, tiles, pads, tasks_of(threads, shape[1]))
    products = room((36, filters.shape[1] * ROWS | 1, pitch))
    multiply_points(threads, filters, points, products, count)
    interpolate(threads, products, out, tiles, given, tasks_of(threads, result[1]))
    return out


@lru_cache(256)
def planned_tiles(data: Ints, filters: Ints, channels: int, begin: Ints, end: Ints, auto_pad: str) -> tuple[Any, ...]:
    """Shapes of data and result, pads, threads, images and tiles of lines and columns, their number and its pitch."""
    data, window, out = windows(data, (3, 3), channels, (1, 1), (1, 1), begin, end, auto_pad)
    fits(data[1] == filters[2] and filters[1] == -(-channels // ROWS))
    tiles = data[0], -(-out[2] // 4), -(-out[3] // 4)
    count = prod(tiles)
    return data, out, window[4:], threads_for(count * prod(filters)), tiles, count, -(-count // WIDE) * WIDE + 16


@loop
def transform(data, points, tiles, pads, tasks):
    """points [36,I..,tile]: the pixels of each tile at the 36 points, some channels a task."""
    for task in prange(tasks):
        channels = share(task, tasks, data.shape[1])
        if tiles[2] > HALF:
            transform_channels(data, channels, points, tiles, pads, SHORT, zeros(SHORT))
        else:
            transform_channels(data, channels, points, tiles, pads, HALF, zeros(HALF))


@compiled
def transform_channels(data, channels, points, tiles, pads, step, like):
    """Tiles beside each other, `step` at a time; what is too much of a line, the next overwrites."""
    count, down, right = tiles
    lines, pitch = 4 * down + 2, 4 * right + 2
    plane = aligned(lines * pitch + 4 * step + 4)
    fill(plane, 0, len(plane), np.float32(0))
    half_way = aligned(36 * step)
    shape = data.shape[2:]
    window = 1, 1, 1, 1, pads[0], pads[1]
    depth, (rows, apart) = data.shape[1], points.shape[1:]
    for channel in range(channels[0], channels[1]):
        for image in range(count):
            at = (image * depth + channel) * shape[0] * shape[1]
            split(data, at, shape, plane, 0, (lines, pitch, 1, 4 * step + 4), window, 0, np.float32(0))
            for y in range(down):
                for x in range(0, right, step):
                    for i in range(6):
                        row = (4 * y + i) * pitch + 4 * x
                        d0, d1, d2, d3 = load_fourths(plane, row, like)
                        d4, d5, _, _ = load_fourths(plane, row + 4, like)
                        store_six(half_way, i * step, 6 * step, at_points(d0, d1, d2, d3, d4, d5))
                    tile = channel * apart + (image * down + y) * right + x
                    for j in range(6):
                        d0, d1, d2, d3, d4, d5 = load_six(half_way, j * 6 * step, step, like)
                        six = at_points(d0, d1, d2, d3, d4, d5)
                        store_six(points, j * rows * apart + tile, 6 * rows * apart, six)


@inlined
def at_points(d0, d1, d2, d3, d4, d5):
    """The polynomial of six pixels at the six points, as far as the filter does not say it."""
    even_a, odd_a = plus_product(d4, -B2, d2), plus_product(d3, -B2, d1)
    even_b, odd_b = plus_product(d4, -A2, d2), plus_product(d3, -A2, d1)
    first = plus_product(plus_product(d4, -A2 - B2, d2), A2 * B2, d0)
    last = plus_product(plus_product(d5, -A2 - B2, d3), A2 * B2, d1)
    a, minus_a = plus_product(even_a, A, odd_a), plus_product(even_a, -A, odd_a)
    b, minus_b = plus_product(even_b, B, odd_b), plus_product(even_b, -B, odd_b)
    return first, a, minus_a, b, minus_b, last


@inlined
def load_six(array, at, apart, like):
    return (
        load(array, at, like), load(array, at + apart, like), load(array, at + 2 * apart, like),
        load(array, at + 3 * apart, like), load(array, at + 4 * apart, like), load(array, at + 5 * apart, like),
    )  # fmt: skip


@inlined
def store_six(array, at, apart, six):
    store(array, at, six[0])
    store(array, at + apart, six[1])
    store(array, at + 2 * apart, six[2])
    store(array, at + 3 * apart, six[3])
    store(array, at + 4 * apart, six[4])
    store(array, at + 5 * apart, six[5])


@loop
def multiply_points(filters, points, products, count):
    """products [36,O,tile] = filters [36,O/8,I,8] x points [36,I,tile], a vector of tiles at one point a task."""
    vectors = -(-count // WIDE)
    for task in prange(36 * vectors):
        point, vector = divmod(np.int64(task), vectors)
        if count - vector * WIDE > SHORT:
            multiply_point(filters, points, products, point, vector * WIDE, zeros(WIDE))
        else:
            multiply_point(filters, points, products, point, vector * WIDE, zeros(SHORT))


@compiled
def multiply_point(filters, points, products, point, tile, like):
    """All channels at one point, for a vector of tiles."""
    blocks, depth = filters.shape[1:3]
    apart = points.shape[2]
    place = point * points.shape[1] * apart + tile
    for block in range(blocks):
        weights = (point * blocks + block) * depth * ROWS
        sums = multiply(filters, weights, points, place, apart, depth, like)
        at = (point * products.shape[1] + block * ROWS) * apart + tile
        store_eight(products, at, apart, sums)


@loop
def interpolate(products, out, tiles, given, tasks):
    """The pixels of the output from products [36,O,tile], some channels a task."""
    for task in prange(tasks):
        channels = share(task, tasks, out.shape[1])
        if tiles[2] > HALF:
            interpolate_channels(products, channels, out, tiles, given, SHORT, zeros(SHORT))
        else:
            interpolate_channels(products, channels, out, tiles, given, HALF, zeros(HALF))


@compiled
def interpolate_channels(products, channels, out, tiles, given, step, like):
    """Tiles beside each other, `step` at a time."""
    count, down, right = tiles
    half_way = aligned(24 * step)
    height, width = out.shape[2:]
    points, apart = products.shape[1] * products.shape[2], products.shape[2]
    for channel in range(channels[0], channels[1]):
        for line in range(count * down):
            image, y = divmod(line, down)
            place = ((image * out.shape[1] + channel) * height + 4 * y) * width
            for x in range(0, right, step):
                tile = channel * apart + line * right + x
                for i in range(min(4, height - 4 * y)):
                    will_write(out, place + i * width + 4 * x, mixed(like, like, like, like))
                for j in range(6):
                    m0, m1, m2, m3, m4, m5 = load_six(products, j * points + tile, 6 * points, like)
                    y0, y1, y2, y3 = between_points(m0, m1, m2, m3, m4, m5)
                    store(half_way, j * step, y0)
                    store(half_way, (6 + j) * step, y1)
                    store(half_way, (12 + j) * step, y2)
                    store(half_way, (18 + j) * step, y3)
                for i in range(min(4, height - 4 * y)):
                    m0, m1, m2, m3, m4, m5 = load_six(half_way, i * 6 * step, step, like)
                    y0, y1, y2, y3 = between_points(m0, m1, m2, m3, m4, m5)
                    pixels = min(4 * step, width - 4 * x)
                    finish(mixed(y0, y1, y2, y3), out, place + i * width + 4 * x, pixels, 4 * step, channel, given)


@inlined
def between_points(m0, m1, m2, m3, m4, m5):
    """Four results from the products at the six points."""
    minus = np.float32(-1)
    even_a, odd_a = plus(m1, m2), plus_product(m1, minus, m2)
    even_b, odd_b = plus(m3, m4), plus_product(m3, minus, m4)
    y0 = plus(plus(m0, even_a), even_b)
    y1 = plus_product(times(odd_a, A), B, odd_b)
    y2 = plus_product(times(even_a, A2), B2, even_b)
    y3 = plus_product(plus_product(m5, A3, odd_a), B3, odd_b)
    return y0, y1, y2, y3
