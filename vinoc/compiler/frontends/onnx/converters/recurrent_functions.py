# mypy: disable-error-code="no-any-return"
"""The activations of recurrent operators, with the numbers of those that take some."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .....ir.builder import Builder
from .....ir.graph import Value
from ..context import NodeContext
from .values import number

Function = Callable[[Builder, Value], Value]

FORMS: dict[str, Callable[[Builder, Value, float, float], Value]] = {
    "relu": lambda b, x, alpha, beta: b.ReLU(x),
    "tanh": lambda b, x, alpha, beta: b.Tanh(x),
    "sigmoid": lambda b, x, alpha, beta: b.Sigmoid(x),
    "softsign": lambda b, x, alpha, beta: b.SoftSign(x),
    "softplus": lambda b, x, alpha, beta: b.SoftPlus(x),
    "affine": lambda b, x, alpha, beta: b.Add(b.Multiply(x, _of(b, alpha, x)), _of(b, beta, x)),
    "leakyrelu": lambda b, x, alpha, beta: b.PReLU(x, _of(b, alpha, x)),
    "thresholdedrelu": lambda b, x, alpha, beta: b.Select(b.GreaterEqual(x, _of(b, alpha, x)), x, _of(b, 0.0, x)),
    "scaledtanh": lambda b, x, alpha, beta: b.Multiply(b.Tanh(b.Multiply(x, _of(b, beta, x))), _of(b, alpha, x)),
    "hardsigmoid": lambda b, x, alpha, beta: b.HardSigmoid(x, _of(b, alpha, x), _of(b, beta, x)),
    "elu": lambda b, x, alpha, beta: b.Elu(x, alpha=alpha),
}

DEFAULTS: dict[str, tuple[float, ...]] = {
    "affine": (1.0, 0.0), "leakyrelu": (0.01,), "thresholdedrelu": (1.0,), "scaledtanh": (1.0, 1.0),
    "hardsigmoid": (0.2, 0.5), "elu": (1.0,),
}  # fmt: skip
"""alpha, or alpha and beta, of those that take some; an operator's lists have numbers for these alone, in order."""


def _of(b: Builder, value: float, x: Value) -> Value:
    return number(b, value, x.dtype)


def functions(ctx: NodeContext, names: Sequence[str]) -> list[Function]:
    """The functions in their order. Numbers that are left over are not looked at, as onnxruntime does it."""
    alphas, betas = (list(ctx.attr(f"activation_{which}", [])) for which in ("alpha", "beta"))
    found = []
    for name in names:
        alpha, beta = (*DEFAULTS.get(name, ()), 0.0, 0.0)[:2]
        if name in DEFAULTS and alphas:
            alpha = alphas.pop(0)
        if len(DEFAULTS.get(name, ())) == 2 and betas:
            beta = betas.pop(0)
        found.append(_bound(name, float(alpha), float(beta)))
    return found


def _bound(name: str, alpha: float, beta: float) -> Function:
    return lambda b, x: FORMS[name](b, x, alpha, beta)
