"""Reductions, extremes and running sums against ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .onnx_util import check

RNG = np.random.default_rng(1)
X = RNG.uniform(0.1, 2, (3, 4, 5)).astype(np.float32)
REDUCTIONS = [
    f"Reduce{n}" for n in ["Max", "Min", "Mean", "Sum", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare"]
]


@pytest.mark.parametrize("opset", [7, 11, 12])
@pytest.mark.parametrize("op", REDUCTIONS)
@pytest.mark.parametrize("attributes", [{}, {"axes": [1]}, {"axes": [0, 2], "keepdims": 0}])
def test_axes_attribute(op: str, opset: int, attributes: dict[str, Any]) -> None:
    check(op, [X], opset, **attributes)


@pytest.mark.parametrize("op", REDUCTIONS)
@pytest.mark.parametrize("axes", [None, [1], [-1, 0]])
@pytest.mark.parametrize("keepdims", [0, 1])
def test_axes_input(op: str, axes: list[int] | None, keepdims: int) -> None:
    inputs: list[np.ndarray | None] = [X] if axes is None else [X, np.array(axes, np.int64)]
    check(op, inputs, 18, constant=range(1, len(inputs)), keepdims=keepdims)


def test_sum_took_its_axes_as_input_first() -> None:
    check("ReduceSum", [X, np.array([1])], 13, constant=[1])
    check("ReduceMax", [X], 13, axes=[-1])


@pytest.mark.parametrize("op", REDUCTIONS)
@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("axes", [[1, 0], [-1], []])
def test_axes_of_run_time(op: str, keepdims: int, axes: list[int]) -> None:
    """An empty list means all axes, whether its length is known or not."""
    given: list[np.ndarray | None] = [X, np.array(axes, np.int64)]
    check(op, given, 18, symbolic=False, keepdims=keepdims)
    check(op, given, 18, symbolic=True, keepdims=keepdims)
    check(op, given, 18, symbolic=True, keepdims=1, noop_with_empty_axes=1)


@pytest.mark.parametrize("op", REDUCTIONS)
def test_no_axes_may_mean_none(op: str) -> None:
    check(op, [X, np.zeros(0, np.int64)], 18, constant=[1], noop_with_empty_axes=1)
    check(op, [X, np.zeros(0, np.int64)], 18, constant=[1])
    check(op, [X], 18, noop_with_empty_axes=1)


def test_log_sum_exp_does_not_overflow() -> None:
    x = np.array([[1000, 999], [-np.inf, -np.inf], [-1000, -1001]], np.float32)
    check("ReduceLogSumExp", [x, np.array([1])], 18, constant=[1])
    check("ReduceLogSumExp", [x, np.array([1])], 18, constant=[1], keepdims=0)


def test_integers_and_booleans() -> None:
    i = RNG.integers(-5, 5, (3, 4)).astype(np.int32)
    for op in ("ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceSumSquare"):
        check(op, [i], 13)
    for op in ("ReduceMax", "ReduceMin"):
        check(op, [i > 0, np.array([1])], 20, constant=[1])


@pytest.mark.parametrize("op", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize("attributes", [{}, {"axis": 1}, {"axis": -1, "keepdims": 0}])
def test_arg_extreme(op: str, attributes: dict[str, Any]) -> None:
    ties = RNG.integers(0, 3, (4, 6, 5)).astype(np.float32)
    check(op, [ties], 7 if attributes.get("axis", 0) >= 0 else 11, **attributes)
    check(op, [ties], 13, select_last_index=1, **attributes)


@pytest.mark.parametrize("exclusive", [0, 1])
@pytest.mark.parametrize("reverse", [0, 1])
@pytest.mark.parametrize("axis", [0, -1])
def test_cum_sum(exclusive: int, reverse: int, axis: int) -> None:
    check("CumSum", [X, np.array(axis)], 14, constant=[1], exclusive=exclusive, reverse=reverse)
    check("CumSum", [X, np.array(axis, np.int32)], 11, exclusive=exclusive, reverse=reverse)


def test_top_k() -> None:
    x = RNG.integers(0, 5, (3, 8)).astype(np.float32)  # with ties
    check("TopK", [x], 7, n_outputs=2, k=3)
    check("TopK", [x], 7, n_outputs=2, k=2, axis=0)
    check("TopK", [x, np.array([3])], 10, n_outputs=2, constant=[1])
    check("TopK", [x, np.array([3])], 11, n_outputs=2, constant=[1], largest=0)
    check("TopK", [x, np.array([2])], 11, n_outputs=2, axis=0)
