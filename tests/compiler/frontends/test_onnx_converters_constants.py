"""Constant in its many forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from vinoc.compiler.frontends.onnx import load
from vinoc.ir.errors import ConversionError

SPARSE = helper.make_sparse_tensor(
    numpy_helper.from_array(np.array([5], np.float32), "v"), numpy_helper.from_array(np.array([2]), "i"), [4]
)


def constant(**attributes: Any) -> onnx.ModelProto:
    node = helper.make_node("Constant", [], ["y"], "c", **attributes)
    graph = helper.make_graph([node], "g", [], [helper.make_empty_tensor_value_info("y")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"value": numpy_helper.from_array(np.array([[1, 2]], np.int8))}, np.array([[1, 2]], np.int8)),
        ({"sparse_value": SPARSE}, np.array([0, 0, 5, 0], np.float32)),
        ({"value_float": 1.5}, np.array(1.5, np.float32)),
        ({"value_floats": [1.5, 2.0]}, np.array([1.5, 2], np.float32)),
        ({"value_int": 3}, np.array(3)),
        ({"value_ints": [3, 4]}, np.array([3, 4])),
        ({"value_string": "a"}, np.array("a", object)),
        ({"value_strings": ["a", "b"]}, np.array(["a", "b"], object)),
    ],
)
def test_the_forms_of_constant(attributes: dict[str, Any], expected: np.ndarray) -> None:
    value = load(constant(**attributes).SerializeToString()).outputs[0].const
    assert value is not None
    assert value.dtype == expected.dtype
    assert value.shape == expected.shape
    assert value.tolist() == expected.tolist()


def test_a_constant_without_a_value() -> None:
    with pytest.raises(ConversionError, match="has no value"):
        load(constant().SerializeToString())
