"""Recurrent cells, and sequences of them in one or both directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from ..dim import Dim, merge_dim, unknown
from ..dtype import Array
from ..errors import InferenceError, VinocError, did_you_mean
from ..kernels import recurrent
from ..op import Op, Operand, op
from ..types import TensorType
from .elementwise import floating, integral, same_dtype

Direction: TypeAlias = Literal["forward", "reverse", "bidirectional"]

ACTIVATIONS = ("sigmoid", "tanh", "relu", "hardsigmoid")


def check_cell(kind: str, size: int, activations: Sequence[str], count: int, clip: float) -> None:
    """Raises VinocError unless the attributes make a cell with `count` activations."""
    if size < 1:
        raise VinocError(f"{kind}: attribute `hidden_size` is {size}, expected a number >= 1")
    if clip < 0:
        raise VinocError(f"{kind}: attribute `clip` is {clip}, expected a number >= 0 (0: no limit)")
    if len(activations) != count:
        raise VinocError(f"{kind}: {len(activations)} activations, expected {count}")
    for name in activations:
        if name not in ACTIVATIONS:
            hint = did_you_mean(name, ACTIVATIONS) or "activations are " + ", ".join(ACTIVATIONS)
            raise VinocError(f"{kind}: no activation '{name}'", help=hint)


class Shapes:
    """Dimensions that operands share, by letter: each operand adds what it knows. Raises InferenceError."""

    def __init__(self, **dims: Dim) -> None:
        self.dims = dims

    def bind(self, name: str, operand: Operand, letters: str) -> None:
        shape = operand.shape
        if shape is None:
            return
        if len(shape) != len(letters):
            wanted = ", ".join(str(self.dims.get(x, x)) for x in letters)
            raise InferenceError(f"`{name}` has rank {len(shape)}, expected {len(letters)}: [{wanted}]")
        for letter, dim in zip(letters, shape):
            try:
                self.dims[letter] = merge_dim(self.dims[letter], dim) if letter in self.dims else dim
            except InferenceError:
                wanted = ", ".join(str(self.dims.get(x, x)) for x in letters)
                raise InferenceError(
                    f"`{name}` is [{', '.join(map(str, shape))}], expected [{wanted}]",
                    help="check hidden_size, and the order of the dimensions",
                ) from None

    def __getitem__(self, letter: str) -> Dim:
        return self.dims.get(letter, unknown())


def infer_cell(
    gates: int, bias: int, size: int, x: Operand, states: dict[str, Operand], w: Operand, r: Operand, b: Operand
) -> TensorType:
    """The type of the new states [N,H]: N batch, I input, H hidden, G all gates, B the bias."""
    same_dtype(x, *states.values(), w, r, b)
    dtype = floating(x, "x").dtype
    shapes = Shapes(H=size, G=gates * size, B=bias * size)
    shapes.bind("x", x, "NI")
    for name, state in states.items():
        shapes.bind(name, state, "NH")
    shapes.bind("w", w, "GI")
    shapes.bind("r", r, "GH")
    shapes.bind("b", b, "B")
    return TensorType(dtype, (shapes["N"], size))


def infer_sequence(
    gates: int, bias: int, size: int, direction: Direction,
    x: Operand, states: dict[str, Operand], lengths: Operand, w: Operand, r: Operand, b: Operand,
) -> tuple[TensorType, TensorType]:  # fmt: skip
    """The types of all states [N,D,T,H] and of the last one [N,D,H]: D directions, T steps."""
    same_dtype(x, *states.values(), w, r, b)
    dtype = floating(x, "x").dtype
    integral(lengths, "sequence_lengths")
    directions = 2 if direction == "bidirectional" else 1
    shapes = Shapes(H=size, G=gates * size, B=bias * size, D=directions)
    shapes.bind("x", x, "NTI")
    for name, state in states.items():
        shapes.bind(name, state, "NDH")
    shapes.bind("sequence_lengths", lengths, "N")
    shapes.bind("w", w, "DGI")
    shapes.bind("r", r, "DGH")
    shapes.bind("b", b, "DB")
    last = TensorType(dtype, (shapes["N"], directions, size))
    return TensorType(dtype, (shapes["N"], directions, shapes["T"], size)), last


@op(opset=4)
class LSTMCell(Op):
    """One step of an LSTM. x [N,I], h and c [N,H], w [4H,I], r [4H,H], b [4H] -> h, c.

    Gates in the order forget, input, cell, output; clip limits what the activations of the gates are given.
    """

    hidden_size: int
    activations: tuple[str, ...] = ("sigmoid", "tanh", "tanh")
    activations_alpha: tuple[float, ...] = ()
    activations_beta: tuple[float, ...] = ()
    clip: float = 0.0

    def validate(self) -> None:
        check_cell(self.kind, self.hidden_size, self.activations, 3, self.clip)

    def infer(
        self, x: Operand, h: Operand, c: Operand, w: Operand, r: Operand, b: Operand
    ) -> tuple[TensorType, TensorType]:
        state = infer_cell(4, 4, self.hidden_size, x, {"h": h, "c": c}, w, r, b)
        return state, state

    def evaluate(self, x: Array, h: Array, c: Array, w: Array, r: Array, b: Array) -> tuple[Array, Array]:
        return recurrent.lstm_cell(
            x, h, c, w, r, b, self.activations, self.activations_alpha, self.activations_beta, self.clip
        )


@op(opset=3)
class GRUCell(Op):
    """One step of a GRU. x [N,I], h [N,H], w [3H,I], r [3H,H], b [3H] -> h. Gates in the order update, reset, hidden.

    With linear_before_reset the reset gate multiplies the product with r, and b is [4H].
    """

    hidden_size: int
    activations: tuple[str, ...] = ("sigmoid", "tanh")
    activations_alpha: tuple[float, ...] = ()
    activations_beta: tuple[float, ...] = ()
    clip: float = 0.0
    linear_before_reset: bool = False

    def validate(self) -> None:
        check_cell(self.kind, self.hidden_size, self.activations, 2, self.clip)

    def infer(self, x: Operand, h: Operand, w: Operand, r: Operand, b: Operand) -> TensorType:
        return infer_cell(3, 4 if self.linear_before_reset else 3, self.hidden_size, x, {"h": h}, w, r, b)

    def evaluate(self, x: Array, h: Array, w: Array, r: Array, b: Array) -> Array:
        return recurrent.gru_cell(
            x, h, w, r, b, self.linear_before_reset,
            self.activations, self.activations_alpha, self.activations_beta, self.clip,
        )  # fmt: skip


@op(opset=1)
class RNNCell(Op):
    """One step of a plain recurrent network. x [N,I], h [N,H], w [H,I], r [H,H], b [H] -> h."""

    hidden_size: int
    activations: tuple[str, ...] = ("tanh",)
    activations_alpha: tuple[float, ...] = ()
    activations_beta: tuple[float, ...] = ()
    clip: float = 0.0

    def validate(self) -> None:
        check_cell(self.kind, self.hidden_size, self.activations, 1, self.clip)

    def infer(self, x: Operand, h: Operand, w: Operand, r: Operand, b: Operand) -> TensorType:
        return infer_cell(1, 1, self.hidden_size, x, {"h": h}, w, r, b)

    def evaluate(self, x: Array, h: Array, w: Array, r: Array, b: Array) -> Array:
        return recurrent.rnn_cell(
            x, h, w, r, b, self.activations, self.activations_alpha, self.activations_beta, self.clip
        )


@op(opset=5)
class LSTMSequence(Op):
    """An LSTM over a sequence. x [N,T,I], h and c [N,D,H], lengths [N], w [D,4H,I], r [D,4H,H], b [D,4H]
    -> all h [N,D,T,H], the last h and c [N,D,H].

    Beyond its length a sequence gives zeros and keeps its state. Backwards it begins at its own end.
    """

    hidden_size: int
    direction: Direction
    activations: tuple[str, ...] = ("sigmoid", "tanh", "tanh")
    activations_alpha: tuple[float, ...] = ()
    activations_beta: tuple[float, ...] = ()
    clip: float = 0.0

    def validate(self) -> None:
        check_cell(self.kind, self.hidden_size, self.activations, 3, self.clip)

    def infer(
        self, x: Operand, h: Operand, c: Operand, sequence_lengths: Operand, w: Operand, r: Operand, b: Operand
    ) -> tuple[TensorType, TensorType, TensorType]:
        states = {"h": h, "c": c}
        every, last = infer_sequence(4, 4, self.hidden_size, self.direction, x, states, sequence_lengths, w, r, b)
        return every, last, last

    def evaluate(
        self, x: Array, h: Array, c: Array, sequence_lengths: Array, w: Array, r: Array, b: Array
    ) -> tuple[Array, Array, Array]:
        return recurrent.lstm_sequence(
            x, h, c, sequence_lengths, w, r, b, self.direction,
            self.activations, self.activations_alpha, self.activations_beta, self.clip,
        )  # fmt: skip


@op(opset=5)
class GRUSequence(Op):
    """A GRU over a sequence. x [N,T,I], h [N,D,H], lengths [N], w [D,3H,I], r [D,3H,H], b [D,3H or 4H]
    -> all h [N,D,T,H], the last h [N,D,H]. Lengths and directions as in LSTMSequence.
    """

    hidden_size: int
    direction: Direction
    activations: tuple[str, ...] = ("sigmoid", "tanh")
    activations_alpha: tuple[float, ...] = ()
    activations_beta: tuple[float, ...] = ()
    clip: float = 0.0
    linear_before_reset: bool = False

    def validate(self) -> None:
        check_cell(self.kind, self.hidden_size, self.activations, 2, self.clip)

    def infer(
        self, x: Operand, h: Operand, sequence_lengths: Operand, w: Operand, r: Operand, b: Operand
    ) -> tuple[TensorType, TensorType]:
        bias = 4 if self.linear_before_reset else 3
        return infer_sequence(3, bias, self.hidden_size, self.direction, x, {"h": h}, sequence_lengths, w, r, b)

    def evaluate(
        self, x: Array, h: Array, sequence_lengths: Array, w: Array, r: Array, b: Array
    ) -> tuple[Array, Array]:
        return recurrent.gru_sequence(
            x, h, sequence_lengths, w, r, b, self.direction, self.linear_before_reset,
            self.activations, self.activations_alpha, self.activations_beta, self.clip,
        )  # fmt: skip


@op(opset=5)
class RNNSequence(Op):
    """A plain recurrent network over a sequence. x [N,T,I], h [N,D,H], lengths [N], w [D,H,I], r [D,H,H], b [D,H]
    -> all h [N,D,T,H], the last h [N,D,H]. Lengths and directions as in LSTMSequence.
    """

    hidden_size: int
    direction: Direction
    activations: tuple[str, ...] = ("tanh",)
    activations_alpha: tuple[float, ...] = ()
    activations_beta: tuple[float, ...] = ()
    clip: float = 0.0

    def validate(self) -> None:
        check_cell(self.kind, self.hidden_size, self.activations, 1, self.clip)

    def infer(
        self, x: Operand, h: Operand, sequence_lengths: Operand, w: Operand, r: Operand, b: Operand
    ) -> tuple[TensorType, TensorType]:
        return infer_sequence(1, 1, self.hidden_size, self.direction, x, {"h": h}, sequence_lengths, w, r, b)

    def evaluate(
        self, x: Array, h: Array, sequence_lengths: Array, w: Array, r: Array, b: Array
    ) -> tuple[Array, Array]:
        return recurrent.rnn_sequence(
            x, h, sequence_lengths, w, r, b, self.direction,
            self.activations, self.activations_alpha, self.activations_beta, self.clip,
        )  # fmt: skip
