"""Models whose outputs are choices are judged by what these are made from; models in half precision are quantized."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save

import vinoc
from vinoc.ir.builder import Builder
from vinoc.ir.dtype import f16, f32, i64
from vinoc.ir.graph import Graph, Value
from vinoc.ir.types import TensorType
from vinoc.tools.quantize.judged import judged_values
from vinoc.tools.quantize.measure import output_noise
from vinoc.tools.quantize.quantize import Result, cleaned

from .models import block


def pictures(kind: type = np.float32) -> list[np.ndarray]:
    return list(np.random.default_rng(0).standard_normal((12, 1, 3, 16, 16)).astype(kind))


def detector(path: Path) -> Path:
    """A convolution, boxes and scores of 256 places, and those that NonMaxSuppression leaves: their number is open."""
    draw = np.random.default_rng(1)
    arrays = {
        "w": draw.standard_normal((8, 3, 3, 3)) / 5,
        "wb": draw.standard_normal((4, 8, 1, 1)) / 3,
        "ws": draw.standard_normal((1, 8, 1, 1)) / 3,
    }
    numbers = {
        "four": np.array([0, 4, -1], np.int64),
        "one": np.array([0, 1, -1], np.int64),
        "most": np.int64(200),
        "iou": np.float32(0.5),
        "least": np.float32(0.5),
        "second": np.array([2], np.int64),
        "third": np.array([3], np.int64),
        "axis": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Conv", ["r", "wb"], ["b0"]),
        helper.make_node("Conv", ["r", "ws"], ["s0"]),
        helper.make_node("Reshape", ["b0", "four"], ["b1"]),
        helper.make_node("Transpose", ["b1"], ["boxes"], perm=[0, 2, 1]),
        helper.make_node("Reshape", ["s0", "one"], ["s1"]),
        helper.make_node("Sigmoid", ["s1"], ["scores"]),
        helper.make_node("NonMaxSuppression", ["boxes", "scores", "most", "iou", "least"], ["chosen"]),
        helper.make_node("Slice", ["chosen", "second", "third", "axis"], ["places"]),
        helper.make_node("Squeeze", ["places", "axis"], ["at"]),
        helper.make_node("Gather", ["boxes", "at"], ["found"], axis=1),
    ]
    held = {n: a.astype(np.float32) for n, a in arrays.items()} | numbers
    graph = helper.make_graph(
        nodes, "detector",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 16, 16])],
        [helper.make_tensor_value_info("found", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(a), n) for n, a in held.items()],
    )  # fmt: skip
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


def counts(model: object) -> list[int]:
    run = vinoc.compile_model(model, "CPU")
    return [run([x])[0].shape[1] for x in pictures()]


def test_a_detector_with_its_choice_of_boxes_in_the_graph(tmp_path: Path) -> None:
    path = detector(tmp_path / "d.onnx")
    result: Result = vinoc.quantize(path, pictures())
    assert counts(path) != counts(result.model)  # other boxes are left: outputs cannot be compared
    assert [v.name for v in judged_values(result.work.original)] == ["boxes", "scores"]
    noise = output_noise(result.work.original, result.graph, result.work.samples)
    assert all(0 < n.relative < 0.05 for n in noise)
    assert 0 < result.work.facts["error"] < 0.05


def graph_with(finish: object) -> Graph:
    graph = Graph("g")
    b = Builder(graph)
    x = graph.add_input(TensorType(f32, (1, 3, 16, 16)), "x")
    y = block(b, x, 4, np.random.default_rng(0), "layer")
    assert callable(finish)
    for i, value in enumerate(finish(b, y)):
        graph.add_output(value, f"y{i}")
    return graph


def top(b: Builder, y: Value) -> list[Value]:
    values, places = b.TopK(y, b.const(np.int64(1)), axis=1, mode="max", sort="value", index_element_type=i64)
    return [values, places]


@pytest.mark.parametrize(
    ("finish", "names"),
    [
        (lambda b, y: [y, b.Sigmoid(y, name="s")], ["layer", "s"]),
        (lambda b, y: [b.Convert(b.Round(y, mode="half_to_even"), destination_type=i64)], ["Round"]),
        (lambda b, y: [b.Greater(y, b.const(np.float32(0.5)))], ["layer"]),
        (lambda b, y: top(b, y)[1:], ["layer"]),
        (lambda b, y: [top(b, y)[0]], ["TopK"]),
        (lambda b, y: [b.ShapeOf(y, output_type=i64)], []),
    ],
)
def test_what_models_are_judged_by(finish: object, names: list[str]) -> None:
    found = [
        v.node.label if v.node and v.node.kind in ("Round", "TopK") else v.name
        for v in judged_values(graph_with(finish))
    ]
    assert [n.partition("_")[0] for n in found] == names


def test_a_choice_that_no_product_has_a_part_in_is_none() -> None:
    """Places that follow from the input alone are the same in both models."""

    def finish(b: Builder, y: Value) -> list[Value]:
        x = b.graph.inputs[0]
        flat = b.Reshape(y, b.const(np.array([-1], np.int64)), special_zero=False)
        where = b.NonZero(b.Greater(x, b.const(np.float32(0))), output_type=i64)
        return [b.Gather(flat, where, b.const(np.int64(0)), batch_dims=0, name="picked")]

    assert [v.name for v in judged_values(graph_with(finish))] == ["picked"]


def test_models_in_half_precision(tmp_path: Path) -> None:
    path = tmp_path / "half.onnx"
    draw = np.random.default_rng(1)
    arrays = {
        "w": draw.standard_normal((8, 3, 3, 3)) / 5,
        "b": draw.standard_normal(8) / 5,
        "v": draw.standard_normal((4, 8, 1, 1)) / 3,
    }
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w", "b"], ["c"]),
            helper.make_node("Relu", ["c"], ["r"]),
            helper.make_node("Conv", ["r", "v"], ["y"]),
        ],
        "half",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT16, [1, 3, 16, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT16, None)],
        [numpy_helper.from_array(a.astype(np.float16), n) for n, a in arrays.items()],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    samples = pictures(np.float16)
    result: Result = vinoc.quantize(path, samples, integers="always")
    assert [n.kind for n in result.graph].count("FakeQuantize") == 2
    assert (result.graph.inputs[0].dtype, result.graph.outputs[0].dtype) == (f16, f16)
    expected, found = (vinoc.compile_model(m, "CPU")([samples[0]])[0].astype(np.float32) for m in (path, result.model))
    assert np.linalg.norm(found - expected) < 0.03 * np.linalg.norm(expected)
    assert all(v.dtype is not f16 for n in cleaned(path) if n.kind == "Convolution" for v in n.inputs if v)
