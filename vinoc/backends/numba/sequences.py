"""LSTM and GRU that have a form as loops."""

from __future__ import annotations

from typing import Any

from ...ir.dtype import Array, f32
from ...ir.graph import Node
from ...ir.op import Op, op
from ...ir.ops import recurrent as cells
from .loops import recurrent


@op(internal=True)
class LstmLoops(cells.LSTMSequence):
    """LSTMSequence of f32 with its usual activations."""

    def pack(self, r: Array) -> Array:
        return recurrent.pack_recurrent(r)

    def loops(
        self, x: Array, h: Array, c: Array, lengths: Array, w: Array, r: Array, b: Array
    ) -> tuple[Array, Array, Array]:
        return recurrent.lstm(x, r, h, c, lengths, w, b, self.direction)


@op(internal=True)
class GruLoops(cells.GRUSequence):
    """GRUSequence of f32 with its usual activations."""

    def pack(self, r: Array) -> Array:
        return recurrent.pack_recurrent(r)

    def loops(self, x: Array, h: Array, lengths: Array, w: Array, r: Array, b: Array) -> tuple[Array, Array]:
        return recurrent.gru(x, r, h, lengths, w, b, self.direction, self.linear_before_reset)


@op(internal=True)
class LstmCellLoops(cells.LSTMCell):
    """LSTMCell of f32 with its usual activations."""

    def pack(self, r: Array) -> Array:
        return recurrent.pack_cell(r)

    def loops(self, x: Array, h: Array, c: Array, w: Array, r: Array, b: Array) -> tuple[Array, Array]:
        return recurrent.lstm_cell(x, r, h, c, w, b)


@op(internal=True)
class GruCellLoops(cells.GRUCell):
    """GRUCell of f32 with its usual activations."""

    def pack(self, r: Array) -> Array:
        return recurrent.pack_cell(r)

    def loops(self, x: Array, h: Array, w: Array, r: Array, b: Array) -> Array:
        return recurrent.gru_cell(x, r, h, w, b, self.linear_before_reset)


KINDS: dict[str, type[Op]] = {
    "LSTMSequence": LstmLoops, "GRUSequence": GruLoops, "LSTMCell": LstmCellLoops, "GRUCell": GruCellLoops,
}  # fmt: skip


def is_usual(node: Node) -> bool:
    """True for an LSTM or a GRU of f32 with sigmoid, tanh, and no limits."""
    if node.kind not in KINDS or node.operand(0).dtype is not f32:
        return False
    op: Any = node.op
    return op.activations == ("sigmoid", "tanh", "tanh")[: len(op.activations)] and not op.clip
