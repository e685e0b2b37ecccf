"""LSTM written out, step by step: with peepholes or coupled gates, which OpenVINO's LSTMSequence lacks.

i = f(x Wi + h Ri + bi + Pi c)      forget = f(x Wf + h Rf + bf + Pf c), or 1 - i where the gates are coupled
c' = forget c + i g(x Wc + h Rc + bc)      o = f(x Wo + h Ro + bo + Po c')      h' = o k(c')
"""

from __future__ import annotations

from collections.abc import Sequence

from .....ir import dtype as dt
from .....ir.builder import Builder
from .....ir.graph import Graph, Value
from .....ir.ops.control_flow import TensorIterator
from .....ir.types import TensorType
from ..context import NodeContext
from .control_flow import Ports
from .values import arange, concat, dim, ints, number, reshape, to

KINDS = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "ReLU"}


def lstm_steps(ctx: NodeContext, hidden: int, directions: int, activations: Sequence[str]) -> list[Value]:
    """Y [T, D, N, H] and the last states [D, N, H]; with `layout` 1 [N, T, D, H] and [N, D, H]."""
    b, x = ctx.b, ctx.input(0)
    first = bool(ctx.attr("layout", 0))
    x = b.Transpose(x, ints(b, [1, 0, 2])) if first else x
    backwards = [ctx.attr("direction", "forward") == "reverse", True][:directions]
    if directions == 2:
        backwards = [False, True]
    rows = [_direction(ctx, x, d, hidden, activations, back, first) for d, back in enumerate(backwards)]
    y, h, c = (b.Concat(*(b.Unsqueeze(r[i], [at]) for r in rows), axis=at) for i, at in enumerate((1, 0, 0)))
    if not first:
        return [y, h, c]
    return [b.Transpose(y, ints(b, [2, 0, 1, 3])), *(b.Transpose(v, ints(b, [1, 0, 2])) for v in (h, c))]


def _direction(
    ctx: NodeContext, x: Value, d: int, hidden: int, activations: Sequence[str], back: bool, first: bool
) -> tuple[Value, ...]:
    """Y [T, N, H], h and c [N, H] of one direction."""
    b, kind = ctx.b, x.dtype
    place = number(b, d, dt.i64)

    def of(index: int) -> Value | None:
        given = ctx.optional(index)
        return None if given is None else b.Gather(given, place, number(b, 0, dt.i64), batch_dims=0)

    def state(index: int) -> Value:
        given = ctx.optional(index)
        if given is None:
            return b.Broadcast(number(b, 0, kind), concat(b, [dim(b, x, 1), ints(b, [hidden])]))
        return b.Gather(given, place, number(b, 1 if first else 0, dt.i64), batch_dims=0)

    lengths = ctx.optional(4)
    if back and lengths is not None:  # each row is turned within its own length
        x = b.ReverseSequence(x, lengths, batch_axis=1, seq_axis=0)
    weights, recurrence, bias, holes = of(1), of(2), of(3), of(7)
    assert weights is not None  # the operator needs both
    assert recurrence is not None
    total = number(b, 0, kind) if bias is None else b.ReduceSum(reshape(b, bias, [2, -1]), [0], keep_dims=False)
    peeks = b.Broadcast(number(b, 0, kind), ints(b, [3 * hidden])) if holes is None else holes
    operands = [x, state(5), state(6), weights, recurrence, total, peeks]
    if lengths is not None:
        operands += [to(b, lengths, dt.i64), arange(b, dim(b, x, 0))]
    body = _step(ctx, operands, activations)
    turned = back and lengths is None
    ports = Ports()
    ports.input(0, axis=0, backwards=turned)
    ports.input(1, back=1)
    ports.input(2, back=2)
    for i in range(3, len(operands)):
        ports.input(i, axis=0 if i == 8 else -1)
    ports.output(0, axis=0, backwards=turned)
    ports.output(1)
    ports.output(2)
    y, *states = b.outputs(TensorIterator(**ports.attributes()), *operands, bodies=(body,))
    if back and lengths is not None:
        y = b.ReverseSequence(y, lengths, batch_axis=1, seq_axis=0)
    return y, *states


def _step(ctx: NodeContext, operands: Sequence[Value], activations: Sequence[str]) -> Graph:
    """The body: x [1, N, I], h and c [N, H] and the weights -> h' [1, N, H], h', c'.

    With lengths [N] and the number of the step [1], rows that are over keep their states and give zeros.
    """
    graph = Graph("LSTM")
    b = Builder(graph, loc=ctx.b.loc, fold=True)
    sliced = operands[0].tensor
    x = graph.add_input(TensorType(sliced.dtype, (1, *(sliced.shape or ())[1:])))
    h, c, weights, recurrence, bias, holes = (graph.add_input(v.type) for v in operands[1:7])
    f, g, k = (getattr(b, KINDS[name]) for name in activations)
    limit = float(ctx.attr("clip", 0.0))

    def bounded(value: Value) -> Value:
        return b.Clamp(value, min=-limit, max=limit) if limit > 0 else value

    product = b.MatMul(b.Squeeze(x, [0]), weights, transpose_b=True)
    gates = b.Add(b.Add(product, b.MatMul(h, recurrence, transpose_b=True)), bias)
    of_i, of_o, of_f, of_c = b.Split(gates, number(b, 1, dt.i64), num_splits=4)
    peek_i, peek_o, peek_f = b.Split(holes, number(b, 0, dt.i64), num_splits=3)
    i = f(bounded(b.Add(of_i, b.Multiply(peek_i, c))))
    if ctx.attr("input_forget", 0):
        forget = b.Subtract(number(b, 1, c.dtype), i)
    else:
        forget = f(bounded(b.Add(of_f, b.Multiply(peek_f, c))))
    new = b.Add(b.Multiply(forget, c), b.Multiply(i, g(bounded(of_c))))
    out = b.Multiply(f(bounded(b.Add(of_o, b.Multiply(peek_o, new)))), k(new))
    y = out
    if len(operands) > 7:
        lengths, step = graph.add_input(operands[7].type), graph.add_input(TensorType(dt.i64, (1,)))
        going = b.Unsqueeze(b.Less(step, lengths), [1])
        y = b.Select(going, out, number(b, 0, out.dtype))
        out, new = b.Select(going, out, h), b.Select(going, new, c)
    graph.add_output(b.Unsqueeze(y, [0]))
    graph.add_output(out)
    graph.add_output(new)
    return graph
