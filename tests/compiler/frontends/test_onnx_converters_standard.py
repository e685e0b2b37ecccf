"""ONNX's own operator tests: some 900 models with inputs and outputs, for the operators converted here."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import onnx
import pytest

from vinoc.compiler.frontends.onnx import load, registry
from vinoc.ir.errors import VinocError
from vinoc.ir.verify import verify

from .onnx_util import compare, run_graph

MODULES = ["elementwise", "reduction", "shape", "slicing", "gather", "detection", "misc", "sequence"]

REFUSED = re.compile(
    "col2im_5d|gridsample_volumetric"  # more than two spatial dimensions
    "|melweightmatrix"  # of inputs that are no constants
    "|to_FLOAT8E8M0|roialign_mode_max"
)
DIFFERENT = re.compile(
    "bernoulli"  # random
    "|FLOAT(16)?_to_U?INT[24]"  # out of range: OpenVINO saturates, the reference wraps
    "|dynamicquantizelinear_expanded"  # 25.5 in f32 and 25.4999 in f64: a tie of its QuantizeLinear
)


def cases() -> list[Any]:
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return collect_testcases(None)


def operators(model: onnx.ModelProto) -> set[tuple[str, str]]:
    return {("" if n.domain == "ai.onnx" else n.domain, n.op_type) for n in model.graph.node}


def as_value(given: Any) -> Any:
    if isinstance(given, onnx.TensorProto):
        return onnx.numpy_helper.to_array(given)
    return tuple(given) if isinstance(given, list) else given if given is None else np.asarray(given)


def problem(case: Any) -> str | None:
    """What is wrong with a case, or None."""
    try:
        graph = load(case.model.SerializeToString())
        verify(graph)
        for inputs, outputs in case.data_sets:
            for got, expected in zip(run_graph(graph, [as_value(v) for v in inputs]), outputs, strict=True):
                pair = [v if isinstance(v, tuple) else (v,) for v in (got, as_value(expected))]
                coarse = 2e-2 if "bf16" in case.name or "fp16" in case.name else 0.0
                compare(*pair, rtol=max(case.rtol, coarse), atol=max(case.atol, coarse, 1e-6))
    except (AssertionError, VinocError) as error:
        return f"{case.name}: {error}"
    return None


@pytest.fixture(scope="module")
def selected() -> list[Any]:
    table = registry.table()
    ours = {key for key, forms in table.items() if forms[0][1].__module__.rpartition(".")[2] in MODULES}
    return [c for c in cases() if operators(c.model) & ours and operators(c.model) <= table.keys()]


def test_the_standard_models(selected: list[Any]) -> None:
    tried = [c for c in selected if not REFUSED.search(c.name) and not DIFFERENT.search(c.name)]
    assert len(tried) > 800
    problems = [p for p in map(problem, tried) if p is not None]
    assert not problems, "\n".join(problems)


def test_what_is_refused_says_so(selected: list[Any]) -> None:
    """When one of these begins to work, its pattern has to go."""
    refused = [c for c in selected if REFUSED.search(c.name)]
    assert refused
    for case in refused:
        with pytest.raises(VinocError, match=r"not supported|no constant"):
            load(case.model.SerializeToString())
