"""Elementwise nodes, alone and in chains, against the reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.ir import dtype as dt

from .checked import check

UNARY = (
    "Abs", "Negative", "Sign", "Ceiling", "Floor", "Sqrt", "Exp", "Log", "Erf", "Sin", "Cos", "Tan", "Asin", "Acos",
    "Atan", "Sinh", "Cosh", "Tanh", "Asinh", "Acosh", "Atanh", "ReLU", "Sigmoid", "SoftPlus", "Mish", "HSwish",
    "HSigmoid", "SoftSign", "Swish", "IsNaN", "IsFinite", "IsInf",
)  # fmt: skip
WITH_ATTRIBUTES: dict[str, Callable[..., Any]] = {
    "Clamp": lambda b, x: b.Clamp(x, min=-0.5, max=1.25),
    "Round": lambda b, x: b.Round(x, mode="half_to_even"),
    "Round away": lambda b, x: b.Round(x, mode="half_away_from_zero"),
    "Elu": lambda b, x: b.Elu(x, alpha=0.7),
    "Gelu": lambda b, x: b.Gelu(x, approximation_mode="ERF"),
    "Gelu tanh": lambda b, x: b.Gelu(x, approximation_mode="TANH"),
    "Swish beta": lambda b, x: b.Swish(x, np.float32(1.5)),
    "HardSigmoid": lambda b, x: b.HardSigmoid(x, np.float32(0.3), np.float32(0.4)),
    "Selu": lambda b, x: b.Selu(x, np.array([1.6], np.float32), np.array([1.05], np.float32)),
    "IsInf positive": lambda b, x: b.IsInf(x, detect_negative=False),
    **{f"Power {p}": lambda b, x, p=p: b.Power(x, np.float32(p)) for p in (2.0, 3.0, 0.5, -1.0, -0.5, -2.0, 1.7)},
}
BINARY = (
    "Add", "Subtract", "Multiply", "Divide", "Power", "Maximum", "Minimum", "Mod", "FloorMod", "SquaredDifference",
    "Equal", "NotEqual", "Greater", "GreaterEqual", "Less", "LessEqual", "PReLU",
)  # fmt: skip
INTEGER = (*(k for k in BINARY if k not in ("Power",)), "BitwiseAnd", "BitwiseOr", "BitwiseXor")
SPECIAL = np.array(
    [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, 3.0, 90.0, -100.0, 1e-39], np.float32
)


def numbers(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(count) * 2).astype(np.float32)


@pytest.mark.parametrize("kind", [*UNARY, *WITH_ATTRIBUTES])
@pytest.mark.parametrize("count", [37, 300])
def test_unary(kind: str, count: int) -> None:
    make = WITH_ATTRIBUTES.get(kind) or (lambda b, x: getattr(b, kind)(x))
    with np.errstate(all="ignore"):
        check(make, numbers(count, 0), threads=(1,))
        check(make, SPECIAL, threads=(1,))


@pytest.mark.parametrize("kind", BINARY)
def test_binary(kind: str) -> None:
    pairs = np.array([(a, b) for a in SPECIAL for b in SPECIAL], np.float32)
    with np.errstate(all="ignore"):
        check(lambda b, x, y: getattr(b, kind)(x, y), pairs[:, 0].copy(), pairs[:, 1].copy(), threads=(1,))
        check(lambda b, x, y: getattr(b, kind)(x, y), numbers(200, 0), numbers(200, 1), threads=(1,))


@pytest.mark.parametrize("type", ["int8", "uint8", "int32", "uint32", "int64", "uint64"])
@pytest.mark.parametrize("kind", INTEGER)
def test_integers(kind: str, type: str) -> None:
    info = np.iinfo(type)
    edge = np.array([info.min, info.min + 1, info.max, 0, 1, 2, 7, info.max // 3, info.max - 1, 100], type)
    if info.min < 0:
        edge = np.concatenate([edge, np.array([-1, -2, -7], type)])
    pairs = np.array([(a, b) for a in edge for b in edge], type)
    with np.errstate(all="ignore"):
        check(lambda b, x, y: getattr(b, kind)(x, y), pairs[:, 0].copy(), pairs[:, 1].copy(), threads=(1,))


@pytest.mark.parametrize("type", ["int8", "uint8", "int32", "int64"])
def test_integers_alone(type: str) -> None:
    info = np.iinfo(type)
    x = np.array([info.min, info.max, *range(100)], type)

    def make(b: Any, v: Any) -> Any:
        kinds = ("Abs", "Negative", "Sign", "ReLU", "Floor", "BitwiseNot")
        shifts = np.array([0, 1, 3, info.bits - 1, info.bits, info.bits + 5] * 17, type)
        odd = np.array(info.max - 3, type)
        return (
            *(getattr(b, k)(v) for k in kinds), b.Clamp(v, min=-2.5, max=70.5), b.Divide(v, np.array(7, type)),
            b.BitwiseLeftShift(v, shifts), b.BitwiseRightShift(v, shifts), b.Divide(v, odd, m_pythondiv=False)
        )  # fmt: skip

    with np.errstate(all="ignore"):
        check(make, x, threads=(1,))


TYPES = (
    "float32",
    "float64",
    "float16",
    "int8",
    "uint8",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "bool",
)


@pytest.mark.parametrize("source", TYPES)
def test_conversions(source: str) -> None:
    rng = np.random.default_rng(0)
    if source.startswith("float"):
        x = np.concatenate([SPECIAL, rng.standard_normal(50) * 300, [1e4, -1e4, 6e4]]).astype(source)
    elif source == "bool":
        x = rng.random(50) < 0.5
    else:
        x = np.concatenate(
            [rng.integers(0, 127, 50).astype(source), np.array([np.iinfo(source).max, np.iinfo(source).min], source)]
        ).astype(source)
    to = [t for t in TYPES if not (source == "float64" and t == "float16")]

    def make(b: Any, v: Any) -> Any:
        return tuple(b.Convert(v, destination_type=dt.from_numpy(np.dtype(t))) for t in to if t != source)

    with np.errstate(all="ignore"):
        check(make, x, threads=(1,), tolerance=0)


@pytest.mark.parametrize("type", ["float16", "bfloat16", "float64"])
def test_other_floats(type: str) -> None:
    import ml_dtypes

    rng = np.random.default_rng(0)
    held = np.dtype(ml_dtypes.bfloat16) if type == "bfloat16" else np.dtype(type)
    x, y = ((rng.standard_normal(77) * 3).astype(held) for _ in range(2))

    def make(b: Any, u: Any, v: Any) -> Any:
        return b.Maximum(b.Add(b.Multiply(u, v), u), b.ReLU(b.Subtract(v, u))), b.Less(u, v)

    check(make, x, y, threads=(1,), tolerance=0)


def test_logic() -> None:
    rng = np.random.default_rng(0)
    x, y, z = (rng.random((5, 41)) < 0.5 for _ in range(3))
    f, g = (rng.standard_normal((5, 41)).astype(np.float32) for _ in range(2))

    def make(b: Any, x: Any, y: Any, z: Any, f: Any, g: Any) -> Any:
        c = b.LogicalOr(b.LogicalAnd(x, y), b.LogicalXor(b.LogicalNot(z), b.Less(f, g)))
        return c, b.Select(c, f, g), b.Convert(c, destination_type=dt.f32)

    check(make, x, y, z, f, g)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_broadcasting(data: st.DataObject) -> None:
    """Operands of any shapes that broadcast, some of them transposed or cut out of larger ones, one a constant."""
    rank = data.draw(st.integers(1, 5))
    shape = [data.draw(st.integers(1, 9)) for _ in range(rank)]
    shape[data.draw(st.integers(0, rank - 1))] = data.draw(st.sampled_from([1, 16, 67, 130]))

    def smaller() -> tuple[int, ...]:
        kept = [n if data.draw(st.booleans()) else 1 for n in shape]
        return tuple(kept[data.draw(st.integers(0, rank - 1)) :])

    rng = np.random.default_rng(0)
    order = data.draw(st.permutations(range(rank)))
    turned = rng.standard_normal([shape[k] for k in order]).astype(np.float32)
    larger = rng.standard_normal([n + 1 for n in shape]).astype(np.float32)
    small, constant = (rng.standard_normal(smaller()).astype(np.float32) for _ in range(2))

    def make(b: Any, t: Any, w: Any, s: Any) -> Any:
        back = b.Transpose(t, np.argsort(order))
        axes = np.arange(rank)
        cut = b.Slice(w, np.ones(rank, np.int64), np.array(shape) + 1, np.ones(rank, np.int64), axes)
        y = b.Multiply(b.Add(back, s), constant)
        return b.Sigmoid(b.Subtract(y, b.Maximum(cut, np.float32(0.25))))

    check(make, turned, larger, small, threads=(1, 3))


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 40), st.integers(1, 9), st.sampled_from([256, 16, 3]), st.booleans())
def test_fake_quantize(channels: int, size: int, levels: int, per_channel: bool) -> None:
    rng = np.random.default_rng(channels)
    x = (rng.standard_normal((2, channels, size, size)) * 2).astype(np.float32)
    shape = (1, channels, 1, 1) if per_channel else (1,)
    low = -rng.random(shape).astype(np.float32) * 2
    high = low + 0.5 + rng.random(shape).astype(np.float32) * 3

    check(lambda b, v: b.FakeQuantize(v, low, high, low * 2, high * 2, levels=levels), x, threads=(1,))


def test_slopes_of_channels() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 7, 5, 5)).astype(np.float32)
    check(lambda b, v: b.PReLU(v, np.linspace(-1, 1, 7, dtype=np.float32)), x)


def test_behind_a_convolution() -> None:
    """The operand is channels-last; so is the result, until the end."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, 8, 9, 9)).astype(np.float32)
    w = rng.standard_normal((24, 8, 3, 3)).astype(np.float32)
    scale = rng.standard_normal((24, 1, 1)).astype(np.float32)

    def make(b: Any, v: Any) -> Any:
        y = b.Convolution(v, w, strides=[1, 1], dilations=[1, 1], pads_begin=[1, 1], pads_end=[1, 1])
        return b.Add(b.Multiply(b.Sin(y), scale), b.Multiply(y, y))

    check(make, x, tolerance=1e-5)


def test_many_nodes_and_operands() -> None:
    rng = np.random.default_rng(0)
    xs = [rng.standard_normal((3, 50)).astype(np.float32) for _ in range(30)]

    def make(b: Any, *values: Any) -> Any:
        total = values[0]
        for k, v in enumerate(values[1:]):
            total = b.Add(b.Multiply(total, np.float32(0.5 + k / 40)), v)
        return total

    check(make, *xs, threads=(2,))


def test_empty() -> None:
    check(lambda b, x: b.Add(b.Exp(x), np.float32(1)), np.zeros((0, 4), np.float32))


@pytest.mark.parametrize("channels", [1, 3, 8, 9])
@pytest.mark.parametrize("size", [(5, 7), (1, 33), (4, 1)])
def test_constants_of_few_channels(channels: int, size: tuple[int, int]) -> None:
    """An image of a camera, channels-last, brought into the range of a model."""
    rng = np.random.default_rng(channels)
    mean, scale = (rng.uniform(1, 2, (1, channels, 1, 1)).astype(np.float32) for _ in range(2))

    def make(b: Any, x: Any) -> Any:
        image = b.Convert(b.Transpose(x, np.array([0, 3, 1, 2])), destination_type=dt.f32)
        return b.Multiply(b.Subtract(image, mean), scale)

    check(make, rng.integers(0, 256, (2, *size, channels)).astype(np.uint8))
