"""Attention and rotary embeddings (opset 23 on)."""

from __future__ import annotations

import math

from .....ir import dtype as dt
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import converter
from ..tensors import element_type
from .values import arange, concat, dim, dims, element, ints, number, rank, to, to_i64
from .values import reshape as to_shape


def _heads_apart(ctx: NodeContext, x: Value, attribute: str) -> Value:
    """[B, S, heads * E] as [B, heads, S, E]; four dimensions stay."""
    if rank(ctx, x) == 4:
        return x
    b = ctx.b
    apart = b.Reshape(x, ints(b, [0, 0, int(ctx.attr(attribute)), -1]), special_zero=True)
    return b.Transpose(apart, ints(b, [0, 2, 1, 3]))


def _heads(ctx: NodeContext, x: Value, what: str) -> int:
    n = x.shape[1] if x.shape is not None else None
    if not isinstance(n, int):
        ctx.fail(f"the number of heads of the {what} is unknown", "fix it with `--input_shape`")
    return n


def _repeated(ctx: NodeContext, x: Value, times: int) -> Value:
    """Every head `times` times in a row: grouped queries."""
    if times == 1:
        return x
    b = ctx.b
    tiled = b.Tile(b.Unsqueeze(x, ints(b, [2])), ints(b, [1, 1, times, 1, 1]))
    shape = dims(b, x)
    target = concat(b, [element(b, shape, 0), ints(b, [-1]), b.Gather(shape, ints(b, [2, 3]), 0, batch_dims=0)])
    return b.Reshape(tiled, target, special_zero=False)


class _Mask:
    """Which keys a query may see: a boolean tensor, and what is added to the scores."""

    def __init__(self, ctx: NodeContext, q: Value, k: Value) -> None:
        self.ctx = ctx
        self.q, self.k = q, k
        self.allowed: Value | None = None
        self.added: Value | None = None
        self._given()
        self._positions()
        self._padding()

    def _and(self, allowed: Value) -> None:
        self.allowed = allowed if self.allowed is None else self.ctx.b.LogicalAnd(self.allowed, allowed)

    def _given(self) -> None:
        mask = self.ctx.optional(3)
        if mask is None:
            return
        mask = self._widened(mask)
        if mask.dtype is dt.boolean:
            self.allowed = mask
        else:
            self.added = mask

    def _widened(self, mask: Value) -> Value:
        """A mask that is shorter than the keys hides the rest."""
        b, n = self.ctx.b, rank(self.ctx, mask)
        have, want = (v.shape[axis] if v.shape else None for v, axis in ((mask, -1), (self.k, 2)))
        if not isinstance(have, int) or not isinstance(want, int) or have == want or n == 0:
            return mask
        fill = number(b, False if mask.dtype is dt.boolean else -math.inf, mask.dtype)
        ends = ints(b, [*[0] * (n - 1), want - have])
        if mask.dtype is not dt.boolean:
            return b.Pad(mask, ints(b, [0] * n), ends, fill, pad_mode="constant")
        padded = b.Pad(to(b, mask, dt.i32), ints(b, [0] * n), ends, number(b, 0, dt.i32), pad_mode="constant")
        return to(b, padded, dt.boolean)

    def _positions(self) -> None:
        """What a causal mask and windows allow: the distance query - key, queries counted behind the cache."""
        ctx, b = self.ctx, self.ctx.b
        causal, left, right = (
            ctx.attr("is_causal", 0),
            ctx.attr("left_window_size", -1),
            ctx.attr("right_window_size", -1),
        )
        if not causal and left < 0 and right < 0:
            return
        queries, keys = arange(b, dim(b, self.q, 2)), arange(b, dim(b, self.k, 2))
        distance = b.Subtract(to_shape(b, queries, [-1, 1]), to_shape(b, keys, [1, -1]))
        past, filled = ctx.optional(4), ctx.optional(6)
        if past is not None:
            distance = b.Add(distance, dim(b, past, 2))
        elif filled is not None:
            offset = b.Subtract(to_shape(b, to_i64(b, filled), [-1, 1, 1, 1]), dim(b, self.q, 2))
            distance = b.Add(distance, offset)
        if causal:
            self._and(b.GreaterEqual(distance, number(b, 0, dt.i64)))
        if left >= 0:
            self._and(b.LessEqual(distance, number(b, left, dt.i64)))
        if right >= 0:
            self._and(b.GreaterEqual(distance, number(b, -right, dt.i64)))

    def _padding(self) -> None:
        filled = self.ctx.optional(6)
        if filled is not None:
            b = self.ctx.b
            keys = to_shape(b, arange(b, dim(b, self.k, 2)), [1, 1, 1, -1])
            self._and(b.Less(keys, to_shape(b, to_i64(b, filled), [-1, 1, 1, 1])))

    def bias(self) -> Value | None:
        """What is added to the scores: 0, or minus infinity where nothing may be seen."""
        b = self.ctx.b
        if self.allowed is None:
            return self.added
        kind = self.q.dtype
        hidden = b.Select(self.allowed, number(b, 0, kind), number(b, -math.inf, kind))
        return hidden if self.added is None else b.Add(self.added, hidden)


@converter("Attention", since=23)
def attention(ctx: NodeContext) -> list[Value | None]:
    """ScaledDotProductAttention; written out where scores are capped or wanted, or a query may see nothing."""
    b = ctx.b
    q, k, v = ctx.input(0), ctx.input(1), ctx.input(2)
    folded = rank(ctx, q) == 3
    q, k, v = (
        _heads_apart(ctx, q, "q_num_heads"),
        _heads_apart(ctx, k, "kv_num_heads"),
        _heads_apart(ctx, v, "kv_num_heads"),
    )
    past_key, past_value = ctx.optional(4), ctx.optional(5)
    if past_key is not None and past_value is not None:
        k, v = b.Concat(past_key, k, axis=2), b.Concat(past_value, v, axis=2)
    present = [k, v]
    times = 1
    if q.shape is None or k.shape is None or q.shape[1] != k.shape[1]:
        times, rest = divmod(_heads(ctx, q, "query"), _heads(ctx, k, "key"))
        if rest or not times:
            ctx.fail("the heads of the query are no multiple of those of the key")
    k, v = _repeated(ctx, k, times), _repeated(ctx, v, times)
    mask = _Mask(ctx, q, k)
    scores = None
    plain = not ctx.attr("softcap", 0.0) and not ctx.wants(3) and mask.allowed is None and _same_precision(ctx, q)
    if plain:
        scale = [_scale(ctx, q)] if ctx.has("scale") else []
        given = mask.added
        operands = (
            [q, k, v]
            if given is None and not scale
            else [q, k, v, given if given is not None else number(b, 0, q.dtype)]
        )
        y = b.ScaledDotProductAttention(*operands, *scale, causal=False)
    else:
        y, scores = _written_out(ctx, q, k, v, mask)
    if folded:
        y = b.Reshape(b.Transpose(y, ints(b, [0, 2, 1, 3])), ints(b, [0, 0, -1]), special_zero=True)
    return [y, *present, scores][: max(ctx.n_outputs, 1)]


def _same_precision(ctx: NodeContext, q: Value) -> bool:
    code = ctx.attr("softmax_precision", 0)
    return not code or element_type(code, "attribute `softmax_precision`") is q.dtype


def _scale(ctx: NodeContext, q: Value) -> Value:
    """The factor of the scores: 1 / sqrt(E) unless the model says otherwise."""
    b = ctx.b
    if ctx.has("scale"):
        return number(b, ctx.attr("scale"), q.dtype)
    width = to(b, b.Squeeze(dim(b, q, 3), ints(b, [0])), q.dtype)
    return b.Divide(number(b, 1, q.dtype), b.Sqrt(width))


def _root_of_scale(ctx: NodeContext, q: Value) -> Value:
    """The square root of the factor of the scores, rounded once where the width of a head is known."""
    width = q.shape[3] if q.shape is not None else None
    scale = ctx.attr("scale", 0.0) or (width**-0.5 if isinstance(width, int) and width else 0.0)
    return number(ctx.b, math.sqrt(scale), q.dtype) if scale > 0 else ctx.b.Sqrt(_scale(ctx, q))


def _written_out(ctx: NodeContext, q: Value, k: Value, v: Value, mask: _Mask) -> tuple[Value, Value]:
    """The result, and the scores of the stage that attribute `qk_matmul_output_mode` names."""
    b, cap = ctx.b, float(ctx.attr("softcap", 0.0))
    root = _root_of_scale(ctx, q)
    stages = [b.MatMul(b.Multiply(q, root), b.Multiply(k, root), transpose_b=True)]
    scores = stages[0]
    if cap > 0:
        scores = b.Multiply(b.Tanh(b.Divide(scores, number(b, cap, q.dtype))), number(b, cap, q.dtype))
    stages.append(scores)
    bias = mask.bias()
    if bias is not None:
        scores = b.Add(scores, to(b, bias, scores.dtype))
    stages.append(scores)
    code = ctx.attr("softmax_precision", 0)
    wide = element_type(code, "attribute `softmax_precision`") if code else q.dtype
    weights = to(b, b.SoftMax(to(b, scores, wide), axis=-1), q.dtype)
    if bias is not None:  # a query that may see nothing gets zeros, not the softmax's NaN
        most = b.ReduceMax(bias, ints(b, [-1]), keep_dims=True)
        weights = b.Select(b.Equal(most, number(b, -math.inf, bias.dtype)), number(b, 0, q.dtype), weights)
    stages.append(weights)
    mode = ctx.attr("qk_matmul_output_mode", 0)
    if mode not in range(4):
        ctx.fail(f"attribute `qk_matmul_output_mode` is {mode}", "ONNX knows 0 to 3")
    return b.MatMul(weights, v), stages[mode]


@converter("RotaryEmbedding", since=23)
def rotary_embedding(ctx: NodeContext) -> Value:
    """Rotates pairs of elements by the angles of their positions."""
    b, x = ctx.b, ctx.input(0)
    flat = rank(ctx, x) == 3
    heads = int(ctx.attr("num_heads", 0))
    if flat and not heads:
        ctx.fail("attribute `num_heads` is missing", "data of three dimensions need it")
    shape = dims(b, x)
    # [B, S, heads, E]
    x = b.Reshape(x, ints(b, [0, 0, heads, -1]), special_zero=True) if flat else b.Transpose(x, ints(b, [0, 2, 1, 3]))
    cos, sin = (_angles(ctx, i) for i in (1, 2))
    width = x.shape[-1] if x.shape is not None else None
    rotated = int(ctx.attr("rotary_embedding_dim", 0)) or width
    if not isinstance(rotated, int):
        ctx.fail("the width of a head is unknown", "fix it with `--input_shape`")
    rest = None
    if rotated != width:
        x, rest = b.VariadicSplit(x, number(b, -1, dt.i64), ints(b, [rotated, -1]))
    y = _rotated(ctx, x, cos, sin, rotated, bool(ctx.attr("interleaved", 0)))
    if rest is not None:
        y = b.Concat(y, rest, axis=-1)
    return b.Reshape(y, shape, special_zero=False) if flat else b.Transpose(y, ints(b, [0, 2, 1, 3]))


def _angles(ctx: NodeContext, index: int) -> Value:
    """Cosines or sines as [B, S, 1, E / 2]."""
    b, cache, positions = ctx.b, ctx.input(index), ctx.optional(3)
    if positions is not None:
        cache = b.Gather(cache, positions, number(b, 0, dt.i64), batch_dims=0)
    return b.Unsqueeze(cache, ints(b, [2]))


def _rotated(ctx: NodeContext, x: Value, cos: Value, sin: Value, width: int, interleaved: bool) -> Value:
    b, axis = ctx.b, number(ctx.b, -1, dt.i64)
    if interleaved:
        pairs = b.Reshape(x, ints(b, [0, 0, 0, width // 2, 2]), special_zero=True)
        first, second = (b.Squeeze(p, ints(b, [-1])) for p in b.Split(pairs, axis, num_splits=2))
    else:
        first, second = b.Split(x, axis, num_splits=2)
    real = b.Subtract(b.Multiply(cos, first), b.Multiply(sin, second))
    imaginary = b.Add(b.Multiply(sin, first), b.Multiply(cos, second))
    if not interleaved:
        return b.Concat(real, imaginary, axis=-1)
    parts = (b.Unsqueeze(p, ints(b, [-1])) for p in (real, imaginary))
    return b.Reshape(b.Concat(*parts, axis=-1), ints(b, [0, 0, 0, width]), special_zero=True)
