"""Attention of ONNX Runtime's optimizer and of its generative models (domain com.microsoft)."""

from __future__ import annotations

import math

from .....ir import dtype as dt
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import MICROSOFT, converter
from .attention import _heads_apart as apart
from .attention import _repeated as repeated
from .attention import _rotated as rotated
from .values import arange, concat, dim, dims, element, ints, number, rank, reshape, scalar, to, to_i64

HIDDEN = -10000.0


def _joined(ctx: NodeContext, x: Value) -> Value:
    """[B, heads, S, E] as [B, S, heads * E]."""
    b = ctx.b
    return b.Reshape(b.Transpose(x, ints(b, [0, 2, 1, 3])), ints(b, [0, 0, -1]), special_zero=True)


def _masked(ctx: NodeContext, allowed: Value, kind: dt.DType) -> Value:
    """What is added to the scores: 0, or `mask_filter_value` where a key is hidden."""
    b = ctx.b
    return b.Select(allowed, number(b, 0, kind), number(b, ctx.attr("mask_filter_value", HIDDEN), kind))


def _padding(ctx: NodeContext, index: int, k: Value) -> Value | None:
    """Which keys count, from a mask [B, T] or [B, S, T] or the lengths [B]; to broadcast to [B, heads, S, T]."""
    b, mask = ctx.b, ctx.optional(index)
    if mask is None:
        return None
    n = rank(ctx, mask)
    if n == 1:
        if mask.shape and mask.shape[0] != k.shape[0] and isinstance(mask.shape[0], int):  # type: ignore[index]
            ctx.fail(
                f"a mask {mask.type} is not supported", "lengths [batch], or a mask of two or three dimensions are"
            )
        keys = reshape(b, arange(b, dim(b, k, 2)), [1, 1, 1, -1])
        return b.Less(keys, reshape(b, to_i64(b, mask), [-1, 1, 1, 1]))
    if n not in (2, 3):
        ctx.fail(f"a mask {mask.type} is not supported", "lengths [batch], or a mask of two or three dimensions are")
    return b.NotEqual(b.Unsqueeze(mask, ints(b, [1, 2] if n == 2 else [1])), number(b, 0, mask.dtype))


def _causal(ctx: NodeContext, q: Value, k: Value) -> Value:
    """0 for keys that are not behind a query, else minus infinity: the queries are the last ones of the sequence."""
    b = ctx.b
    queries, keys = dim(b, q, 2), dim(b, k, 2)
    places = b.Add(reshape(b, arange(b, queries), [-1, 1]), b.Subtract(keys, queries))
    seen = b.LessEqual(reshape(b, arange(b, keys), [1, -1]), places)
    return b.Select(seen, number(b, 0, q.dtype), number(b, -math.inf, q.dtype))


def _attend(ctx: NodeContext, q: Value, k: Value, v: Value, allowed: list[Value], scale: float) -> Value:
    """softmax(q k^T * scale + input 5 + what hides keys) v, over four dimensions."""
    b, kind = ctx.b, q.dtype
    added = ctx.optional(5)
    terms = [_masked(ctx, mask, kind) for mask in allowed]
    if ctx.attr("unidirectional", 0):
        terms.append(_causal(ctx, q, k))
    for bias in terms:
        added = bias if added is None else b.Add(added, bias)
    factor = [number(b, scale, kind)] if scale else []
    operands = [q, k, v]
    if added is not None or factor:
        operands.append(added if added is not None else number(b, 0, kind))
    return b.ScaledDotProductAttention(*operands, *factor, causal=False)


@converter("Attention", domain=MICROSOFT)
def attention(ctx: NodeContext) -> list[Value | None]:
    """One product for query, key and value, then ScaledDotProductAttention; and the cache, both in one tensor."""
    return attended(ctx, ctx.b.MatMul(ctx.input(0), ctx.input(1)))


def attended(ctx: NodeContext, projected: Value) -> list[Value | None]:
    """What follows the product of an Attention, [B, S, 3 * hidden]; the node's inputs are Attention's."""
    b, heads = ctx.b, int(ctx.attr("num_heads"))
    if ctx.attr("do_rotary", 0) or ctx.attr("past_present_share_buffer", 0):
        ctx.fail("`do_rotary` and `past_present_share_buffer` are not supported", "export without these fusions")
    bias, past = ctx.optional(2), ctx.optional(4)
    if bias is not None:
        projected = b.Add(projected, bias)
    sizes = ctx.attr("qkv_hidden_sizes", None)
    if sizes:
        parts = b.VariadicSplit(projected, number(b, 2, dt.i64), ints(b, sizes))
    else:
        parts = b.Split(projected, number(b, 2, dt.i64), num_splits=3)
    q, k, v = (apart(ctx, p, "num_heads") for p in parts)
    assert heads > 0
    if past is not None:  # [2, B, heads, P, E]
        k = b.Concat(b.Gather(past, number(b, 0, dt.i64), 0, batch_dims=0), k, axis=2)
        v = b.Concat(b.Gather(past, number(b, 1, dt.i64), 0, batch_dims=0), v, axis=2)
    allowed = [m for m in (_padding(ctx, 3, k),) if m is not None]
    y = _joined(ctx, _attend(ctx, q, k, v, allowed, ctx.attr("scale", 0.0)))
    if not ctx.wants(1):
        return [y]
    return [y, b.Concat(b.Unsqueeze(k, [0]), b.Unsqueeze(v, [0]), axis=0)]


@converter("MultiHeadAttention", domain=MICROSOFT)
def multi_head_attention(ctx: NodeContext) -> list[Value | None]:
    """ScaledDotProductAttention of projected operands, and the cache."""
    b, q, k, v = ctx.b, ctx.input(0), ctx.optional(1), ctx.optional(2)
    bias = ctx.optional(3)
    if k is None or v is None:
        ctx.fail("packed query, key and value are not supported", "export without packing")
    if bias is not None:
        n = rank(ctx, k) == 3
        cut = [dim(b, x, 2) for x in ([q, k, v] if n else [q])]
        parts = b.VariadicSplit(bias, number(b, 0, dt.i64), concat(b, cut if n else [*cut, ints(b, [-1])]))
        q = b.Add(q, parts[0])
        if n:
            k, v = b.Add(k, parts[1]), b.Add(v, parts[2])
    q, k, v = (apart(ctx, x, "num_heads") for x in (q, k, v))
    past_key, past_value = ctx.optional(6), ctx.optional(7)
    if past_key is not None and past_value is not None:
        k, v = b.Concat(past_key, k, axis=2), b.Concat(past_value, v, axis=2)
    allowed = [m for m in (_padding(ctx, 4, k),) if m is not None]
    y = _joined(ctx, _attend(ctx, q, k, v, allowed, ctx.attr("scale", 0.0)))
    outputs: list[Value | None] = [y, k, v]
    return outputs[: max(ctx.n_outputs, 1)]


@converter("RotaryEmbedding", domain=MICROSOFT)
def rotary_embedding(ctx: NodeContext) -> Value:
    """Rotates pairs of elements by the angles of their positions: [B, S, heads * E] or [B, heads, S, E]."""
    b, x, positions = ctx.b, ctx.input(0), to_i64(ctx.b, ctx.input(1))
    if ctx.attr("is_packed_batching", 0) or ctx.attr("scale", 1.0) != 1.0:
        ctx.fail("`is_packed_batching` and `scale` are not supported", "export without packing of batches")
    cos, sin = ctx.input(2), ctx.input(3)
    width = _width(ctx, cos)
    flat = rank(ctx, x) == 3
    shape = dims(b, x)
    if flat:
        heads = int(ctx.attr("num_heads", 0))
        size = [0, 0, heads, -1] if heads else [0, 0, -1, 2 * width]
        x = b.Reshape(x, ints(b, size), special_zero=True)
    else:
        x = b.Transpose(x, ints(b, [0, 2, 1, 3]))
    if rank(ctx, positions) == 1:  # the first position; the others follow
        positions = b.Add(reshape(b, positions, [-1, 1]), reshape(b, arange(b, dim(b, x, 1)), [1, -1]))
    y = _turned(ctx, x, cos, sin, positions, bool(ctx.attr("interleaved", 0)))
    return b.Reshape(y, shape, special_zero=False) if flat else b.Transpose(y, ints(b, [0, 2, 1, 3]))


def _width(ctx: NodeContext, cos: Value) -> int:
    width = cos.shape[1] if cos.shape is not None and len(cos.shape) == 2 else None
    if not isinstance(width, int):
        ctx.fail(f"the table of cosines is {cos.type}", "its shape must be known, [positions, width]")
    return width


def _turned(ctx: NodeContext, x: Value, cos: Value, sin: Value, positions: Value, interleaved: bool) -> Value:
    """[B, S, heads, E] with its first elements rotated, as many as the tables are for; positions are [B, S]."""
    b = ctx.b
    half = _width(ctx, cos)
    angles = [b.Unsqueeze(b.Gather(t, positions, 0, batch_dims=0), ints(b, [2])) for t in (cos, sin)]
    whole = x.shape[3] if x.shape is not None else None
    if whole == 2 * half:
        return rotated(ctx, x, angles[0], angles[1], 2 * half, interleaved)
    x, rest = b.VariadicSplit(x, number(b, 3, dt.i64), ints(b, [2 * half, -1]))
    return b.Concat(rotated(ctx, x, angles[0], angles[1], 2 * half, interleaved), rest, axis=3)


@converter("GroupQueryAttention", domain=MICROSOFT)
def group_query_attention(ctx: NodeContext) -> list[Value | None]:
    """Causal attention over a cache to which the new keys and values are appended; groups of heads share them.

    Row b has seqlens_k[b] + 1 tokens, the new ones included, of a cache that holds total_sequence_length at least.
    """
    b, q = ctx.b, ctx.input(0)
    _refuse(ctx)
    heads, shared = int(ctx.attr("num_heads")), int(ctx.attr("kv_num_heads"))
    q, k, v = _operands(ctx, heads, shared)  # [B, S, heads, E]
    count = dim(b, q, 1)
    lengths = b.Add(reshape(b, to_i64(b, ctx.input(5)), [-1, 1]), 1)
    past_key, past_value = ctx.optional(3), ctx.optional(4)
    empty = past_key is None or (past_key.shape is not None and past_key.shape[2] == 0)
    before = number(b, 0, dt.i64) if empty else b.Maximum(b.Subtract(lengths, count), number(b, 0, dt.i64))  # [B, 1]
    places = b.Add(reshape(b, arange(b, count), [1, -1]), before)  # [1 or B, S]
    if ctx.attr("do_rotary", 0):
        given = ctx.optional(9)
        where = to_i64(b, given) if given is not None else b.Broadcast(places, concat(b, [dim(b, q, 0), count]))
        cos, sin, mixed = ctx.input(7), ctx.input(8), bool(ctx.attr("rotary_interleaved", 0))
        q, k = (_turned(ctx, x, cos, sin, where, mixed) for x in (q, k))
    q, k, v = (b.Transpose(x, ints(b, [0, 2, 1, 3])) for x in (q, k, v))
    if not empty and past_key is not None and past_value is not None:
        k, v = (_appended(ctx, p, x, before) for p, x in ((past_key, k), (past_value, v)))
    y = _group_attention(ctx, q, repeated(ctx, k, heads // shared), repeated(ctx, v, heads // shared), places)
    outputs: list[Value | None] = [_joined(ctx, y), k, v]
    return outputs[: max(ctx.n_outputs, 1)]


def _refuse(ctx: NodeContext) -> None:
    for name in ("smooth_softmax", "qk_output", "sliding_window_cache", "kv_cache_bit_width"):
        if ctx.attr(name, 0) > 0:
            ctx.fail(f"attribute `{name}` is not supported", "export the model without it")
    for index in (11, 12, 13, 14, 15):
        if ctx.optional(index) is not None:
            ctx.fail(f"input {index} of GroupQueryAttention is not supported", "export the model without it")


def _operands(ctx: NodeContext, heads: int, shared: int) -> list[Value]:
    """Query, key and value as [B, S, heads, E], apart or packed into one."""
    b, q, k, v = ctx.b, ctx.input(0), ctx.optional(1), ctx.optional(2)
    if shared < 1 or heads % shared:
        ctx.fail(f"{heads} heads of the query are no multiple of {shared}")
    if k is None or v is None:
        whole = b.Reshape(q, ints(b, [0, 0, heads + 2 * shared, -1]), special_zero=True)
        return list(b.VariadicSplit(whole, number(b, 2, dt.i64), ints(b, [heads, shared, shared])))
    return [b.Reshape(x, ints(b, [0, 0, n, -1]), special_zero=True) for x, n in ((q, heads), (k, shared), (v, shared))]


def _appended(ctx: NodeContext, past: Value, new: Value, before: Value) -> Value:
    """[B, heads, total, E]: of the cache what row b has, then what is new."""
    b = ctx.b
    held = dim(b, past, 2)
    total = b.Maximum(held, reshape(b, to_i64(b, ctx.input(6)), [1]))
    column = reshape(b, arange(b, total), [1, -1])
    source = b.Select(b.Less(column, before), column, b.Add(b.Subtract(column, before), held))
    both = b.Concat(past, new, axis=2)
    source = b.Minimum(source, b.Subtract(dim(b, both, 2), 1))
    source = b.Broadcast(source, concat(b, [dim(b, both, 0), total]))
    found: Value = b.Gather(both, source, number(b, 2, dt.i64), batch_dims=1)
    return found


def _group_attention(ctx: NodeContext, q: Value, k: Value, v: Value, places: Value) -> Value:
    """Attention of queries at `places` to the keys up to there, with a window, a cap and a bias where asked for."""
    b, kind = ctx.b, q.dtype
    keys = reshape(b, arange(b, dim(b, k, 2)), [1, 1, -1])
    rows = b.Unsqueeze(places, ints(b, [2]))
    allowed = b.LessEqual(keys, rows) if ctx.attr("causal", 1) else b.GreaterEqual(keys, number(b, 0, dt.i64))
    window = int(ctx.attr("local_window_size", -1))
    if window > 0:
        allowed = b.LogicalAnd(allowed, b.Greater(keys, b.Subtract(rows, window)))
    least = number(b, -65504.0 if kind is dt.f16 else -1e30, kind)
    bias = b.Unsqueeze(b.Select(allowed, number(b, 0, kind), least), ints(b, [1]))
    given = ctx.optional(10)
    if given is not None:
        bias = b.Add(bias, given)
    scale, cap = ctx.attr("scale", 0.0), ctx.attr("softcap", 0.0)
    if not cap:
        factor = [number(b, scale, kind)] if scale else []
        return b.ScaledDotProductAttention(q, k, v, bias, *factor, causal=False)
    width = b.Sqrt(to(b, scalar(b, element(b, dims(b, q), 3)), kind))
    scores = b.MatMul(q, k, transpose_b=True)
    scores = b.Multiply(scores, float(scale)) if scale else b.Divide(scores, width)
    scores = b.Multiply(b.Tanh(b.Divide(scores, float(cap))), float(cap))
    return b.MatMul(b.SoftMax(b.Add(scores, bias), axis=-1), v)
