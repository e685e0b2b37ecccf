"""The innermost loops of convolutions and matrix products: sums in registers, and what becomes of them."""

from __future__ import annotations

from .settings import inlined
from .vectors import (
    element,
    limited,
    load,
    load_some,
    plus,
    plus_product,
    prefetch,
    sloped,
    store,
    store_some,
    will_read,
    will_write,
)

# Rows of weights that are multiplied at once. With two registers a vector their sums take 16 of the 32 that AVX-512
# has, with one a vector 8 of the 16 that others have: enough to hide how long an addition takes.
ROWS = 8

# Weights so many elements further are asked for: as far as memory is away, which matters where few pixels use each.
AHEAD = 4096


@inlined
def multiply(weights, at, panel, place, step, depth, like):
    """Eight vectors of sums: weights [depth,8] from `at` on, times rows of the panel, `step` apart, from `place` on.

    s[r] = like + sum over k of weights[at + 8 * k + r] * panel[place + k * step ...], where `like` is zeros
    """
    return multiply_apart(weights, at, ROWS, 1, panel, place, step, depth, like)


@inlined
def multiply_apart(weights, at, further, apart, panel, place, step, depth, like):
    """The same for weights that lie apart: s[r] = like + sum over k of weights[at + further * k + apart * r] * ..."""
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = like
    for k in range(depth):
        x = load(panel, place + k * step, like)
        prefetch(weights, at + AHEAD)
        s0 = plus_product(s0, element(weights, at), x)
        s1 = plus_product(s1, element(weights, at + apart), x)
        s2 = plus_product(s2, element(weights, at + 2 * apart), x)
        s3 = plus_product(s3, element(weights, at + 3 * apart), x)
        s4 = plus_product(s4, element(weights, at + 4 * apart), x)
        s5 = plus_product(s5, element(weights, at + 5 * apart), x)
        s6 = plus_product(s6, element(weights, at + 6 * apart), x)
        s7 = plus_product(s7, element(weights, at + 7 * apart), x)
        at += further
    return s0, s1, s2, s3, s4, s5, s6, s7


@inlined
def finish(sums, out, at, count, step, channel, given):
    """out[at ...] = the first `count` of `step` sums, with what follows a convolution.

    given: bias [C]; more, an array like `out`, and to how many channels it is added; slopes and how far apart they lie,
    0 where all have one; and the limits.
    A whole vector is stored as such: stores with a mask wait for what is in memory, one after the other.
    """
    if channel < given[2]:
        sums = plus(sums, load_some(given[1], at, count, sums))
    v = finished(sums, channel, given)
    store_places(out, at, v, count, step)


@inlined
def store_places(out, at, v, count, step):
    """The first `count` of the `step` places of a vector."""
    if count == step:
        store(out, at, v)
    else:
        store_some(out, at, v, count)


@inlined
def finished(v, channel, given):
    """What follows a convolution, but for what is added to all of it."""
    bias, _, _, slopes, apart, low, high = given
    return limited(sloped(plus(v, element(bias, channel)), element(slopes, channel * apart)), low, high)


@inlined
def finish_rows(sums, space, out, at, pitch, rows, count, step, channel, given):
    """The same for the first `rows` of eight vectors of `step`, one a channel, `pitch` apart in `out`.

    They go through `space`: a loop over memory is as fast as eight copies of what follows, and sooner compiled.
    """
    like = sums[0]
    store_eight(space, 0, step, sums)
    if count == step:
        for row in range(min(rows, given[2] - channel)):
            add_whole(space, row * step, at + row * pitch, given, like)
        for row in range(rows):
            store(out, at + row * pitch, finished(load(space, row * step, like), channel + row, given))
    else:
        for row in range(rows):
            finish(load(space, row * step, like), out, at + row * pitch, count, step, channel + row, given)


@inlined
def expect(out, at, pitch, rows, channel, given, like):
    """Asks for the memory that `finish_rows` reads and writes: it is there when the sums are, which need some time."""
    for row in range(rows):
        will_write(out, at + row * pitch, like)
    for row in range(min(rows, given[2] - channel)):
        will_read(given[1], at + row * pitch, like)


@inlined
def add_whole(space, place, at, given, like):
    """Adds to a vector of sums what lies at that place of the array that is added."""
    store(space, place, plus(load(space, place, like), load(given[1], at, like)))


@inlined
def store_eight(array, at, apart, eight):
    """Eight vectors, so far apart."""
    store(array, at, eight[0])
    store(array, at + apart, eight[1])
    store(array, at + 2 * apart, eight[2])
    store(array, at + 3 * apart, eight[3])
    store(array, at + 4 * apart, eight[4])
    store(array, at + 5 * apart, eight[5])
    store(array, at + 6 * apart, eight[6])
    store(array, at + 7 * apart, eight[7])
