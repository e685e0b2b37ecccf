"""Winograd's form of 3x3 convolutions of u8 by i8: tiles of 4 x 4 inputs, whose transforms only add and halve.

Inputs are read as bytes, their zero point taken off; products are those of winograd.py, of f32. The sums come out as
whole numbers, or so near to them that the next one is right: of the reals that levels stand for f32 would hold six bits
less. They go to what finishes all sums of integers (finish.py), which stores a line of pixels of some tiles at once.
"""

from __future__ import annotations

from typing import Any

from ..codegen.emit import F32, I32, Emitter
from ..codegen.lanes import load_bytes, nearest
from . import igemm_bytes
from .base import Arguments, Kernel
from .igemm import _typed
from .winograd import FORMS, INPUT_ARGS, Form, place, transform

FORM = FORMS[2, 3]

STRIP = 8
"""Tiles of a line whose sums are finished together."""

OUTPUT_ARGS = (
    *igemm_bytes.ARGS,
    "line", "tiles_x", "tiles_y", "height", "width", "out_y", "res_y",
    "chunk", "in_chunk", "in_plane", "in_tile",
)  # fmt: skip
"""Those that finish.py reads, in their places; line: the first line of tiles; chunk: tiles of a chunk, whole lines."""


def _input(e: Emitter, a: Arguments) -> None:
    zero = e.splat(e.b.bitcast(e.b.trunc(a.zero, I32), F32))

    def load(address: Any) -> Any:
        return e.b.fsub(e.b.uitofp(load_bytes(e, address, e.lanes), e.V), zero)

    transform(e, a, FORM, 1, load, lambda mask: load)


def _output(e: Emitter, a: Arguments) -> None:
    """A unit is a line of tiles."""
    tile = _Output(e, a, FORM)
    begin, end = e.function.args[1:3]
    with e.loop(begin, end) as unit, e.loop(0, a.tiles_x, STRIP) as x, e.loop(0, a.panels) as panel:
        tile.strip(unit, x, panel)


class _Output:
    def __init__(self, e: Emitter, a: Arguments, form: Form) -> None:
        self.e, self.a, self.form = e, a, form
        self.line = 4 * e.target.width * form.tile * STRIP
        """Bytes of the sums of a line of pixels."""
        self.sums = e.scratch(self.line // 4 * form.tile)
        self.corner = e.scratch(e.lanes * form.tile * form.size)

    def strip(self, unit: Any, x: Any, panel: Any) -> None:
        """Some tiles of a line, from the x-th on, of a panel of channels."""
        e, a, width = self.e, self.a, self.e.target.width
        count = e.min(e.b.sub(a.tiles_x, x), STRIP)
        first = e.mul(panel, width)
        columns = e.min(e.b.sub(a.out_channels, first), width)
        with e.loop(0, count) as t:
            at = place(e, e.add(e.mul(unit, a.tiles_x), e.add(x, t)), a.input, a.chunk, a.in_chunk, a.in_tile)
            into = e.add(self.sums, e.mul(t, 4 * width * self.form.tile))
            with e.loop(0, columns, e.lanes) as c:
                self.tile(e.add(at, e.mul(e.add(first, c), 4)), e.add(into, e.mul(c, 4)))
        number = e.add(a.line, unit)
        image, y, x = (
            e.div(number, a.tiles_y),
            e.mul(e.rem(number, a.tiles_y), self.form.tile),
            e.mul(x, self.form.tile),
        )
        rows = e.min(e.b.sub(a.width, x), e.mul(count, self.form.tile))
        params = e.add(a.params, e.mul(first, 4))
        for i in range(self.form.tile):
            line = e.add(y, i)
            with e.when(e.b.icmp_signed("<", line, a.height)):
                out = self.address("output", "out", (image, line, x, first))
                residual = self.address("residual", "res", (image, line, x, first))
                args = [e.function.args[0], e.add(self.sums, i * self.line), out, residual, params, rows, columns]
                e.b.call(_typed(e, a.finish, igemm_bytes.FINISH), args)

    def address(self, name: str, which: str, at: tuple[Any, Any, Any, Any]) -> Any:
        """Of channel `first` of a pixel."""
        e, a = self.e, self.a
        address = getattr(a, name)
        for index, kind in zip(at, ("image", "y", "stride", "size")):
            address = e.add(address, e.mul(index, getattr(a, f"{which}_{kind}")))
        return address

    def tile(self, source: Any, into: Any) -> None:
        """One vector of channels of a tile: columns, then rows."""
        e, size, step = self.e, self.form.size, 4 * self.e.lanes
        for j in range(size):
            planes = [e.add(source, e.mul(self.a.in_plane, i * size + j)) for i in range(size)]
            column = [e.load(plane, align=step) for plane in planes]
            for i, v in enumerate(self.form.sums(e, column)):
                e.store(v, e.add(self.corner, step * (i * size + j)), step)
        for i in range(self.form.tile):
            row = [e.load(e.add(self.corner, step * (i * size + j)), align=step) for j in range(size)]
            for j, v in enumerate(self.form.sums(e, row)):
                e.store(nearest(e, v), e.add(into, i * self.line + 4 * e.target.width * j), align=step)


WINOGRAD_INPUT_BYTES = Kernel(f"winograd_input_bytes{FORM.name}", (*INPUT_ARGS, "zero"), _input)
WINOGRAD_OUTPUT_BYTES = Kernel(f"winograd_output_bytes{FORM.name}", OUTPUT_ARGS, _output)
