"""Winograd's form of a convolution: transform, products for all frequencies, transform back; in chunks of tiles."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ....ir.record import record
from ..kernels.base import f32_bits
from ..kernels.igemm import IGEMM
from ..kernels.winograd import FORMS, WINOGRAD_INPUT, WINOGRAD_OUTPUT
from ..kernels.winograd_weights import WINOGRAD_REPAIR, WINOGRAD_WEIGHTS
from .conv import Convolution, bias_panels
from .direct import number_of_blocks
from .place import Form
from .plan import Array, Plan

CHUNK_BYTES = 1 << 20, 16 << 20
"""Of transformed inputs and sums that lie in memory at once: a second-level cache, half of a third-level one."""

GAP = 64
"""Bytes between planes of frequencies, whose distance would else be a power of two and meet in one cache set."""


@record(frozen=True)
class Chunks:
    """`steps` times, `parallel` chunks of `size` tiles are worked on together."""

    size: int
    parallel: int
    steps: int


@record(frozen=True)
class Planes:
    """Where a tile's vectors of channels lie: bytes from tile to tile, from plane to plane, from chunk to chunk."""

    tile: int
    plane: int
    chunk: int

    @classmethod
    def of(cls, channels: int, lanes: int, tiles: int, planes: int) -> Planes:
        tile = 4 * -(-channels // lanes) * lanes
        plane = tile * tiles + GAP
        return cls(tile, plane, plane * planes)


def lower(plan: Plan, conv: Convolution, tile: int) -> None:
    """Adds the calls of one convolution, by tiles of `tile` x `tile` outputs."""
    Lowering(plan, conv, tile).emit()


class Lowering:
    def __init__(self, plan: Plan, conv: Convolution, tile: int) -> None:
        self.plan, self.conv, self.form = plan, conv, (tile, conv.window.kernel[0])
        self.frequencies = FORMS[self.form].size ** 2
        self.tiles = tuple(-(-n // tile) for n in conv.window.out)
        self.count = conv.images * prod(self.tiles)
        lanes = plan.target.lanes
        by_tile = self.frequencies * (conv.channels + conv.depth) * conv.groups * 4
        by_weights = self.frequencies * conv.channels * conv.depth * conv.groups * 4
        self.chunks = self.chunked(by_tile, by_weights)
        planes = self.frequencies * conv.groups
        self.v = Planes.of(conv.channels, lanes, self.chunks.size, planes)
        self.m = Planes.of(conv.depth, lanes, self.chunks.size, planes)
        self.inputs = plan.scratch(self.chunks.parallel * self.v.chunk // 4)
        self.sums = plan.scratch(self.chunks.parallel * self.m.chunk // 4)
        self.flags = plan.scratch(self.count)
        self.panels = -(-conv.depth // plan.target.width)
        self.weights = plan.packed.of(conv.filters, ("winograd", self.form, plan.target.width), self.pack)
        self.bias = bias_panels(plan, conv.epilogue.bias, conv.groups, conv.depth)
        self.out = plan.write(conv.result, Form.LAST)
        self.target = self.out if self.out.fits(Form.LAST) else plan.new(self.out.shape, self.out.dtype, Form.LAST)
        residual = conv.epilogue.residual
        self.residual = plan.read(residual, Form.LAST) if residual is not None else None

    def chunked(self, tile_bytes: int, weight_bytes: int) -> Chunks:
        return chunks(self.count, tile_bytes, weight_bytes, self.plan.mode.threads)

    def pack(self, filters: Array) -> Array:
        """G g G' in panels."""
        conv, target = self.conv, self.plan.target
        source = np.ascontiguousarray(filters, np.float32)
        out = self.plan.packed.fresh((self.frequencies, conv.groups, self.panels, conv.channels, target.width))
        blocks = -(-conv.channels // target.lanes)
        count = conv.groups * self.panels
        self.plan.packed.run(
            WINOGRAD_WEIGHTS[self.form],
            count * blocks,
            source=source,
            target=out,
            depth=conv.depth,
            channels=conv.channels,
            groups=conv.groups,
            panels=self.panels,
            blocks=blocks,
            count=count,
        )
        return out

    def emit(self) -> None:
        together = self.chunks.size * self.chunks.parallel
        for first in range(0, self.count, together):
            tiles = min(self.count - first, together)
            self.transform(first, tiles)
            self.multiply(tiles)
            self.collect(first, tiles)
        self.repair()
        if self.target is not self.out:
            self.plan.copy(self.target, self.out)

    def transform(self, first: int, tiles: int) -> None:
        channels = self.conv.channels
        zeros = self.plan.zeros(channels)
        self.plan.call(WINOGRAD_INPUT[self.form], tiles, zeros=zeros, **self.transformed(first))

    def transformed(self, first: int) -> dict[str, Any]:
        """Arguments about the tiles of the input from `first` on."""
        return {
            "output": self.inputs, "first": first, "chunk": self.chunks.size,
            "out_chunk": self.v.chunk, "out_plane": self.v.plane, "out_tile": self.v.tile,
            "height": self.conv.source.shape[2], "width": self.conv.source.shape[3], **self.source(),
        }  # fmt: skip

    def multiply(self, tiles: int) -> None:
        """For all frequencies: sums = inputs * weights."""
        plan, conv, lanes = self.plan, self.conv, self.plan.target.lanes
        size = min(tiles, self.chunks.size)
        images = -(-tiles // size)
        groups = self.frequencies * conv.groups
        blocks = number_of_blocks(plan, size, conv.channels, images * groups * self.panels)
        bias = groups * self.panels * plan.target.width
        plan.call(
            IGEMM,
            images * groups * blocks * self.panels,
            flops=2 * tiles * groups * conv.channels * conv.depth,
            input=self.inputs,
            output=self.sums,
            weights=self.weights,
            bias=plan.zeros(bias),
            residual=plan.nothing(),
            table=plan.packed.get(("range", size), lambda: np.arange(size, dtype=np.int32)),
            zeros=0,
            post=0,
            post_args=0,
            lo=f32_bits(-np.inf),
            hi=f32_bits(np.inf),
            pixels=size,
            taps=1,
            channels=conv.channels,
            out_channels=-(-conv.depth // lanes) * lanes,
            panels=self.panels,
            groups=groups,
            blocks=blocks,
            in_stride=self.v.tile,
            in_group=self.v.plane,
            in_image=self.v.chunk,
            out_stride=self.m.tile,
            out_group=self.m.plane,
            out_image=self.m.chunk,
            res_stride=0,
            res_group=0,
            res_image=0,
        )

    def collect(self, first: int, tiles: int) -> None:
        conv = self.conv
        self.plan.call(
            WINOGRAD_OUTPUT[self.form],
            tiles,
            input=self.sums,
            trash=self.plan.scratch(conv.depth),
            first=first,
            channels=conv.depth,
            groups=conv.groups,
            chunk=self.chunks.size,
            in_chunk=self.m.chunk,
            in_plane=self.m.plane,
            in_tile=self.m.tile,
            **self.result(),
        )

    def repair(self) -> None:
        conv = self.conv
        source = self.source()
        self.plan.call(
            WINOGRAD_REPAIR[self.form],
            self.count,
            weights=self.weights,
            first=0,
            in_height=conv.source.shape[2],
            in_width=conv.source.shape[3],
            depth=conv.depth,
            panels=self.panels,
            **self.result(),
            **{k: v for k, v in source.items() if k not in ("tiles_y", "tiles_x")},
        )

    def source(self) -> dict[str, Any]:
        """Arguments about the input."""
        conv, strides, item = self.conv, self.conv.source.strides, self.conv.source.itemsize
        top, left = conv.window.pads
        return {
            "input": conv.source, "tiles_y": self.tiles[0], "tiles_x": self.tiles[1], "top": top, "left": left,
            "in_image": strides[0], "in_y": strides[2], "in_x": strides[3], "in_group": item * conv.channels,
            "channels": conv.channels, "groups": conv.groups,
        }  # fmt: skip

    def result(self) -> dict[str, Any]:
        """Arguments about the output."""
        conv, out = self.conv, self.target.strides
        res = self.residual.strides if self.residual is not None else (0, 0, 0, 0)
        return {
            "output": self.target, "residual": self.residual if self.residual is not None else 0,
            "bias": self.bias, "bias_group": 4 * self.panels * self.plan.target.width, "flags": self.flags,
            "lo": f32_bits(conv.epilogue.lo), "hi": f32_bits(conv.epilogue.hi),
            "tiles_y": self.tiles[0], "tiles_x": self.tiles[1],
            "height": conv.window.out[0], "width": conv.window.out[1],
            "out_image": out[0], "out_y": out[2], "out_x": out[3], "out_group": 4 * conv.depth,
            "res_image": res[0], "res_y": res[2], "res_x": res[3], "res_group": 4 * conv.depth,
        }  # fmt: skip


def chunks(tiles: int, tile_bytes: int, weight_bytes: int, threads: int) -> Chunks:
    """Equal chunks: small ones, which stay in a thread's own cache, one for each thread, where weights are small too.

    Every chunk streams all weights again, so that with more of them the chunks are larger, and all threads share one.
    """
    least, most = CHUNK_BYTES
    own = weight_bytes <= least
    memory = least * threads if own else min(max(least, 3 * weight_bytes // 2), most)
    parallel = min(threads, tiles) if own else 1
    steps = max(1, round(tiles * tile_bytes / memory))
    size = -(-tiles // (steps * parallel))
    return Chunks(size, min(parallel, -(-tiles // size)), -(-tiles // (size * parallel)))
