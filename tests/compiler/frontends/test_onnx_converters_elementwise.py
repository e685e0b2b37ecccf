"""Elementwise operators against ONNX Runtime."""

from __future__ import annotations

import numpy as np
import pytest

from vinoc.ir.errors import VinocError

from .onnx_util import check

RNG = np.random.default_rng(0)


def floats(*shape: int, dtype: type = np.float32) -> np.ndarray:
    return RNG.normal(size=shape).astype(dtype)


def whole(*shape: int, low: int = -9, high: int = 10, dtype: type = np.int64) -> np.ndarray:
    return RNG.integers(low, high, shape).astype(dtype)


@pytest.mark.parametrize("opset", [7, 13])
@pytest.mark.parametrize("op", ["Abs", "Neg", "Exp", "Ceil", "Floor", "Sin", "Cos", "Tan", "Atan"])
def test_unary(op: str, opset: int) -> None:
    check(op, [floats(2, 3, 4)], opset)


@pytest.mark.parametrize("op", ["Sign", "Sinh", "Cosh", "Asinh", "Round", "IsNaN"])
def test_newer_unary(op: str) -> None:
    x = np.array([-2.5, -1.5, -0.5, 0.0, 0.5, 1.5, 2.5, np.nan if op == "IsNaN" else 0.3], np.float32)
    check(op, [x], 13)


@pytest.mark.parametrize("op", ["Asin", "Acos", "Atanh", "Sqrt", "Log", "Reciprocal"])
def test_unary_on_the_unit_interval(op: str) -> None:
    check(op, [RNG.uniform(0.05, 0.95, (3, 5)).astype(np.float32)], 13)


def test_acosh() -> None:
    check("Acosh", [RNG.uniform(1, 4, (3, 5)).astype(np.float32)], 13)


def test_integers() -> None:
    check("Abs", [whole(4)], 13)
    check("Neg", [whole(4, dtype=np.int32)], 13)
    check("BitwiseNot", [whole(4, dtype=np.int32)], 18)
    check("Not", [whole(4) > 0], 13)


@pytest.mark.parametrize("opset", [7, 14, 21])
@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div"])
def test_arithmetic_broadcasts(op: str, opset: int) -> None:
    check(op, [floats(2, 3, 4), floats(3, 1)], opset)
    check(op, [whole(5, 1), whole(4, low=1)], opset)
    check(op, [whole(3, dtype=np.int32), np.array(-2, np.int32)], opset)


def test_integer_division_truncates() -> None:
    a = np.array([7, -7, 7, -7, 1, -1], np.int64)
    check("Div", [a, np.array([2, 2, -2, -2, 2, 2])], 14, expected=[np.array([3, -3, -3, 3, 0, 0])])


@pytest.mark.parametrize("opset", [1, 6])
def test_attributes_that_broadcast(opset: int) -> None:
    a, b = floats(2, 3, 4, 5), floats(3, 4)
    check("Add", [a, b], opset, broadcast=1, axis=1, symbolic=False, expected=[a + b[:, :, None]])
    check("Mul", [a, b[0, 0].reshape(1)], opset, broadcast=1, symbolic=False, expected=[a * b[0, 0]])
    check("Sub", [a, a[0]], opset, broadcast=1, symbolic=False, expected=[a - a[0]])


@pytest.mark.parametrize("op", ["And", "Or", "Xor"])
def test_logic(op: str) -> None:
    check(op, [whole(4, 3) > 0, whole(3) > 0], 7)


@pytest.mark.parametrize("op", ["Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual"])
def test_comparison(op: str) -> None:
    check(op, [whole(4, 3, high=0), whole(3, high=0)], 16)
    check(op, [floats(4, 3), floats(1, 3)], 16)


@pytest.mark.parametrize("op", ["Sum", "Mean", "Max", "Min"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_variadic(op: str, count: int) -> None:
    check(op, [floats(2, 3), floats(3), floats(2, 1)][:count], 13)


def test_mean_keeps_half_precision() -> None:
    check("Sum", [floats(3, dtype=np.float64)] * 3, 13)
    check("Max", [whole(3), whole(2, 1)], 13)


def test_pow() -> None:
    x = RNG.uniform(0.5, 3, (2, 3)).astype(np.float32)
    check("Pow", [x, floats(3)], 7)
    check("Pow", [x, np.array(2, np.int64)], 15)
    check("Pow", [whole(4, low=1, dtype=np.int32), np.array([0.5, 2, 3, 1], np.float32)], 15)
    check("Pow", [whole(4), np.array([0, 1, 2, 3], np.int32)], 15)


def test_mod() -> None:
    a, b = np.array([-4, 7, 5, 4, -7, 8]), np.array([2, -3, 8, -2, 3, 5])
    check("Mod", [a, b], 13)
    check("Mod", [a, b], 13, fmod=1)
    check("Mod", [floats(6) * 5, floats(6)], 13, fmod=1, rtol=1e-4)


def test_where_and_special_values() -> None:
    check("Where", [whole(3, 1) > 0, floats(3, 4), floats(4)], 16)
    x = np.array([1, np.inf, -np.inf, np.nan], np.float32)
    for negative, positive in ((1, 1), (0, 1), (1, 0)):
        check("IsInf", [x], 10, detect_negative=negative, detect_positive=positive)


def test_bits() -> None:
    a, b = whole(5, low=0, high=255, dtype=np.uint8), whole(5, low=0, high=8, dtype=np.uint8)
    check("BitShift", [a, b], 11, direction="LEFT")
    check("BitShift", [a, b], 11, direction="RIGHT")
    for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor"):
        check(op, [whole(4, 3, dtype=np.int32), whole(3, dtype=np.int32)], 18)


@pytest.mark.parametrize("opset", [6, 9, 13, 21])
@pytest.mark.parametrize("to", [1, 3, 6, 7, 9, 10, 11])
def test_cast(opset: int, to: int) -> None:
    check("Cast", [np.array([-3.7, -0.5, 0.0, 0.2, 1.0, 99.9], np.float32)], opset, to=to)
    check("Cast", [whole(6)], opset, to=to)
    check("Cast", [whole(6) > 0], opset, to=to)


def test_cast_like() -> None:
    check("CastLike", [floats(3), whole(1, dtype=np.int32)], 15)


def test_an_unknown_element_type_is_named() -> None:
    with pytest.raises(VinocError, match="99"):
        check("Cast", [floats(3)], 13, to=99, expected=[floats(3)])


def test_constants_are_folded() -> None:
    graph = check("Add", [floats(3), floats(3)], 13, constant=[0, 1])
    assert [n.kind for n in graph] == ["Constant"] * len(graph)
