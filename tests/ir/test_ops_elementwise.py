"""Elementwise operations, reductions, conversion and quantization: inferred, computed, compared with OpenVINO."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from vinoc.ir.buffer import Buffer
from vinoc.ir.constant import Constant
from vinoc.ir.dim import symbol, unknown
from vinoc.ir.dtype import DType, from_numpy
from vinoc.ir.errors import InferenceError, VinocError
from vinoc.ir.op import registry
from vinoc.ir.ops import (
    activation,
    bitwise,
    comparison,
    convert,
    elementwise,
    generate,
    logical,
    lookup,
    quantize,
    reduction,
    unary,
)
from vinoc.ir.ops.elementwise import Binary

from .checked import f32, fits, i32, i64, infer, known, make, one, openvino, run, scalar

t = SimpleNamespace(**DType.registry)
N, M = symbol("N"), symbol("M", 1)
F32 = np.float32
MODULES = (activation, bitwise, comparison, convert, elementwise, generate, logical, lookup, quantize, reduction, unary)


SPREAD = f32(-300, -90, -20, -6, -3, -1.5, -1, -0.5, -1e-4, 0, 1e-4, 0.5, 1, 1.5, 2.5, 3, 6, 20, 90, 300)
UNIT = np.linspace(-0.99, 0.99, 12, dtype=F32)
PAIR = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(F32)
ROW = np.random.default_rng(1).normal(size=(3, 1)).astype(F32)
INTS, DIVISORS = i32(7, -7, 7, -7, 6, 0), i32(3, 3, -3, -3, 2, 5)
BOOLS = np.array([[True, False], [True, True]])

# kind -> (attributes, operands); `True` behind them where OpenVINO computes the same
CASES: dict[str, list[tuple[dict[str, Any], tuple[Any, ...], bool]]] = {}


def case(kind: str, *operands: Any, same: bool = True, **attributes: Any) -> None:
    CASES.setdefault(kind, []).append((attributes, operands, same))


for kind in ["Add", "Subtract", "Multiply", "Divide", "Maximum", "Minimum", "SquaredDifference"]:
    case(kind, PAIR, ROW)
    case(kind, PAIR.astype(np.float16), ROW.astype(np.float16), same=False)
    case(kind, PAIR, scalar(2.0))
    case(kind, INTS, DIVISORS, same=kind != "Divide")
case("Power", np.abs(PAIR), ROW)
case("Power", i32(2, -3, 1, -1, 0, 5), i32(3, 3, -2, -3, 2, -1), same=False)
case("Power", i64(2, 3), i64(10, 0))
for kind in ("Mod", "FloorMod"):
    case(kind, INTS, DIVISORS)
    case(kind, PAIR, ROW)
for kind in ["Equal", "NotEqual", "Greater", "GreaterEqual", "Less", "LessEqual"]:
    case(kind, f32(1, 2, 3), f32(2, 2, 2))
    case(kind, PAIR, ROW)
    case(kind, INTS, scalar(0, np.int32))
for kind in ["LogicalAnd", "LogicalOr", "LogicalXor"]:
    case(kind, BOOLS, np.array([False, True]))
case("LogicalNot", BOOLS)
for kind in ["BitwiseAnd", "BitwiseOr", "BitwiseXor"]:
    case(kind, INTS, DIVISORS)
    case(kind, BOOLS, np.array([False, True]))
case("BitwiseNot", INTS)
case("BitwiseNot", BOOLS)
case("BitwiseLeftShift", INTS, np.abs(DIVISORS))
case("BitwiseRightShift", INTS, np.abs(DIVISORS))
case("Select", BOOLS, f32(1, 2), f32(3).reshape(1, 1))
case("Select", BOOLS, scalar(1, np.int32), i32(5, 6))

for kind in ["Abs", "Negative", "Sign", "Ceiling", "Floor"]:
    case(kind, SPREAD)
    case(kind, INTS)
case("Identity", BOOLS, same=False)
for mode in ("half_to_even", "half_away_from_zero"):
    case("Round", f32(0.5, 1.5, -0.5, -2.5, 2.4), mode=mode)
    case("Round", INTS, mode=mode)
for kind in ["Exp", "Sin", "Cos", "Sinh", "Cosh", "Tanh", "Atan", "Asinh"]:
    case(kind, np.clip(SPREAD, -20, 20))
case("Tan", UNIT)
case("Erf", np.clip(SPREAD, -7, 7))
for kind in ["Asin", "Acos", "Atanh"]:
    case(kind, UNIT)
for kind in ["Sqrt", "Log"]:
    case(kind, f32(0.001, 1, 2, 1e10))
case("Acosh", f32(1, 1.5, 20))
STRANGE = f32(1, np.nan, np.inf, -np.inf)
for kind in ("IsFinite", "IsNaN", "IsInf"):
    case(kind, STRANGE)
case("IsInf", STRANGE, detect_negative=False)
case("IsInf", STRANGE, detect_positive=False)
MATRICES = np.random.default_rng(2).normal(size=(2, 3, 3)).astype(F32) + 2 * np.eye(3, dtype=F32)
case("Inverse", MATRICES)
case("Inverse", MATRICES, adjoint=True)

for kind in ["ReLU", "Sigmoid", "Gelu", "SoftPlus", "Mish", "HSwish", "HSigmoid", "SoftSign", "Swish"]:
    case(kind, SPREAD)
    case(kind, SPREAD.astype(np.float16), same=False)
case("ReLU", INTS)
case("Gelu", SPREAD, approximation_mode="TANH")
case("Swish", SPREAD, scalar(0.3))
case("Elu", SPREAD, alpha=1.7)
case("Clamp", SPREAD, min=-1.25, max=2.5)
case("Clamp", INTS, min=-1.5, max=2.5)
case("Clamp", INTS, min=-1e30, max=math.inf, same=False)
case("HardSigmoid", SPREAD, scalar(0.2), scalar(0.6))
case("Selu", SPREAD, scalar(1.67), scalar(1.05))
case("PReLU", PAIR, f32(0.1, 0.2, 0.3))
case("PReLU", PAIR, f32(0.1, 0.2, 0.3, 0.4).reshape(1, 1, 4))
case("PReLU", PAIR, scalar(0.5).reshape(1))
case("Dropout", PAIR, ratio=0.3, same=False)

for kind in ["ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceL1", "ReduceL2"]:
    case(kind, PAIR, i64(1))
    case(kind, PAIR, i64(-1, 0), keep_dims=True)
    case(kind, PAIR, scalar(2, np.int64))
    case(kind, INTS, i64(0))
    case(kind, PAIR.astype(np.float16), i64(0, 2), same=False)
case("ReduceMean", i32(-1, -2, -2), i64(0))
case("ReduceSum", PAIR, i64(), same=False)
case("ReduceMax", np.zeros((0, 2), np.int32), i64(0))
for kind in ("ReduceLogicalAnd", "ReduceLogicalOr"):
    case(kind, BOOLS, i64(1))
    case(kind, BOOLS, i64(0, 1), keep_dims=True)
for exclusive in (False, True):
    for reverse in (False, True):
        case("CumSum", PAIR, scalar(1, np.int64), exclusive=exclusive, reverse=reverse)
case("CumSum", INTS, scalar(-1, np.int64))
case("CumSum", PAIR, same=False)

case("Convert", f32(1.7, -1.7, 0, 250), destination_type=t.i32)
case("Convert", f32(1.7, 0, -0.3), destination_type=t.boolean)
case("Convert", i32(300, -300, 128), destination_type=t.i8)
case("Convert", BOOLS, destination_type=t.f32)
case("Convert", f32(1e6, 1e-8, 0.1), destination_type=t.f16)
case("Convert", f32(0.1, -3), destination_type=t.bf16, same=False)
case("Convert", f32(7.9, 100, -100), destination_type=t.i4, same=False)
case("ConvertLike", f32(1.5, -1.5), i32(0))
case("Range", scalar(1, np.int32), scalar(10, np.int32), scalar(3, np.int32), output_type=t.i32)
case("Range", scalar(5.0), scalar(0.0), scalar(-0.5), output_type=t.f32)
case("Range", scalar(5, np.int64), scalar(0, np.int64), scalar(1, np.int64), output_type=t.i64, same=False)
case("Eye", scalar(3, np.int32), scalar(4, np.int32), scalar(1, np.int32), output_type=t.f32)
case("Eye", scalar(3, np.int32), scalar(2, np.int32), scalar(-1, np.int32), i32(2, 2), output_type=t.i32)
case("OneHot", i64(-1, 0, 3, 2), scalar(3, np.int64), scalar(5.0), scalar(1.0), axis=-1)
case("OneHot", i64(1, 0, 2).reshape(3, 1), scalar(3, np.int64), scalar(5, np.int32), scalar(1, np.int32), axis=0)
EDGES, SORTED = f32(0, 1, 1.5, 2, 9), f32(1, 2, 3)
for flag in (False, True):
    case("Bucketize", EDGES, SORTED, with_right_bound=flag, output_type=t.i32)
    case("SearchSorted", SORTED, EDGES, right_mode=flag)
    case("SearchSorted", np.stack([SORTED, SORTED * 2]), np.stack([EDGES, EDGES]), right_mode=flag, output_type=t.i32)
LOW, HIGH = f32(-1, -2, -3).reshape(3, 1), f32(1, 2, 3).reshape(3, 1)
for levels in (256, 255, 2, 16):
    case("FakeQuantize", PAIR * 2, LOW, HIGH, LOW, HIGH, levels=levels)
case("FakeQuantize", PAIR, scalar(0.0), scalar(1.0), scalar(2.0), scalar(-2.0), levels=5)
case("FakeConvert", SPREAD, scalar(1.5), scalar(0.25), destination_type=t.f8e4m3)
case("FakeConvert", SPREAD * 1000, scalar(1.5), destination_type=t.f8e5m2)
for alignment in ("tensorflow", "pytorch"):
    for dtype in (t.f32, t.i32):
        low, high = scalar(2, dtype.numpy), scalar(50, dtype.numpy)
        case("RandomUniform", i64(3, 5), low, high, output_type=dtype, global_seed=7, op_seed=9, alignment=alignment)
case("RandomUniform", i64(2, 3), i64(-5), i64(2**40), output_type=t.i64, op_seed=1, same=False)
PROBS = f32(0.1, 0.2, 0.3, 0.4).reshape(1, 4)
for flag in (True, False):
    drawn = {"convert_type": t.i32, "with_replacement": flag, "global_seed": 3}
    case("Multinomial", PROBS, scalar(4, np.int32), log_probs=False, same=False, **drawn)
    case("Multinomial", np.log(PROBS[0]), i64(3), log_probs=True, same=False, **drawn)

case("CumProd", PAIR, scalar(1, np.int64), same=False)
case("CumProd", i32(1, 2, 3, 4), scalar(0, np.int32), exclusive=True, reverse=True, same=False)
case("BitCast", SPREAD, destination_type=t.i32, same=False)
case("BitCast", i64(0, -1, 1 << 62), destination_type=t.f64, same=False)
case(
    "MelWeightMatrix",
    *(scalar(v, np.int64) for v in (8, 64, 16000)),
    scalar(0.0),
    scalar(8e3),
    output_type=t.f32,
    same=False,
)
case("DropoutMask", i64(3, 4), scalar(0.5), seed=3, same=False)

ALL = [
    pytest.param(kind, attributes, operands, same, id=f"{kind}-{i}")
    for kind, cases in CASES.items()
    for i, (attributes, operands, same) in enumerate(cases)
]


def test_every_operation_has_a_case() -> None:
    mine = {m.__name__ for m in MODULES}
    assert {k for k, c in registry().items() if c.__module__ in mine} == set(CASES)


@pytest.mark.parametrize(("kind", "attributes", "operands", "same"), ALL)
def test_result_has_the_inferred_type_and_openvino_agrees(
    kind: str, attributes: Any, operands: Any, same: bool
) -> None:
    op = make(kind, **attributes)
    results = run(op, *operands)
    if same:
        for ours, theirs in zip(results, openvino(op, *operands), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=3e-6)
            assert ours.dtype == theirs.dtype


@pytest.mark.parametrize(("kind", "attributes", "operands", "same"), ALL)
def test_unknown_rank_and_symbols_are_taken(kind: str, attributes: Any, operands: Any, same: bool) -> None:
    """Types from less knowledge cover the types from more."""
    op = make(kind, **attributes)
    results = run(op, *operands)
    dtypes = [from_numpy(a.dtype) for a in operands]
    anything = [(d, None) for d in dtypes]
    loose = [(d, tuple(n if n == 1 else unknown() for n in a.shape)) for d, a in zip(dtypes, operands, strict=True)]
    for types in (infer(op, *anything), infer(op, *loose)):
        for found, result in zip(types, results, strict=True):
            assert found.dtype.numpy == result.dtype
            assert fits(result.shape, found.shape)


BINARY = [k for k, c in registry().items() if issubclass(c, Binary)]


@pytest.mark.parametrize("kind", BINARY)
def test_binary_refuses(kind: str) -> None:
    with pytest.raises(InferenceError, match="element types f32 and i32 differ"):
        one(make(kind), (t.f32, (2,)), (t.i32, (2,)))
    with pytest.raises(InferenceError, match="boolean, expected numbers"):
        one(make(kind), (t.boolean, (2,)), (t.boolean, (2,)))
    with pytest.raises(InferenceError, match="do not broadcast"):
        one(make(kind), (t.f32, (2, 3)), (t.f32, (2, 4)))
    with pytest.raises(InferenceError, match="differ in rank"):
        one(make(kind, auto_broadcast="none"), (t.f32, (2, 3)), (t.f32, (3,)))
    assert one(make(kind), (t.f32, (N, 1)), (t.f32, (3,))).shape == (N, 3)
    assert one(make(kind), (t.f32, (N, M)), (t.f32, (N, M))).shape == (N, M)
    assert one(make(kind), (t.f32, None), (t.f32, (3,))).shape is None


def test_unary_refuses() -> None:
    for kind in ["Sqrt", "Exp", "Log", "Erf", "Sin", "Sigmoid", "Gelu", "Mish", "IsNaN", "HSwish"]:
        with pytest.raises(InferenceError, match=r"i32, expected floating-point numbers"):
            one(make(kind), (t.i32, (2,)))
    for kind in ["Abs", "Negative", "Sign", "Floor", "ReLU"]:
        with pytest.raises(InferenceError, match="boolean, expected numbers"):
            one(make(kind), (t.boolean, (2,)))
    for kind in ("LogicalNot",):
        with pytest.raises(InferenceError, match="f32, expected boolean"):
            one(make(kind), (t.f32, (2,)))


@pytest.mark.parametrize(
    ("kind", "attributes", "operands", "message"),
    [
        ("LogicalAnd", {}, [(t.f32, (2,)), (t.f32, (2,))], "expected boolean"),
        ("BitwiseAnd", {}, [(t.f32, (2,)), (t.f32, (2,))], "expected integers or booleans"),
        ("BitwiseLeftShift", {}, [(t.boolean, ()), (t.boolean, ())], "expected integers"),
        ("Less", {}, [(t.string, ()), (t.string, ())], "have no order"),
        ("Select", {}, [(t.f32, ()), (t.f32, ()), (t.f32, ())], "the condition is f32"),
        ("Select", {}, [(t.boolean, ()), (t.f32, ()), (t.f16, ())], "f32 and f16 differ"),
        ("PReLU", {}, [(t.f32, (2, 3, 4)), (t.f32, (5,))], "does not broadcast"),
        ("PReLU", {}, [(t.f32, (2, 3)), (t.f32, (1, 2, 3))], "does not broadcast"),
        ("Swish", {}, [(t.f32, (2,)), (t.f32, (2,))], "beta must be a scalar"),
        ("HardSigmoid", {}, [(t.f32, (2,)), (t.f32, ()), (t.f16, ())], "f32 and f16 differ"),
        ("Inverse", {}, [(t.f32, (2, 3))], "not square"),
        ("Inverse", {}, [(t.f32, (3,))], "expected matrices"),
        ("ReduceSum", {}, [(t.boolean, (2,)), (t.i64, (1,))], "data is boolean"),
        ("ReduceSum", {}, [(t.f32, (2,)), (t.f32, (1,))], "axes is f32"),
        ("ReduceSum", {}, [(t.f32, (2,)), i64(2)], "axes 2 is out of range for rank 1"),
        ("ReduceSum", {}, [(t.f32, (2,)), i64(0, -1)], "names a dimension twice"),
        ("ReduceSum", {}, [(t.f32, (2,)), (t.i64, (2,))], "2 axes are reduced, the rank is 1"),
        ("ReduceSum", {}, [(t.f32, (2,)), (t.i64, (1, 1))], "scalar or a list"),
        ("ReduceLogicalOr", {}, [(t.f32, (2,)), (t.i64, (1,))], "expected boolean"),
        ("CumSum", {}, [(t.f32, (2,)), scalar(1, np.int64)], "axis 1 is out of range"),
        ("CumSum", {}, [(t.f32, ())], "no axis"),
        ("Convert", {"destination_type": t.f32}, [(t.string, ())], "string does not convert"),
        ("Convert", {"destination_type": t.f32}, [(t.nf4, ())], "holds codes"),
        ("Convert", {"destination_type": t.u3}, [(t.f32, ())], "do not convert to u3"),
        ("ConvertLike", {}, [(t.f32, ()), (t.string, ())], "does not convert"),
        ("Range", {"output_type": t.i64}, [scalar(0, np.int64), (t.i64, ()), (t.boolean, ())], "step is boolean"),
        ("Range", {"output_type": t.i64}, [i64(0), i64(5), i64(0)], "step is 0"),
        ("Range", {"output_type": t.i64}, [i64(0, 1), i64(5), i64(0)], "start must be a scalar"),
        ("Eye", {"output_type": t.i64}, [i64(-1), i64(5), i64(0)], "number of rows is -1"),
        ("OneHot", {}, [(t.f32, (2,)), i64(2), scalar(1), scalar(0)], "indices is f32"),
        ("OneHot", {}, [(t.i64, (2,)), i64(-2), scalar(1), scalar(0)], "depth is -2"),
        ("OneHot", {"axis": 2}, [(t.i64, (2,)), i64(2), scalar(1), scalar(0)], "axis 2 is out of range"),
        ("Bucketize", {}, [(t.f32, (2,)), (t.f32, (2, 2))], "must be a list"),
        ("SearchSorted", {}, [(t.f32, (2, 3)), (t.f32, (3, 3))], "do not match"),
        ("SearchSorted", {}, [(t.f32, (2, 3)), (t.f32, (3,))], "do not match"),
        ("FakeQuantize", {"levels": 4}, [(t.i32, ())] + [(t.f32, ())] * 4, "data is i32"),
        ("FakeQuantize", {"levels": 4}, [(t.f32, (2, 3))] + [(t.f32, (2,))] * 4, "do not broadcast"),
        ("RandomUniform", {"output_type": t.f32}, [i64(2), i64(0), i64(1)], "`output_type` is f32"),
    ],
)
def test_refuses(kind: str, attributes: Any, operands: Any, message: str) -> None:
    with pytest.raises(InferenceError, match=message):
        infer(make(kind, **attributes), *operands)


@pytest.mark.parametrize(
    ("kind", "attributes", "message"),
    [
        ("Clamp", {"min": 2.0, "max": 1.0}, "min 2.0 is above max 1.0"),
        ("FakeQuantize", {"levels": 1}, "expected at least 2"),
        ("FakeConvert", {"destination_type": t.f16}, "expected f8e4m3 or f8e5m2"),
        ("Bucketize", {"output_type": t.f32}, "expected i32 or i64"),
        ("Range", {"output_type": t.boolean}, "expected a type of numbers"),
        ("Round", {"mode": "half_up"}, "expected one of half_to_even"),
        ("Multinomial", {"convert_type": t.f32, "with_replacement": True, "log_probs": False}, "expected i32 or i64"),
    ],
)
def test_attributes_are_checked(kind: str, attributes: Any, message: str) -> None:
    with pytest.raises(VinocError, match=message):
        make(kind, **attributes)


# Arithmetic of shapes


def test_symbols_pass_through_arithmetic() -> None:
    assert known(make("Add"), (N, 3), i64(1, 1)).tolist() == [N + 1, 4]
    assert known(make("Divide"), (N * 4, N), i64(2)).tolist() == [N * 2, N // 2]
    assert known(make("Divide", m_pythondiv=False), (N * 4, N), i64(2)).tolist() == [N * 2, N // 2]
    assert known(make("Divide", m_pythondiv=False), (N - 3,), i64(2)) is None  # it may be negative
    assert known(make("Mod"), (N * 4, 7), i64(2)).tolist() == [0, 1]
    assert known(make("FloorMod"), (N * 4, 7), i64(2)).tolist() == [0, 1]
    assert known(make("Convert", destination_type=t.i32), (N, 3)).tolist() == [N, 3]
    assert known(make("ReduceProd"), (N, 3), i64(0)).tolist() == N * 3
    assert known(make("ReduceSum", keep_dims=True), (N, 3), i64(0)).tolist() == [N + 3]
    assert known(make("Select"), np.array([True, False]), (N, 3), i64(5, 6)).tolist() == [N, 6]
    assert known(make("Negative"), (N,)).tolist() == [-N]


def test_comparison_of_symbols_is_decided_by_bounds_alone() -> None:
    assert known(make("Equal"), (M, N, 3), i64(0, -1, 3)).tolist() == [False, False, True]
    assert known(make("NotEqual"), (M, N), (M, N + 1)).tolist() == [False, True]
    assert known(make("Equal"), (N,), i64(1)) is None
    assert known(make("Equal"), (unknown(),), (unknown(),)) is None


# Reductions of what is known in part


def test_reduced_shapes() -> None:
    data = (t.f32, (N, 3, M))
    assert one(make("ReduceSum"), data, i64(1)).shape == (N, M)
    assert one(make("ReduceSum", keep_dims=True), data, i64(-1)).shape == (N, 3, 1)
    assert one(make("ReduceSum"), data, (t.i64, (2,))).rank == 1
    assert one(make("ReduceSum"), data, (t.i64, ())).rank == 2
    assert one(make("ReduceSum"), data, (t.i64, (N,))).shape is None
    assert one(make("ReduceSum"), data, (t.i64, (0,))).shape == (N, 3, M)
    loose = one(make("ReduceSum", keep_dims=True), data, (t.i64, None)).shape
    assert loose is not None
    assert loose[1] == unknown(1, 3)
    assert one(make("ReduceSum", keep_dims=True), (t.f32, None), i64(0)).shape is None


def test_reduction_of_nothing() -> None:
    empty = np.zeros((0, 2), F32)
    assert run(make("ReduceMax"), empty, i64(0))[0].tolist() == [-np.inf] * 2
    assert run(make("ReduceMin"), empty, i64(0))[0].tolist() == [np.inf] * 2
    assert np.isnan(run(make("ReduceMean"), empty, i64(0))[0]).all()
    assert run(make("ReduceProd"), empty, i64(0))[0].tolist() == [1, 1]


def test_sums_are_accurate() -> None:
    values = np.full((100_000, 1), 0.1, F32)
    assert run(make("ReduceSum"), values, i64(0))[0] == F32(np.float64(F32(0.1)) * 100_000)


# Ranges and sizes


def test_sizes_from_known_operands() -> None:
    to = make("Range", output_type=t.i64)
    graph_n = known(make("Identity"), (N,))
    assert one(to, i64(2), i64(11), i64(3)).shape == (3,)
    assert one(to, i64(5), i64(0), i64(-2)).shape == (3,)
    assert one(to, i64(5), i64(0), i64(1)).shape == (0,)
    assert one(to, i64(0), (t.i64, ()), i64(1)).shape == (unknown(),)
    assert graph_n.tolist() == [N]
    assert one(make("Eye", output_type=t.f32), i64(2), i64(3), i64(0), i64(4, 5)).shape == (4, 5, 2, 3)
    assert one(make("Eye", output_type=t.f32), i64(2), i64(3), i64(0), (t.i64, (1,))).shape == (unknown(), 2, 3)
    assert one(make("OneHot", axis=1), (t.i64, (N, M)), i64(7), scalar(1), scalar(0)).shape == (N, 7, M)
    assert one(make("RandomUniform", output_type=t.f32), i64(2, 3), scalar(0), scalar(1)).shape == (2, 3)


def test_range_over_a_symbol_has_its_size() -> None:
    from vinoc.ir.graph import Graph
    from vinoc.ir.types import TensorType

    graph = Graph()
    stop = graph.add_input(TensorType(t.i64, ()))
    stop.known = np.array(N, object)
    zero, unit = (graph.insert(make_constant(v), ()).output for v in (0, 1))
    assert graph.insert(make("Range", output_type=t.i64), (zero, stop, unit)).output.shape == (N,)
    assert graph.insert(make("Range", output_type=t.i64), (stop, zero, unit)).output.shape == (0,)


def make_constant(value: int) -> Any:
    return Constant(Buffer.of(np.array(value, np.int64)))


def test_narrow_floats() -> None:
    """bf16 goes through every float operation and comes out as bf16."""
    bf16 = t.bf16.numpy
    for kind, cases in CASES.items():
        for attributes, operands, _ in cases:
            if kind in ("RandomUniform", "BitCast") or not all(a.dtype == F32 for a in operands):
                continue
            results = run(make(kind, **attributes), *[a.astype(bf16) for a in operands])
            wide = run(make(kind, **attributes), *[a.astype(bf16).astype(F32) for a in operands])
            for narrow, exact in zip(results, wide, strict=True):
                if narrow.dtype == bf16:
                    np.testing.assert_allclose(narrow.astype(F32), exact.astype(bf16).astype(F32), rtol=0.02, atol=0.02)
