"""ONNX's own backend test suite through IR: vinoc writes each case, OpenVINO reads and runs it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from . import onnx_ir, onnx_suite
from .onnx_ir_expected import EXPECTED

EVERY = 60
"""Of the cases one in so many runs with the other tests; all of them with the long ones."""

CHOSEN = (
    "test_attention_23_boolmask_fullymasked_row_nan_robustness",
    "test_bitshift_left_int32_negative_shift",
    "test_cast_FLOAT_to_FLOAT4E2M1",
    "test_cast_FLOAT_to_FLOAT8E5M2",
    "test_cumprod_2d_axis_1",
    "test_dft_irfft",
    "test_reduce_log_sum_desc_axes",
    "test_reduce_min_bool_inputs",
    "test_resize_tf_crop_and_resize_axes_3_2",
    "test_tfidfvectorizer_tf_batch_uniandbigrams_skip5",
    "test_unsqueeze_unsorted_axes",
)


RANDOM = "random"
"""Reasons that begin so hold for most numbers that are drawn, not for all."""


def _compare(indices: Sequence[int], workers: int) -> None:
    """Cases run and end as they are expected to; a new pass is told of like a new failure."""
    found = onnx_ir.outcomes(indices, workers)
    wrong = []
    for name, (outcome, why) in found.items():
        expected, reason = EXPECTED.get(name, ("pass", ""))
        if outcome != expected and not (outcome == "pass" and reason.startswith(RANDOM)):
            wrong.append(f"{name}: {outcome}, expected {expected} {reason}\n    {why}")
    assert not wrong, "\n".join([f"{len(wrong)} cases end otherwise", *wrong])


def test_some_cases() -> None:
    known = onnx_suite.cases()
    _compare([i for i, case in enumerate(known) if i % EVERY == 0 or case.name in CHOSEN], workers=1)


@pytest.mark.long
def test_all_cases() -> None:
    _compare(range(len(onnx_suite.cases())), workers=2)


def test_at_least_85_percent_pass() -> None:
    names = {case.name for case in onnx_suite.cases()}
    assert len(names) >= 2024
    assert EXPECTED.keys() <= names
    assert 1 - len(EXPECTED) / len(names) >= 0.85
