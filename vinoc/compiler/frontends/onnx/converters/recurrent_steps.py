# mypy: disable-error-code="no-any-return"
"""LSTM, GRU and RNN written out, step by step: with what OpenVINO's sequences lack, which are peepholes, coupled gates,
activations beside sigmoid, tanh and relu, and other ones for each direction.

RNN   h' = f(x W + h R + b)
GRU   z = f(x Wz + h Rz + bz)      r = f(x Wr + h Rr + br)      h' = (1 - z) c + z h
      c = g(x Wh + (r h) Rh + bh), or g(x Wh + wh + r (h Rh + rh)) where the product is before the reset
LSTM  i = f(x Wi + h Ri + bi + Pi c)      forget = f(x Wf + h Rf + bf + Pf c), or 1 - i where the gates are coupled
      c' = forget c + i g(x Wc + h Rc + bc)      o = f(x Wo + h Ro + bo + Po c')      h' = o k(c')
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .....ir import dtype as dt
from .....ir.builder import Builder
from .....ir.graph import Graph, Value
from .....ir.ops.control_flow import TensorIterator
from .....ir.types import TensorType
from ..context import NodeContext
from .control_flow import Ports
from .recurrent_functions import Function, functions
from .values import arange, concat, dim, ints, number, reshape, to

Step = Callable[["Cell", Builder, Sequence[Value]], list[Value]]
"""x [N, I], the states [N, H], W [g H, I], R [g H, H], biases [2, g H], peepholes [3 H] -> the new states, h first."""


@dataclass(frozen=True)
class Cell:
    """What one direction of an operator computes."""

    hidden: int
    states: int
    step: Step
    functions: Sequence[Function]
    clip: float = 0.0
    coupled: bool = False
    linear: bool = False

    def active(self, b: Builder, which: int, value: Value) -> Value:
        """An activation, of a value that is clipped first."""
        return self.functions[which](b, b.Clamp(value, min=-self.clip, max=self.clip) if self.clip > 0 else value)


def sums(b: Builder, x: Value, h: Value, weights: Value, recurrence: Value, biases: Value) -> tuple[Value, Value]:
    """x W + w and h R + r, each [N, g H]."""
    of_x, of_h = b.Split(biases, number(b, 0, dt.i64), num_splits=2)
    inner = b.Add(b.MatMul(x, weights, transpose_b=True), of_x)
    return inner, b.Add(b.MatMul(h, recurrence, transpose_b=True), of_h)


def rnn_step(cell: Cell, b: Builder, given: Sequence[Value]) -> list[Value]:
    x, h, weights, recurrence, biases, _ = given
    return [cell.active(b, 0, b.Add(*sums(b, x, h, weights, recurrence, biases)))]


def gru_step(cell: Cell, b: Builder, given: Sequence[Value]) -> list[Value]:
    x, h, weights, recurrence, biases, _ = given
    columns, size = number(b, 1, dt.i64), cell.hidden
    inner, outer = sums(b, x, h, weights, recurrence, biases)
    (z_x, r_x, c_x), (z_h, r_h, c_h) = (b.Split(v, columns, num_splits=3) for v in (inner, outer))
    z, r = cell.active(b, 0, b.Add(z_x, z_h)), cell.active(b, 0, b.Add(r_x, r_h))
    if cell.linear:
        behind = b.Multiply(r, c_h)
    else:
        rows, last = number(b, 0, dt.i64), ints(b, [2 * size, size])
        _, product = b.VariadicSplit(recurrence, rows, last)
        _, bias = b.VariadicSplit(b.Split(biases, rows, num_splits=2)[1], columns, last)
        behind = b.Add(b.MatMul(b.Multiply(r, h), product, transpose_b=True), bias)
    c = cell.active(b, 1, b.Add(c_x, behind))
    rest = b.Subtract(number(b, 1, h.dtype), z)
    return [b.Add(b.Multiply(rest, c), b.Multiply(z, h))]


def lstm_step(cell: Cell, b: Builder, given: Sequence[Value]) -> list[Value]:
    x, h, c, weights, recurrence, biases, holes = given
    gates = b.Add(*sums(b, x, h, weights, recurrence, biases))
    of_i, of_o, of_f, of_c = b.Split(gates, number(b, 1, dt.i64), num_splits=4)
    peek_i, peek_o, peek_f = b.Split(holes, number(b, 0, dt.i64), num_splits=3)
    i = cell.active(b, 0, b.Add(of_i, b.Multiply(peek_i, c)))
    if cell.coupled:
        forget = b.Subtract(number(b, 1, c.dtype), i)
    else:
        forget = cell.active(b, 0, b.Add(of_f, b.Multiply(peek_f, c)))
    new = b.Add(b.Multiply(forget, c), b.Multiply(i, cell.active(b, 1, of_c)))
    out = cell.active(b, 0, b.Add(of_o, b.Multiply(peek_o, new)))
    return [b.Multiply(out, cell.functions[2](b, new)), new]


STEPS: dict[str, tuple[int, Step]] = {"RNN": (1, rnn_step), "GRU": (1, gru_step), "LSTM": (2, lstm_step)}
"""How many states there are, and what a step does."""


def written_out(ctx: NodeContext, hidden: int, directions: int, activations: Sequence[str]) -> list[Value]:
    """Y [T, D, N, H] and the last states [D, N, H]; with `layout` 1 [N, T, D, H] and [N, D, H]."""
    b, x = ctx.b, ctx.input(0)
    first = bool(ctx.attr("layout", 0))
    x = b.Transpose(x, ints(b, [1, 0, 2])) if first else x
    states, step = STEPS[ctx.op_type]
    found, each = functions(ctx, activations), len(activations) // directions
    clip = float(ctx.attr("clip", 0.0))
    coupled, linear = (bool(ctx.attr(name, 0)) for name in ("input_forget", "linear_before_reset"))
    rows = []
    for d in range(directions):
        mine = found[d * each : (d + 1) * each]
        back = d == 1 or ctx.attr("direction", "forward") == "reverse"
        cell = Cell(hidden, states, step, mine, clip, coupled, linear)
        rows.append(_direction(ctx, x, d, cell, back, first))
    places = (1, *[0] * states)
    y, *last = (b.Concat(*(b.Unsqueeze(r[i], [at]) for r in rows), axis=at) for i, at in enumerate(places))
    if not first:
        return [y, *last]
    return [b.Transpose(y, ints(b, [2, 0, 1, 3])), *(b.Transpose(v, ints(b, [1, 0, 2])) for v in last)]


def _direction(ctx: NodeContext, x: Value, d: int, cell: Cell, back: bool, first: bool) -> tuple[Value, ...]:
    """Y [T, N, H] and the states [N, H] of one direction."""
    b, kind = ctx.b, x.dtype
    place = number(b, d, dt.i64)

    def of(index: int) -> Value | None:
        given = ctx.optional(index)
        return None if given is None else b.Gather(given, place, number(b, 0, dt.i64), batch_dims=0)

    def state(index: int) -> Value:
        given = ctx.optional(index)
        if given is None:
            return b.Broadcast(number(b, 0, kind), concat(b, [dim(b, x, 1), ints(b, [cell.hidden])]))
        return b.Gather(given, place, number(b, 1 if first else 0, dt.i64), batch_dims=0)

    def row(given: Value | None, count: int) -> Value:
        return b.Broadcast(number(b, 0, kind), ints(b, [count * cell.hidden])) if given is None else given

    lengths = ctx.optional(4)
    if back and lengths is not None:  # each row is turned within its own length
        x = b.ReverseSequence(x, lengths, batch_axis=1, seq_axis=0)
    weights, recurrence = of(1), of(2)
    assert weights is not None  # the operator needs both
    assert recurrence is not None
    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}[ctx.op_type]
    biases = reshape(b, row(of(3), 2 * gates), [2, gates * cell.hidden])
    holes = of(7) if ctx.op_type == "LSTM" else None
    operands = [x, *(state(5 + i) for i in range(cell.states)), weights, recurrence, biases, row(holes, 3)]
    fixed = len(operands)
    if lengths is not None:
        operands += [to(b, lengths, dt.i64), arange(b, dim(b, x, 0))]
    body = _step(ctx, operands, cell, fixed)
    turned = back and lengths is None
    ports = Ports()
    ports.input(0, axis=0, backwards=turned)
    for i in range(1, len(operands)):
        ports.input(i, back=i if i <= cell.states else -1, axis=0 if i == fixed + 1 else -1)
    ports.output(0, axis=0, backwards=turned)
    for i in range(cell.states):
        ports.output(1 + i)
    y, *states = b.outputs(TensorIterator(**ports.attributes()), *operands, bodies=(body,))
    if back and lengths is not None:
        y = b.ReverseSequence(y, lengths, batch_axis=1, seq_axis=0)
    return y, *states


def _step(ctx: NodeContext, operands: Sequence[Value], cell: Cell, fixed: int) -> Graph:
    """The body: x [1, N, I], the states [N, H] and the weights -> h' [1, N, H] and the new states.

    With lengths [N] and the number of the step [1], rows that are over keep their states and give zeros.
    """
    graph = Graph(ctx.op_type)
    b = Builder(graph, loc=ctx.b.loc, fold=True)
    sliced = operands[0].tensor
    x = graph.add_input(TensorType(sliced.dtype, (1, *(sliced.shape or ())[1:])))
    given = [graph.add_input(v.type) for v in operands[1:fixed]]
    new = cell.step(cell, b, [b.Squeeze(x, [0]), *given])
    y = new[0]
    if len(operands) > fixed:
        lengths, step = graph.add_input(operands[fixed].type), graph.add_input(TensorType(dt.i64, (1,)))
        going = b.Unsqueeze(b.Less(step, lengths), [1])
        y = b.Select(going, y, number(b, 0, y.dtype))
        new = [b.Select(going, after, before) for after, before in zip(new, given, strict=False)]
    graph.add_output(b.Unsqueeze(y, [0]))
    for value in new:
        graph.add_output(value)
    return graph
