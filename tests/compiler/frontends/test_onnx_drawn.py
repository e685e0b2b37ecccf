"""The operators that models use most, with drawn attributes and shapes, against onnxruntime."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .onnx_forms.base import bools, distinct, f32, ints, positive
from .onnx_util import check

Drawn = tuple[list[Any], dict[str, Any]]
RANDOM = st.randoms(use_true_random=False, note_method_calls=False)


def shape(r: Random, low: int = 1, high: int = 4) -> tuple[int, ...]:
    return tuple(r.randint(1, 5) for _ in range(r.randint(low, high)))


def axis(r: Random, rank: int) -> int:
    return r.randrange(-rank, rank)


def unary(r: Random) -> Drawn:
    return [positive(*shape(r))], {}


def binary(r: Random) -> Drawn:
    """One operand is spread over the other: dimensions of 1, or fewer of them."""
    s = shape(r)
    t = tuple(1 if r.random() < 0.3 else d for d in s)[r.randrange(len(s)) :]
    pair = [positive(*s), positive(*t)]
    return pair if r.random() < 0.5 else pair[::-1], {}


def along(r: Random) -> Drawn:
    s = shape(r)
    return [f32(*s)], {"axis": axis(r, len(s))}


def reduced(r: Random) -> Drawn:
    s = shape(r)
    axes = r.sample(range(len(s)), r.randint(1, len(s)))
    return [positive(*s)], {"axes": [a - len(s) if r.random() < 0.5 else a for a in axes], "keepdims": r.randint(0, 1)}


def reduce_sum(r: Random) -> Drawn:
    (x,), attributes = reduced(r)
    return [x, ints(*attributes.pop("axes"))], attributes


def window(r: Random) -> dict[str, Any]:
    out: dict[str, Any] = {
        "kernel_shape": [r.randint(1, 3), r.randint(1, 3)],
        "strides": [r.randint(1, 3), r.randint(1, 3)],
    }
    if r.random() < 0.3:  # strides beyond the window would make onnxruntime's padding larger than it
        out["strides"] = [min(s, k) for s, k in zip(out["strides"], out["kernel_shape"], strict=True)]
        return {**out, "auto_pad": r.choice(["SAME_UPPER", "SAME_LOWER", "VALID"])}
    return {**out, "pads": [r.randrange(k) for k in out["kernel_shape"] * 2]}


def conv(r: Random) -> Drawn:
    group = r.choice([1, 1, 2])
    a = window(r)
    x, w = f32(r.randint(1, 2), 2 * group, r.randint(5, 8), r.randint(5, 8)), f32(2 * group, 2, *a["kernel_shape"])
    return [x, w, f32(2 * group)] if r.random() < 0.5 else [x, w], {**a, "group": group}


def conv_transpose(r: Random) -> Drawn:
    inputs, a = conv(r)
    a.pop("auto_pad", None)
    return inputs[:2], a


def pool(r: Random) -> Drawn:
    return [f32(1, 2, r.randint(5, 8), r.randint(5, 8))], window(r)


def gemm(r: Random) -> Drawn:
    n, k, m = shape(r, 3, 3)
    ta, tb = r.randint(0, 1), r.randint(0, 1)
    c = [f32(*r.choice([(n, m), (m,), (n, 1), (1,)]))] if r.random() < 0.8 else []
    a, b = f32(*((k, n) if ta else (n, k))), f32(*((m, k) if tb else (k, m)))
    return [a, b, *c], {"transA": ta, "transB": tb, "alpha": r.choice([1.0, 0.5]), "beta": r.choice([1.0, 2.0])}


def matmul(r: Random) -> Drawn:
    n, k, m = shape(r, 3, 3)
    batch = shape(r, 0, 2)
    return [f32(*batch, n, k), f32(*(batch if r.random() < 0.5 else ()), k, m)], {}


def concat(r: Random) -> Drawn:
    s = shape(r)
    at = axis(r, len(s))
    return [f32(*(r.randint(1, 4) if i == at % len(s) else d for i, d in enumerate(s))) for _ in range(3)], {"axis": at}


def reshape(r: Random) -> Drawn:
    s = shape(r, 2)
    return [f32(*s), ints(*r.choice([(-1,), (0, -1), (-1, s[-1]), (1, *s), s[::-1]]))], {}


def transpose(r: Random) -> Drawn:
    s = shape(r)
    return [f32(*s)], {"perm": r.sample(range(len(s)), len(s))}


def gather(r: Random) -> Drawn:
    s = shape(r)
    at = axis(r, len(s))
    return [f32(*s), np.array([r.randrange(-s[at], s[at]) for _ in range(3)])], {"axis": at}


def slices(r: Random) -> Drawn:
    s = shape(r)
    n = len(s)
    step = [r.choice([1, 2, -1]) for _ in s]
    begin = [0 if k > 0 else d - 1 for k, d in zip(step, s, strict=True)]
    end = [r.randint(1, 9) if k > 0 else -1000 for k in step]
    return [f32(*s), ints(*begin), ints(*end), ints(*range(-n, 0)), ints(*step)], {}


def pad(r: Random) -> Drawn:
    s = shape(r)
    return [f32(*s), ints(*(r.randint(0, 2) for _ in s * 2)), np.float32(r.random())], {}


def batch_norm(r: Random) -> Drawn:
    s = shape(r, 2)
    return [f32(*s), positive(s[1]), f32(s[1]), f32(s[1]), positive(s[1])], {"epsilon": r.choice([1e-5, 0.1])}


def layer_norm(r: Random) -> Drawn:
    s = shape(r, 2)
    at = axis(r, len(s))
    return [f32(*s), f32(*s[at:]), f32(*s[at:])], {"axis": at, "epsilon": 0.01}


def clip(r: Random) -> Drawn:
    return [f32(*shape(r)), np.float32(-r.random()), np.float32(r.random())], {}


def unsqueezed(r: Random) -> Drawn:
    s = shape(r)
    return [f32(*s), ints(r.randrange(-len(s) - 1, len(s) + 1))], {}


def squeezed(r: Random) -> Drawn:
    s = [*shape(r, 1, 3)]
    at = r.randrange(len(s) + 1)
    return [f32(*s[:at], 1, *s[at:]), ints(at)], {}


def where(r: Random) -> Drawn:
    (a, b), _ = binary(r)
    return [bools(*max(a.shape, b.shape, key=len)), a, b], {}


def expand(r: Random) -> Drawn:
    s = shape(r)
    return [f32(*(1 if r.random() < 0.5 else d for d in s)), ints(*s)], {}


def tile(r: Random) -> Drawn:
    s = shape(r)
    return [f32(*s), ints(*(r.randint(1, 3) for _ in s))], {}


def cast(r: Random) -> Drawn:
    return [f32(*shape(r)) * 10], {"to": r.choice([1, 6, 7, 9, 10, 11])}


def top_k(r: Random) -> Drawn:
    s = shape(r)
    at = axis(r, len(s))
    return [distinct(*s), ints(r.randint(1, s[at]))], {"axis": at, "largest": r.randint(0, 1)}


def leaky(r: Random) -> Drawn:
    return [f32(*shape(r))], {"alpha": r.random()}


UNARY = (
    "Relu",
    "Sigmoid",
    "Tanh",
    "Exp",
    "Log",
    "Sqrt",
    "Erf",
    "Neg",
    "Abs",
    "Floor",
    "Reciprocal",
    "Identity",
    "Shape",
)
BINARY = ("Add", "Sub", "Mul", "Div", "Pow", "Equal", "Less", "Max", "Min")
OPS: dict[str, Callable[[Random], Drawn]] = {
    **dict.fromkeys(UNARY, unary), **dict.fromkeys(BINARY, binary),
    **dict.fromkeys(("ReduceMean", "ReduceMax"), reduced),
    **dict.fromkeys(("Softmax", "LogSoftmax", "Flatten", "ArgMax"), along), "ReduceSum": reduce_sum, "Conv": conv,
    "ConvTranspose": conv_transpose, "MaxPool": pool, "AveragePool": pool, "Gemm": gemm, "MatMul": matmul,
    "Concat": concat, "Reshape": reshape, "Transpose": transpose, "Gather": gather, "Slice": slices, "Pad": pad,
    "BatchNormalization": batch_norm, "LayerNormalization": layer_norm, "Clip": clip, "Unsqueeze": unsqueezed,
    "Squeeze": squeezed, "Where": where, "Expand": expand, "Tile": tile, "Cast": cast, "TopK": top_k,
    "LeakyRelu": leaky,
}  # fmt: skip


def test_they_are_forty() -> None:
    assert len(OPS) >= 40


@pytest.mark.parametrize("op", OPS)
@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(RANDOM)
def test_drawn(op: str, r: Random) -> None:
    inputs, attributes = OPS[op](r)
    check(
        op,
        inputs,
        17,
        n_outputs=2 if op == "TopK" else 1,
        symbolic=op in UNARY + BINARY,
        rtol=1e-4,
        atol=1e-4,
        **attributes,
    )


@pytest.mark.long
@pytest.mark.parametrize("op", OPS)
@settings(max_examples=300, suppress_health_check=list(HealthCheck), derandomize=False)
@given(RANDOM)
def test_many_drawn(op: str, r: Random) -> None:
    inputs, attributes = OPS[op](r)
    check(
        op,
        inputs,
        17,
        n_outputs=2 if op == "TopK" else 1,
        symbolic=op in UNARY + BINARY,
        rtol=1e-4,
        atol=1e-4,
        **attributes,
    )
