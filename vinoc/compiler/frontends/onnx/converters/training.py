"""One step of an optimizer (ai.onnx.preview.training): the new values from values, gradients and state."""

from __future__ import annotations

from collections.abc import Sequence

from .....ir.dtype import DType
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import converter
from .values import number, scalar, to

TRAINING = "ai.onnx.preview.training"


def _groups(ctx: NodeContext, count: int) -> list[tuple[Value, ...]]:
    """Behind rate and step the inputs are `count` lists of as many tensors: for each tensor, its part of each."""
    n, rest = divmod(len(ctx.inputs) - 2, count)
    if rest or n < 1:
        ctx.fail(f"it has {len(ctx.inputs)} inputs", f"two, and {count} for each tensor that is optimized")
    return [tuple(ctx.input(2 + k * n + i) for k in range(count)) for i in range(n)]


def _regularized(ctx: NodeContext, x: Value, gradient: Value) -> Value:
    """norm_coefficient * x + gradient."""
    factor = float(ctx.attr("norm_coefficient", 0.0))
    return gradient if not factor else ctx.b.Add(ctx.b.Multiply(x, factor), gradient)


def _first_step(ctx: NodeContext, kind: DType, then: Value, first: Value) -> Value:
    """`then`, or `first` in the step 0."""
    b = ctx.b
    return b.Select(b.Greater(to(b, scalar(b, ctx.input(1)), kind), number(b, 0, kind)), then, first)


def _outputs(rows: Sequence[tuple[Value, ...]]) -> list[Value]:
    return [value for column in zip(*rows, strict=True) for value in column]


@converter("Adagrad", since=1, domain=TRAINING)
def adagrad(ctx: NodeContext) -> list[Value]:
    """H' = H + G^2, X' = X - R / (1 + T * decay) * G / (sqrt(H') + epsilon)."""
    b, rows = ctx.b, []
    for x, gradient, squares in _groups(ctx, 3):
        kind = x.dtype
        step = b.Multiply(to(b, scalar(b, ctx.input(1)), kind), float(ctx.attr("decay_factor", 0.0)))
        rate = b.Divide(to(b, scalar(b, ctx.input(0)), kind), b.Add(step, 1.0))
        g = _regularized(ctx, x, gradient)
        total = b.Add(squares, b.Multiply(g, g))
        root = b.Add(b.Sqrt(total), float(ctx.attr("epsilon", 1e-6)))
        rows.append((b.Subtract(x, b.Divide(b.Multiply(rate, g), root)), total))
    return _outputs(rows)


@converter("Adam", since=1, domain=TRAINING)
def adam(ctx: NodeContext) -> list[Value]:
    """V' = a V + (1 - a) G, H' = b H + (1 - b) G^2, X' = X - R' V' / (sqrt(H') + epsilon); R' corrects the start."""
    b, rows = ctx.b, []
    alpha, beta = float(ctx.attr("alpha", 0.9)), float(ctx.attr("beta", 0.999))
    for x, gradient, mean, squares in _groups(ctx, 4):
        kind = x.dtype
        g = _regularized(ctx, x, gradient)
        v = b.Add(b.Multiply(mean, alpha), b.Multiply(g, 1.0 - alpha))
        h = b.Add(b.Multiply(squares, beta), b.Multiply(b.Multiply(g, g), 1.0 - beta))
        root = b.Add(b.Sqrt(h), float(ctx.attr("epsilon", 1e-6)))
        rate, step = to(b, scalar(b, ctx.input(0)), kind), to(b, scalar(b, ctx.input(1)), kind)
        one = number(b, 1, kind)
        of_alpha = b.Subtract(one, b.Power(number(b, alpha, kind), step))
        of_beta = b.Subtract(one, b.Power(number(b, beta, kind), step))
        adjusted = _first_step(ctx, kind, b.Divide(b.Multiply(rate, b.Sqrt(of_beta)), of_alpha), rate)
        new = b.Subtract(x, b.Divide(b.Multiply(adjusted, v), root))
        rows.append((b.Multiply(new, 1.0 - float(ctx.attr("norm_coefficient_post", 0.0))), v, h))
    return _outputs(rows)


@converter("Momentum", since=1, domain=TRAINING)
def momentum(ctx: NodeContext) -> list[Value]:
    """V' = alpha V + beta G (beta 1 in step 0), X' = X - R V', or Nesterov's X - R (G + alpha V')."""
    b, rows, mode = ctx.b, [], ctx.attr("mode")
    if mode not in ("standard", "nesterov"):
        ctx.fail(f"attribute `mode` is '{mode}'", "ONNX knows standard, nesterov")
    alpha = float(ctx.attr("alpha"))
    for x, gradient, velocity in _groups(ctx, 3):
        kind = x.dtype
        g = _regularized(ctx, x, gradient)
        beta = _first_step(ctx, kind, number(b, ctx.attr("beta"), kind), number(b, 1, kind))
        v = b.Add(b.Multiply(velocity, alpha), b.Multiply(beta, g))
        direction = v if mode == "standard" else b.Add(g, b.Multiply(v, alpha))
        rows.append((b.Subtract(x, b.Multiply(to(b, scalar(b, ctx.input(0)), kind), direction)), v))
    return _outputs(rows)
