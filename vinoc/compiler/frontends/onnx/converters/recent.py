"""Operators of opset 26 on: CumProd, BitCast, CausalConvWithState, SwiGLU, LinearAttention; FlexAttention."""

from __future__ import annotations

import numpy as np

from .....ir import dtype as dt
from .....ir.builder import Builder
from .....ir.graph import Graph, Value
from .....ir.ops.control_flow import TensorIterator
from .....ir.types import TensorType
from ..context import NodeContext
from ..registry import converter
from .attention import _repeated as repeat_heads
from .control_flow import Ports
from .values import concat, dim, dims, element, element_type, ints, number, rank, reshape, scalar, to, to_i64

RULES = ("linear", "gated", "delta", "gated_delta")


@converter("CumProd", since=26)
def cum_prod(ctx: NodeContext) -> Value:
    axis = scalar(ctx.b, to_i64(ctx.b, ctx.input(1)))
    return ctx.b.CumProd(
        ctx.input(0), axis, exclusive=bool(ctx.attr("exclusive", 0)), reverse=bool(ctx.attr("reverse", 0))
    )


@converter("BitCast", since=26)
def bit_cast(ctx: NodeContext) -> Value:
    return ctx.b.BitCast(ctx.input(0), destination_type=element_type(ctx, "to"))


@converter("SwiGLU", since=28)
def swiglu(ctx: NodeContext) -> Value:
    """Swish(a) * b."""
    a, alpha = ctx.input(0), ctx.attr("alpha", 1.0)
    gate = ctx.b.Swish(a) if alpha == 1.0 else ctx.b.Swish(a, number(ctx.b, alpha, a.dtype))
    return ctx.b.Multiply(gate, ctx.input(1))


@converter("CausalConvWithState", since=27)
def causal_conv(ctx: NodeContext) -> list[Value]:
    """GroupConvolution, a channel a group, over the state (zeros at first) and the data; and the new state."""
    b, x, filters = ctx.b, ctx.input(0), ctx.input(1)
    bias, past = ctx.optional(2), ctx.optional(3)
    channels, width = (filters.shape[i] if filters.shape else None for i in (0, 2))
    if not isinstance(channels, int) or not isinstance(width, int):
        ctx.fail(f"the filters are {filters.type}", "their shape must be known")
    if past is None:
        past = b.Broadcast(number(b, 0, x.dtype), concat(b, [dim(b, x, 0), ints(b, [channels, width - 1])]))
    whole = b.Concat(past, x, axis=2)
    y = b.GroupConvolution(
        whole,
        reshape(b, filters, [channels, 1, 1, width]),
        strides=(1,),
        pads_begin=(0,),
        pads_end=(0,),
        dilations=(1,),
    )
    if bias is not None:
        y = b.Add(y, reshape(b, bias, [1, -1, 1]))
    activation = ctx.attr("activation", "none")
    if activation not in ("none", "silu", "swish"):
        ctx.fail(f"attribute `activation` is '{activation}'", "ONNX knows none, silu, swish")
    start = b.Subtract(dim(b, whole, 2), width - 1)
    state = b.Slice(whole, start, ints(b, [np.iinfo(np.int64).max]), ints(b, [1]), ints(b, [2]))
    return [y if activation == "none" else b.Swish(y), state]


@converter("FlexAttention", since=1, domain="ai.onnx.preview")
def flex_attention(ctx: NodeContext) -> Value:
    """softmax(q k^T * scale) v with a subgraph that changes the scores, and one that changes their softmax."""
    b, q, k, v = ctx.b, ctx.input(0), ctx.input(1), ctx.input(2)
    if any(x.shape is None or len(x.shape) != 4 or not isinstance(x.shape[1], int) for x in (q, k, v)):
        ctx.fail("query, key and value must have four dimensions and a known number of heads")
    times, rest = divmod(int(str((q.shape or ())[1])), int(str((k.shape or ())[1])))
    if rest or not times:
        ctx.fail("the heads of the query are no multiple of those of the key")
    k, v = repeat_heads(ctx, k, times), repeat_heads(ctx, v, times)
    wide = element_type(ctx, "softmax_precision", dt.f64 if q.dtype is dt.f64 else dt.f32)
    if ctx.has("scale"):
        scale = number(b, ctx.attr("scale"), wide)
    else:
        scale = b.Divide(number(b, 1, wide), b.Sqrt(to(b, scalar(b, dim(b, q, 3)), wide)))
    scores = b.Multiply(b.MatMul(to(b, q, wide), to(b, k, wide), transpose_b=True), scale)
    scores = _modified(ctx, "score_mod", scores)
    weights = _modified(ctx, "prob_mod", b.SoftMax(scores, axis=-1))
    return to(b, b.MatMul(weights, to(b, v, wide)), q.dtype)


def _modified(ctx: NodeContext, name: str, value: Value) -> Value:
    return ctx.inline(ctx.graph_attr(name), [value])[0] if ctx.has(name) else value


@converter("LinearAttention", since=27)
def linear_attention(ctx: NodeContext) -> list[Value]:
    """A TensorIterator over the tokens, which carries the state S [batch, heads, d_k, d_v]; computed in f32 at least.

    S' = exp(g) S + k x (v - k^T exp(g) S) beta, out = scale q^T S'; without a gate exp(g) is 1, without delta the
    term in brackets is v.
    """
    b, rule = ctx.b, ctx.attr("update_rule", "gated_delta")
    if rule not in RULES:
        ctx.fail(f"attribute `update_rule` is '{rule}'", f"ONNX knows {', '.join(RULES)}")
    query = ctx.input(0)
    kind = query.dtype
    wide = kind if kind is dt.f64 else dt.f32
    heads, shared = int(ctx.attr("q_num_heads")), int(ctx.attr("kv_num_heads"))
    times, rest = divmod(heads, shared) if shared > 0 else (0, 1)
    if rest or not times:
        ctx.fail(f"{heads} heads of the query are no multiple of {shared}")
    # [B, heads, T, width]
    q, k, v = (_apart(ctx, i, n, wide) for i, n in ((0, heads), (1, shared), (2, shared)))
    operands = [q, k, v]
    decay = beta = -1
    if rule.startswith("gated"):
        decay = len(operands)
        operands.append(b.Exp(_apart(ctx, 4, shared, wide)))
    if rule.endswith("delta"):
        beta = len(operands)
        given = ctx.input(5)
        one = given.shape is not None and len(given.shape) == 3 and given.shape[2] == 1
        operands.append(_apart(ctx, 5, 1 if one else shared, wide))
    past = ctx.optional(3)
    if past is None:
        ends = [dim(b, q, 0), ints(b, [shared]), dim(b, k, 3), dim(b, v, 3)]
        past = b.Broadcast(number(b, 0, wide), concat(b, ends))
    scale = float(ctx.attr("scale", 0.0)) or None
    body = _attention_step(ctx, operands, to(b, past, wide), decay, beta, times, scale)
    ports = Ports()
    for i in range(len(operands)):
        ports.input(i, axis=2)
    ports.input(len(operands), back=1)
    ports.output(0, axis=2)
    ports.output(1)
    out, state = b.outputs(TensorIterator(**ports.attributes()), *operands, to(b, past, wide), bodies=(body,))
    joined = b.Reshape(b.Transpose(out, ints(b, [0, 2, 1, 3])), ints(b, [0, 0, -1]), special_zero=True)
    return [to(b, joined, kind), to(b, state, kind)]


def _apart(ctx: NodeContext, index: int, heads: int, kind: dt.DType) -> Value:
    """[B, T, heads * width] -> [B, heads, T, width]."""
    b = ctx.b
    apart = b.Reshape(to(b, ctx.input(index), kind), ints(b, [0, 0, heads, -1]), special_zero=True)
    return b.Transpose(apart, ints(b, [0, 2, 1, 3]))


def _attention_step(
    ctx: NodeContext, operands: list[Value], past: Value, decay: int, beta: int, times: int, scale: float | None
) -> Graph:
    """The body: one token of each operand [B, heads, 1, width] and the state; gives the output and the new state."""
    graph = Graph("LinearAttention")
    b = Builder(graph, loc=ctx.b.loc, fold=True)
    tokens = []
    for value in operands:
        shape = value.shape
        assert shape is not None  # it was reshaped to four dimensions
        tokens.append(graph.add_input(TensorType(value.dtype, (*shape[:2], 1, *shape[3:]))))
    state = graph.add_input(TensorType(past.dtype, past.shape))
    q, k, v = tokens[:3]
    column = b.Transpose(k, ints(b, [0, 1, 3, 2]))  # [B, heads, d_k, 1]
    kept = state if decay < 0 else b.Multiply(state, b.Transpose(tokens[decay], ints(b, [0, 1, 3, 2])))
    update = v if beta < 0 else b.Multiply(b.Subtract(v, b.MatMul(k, kept)), tokens[beta])
    new = b.Add(kept, b.Multiply(column, update))
    if scale is None:
        width = to(b, scalar(b, dim(b, q, 3)), past.dtype)
        factor = b.Divide(number(b, 1, past.dtype), b.Sqrt(width))
    else:
        factor = number(b, scale, past.dtype)
    graph.add_output(b.MatMul(b.Multiply(q, factor), _for_queries(b, new, times)))
    graph.add_output(new)
    return graph


def _for_queries(b: Builder, state: Value, times: int) -> Value:
    """Each head's state for the `times` heads of the query that share it."""
    if times == 1:
        return state
    shape = dims(b, state)
    tiled = b.Tile(b.Unsqueeze(state, ints(b, [2])), ints(b, [1, 1, times, 1, 1]))
    ends = b.Gather(shape, ints(b, [2, 3]), 0, batch_dims=0)
    return b.Reshape(tiled, concat(b, [element(b, shape, 0), ints(b, [-1]), ends]), special_zero=False)


@converter("MaxUnpool", since=9)
def max_unpool(ctx: NodeContext) -> Value:
    """ScatterElementsUpdate of the values into zeros, all as one dimension."""
    b, x, places, given = ctx.b, ctx.input(0), ctx.input(1), ctx.optional(2)
    n = rank(ctx, x) - 2
    window = ctx.attr("kernel_shape")
    strides, pads = ctx.attr("strides", [1] * n), ctx.attr("pads", [0] * 2 * n)
    own = [
        b.Add(b.Multiply(b.Subtract(dim(b, x, 2 + i), 1), strides[i]), window[i] - pads[i] - pads[n + i])
        for i in range(n)
    ]
    size = concat(b, [dim(b, x, 0), dim(b, x, 1), *own])
    whole = size
    if given is not None:
        whole = to_i64(b, given)
        places = _relocated(ctx, places, size, whole, n + 2)
    zeros = b.Broadcast(number(b, 0, x.dtype), b.ReduceProd(whole, [0], keep_dims=True))
    flat = b.ScatterElementsUpdate(
        zeros, reshape(b, places, [-1]), reshape(b, x, [-1]), number(b, 0, dt.i64), reduction="none"
    )
    return b.Reshape(flat, whole, special_zero=False)


def _relocated(ctx: NodeContext, places: Value, size: Value, whole: Value, n: int) -> Value:
    """Indices into a tensor of one size as indices into a larger one."""
    b, rest, step = ctx.b, to_i64(ctx.b, places), number(ctx.b, 1, dt.i64)
    out = number(b, 0, dt.i64)
    for axis in reversed(range(n)):
        length = scalar(b, element(b, size, axis))
        out = b.Add(out, b.Multiply(b.FloorMod(rest, length), step))
        rest = b.Divide(rest, length)
        step = b.Multiply(step, scalar(b, element(b, whole, axis)))
    return out
