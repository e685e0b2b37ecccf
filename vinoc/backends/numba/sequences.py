"""LSTM and GRU that have a form as loops; the recurrent weights come second, as those that are packed."""

from __future__ import annotations

from typing import Any

from ...ir.dtype import Array, f32
from ...ir.graph import Node
from ...ir.kernels import recurrent as reference
from ...ir.op import Op, Operand, op
from ...ir.ops import recurrent as cells
from ...ir.types import TensorType
from .loops import recurrent


@op(internal=True)
class LstmLoops(cells.LSTMSequence):
    """LSTMSequence of f32 with its usual activations; operands x, r, h, c, lengths, w, b."""

    def infer(  # type: ignore[override]  # another order of operands
        self, x: Operand, r: Operand, h: Operand, c: Operand, lengths: Operand, w: Operand, b: Operand
    ) -> tuple[TensorType, TensorType, TensorType]:
        return super().infer(x, h, c, lengths, w, r, b)

    def evaluate(  # type: ignore[override]
        self, x: Array, r: Array, h: Array, c: Array, lengths: Array, w: Array, b: Array
    ) -> tuple[Array, Array, Array]:
        return reference.lstm_sequence(
            x, h, c, lengths, w, r, b, self.direction,
            self.activations, self.activations_alpha, self.activations_beta, self.clip,
        )  # fmt: skip

    def pack(self, r: Array) -> Array:
        return recurrent.pack_recurrent(r)

    def loops(
        self, x: Array, r: Array, h: Array, c: Array, lengths: Array, w: Array, b: Array
    ) -> tuple[Array, Array, Array]:
        return recurrent.lstm(x, r, h, c, lengths, w, b, self.direction)


@op(internal=True)
class GruLoops(cells.GRUSequence):
    """GRUSequence of f32 with its usual activations; operands x, r, h, lengths, w, b."""

    def infer(  # type: ignore[override]  # another order of operands
        self, x: Operand, r: Operand, h: Operand, lengths: Operand, w: Operand, b: Operand
    ) -> tuple[TensorType, TensorType]:
        return super().infer(x, h, lengths, w, r, b)

    def evaluate(  # type: ignore[override]
        self, x: Array, r: Array, h: Array, lengths: Array, w: Array, b: Array
    ) -> tuple[Array, Array]:
        return reference.gru_sequence(
            x, h, lengths, w, r, b, self.direction, self.linear_before_reset,
            self.activations, self.activations_alpha, self.activations_beta, self.clip,
        )  # fmt: skip

    def pack(self, r: Array) -> Array:
        return recurrent.pack_recurrent(r)

    def loops(self, x: Array, r: Array, h: Array, lengths: Array, w: Array, b: Array) -> tuple[Array, Array]:
        return recurrent.gru(x, r, h, lengths, w, b, self.direction, self.linear_before_reset)


@op(internal=True)
class LstmCellLoops(cells.LSTMCell):
    """LSTMCell of f32 with its usual activations; operands x, r, h, c, w, b."""

    def infer(  # type: ignore[override]  # another order of operands
        self, x: Operand, r: Operand, h: Operand, c: Operand, w: Operand, b: Operand
    ) -> tuple[TensorType, TensorType]:
        return super().infer(x, h, c, w, r, b)

    def evaluate(  # type: ignore[override]
        self, x: Array, r: Array, h: Array, c: Array, w: Array, b: Array
    ) -> tuple[Array, Array]:
        return reference.lstm_cell(
            x, h, c, w, r, b, self.activations, self.activations_alpha, self.activations_beta, self.clip
        )

    def pack(self, r: Array) -> Array:
        return recurrent.pack_cell(r)

    def loops(self, x: Array, r: Array, h: Array, c: Array, w: Array, b: Array) -> tuple[Array, Array]:
        return recurrent.lstm_cell(x, r, h, c, w, b)


@op(internal=True)
class GruCellLoops(cells.GRUCell):
    """GRUCell of f32 with its usual activations; operands x, r, h, w, b."""

    def infer(  # type: ignore[override]  # another order of operands
        self, x: Operand, r: Operand, h: Operand, w: Operand, b: Operand
    ) -> TensorType:
        return super().infer(x, h, w, r, b)

    def evaluate(  # type: ignore[override]
        self, x: Array, r: Array, h: Array, w: Array, b: Array
    ) -> Array:
        return reference.gru_cell(
            x, h, w, r, b, self.linear_before_reset,
            self.activations, self.activations_alpha, self.activations_beta, self.clip,
        )  # fmt: skip

    def pack(self, r: Array) -> Array:
        return recurrent.pack_cell(r)

    def loops(self, x: Array, r: Array, h: Array, w: Array, b: Array) -> Array:
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
