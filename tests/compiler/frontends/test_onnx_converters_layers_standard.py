"""ONNX's own operator tests for the layers: convolution, pooling, normalization, recurrence, control flow, ..."""

from __future__ import annotations

import re
from typing import Any

import pytest

from vinoc.compiler.frontends.onnx import registry
from vinoc.ir.op import registry as ops

from .test_onnx_converters_standard import cases, operators, problem

MODULES = {
    "activation", "attention", "constants", "control_flow", "convolution", "losses", "matrix", "normalization",
    "pooling", "quantization", "recurrent", "resize",
}  # fmt: skip

REFUSED = re.compile(
    "training_dropout"
    "|scan_sum"  # opset 8
    "|if_opt"  # an empty optional
    "|lstm_with_peepholes"
    "|loop16_seq_none"  # carries an optional in, a sequence out
    "|resize_.*(antialias|exclude_outside|tf_crop_and_resize|half_pixel_symmetric)"  # of sizes that are inputs
    "|resize_.*_not_(larger|smaller)"
)
DIFFERENT = re.compile(
    "resize_downsample_scales_(linear|cubic)_align_corners"  # the reference counts with fractional sizes
    "|dynamicquantizelinear_expanded"  # 25.5 in f32 and 25.4999 in f64: a tie of its QuantizeLinear
)


@pytest.fixture(scope="module")
def selected() -> list[Any]:
    table = registry.table()
    ours = {key for key, forms in table.items() if forms[0][1].__module__.rpartition(".")[2] in MODULES}
    known = table.keys() if "DeformableConvolution" in ops() else table.keys() - {("", "DeformConv")}
    return [c for c in cases() if operators(c.model) & ours and operators(c.model) <= known]


def test_the_standard_models_of_layers(selected: list[Any]) -> None:
    tried = [c for c in selected if not REFUSED.search(c.name) and not DIFFERENT.search(c.name)]
    assert len(tried) > 600
    problems = [p for p in map(problem, tried) if p is not None]
    assert not problems, "\n".join(problems)


def test_what_is_refused_says_so(selected: list[Any]) -> None:
    """When one of these begins to work, its pattern has to go."""
    refused = [c for c in selected if REFUSED.search(c.name)]
    assert refused
    wrong = [c.name for c in refused if "help:" not in (problem(c) or "")]
    assert not wrong
