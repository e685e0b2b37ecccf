"""Walks over windows of channels-last images, vectors along the channels: depthwise convolution and pooling.

    out[p, c] = finish(combination over the taps t of the window at p of x[p, t, c])

A line is all output pixels that differ in the last spatial dimension only. Tables say what is inside the image, so
kernels know neither pads nor strides nor the number of dimensions:

    lines      for each line: number of taps outside the last dimension that are inside, their share of the divisor,
               then for each of them the offset of its input line and the offset of its weights
    segments   of a line: pixels whose windows are cut alike: which code, first pixel, pixels, taps, offset of the
               first tap's input, offset of its weights, their share of the divisor

For each segment all channels are walked (streams of adjacent memory; the few weights are read again from the
first-level cache), each vector of channels for all pixels of the segment, held in registers over the whole window.

A unit of work is a block of channels of a part of a line's segments of an image, channels running fastest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from llvmlite import ir

from ..codegen.emit import I1, I64, Emitter
from .base import Arguments

ARGS = (
    "input", "output", "lines", "segments",
    "n_lines", "line_size", "n_segments", "part", "parts", "channels", "c_block", "c_blocks",
    "in_pixel", "in_step", "tap_step", "in_image",
    "out_pixel", "out_line", "out_image", "weight_step",
)  # fmt: skip
"""in_step: bytes between the windows of neighbouring pixels; tap_step, weight_step: from tap to tap in a line."""

CASE, FIRST, PIXELS, TAPS, INPUT, WEIGHTS, COUNT = range(7)
SEGMENT = 7
LINE = 2
"""Words of a line before its taps, which are two words each."""


def most_pixels(lanes: int) -> int:
    """Pixels of a segment, at most: sums, inputs and a weight stay in registers."""
    return 8 if lanes == 16 else 4


def cases(most: int, taps: int) -> dict[int, tuple[int, int]]:
    """Code number -> (pixels, taps); 0 taps: a loop over as many as the segment says."""
    if not taps:
        return {n: (n, 0) for n in range(1, most + 1)}
    whole = {n: (n, taps) for n in range(1, most + 1)}
    return {0: (1, 0), **whole, **{most + n: (1, n) for n in range(1, taps)}}


class Walk:
    """Emits the walk; subclasses say what happens to a tap.

    taps       of the last dimension, known here; 0: known to the segment
    stride, dilation    of the last dimension in pixels, so that neighbours share inputs; 0: any
    """

    item = 4
    """Bytes of an element."""

    def __init__(self, e: Emitter, a: Arguments, taps: int, stride: int, dilation: int) -> None:
        self.e, self.a, self.taps, self.stride, self.dilation = e, a, taps, stride, dilation

    def begin(self) -> None:
        """What is computed once a call."""

    def start(self, c: Any, mask: Any) -> Any:
        """The first value of an accumulator."""
        raise NotImplementedError

    def weight(self, address: Any) -> Any:
        """What combines with the inputs of a tap."""
        return None

    def combine(self, total: Any, x: Any, weight: Any) -> Any:
        raise NotImplementedError

    def finish(self, s: Segment, totals: Sequence[Any], c: Any, mask: Any) -> None:
        """Stores the results of all pixels of a segment."""
        raise NotImplementedError

    def close(self, s: Segment) -> None:
        """What comes behind all channels of a segment."""

    def emit(self) -> None:
        e, a = self.e, self.a
        self.begin()
        with e.loop(e.function.args[1], e.function.args[2]) as unit:
            block, rest = e.rem(unit, a.c_blocks), e.div(unit, a.c_blocks)
            part, rest = e.rem(rest, a.parts), e.div(rest, a.parts)
            line, image = e.rem(rest, a.n_lines), e.div(rest, a.n_lines)
            first = e.mul(part, a.part)
            begin = e.mul(block, a.c_block)
            with e.loop(first, e.min(e.add(first, a.part), a.n_segments)) as number:
                s = Segment(self, image, line, number, begin, e.min(e.add(begin, a.c_block), a.channels))
                table = cases(most_pixels(e.lanes), self.taps)
                e.switch(s.word(CASE), {k: partial(self._body, s, p, t) for k, (p, t) in table.items()})
                self.close(s)

    def _body(self, s: Segment, pixels: int, taps: int) -> None:
        """All channels of a segment: whole vectors, then the rest."""
        e = self.e
        whole = e.b.and_(e.b.sub(s.end, s.begin), e.i64(-e.lanes))
        whole = e.add(s.begin, whole)
        with e.loop(s.begin, whole, e.lanes) as c:
            self._vector(s, pixels, taps, c, None)
        left = e.b.sub(s.end, whole)
        with e.when(e.b.icmp_signed(">", left, e.i64(0))):
            self._vector(s, pixels, taps, whole, e.mask(left))

    def _vector(self, s: Segment, pixels: int, taps: int, c: Any, mask: Any) -> None:
        start = self.start(c, mask)
        self.finish(s, self.visit(s, pixels, taps, c, mask, [start] * pixels, self.step), c, mask)

    def step(self, totals: Sequence[Any], inputs: Sequence[Any], weights: Any) -> Sequence[Any]:
        """A tap of some pixels; `weights` is the address of its weights."""
        weight = self.weight(weights)
        return [self.combine(t, x, weight) for t, x in zip(totals, inputs, strict=True)]

    def visit(
        self, s: Segment, pixels: int, taps: int, c: Any, mask: Any, start: Sequence[Any],
        step: Callable[[Sequence[Any], Sequence[Any], Any], Sequence[Any]], first: Any = 0,
    ) -> list[Any]:  # fmt: skip
        """totals = step(totals, inputs of the pixels, address of the weight) for all taps of the windows.

        first: the pixel within the segment with which to begin.
        """
        e, a = self.e, self.a
        at = e.add(e.add(s.source, self.offset(c)), e.mul(e.i64(first), a.in_step))

        def line(j: Any, *totals: Any) -> Sequence[Any]:
            entry = e.add(s.taps, e.mul(j, 16))
            source = e.add(at, e.load(entry, I64, 8))
            weights = e.add(e.add(s.weights, e.mul(c, 4)), e.load(e.add(entry, 8), I64, 8))
            if taps:
                return self._known(source, weights, pixels, taps, mask, totals, step)

            def tap(t: Any, *totals: Any) -> Sequence[Any]:
                base = e.add(source, e.mul(t, a.tap_step))
                inputs = [self.read(e.add(base, e.mul(a.in_step, p)), mask) for p in range(pixels)]
                return step(totals, inputs, e.add(weights, e.mul(t, a.weight_step)))

            return e.fold(0, s.word(TAPS), 1, totals, tap)

        return e.fold(0, s.lines, 1, start, line)

    def _known(
        self, source: Any, weights: Any, pixels: int, taps: int, mask: Any, totals: Sequence[Any], step: Any
    ) -> Sequence[Any]:
        """A line's taps one by one; an input that several windows see is loaded once."""
        e, a = self.e, self.a
        loaded: dict[int, Any] = {}

        def get(p: int, t: int) -> Any:
            k = p * self.stride + t * self.dilation
            if k not in loaded:
                loaded[k] = self.read(e.add(source, e.mul(a.in_pixel, k)), mask)
            return loaded[k]

        for t in range(taps):
            totals = step(totals, [get(p, t) for p in range(pixels)], e.add(weights, e.mul(a.weight_step, t)))
        return totals

    def offset(self, c: Any) -> Any:
        """Of the inputs of output channel c, in bytes."""
        return self.e.mul(c, self.item)

    def read(self, address: Any, mask: Any) -> Any:
        """The inputs of a vector of output channels."""
        return self.load(address, mask)

    def load(self, address: Any, mask: Any) -> Any:
        return self.e.load(address) if mask is None else self.e.masked_load(address, mask)

    def store(self, value: Any, address: Any, mask: Any) -> None:
        if mask is None:
            self.e.store(value, address)
        else:
            self.e.masked_store(value, address, mask)

    def any_lane(self, flags: Any) -> Any:
        """Whether any of a vector of i1 is set."""
        e = self.e
        word = e.b.bitcast(flags, ir.IntType(e.lanes))
        return e.b.icmp_unsigned("!=", word, ir.Constant(ir.IntType(e.lanes), 0))

    def none(self) -> Any:
        return ir.Constant(ir.VectorType(I1, self.e.lanes), [0] * self.e.lanes)


class Segment:
    """The addresses of one segment of one line; begin and end are channels."""

    def __init__(self, walk: Walk, image: Any, line: Any, number: Any, begin: Any, end: Any) -> None:
        e, a = walk.e, walk.a
        self.e, self.image, self.line, self.begin, self.end = e, image, line, begin, end
        self.table = e.add(a.segments, e.mul(number, 8 * SEGMENT))
        entry = e.add(a.lines, e.mul(line, e.mul(a.line_size, 8)))
        self.lines, self.line_count = e.load(entry, I64, 8), e.load(e.add(entry, 8), I64, 8)
        self.taps = e.add(entry, 8 * LINE)
        self.pixels, self.first = self.word(PIXELS), self.word(FIRST)
        self.source = e.add(e.add(a.input, e.mul(image, a.in_image)), self.word(INPUT))
        self.weights = self.word(WEIGHTS)
        self.out = self.offset(a.output, a.out_image, a.out_line, a.out_pixel)

    def word(self, index: int) -> Any:
        return self.e.load(self.e.add(self.table, 8 * index), I64, 8)

    def offset(self, base: Any, image: Any, line: Any, pixel: Any) -> Any:
        """The address of the first pixel in an image-like place."""
        e = self.e
        terms = ((self.image, image), (self.line, line), (self.first, pixel))
        for n, stride in terms:
            base = e.add(base, e.mul(n, stride))
        return base
