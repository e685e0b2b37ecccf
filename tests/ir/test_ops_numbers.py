"""What elementwise operations compute at the edges: extremes, zeros, halves, ends of ranges, random numbers."""

from __future__ import annotations

import math
import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vinoc.ir.dtype import DType

from .checked import f32, i32, i64, make, run, scalar

t = SimpleNamespace(**DType.registry)
F32 = np.float32
PROBS = f32(0.1, 0.2, 0.3, 0.4).reshape(1, 4)


def test_erf_is_exact_to_the_last_bits() -> None:
    x = np.concatenate([np.linspace(-7, 7, 20_001), np.geomspace(1e-300, 7, 2_000)])
    exact = np.array([math.erf(v) for v in x])
    np.testing.assert_allclose(run(make("Erf"), x)[0], exact, rtol=1e-15, atol=0)


def test_extremes_are_stable_and_silent() -> None:
    x = f32(-1e38, -1000, 1000, 1e38)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run(make("Sigmoid"), x)[0].tolist() == [0, 0, 1, 1]
        assert run(make("SoftPlus"), x)[0].tolist() == [0, 0, 1000, F32(1e38)]
        assert run(make("Mish"), x)[0].tolist() == [0, 0, 1000, F32(1e38)]
        assert run(make("Swish"), x)[0].tolist() == [0, 0, 1000, F32(1e38)]
        assert run(make("Elu", alpha=1.0), x)[0].tolist() == [-1, -1, 1000, F32(1e38)]
        for kind in ("Sigmoid", "SoftPlus", "Mish", "Gelu"):
            assert np.isnan(run(make(kind), f32(np.nan))[0]).all()


def test_integer_division_by_zero_is_zero() -> None:
    for kind in ("Divide", "Mod", "FloorMod"):
        assert run(make(kind), i32(5, -5, 0), i32(0, 0, 0))[0].tolist() == [0, 0, 0]
    assert run(make("Divide", m_pythondiv=False), i32(5), i32(0))[0].tolist() == [0]
    assert run(make("Power"), i32(0, 2), i32(-1, -1))[0].tolist() == [0, 0]


@given(a=st.integers(-100, 100), b=st.integers(-20, 20).filter(bool))
def test_integer_division_rounds_as_it_says(a: int, b: int) -> None:
    assert run(make("Divide"), i32(a), i32(b))[0].tolist() == [a // b]
    assert run(make("Divide", m_pythondiv=False), i32(a), i32(b))[0].tolist() == [int(a / b)]
    assert run(make("Mod"), i32(a), i32(b))[0].tolist() == [int(math.fmod(a, b))]
    assert run(make("FloorMod"), i32(a), i32(b))[0].tolist() == [a % b]


def test_rounding_at_the_edge_of_a_half() -> None:
    edge = f32(0.49999997, -0.49999997, 8388609)  # adding a half would round in f32
    assert run(make("Round", mode="half_away_from_zero"), edge)[0].tolist() == [0, 0, 8388609]


def test_power_of_integers() -> None:
    assert run(make("Power"), i64(2, -3, 1, -1, -1, 5), i64(62, 3, -7, -3, -2, -1))[0].tolist() == [
        2**62, -27, 1, -1, 1, 0,
    ]  # fmt: skip


def test_conversion_stops_at_the_ends() -> None:
    x = f32(1.9, -1.9, 3e10, -3e10, np.inf, -np.inf, np.nan)
    top, bottom = 2**31 - 1, -(2**31)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run(make("Convert", destination_type=t.i32), x)[0].tolist() == [1, -1, top, bottom, top, bottom, 0]
        assert run(make("Convert", destination_type=t.u8), x)[0].tolist() == [1, 0, 255, 0, 255, 0, 0]
        assert run(make("Convert", destination_type=t.i64), f32(np.inf))[0].tolist() == [2**63 - 1]
        assert run(make("Convert", destination_type=t.i4), x)[0].astype(int).tolist() == [1, -1, 7, -8, 7, -8, 0]
        assert run(make("Convert", destination_type=t.f16), f32(1e9))[0].tolist() == [np.inf]


def test_decompression_is_not_folded() -> None:
    assert make("Convert", destination_type=t.f32).foldable
    assert not make("Convert", destination_type=t.f32, decompression=True).foldable


def test_strings_are_compared() -> None:
    a, b = np.array(["x", "y"], object), np.array(["x", "z"], object)
    assert run(make("Equal"), a, b)[0].tolist() == [True, False]
    assert run(make("NotEqual"), a, b)[0].tolist() == [False, True]


def test_random_numbers_fill_the_range() -> None:
    op = make("RandomUniform", output_type=t.f32, op_seed=5)
    drawn = run(op, i64(20_000), scalar(-2), scalar(6))[0]
    assert abs(drawn.mean() - 2) < 0.1
    assert -2 <= drawn.min() < -1.9
    assert 5.9 < drawn.max() < 6
    assert (op.evaluate(i64(5), scalar(0), scalar(1)) == op.evaluate(i64(5), scalar(0), scalar(1))).all()
    free = make("RandomUniform", output_type=t.f32)
    assert (free.evaluate(i64(50), scalar(0), scalar(1)) != free.evaluate(i64(50), scalar(0), scalar(1))).any()
    assert not free.foldable


def test_samples_follow_the_probabilities() -> None:
    op = make("Multinomial", convert_type=t.i64, with_replacement=True, log_probs=False, op_seed=4)
    drawn = run(op, np.repeat(PROBS, 2, 0), i64(5_000))[0]
    np.testing.assert_allclose(np.bincount(drawn.ravel()) / drawn.size, PROBS[0], atol=0.02)
    other = make("Multinomial", convert_type=t.i64, with_replacement=False, log_probs=False, op_seed=4)
    assert sorted(run(other, PROBS, i64(4))[0][0].tolist()) == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="cannot be drawn"):
        other.evaluate(PROBS, i64(5))


@settings(max_examples=60, deadline=None)
@given(
    shapes=hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=4, max_side=3),
    kind=st.sampled_from(["Add", "Maximum", "Less", "Select", "FakeQuantize"]),
)
def test_broadcasting(shapes: Any, kind: str) -> None:
    a, b, c = (np.arange(math.prod(s), dtype=F32).reshape(s) for s in shapes.input_shapes)
    if kind == "Select":
        result = run(make(kind), np.asarray(a > 1), b, c)[0]
        np.testing.assert_array_equal(result, np.where(a > 1, b, c))
    elif kind == "FakeQuantize":
        result = run(make(kind, levels=4), a, *[np.asarray(v) for v in (b - 1, c + 9, b - 1, c + 9)])[0]
        assert result.shape == shapes.result_shape
        assert (result >= (b - 1) * np.ones_like(result) - 1e-4).all()
    else:
        function: Any = {"Add": np.add, "Maximum": np.maximum, "Less": np.less}[kind]
        np.testing.assert_array_equal(run(make(kind), a, b)[0], function(a, b))
