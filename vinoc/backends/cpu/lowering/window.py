"""Tables for kernels that walk over windows: depthwise convolution and pooling (kernels/window.py)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from ....ir.kernels.pool import window_counts
from ....ir.record import record
from ..kernels.base import Kernel
from ..kernels.window import LINE, SEGMENT, most_pixels
from .conv import Window
from .packed import fresh
from .place import Place
from .plan import Array, Plan

UNITS = 32
"""Units of work that a call should have at least, for threads to share."""

FIRST_CACHE = 24 * 1024
"""Bytes of input under a segment's windows, at most: they are read several times."""

TAPS = 7
"""Up to so many taps in the last dimension are written out in code."""


@record(frozen=True)
class Divisor:
    """What an average counts: elements inside, or pads as well."""

    ends: tuple[int, ...]
    exclude_pad: bool


@record(frozen=True)
class Windows:
    """Windows over an image with these strides in bytes; a tap's weights are `weight_step` bytes after another's."""

    window: Window
    strides: tuple[int, ...]
    weight_step: int
    divisor: Divisor | None = None

    def variant(self) -> tuple[int, int, int]:
        """(taps, stride, dilation) of the code: of the last dimension, or zeros."""
        taps, stride, dilation = (x[-1] for x in (self.window.kernel, self.window.strides, self.window.dilations))
        few = 3 if dilation > 1 else TAPS
        known = taps <= few and stride <= 2 and dilation in (1, 2, 4) and stride * dilation <= 4
        return (taps, stride, dilation) if known else (0, 0, 0)

    def lines(self) -> Array:
        """[lines, words]: see kernels/window.py."""
        w, outer = self.window, len(self.window.size) - 1
        offsets, inside = w.placed(range(outer), self.strides[:outer])
        order = np.argsort(~inside, axis=1, kind="stable")
        table = fresh((len(offsets), LINE + 2 * offsets.shape[1]), np.int64)
        table[:, 0] = inside.sum(1)
        table[:, 1] = self._counts(slice(0, outer)).reshape(-1)
        table[:, LINE::2] = offsets[np.arange(len(offsets))[:, None], order]
        table[:, LINE + 1 :: 2] = order * (w.kernel[-1] * self.weight_step)
        return table

    def segments(self, most: int) -> Array:
        """[segments, words]: neighbouring pixels whose windows are cut alike, in even parts of at most `most`."""
        w, known = self.window, self.variant()[0]
        stride, dilation, pad = w.strides[-1], w.dilations[-1], w.pads[-1]
        rows: list[list[int]] = []
        for first, last, t, taps, count in self._alike():
            single = bool(known) and taps != known
            pieces = last - first if single else -(-(last - first) // most)
            cuts = [first + (last - first) * i // pieces for i in range(pieces + 1)]
            for x, y in itertools.pairwise(cuts):
                case = (most + taps if taps else 0) if single else y - x
                offset = (x * stride - pad + t * dilation) * self.strides[-1]
                rows.append([case, x, y - x, taps, offset, t * self.weight_step, count])
        return np.array(rows, np.int64).reshape(-1, SEGMENT)

    def _alike(self) -> Iterator[tuple[int, int, int, int, int]]:
        """Neighbouring pixels whose windows are cut alike: first, behind the last, first tap, taps, count."""
        w = self.window
        (size, out, kernel, stride, dilation, pad) = (
            w.size[-1], w.out[-1], w.kernel[-1], w.strides[-1], w.dilations[-1], w.pads[-1],
        )  # fmt: skip
        counts = self._counts(slice(len(w.size) - 1, None)).tolist()
        left = min(max(-(-pad // stride), 0), out)
        right = max(min((size - 1 - (kernel - 1) * dilation + pad) // stride + 1, out), left)
        starts: list[int] = []
        cuts: list[tuple[int, int, int]] = []
        for x in (*range(left), *range(left, right)[:1], *range(right, out)):  # between left and right all are whole
            at = x * stride - pad
            begin = min(-(min(at, 0) // dilation), kernel)
            end = min(max(-((at - size) // dilation), begin), kernel)
            cut = begin, end - begin, counts[x]
            if not cuts or cut != cuts[-1]:
                starts.append(x)
                cuts.append(cut)
        for first, last, cut in zip(starts, [*starts[1:], out], cuts, strict=True):
            yield first, last, *cut

    def _counts(self, dims: slice) -> Array:
        """The share of the divisor of each index of some output dimensions."""
        w, d = self.window, self.divisor
        out = w.out[dims]
        if d is None or not out:
            return np.ones(out, np.int64)
        counts = window_counts(
            w.size[dims], w.kernel[dims], w.strides[dims], out, w.pads[dims], d.ends[dims], d.exclude_pad
        )
        return np.asarray(np.broadcast_to(counts, out), np.int64)


def walk(
    plan: Plan, windows: Windows, kernel: Kernel, source: Place, out: Place, flops: int, width: int = 0, **more: Any
) -> None:
    """The call of a kernel that walks, by vectors of `width` channels; both places are channels-last."""
    w = windows.window
    lanes = plan.target.lanes
    width = width or lanes
    most = most_pixels(lanes)
    lines = plan.packed.get((windows, "lines"), windows.lines)
    segments = plan.packed.get((windows, "segments", most), lambda: windows.segments(most))
    images, channels = out.shape[:2]
    base = max(images * len(lines), 1)
    seen = prod(w.kernel[:-1]) * ((most - 1) * w.strides[-1] + w.kernel[-1])
    cached = -(-source.itemsize * seen * channels // FIRST_CACHE)
    wanted = max(min(-(-UNITS // base), channels // (4 * lanes)), cached, 1)
    c_block = rounded(max(-(-channels // wanted), 2 * lanes), width)
    c_blocks = -(-channels // c_block)
    part = max(len(segments) // max(-(-UNITS // (base * c_blocks)), 1), 1)
    parts = -(-len(segments) // part)
    plan.call(
        kernel,
        images * len(lines) * parts * c_blocks,
        flops=flops,
        input=source,
        output=out,
        lines=lines,
        segments=segments,
        n_lines=len(lines),
        line_size=lines.shape[1],
        n_segments=len(segments),
        part=part,
        parts=parts,
        channels=channels,
        c_block=c_block,
        c_blocks=c_blocks,
        in_pixel=source.pixel,
        in_step=source.pixel * w.strides[-1],
        tap_step=source.pixel * w.dilations[-1],
        in_image=source.strides[0],
        out_pixel=out.pixel,
        out_line=out.strides[-2] if len(w.size) > 1 else 0,
        out_image=out.strides[0],
        weight_step=windows.weight_step,
        **more,
    )


def rounded(n: int, to: int) -> int:
    return -(-n // to) * to


def work(window: Window, images: int, channels: int) -> int:
    """Combinations of a tap with an element."""
    return images * channels * prod(window.out) * prod(window.kernel)
