"""Winograd's form of a convolution of u8 by i8, where that is faster in f32 than in integers (integer_choice.py)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....ir.graph import Node
from ....ir.kernels.conv import auto_pads
from ..kernels.base import f32_bits
from ..kernels.winograd_bytes import FORM, OUTPUT_ARGS, WINOGRAD_INPUT_BYTES, WINOGRAD_OUTPUT_BYTES
from .conv import Convolution, Window
from .epilogue import Epilogue
from .integer import finishing, other_of, readable
from .integer_epilogue import Outlet, outlet_of
from .place import Form
from .plan import Plan, lowers, shape_of
from .winograd import Chunks, Lowering


@lowers("Region:level_conv")
def convolution(plan: Plan, node: Node) -> None:
    """From bytes to what the kernels of integers give."""
    outlet = outlet_of(node)
    op: Any = outlet.product.op
    depth, channels, *kernel = shape_of(outlet.filters)
    size, out = shape_of(outlet.data)[2:], shape_of(node.outputs[0])[2:]
    begin, _ = auto_pads(size, kernel, op.strides, op.dilations, op.pads_begin, op.pads_end, op.auto_pad)
    window = Window(size, out, tuple(kernel), tuple(op.strides), tuple(op.dilations), tuple(begin))
    source = readable(plan, plan.read(outlet.data, Form.LAST), channels, Form.LAST, plan.target.lanes)
    conv = Convolution(source, outlet.filters, node.outputs[0], window, Epilogue(), 1, depth, channels)
    _Bytes(plan, conv, outlet).emit()


class _Bytes(Lowering):
    def __init__(self, plan: Plan, conv: Convolution, outlet: Outlet) -> None:
        super().__init__(plan, conv, FORM.tile)
        self.outlet = outlet
        self.residual = other_of(plan, outlet.epilogue.residual, conv.depth, Form.LAST)

    def chunked(self, tile_bytes: int, weight_bytes: int) -> Chunks:
        """Of whole lines of tiles."""
        found, line = super().chunked(tile_bytes, weight_bytes), self.tiles[1]
        size = -(-found.size // line) * line
        parallel = min(found.parallel, -(-self.count // size))
        return Chunks(size, parallel, -(-self.count // (size * parallel)))

    def transform(self, first: int, tiles: int) -> None:
        zero = np.full(self.conv.channels + self.plan.target.lanes, self.outlet.zero.reshape(-1)[0], np.uint8)
        zeros = self.plan.packed.get(("zero points", zero.tobytes()), lambda: zero)
        level = f32_bits(float(zero[0]))
        self.plan.call(WINOGRAD_INPUT_BYTES, tiles, zeros=zeros, zero=level, **self.transformed(first))

    def collect(self, first: int, tiles: int) -> None:
        conv, plan, line = self.conv, self.plan, self.tiles[1]
        args: dict[str, Any] = dict.fromkeys(OUTPUT_ARGS, 0)
        args |= finishing(plan, self.outlet, self.residual, (1, conv.depth), 9 * conv.channels)
        args |= {
            "input": self.sums, "line": first // line, "tiles_x": line, "tiles_y": self.tiles[0],
            "height": conv.window.out[0], "width": conv.window.out[1],
            "out_channels": conv.depth, "panels": self.panels, "chunk": self.chunks.size,
            "in_chunk": self.m.chunk, "in_plane": self.m.plane, "in_tile": self.m.tile,
        }  # fmt: skip
        for name, which, place in (("output", "out", self.target), ("residual", "res", self.residual)):
            if place is not None:
                image, _, y, pixel = place.strides
                args |= {f"{which}_image": image, f"{which}_y": y, f"{which}_stride": pixel}
                args |= {name: place, f"{which}_size": place.itemsize}
        plan.call(WINOGRAD_OUTPUT_BYTES, tiles // line, **args)

    def repair(self) -> None:
        """Sums of integers are finite."""
