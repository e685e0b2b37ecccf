"""Normalizations and soft maxima: inferred, computed, compared with OpenVINO."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vinoc.ir.dim import symbol
from vinoc.ir.dtype import f16, f32, i64
from vinoc.ir.errors import InferenceError, VinocError

from .checked import i64 as axes
from .checked import make, one, openvino, random, run

C, N = symbol("C"), symbol("N")


def same(op: Any, *arrays: Any) -> None:
    (mine,), (theirs,) = run(op, *arrays), openvino(op, *arrays)
    np.testing.assert_allclose(mine, theirs, rtol=2e-5, atol=2e-5)
    half = [a.astype(np.float16) if a.dtype == np.float32 else a for a in arrays]
    np.testing.assert_allclose(run(op, *half)[0].astype(np.float32), mine, rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("shape", [(3, 4), (2, 4, 5), (2, 4, 5, 6), (1, 4, 2, 3, 2)])
def test_batch_normalization(shape: Any) -> None:
    same(make("BatchNormInference", epsilon=1e-3), random(*shape), *[random(4) for _ in "gbm"], np.abs(random(4)) + 1)


@pytest.mark.parametrize("eps_mode", ["INSIDE_SQRT", "OUTSIDE_SQRT"])
@pytest.mark.parametrize("normalize_variance", [True, False])
@pytest.mark.parametrize("over", [axes(2, 3), axes(1, 2, 3), axes(-1)])
def test_mvn(eps_mode: str, normalize_variance: bool, over: np.ndarray) -> None:
    same(make("MVN", eps=1e-2, normalize_variance=normalize_variance, eps_mode=eps_mode), random(2, 3, 4, 5), over)


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_group_normalization(groups: int) -> None:
    same(make("GroupNormalization", num_groups=groups, epsilon=1e-3), random(2, 6, 4, 3), random(6), random(6))


@pytest.mark.parametrize("eps_mode", ["add", "max"])
@pytest.mark.parametrize("over", [axes(1), axes(1, 2, 3)])
def test_normalize_l2(eps_mode: str, over: np.ndarray) -> None:
    same(make("NormalizeL2", eps=2.0, eps_mode=eps_mode), random(2, 3, 4, 5), over)


@pytest.mark.parametrize(("over", "size"), [(axes(1), 5), (axes(1), 3), (axes(1), 1), (axes(2, 3), 3)])
def test_lrn(over: np.ndarray, size: int) -> None:
    same(make("LRN", alpha=0.5, beta=0.75, bias=2.0, size=size), random(2, 6, 5, 4), over)


@pytest.mark.parametrize("kind", ["SoftMax", "LogSoftmax"])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_soft_maxima(kind: str, axis: int) -> None:
    import openvino as ov
    from openvino import opset8

    data = random(2, 3, 4) * 10
    parameter = opset8.parameter(list(data.shape), np.float32)
    node = (opset8.softmax if kind == "SoftMax" else opset8.log_softmax)(parameter, axis)
    compiled = ov.Core().compile_model(ov.Model([node], [parameter]), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    np.testing.assert_allclose(run(make(kind, axis=axis), data)[0], compiled([data])[0], rtol=1e-5, atol=1e-5)
    assert np.isfinite(run(make(kind, axis=axis), np.full((2, 3, 4), 3e38, np.float32))[0]).all()
    assert run(make(kind, axis=axis), np.zeros((2, 0, 4), np.float32))[0].shape == (2, 0, 4)


def test_global_response_normalization() -> None:
    same(make("GRN", bias=0.5), random(2, 3, 4, 5))


def test_inferred_types() -> None:
    norm = make("BatchNormInference", epsilon=1e-3)
    assert str(one(norm, (f32, (N, C, 4)), *[(f32, (8,))] * 4)) == "f32[N,8,4]"
    assert one(norm, (f32, None), *[(f32, None)] * 4).shape is None
    assert str(one(make("MVN", eps=1e-3), (f32, (N, C)), (i64, None))) == "f32[N,C]"
    assert str(one(make("SoftMax", axis=-1), (f16, None))) == "f16[...]"


ERRORS: list[tuple[str, dict[str, Any], tuple[Any, ...], str]] = [
    ("BatchNormInference", {"epsilon": 0}, ((f32, (1, 3)), *[(f32, (4,))] * 4), "`gamma` has 4 numbers for 3 channels"),
    ("BatchNormInference", {"epsilon": 0}, ((f32, (3,)), *[(f32, (3,))] * 4), "data of rank 1 has no channels"),
    ("BatchNormInference", {"epsilon": 0}, ((f32, (1, 3)), *[(f16, (3,))] * 4), "`gamma` is f16, data is f32"),
    ("BatchNormInference", {"epsilon": 0}, ((f32, (1, 3)), *[(f32, (3, 1))] * 4), "`gamma` has rank 2"),
    ("MVN", {"eps": 0}, ((f32, (1, 3)), axes(2)), "axes 2 is out of range for rank 2"),
    ("MVN", {"eps": 0}, ((i64, (1, 3)), axes(1)), "data is i64, expected floating-point numbers"),
    ("GroupNormalization", {"num_groups": 2, "epsilon": 0}, ((f32, (1, 3)), (f32, (3,)), (f32, (3,))),
     "3 channels cannot be divided into 2 groups"),
    ("NormalizeL2", {"eps": 0, "eps_mode": "add"}, ((f32, (1, 3)), axes(1, -1)), "twice"),
    ("SoftMax", {"axis": 2}, ((f32, (1, 3)),), "axis 2 is out of range for rank 2"),
    ("LogSoftmax", {"axis": 2}, ((f32, (1, 3)),), "axis 2 is out of range for rank 2"),
    ("GRN", {"bias": 0}, ((f32, (3,)),), "data of rank 1 has no channels"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "attributes", "operands", "message"), ERRORS)
def test_errors(kind: str, attributes: Any, operands: Any, message: str) -> None:
    with pytest.raises(InferenceError, match=message):
        one(make(kind, **attributes), *operands)


def test_errors_of_attributes() -> None:
    with pytest.raises(VinocError, match="`epsilon` is -1"):
        make("BatchNormInference", epsilon=-1)
    with pytest.raises(VinocError, match="`size` is 0"):
        make("LRN", alpha=1, beta=1, bias=1, size=0)
