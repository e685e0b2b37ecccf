"""Chains and the reductions of what they give, as one kernel, against the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper, save

import vinoc
from vinoc.backends.cpu.lowering.regions import CpuRegions
from vinoc.passes.base import Context

from .checked import build, check, data, i64


def distances(b: Any, x: Any, y: Any, kind: str = "ReduceSum", axis: int = 1, keep: bool = False) -> Any:
    """[N, F, 1] and [F, T]"""
    apart = b.Abs(b.Subtract(x, y))
    return getattr(b, kind)(b.Multiply(apart, apart), i64(axis), keep_dims=keep)


def kernels_of(make: Any, *inputs: np.ndarray) -> list[str]:
    graph = build(make, *inputs)
    CpuRegions().run(graph, Context())
    return [n.op.kernel for n in graph if n.kind == "Region"]  # type: ignore[attr-defined]


@settings(deadline=None, max_examples=15)
@given(
    st.integers(1, 9), st.integers(1, 12), st.integers(16, 200),
    st.sampled_from(["ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd"]), st.booleans(),
)  # fmt: skip
def test_pairs(rows: int, features: int, others: int, kind: str, keep: bool) -> None:
    x, y = data(rows, rows, features, 1), data(others, features, others)
    check(lambda b, u, v: distances(b, u, v, kind, keep=keep), x, y, tolerance=2e-5)


@pytest.mark.parametrize("kind", ["ReduceSum", "ReduceMax"])
def test_nan_and_infinity(kind: str) -> None:
    x, y = data(0, 5, 6, 1), data(1, 6, 40)
    x[1, 2], x[3, 0], y[0, 7], y[5, 39] = np.nan, np.inf, -np.inf, np.nan
    check(lambda b, u, v: distances(b, u, v, kind), x, y)


def test_doubles_and_constants() -> None:
    x, y = data(2, 7, 5, 1).astype(np.float64), data(3, 5, 33).astype(np.float64)
    check(lambda b, u: distances(b, b.Multiply(u, 3.0), b.const(y)), x)


def test_several_axes_and_operands_that_lie_elsewhere() -> None:
    """Dimensions that cannot be merged, transposed operands, columns that are no neighbours."""
    x, y = data(4, 3, 1, 4, 1, 5, 1), data(5, 1, 6, 4, 2, 5, 20)
    both = i64(2, 4)
    check(lambda b, u, v: b.ReduceSum(b.Multiply(u, v), i64(1, 2), keep_dims=True), x[0], y[0], tolerance=1e-5)
    check(lambda b, u, v: b.ReduceSum(b.Multiply(u, v), i64(0, 1, 3), keep_dims=True), x[0], y[0], tolerance=1e-5)
    check(lambda b, u, v: b.ReduceSum(b.Multiply(u, v), both), x, y, tolerance=1e-5, islands=["Region"])
    z = data(6, 40, 9)
    check(lambda b, u, v: distances(b, u, b.Transpose(v, i64(1, 0))), data(7, 6, 9, 1), z, tolerance=1e-5)
    check(lambda b, u, v: b.Transpose(distances(b, u, v), i64(1, 0)), data(8, 6, 9, 1), data(9, 9, 40), tolerance=1e-5)


def test_what_is_folded() -> None:
    """Only what is broadcast to more than it reads, and keeps its last dimension."""
    x, y = data(0, 5, 6, 1), data(1, 6, 40)
    assert kernels_of(distances, x, y) == ["folded"]
    assert kernels_of(lambda b, u, v: distances(b, u, v, axis=2), x, y) == ["chain"]
    assert kernels_of(lambda b, u, v: distances(b, u, v), data(0, 5, 6, 40), data(1, 5, 6, 40)) == ["chain"]
    assert kernels_of(lambda b, u, v: distances(b, u, v), x, data(1, 6, 4)) == ["chain"]


def test_scan_over_rows(tmp_path: Path) -> None:
    """Distances of all rows to those of a constant, as exporters write them: a loop no more."""
    tensor, info = numpy_helper.from_array, helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["all"], ["same"]),
            helper.make_node("Sub", ["all", "row"], ["apart"]),
            helper.make_node("ReduceSumSquare", ["apart"], ["far"], axes=[1], keepdims=0),
        ],
        "step",
        [info("all", TensorProto.FLOAT, ["N", 4]), info("row", TensorProto.FLOAT, [4])],
        [info("same", TensorProto.FLOAT, ["N", 4]), info("far", TensorProto.FLOAT, ["N"])],
    )
    graph = helper.make_graph(
        [helper.make_node("Scan", ["x", "rows"], ["last", "y"], body=body, num_scan_inputs=1)],
        "net",
        [info("x", TensorProto.FLOAT, ["N", 4])],
        [info("y", TensorProto.FLOAT, [50, "N"])],
        [tensor(data(0, 50, 4), "rows")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    save(model, str(tmp_path / "net.onnx"))
    compiled = vinoc.compile_model(tmp_path / "net.onnx", "CPU")
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for rows in (1, 3, 100):
        x = data(rows, rows, 4)
        (expected,) = session.run(None, {"x": x})
        np.testing.assert_allclose(compiled([x])[0], expected, 1e-5, 1e-6)
    assert not any(n.get_type_name() == "TensorIterator" for n in compiled.get_runtime_model().get_ops())


def test_a_long_sum() -> None:
    x, y = data(0, 2, 3000, 1), data(1, 3000, 100)
    check(distances, x, y, tolerance=1e-4)
