"""What OpenVINO computes otherwise than the operations mean is lowered: through IR the model's own numbers come out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save

import vinoc

from .ir_util import run


def through_ir(
    folder: Path, nodes: list[Any], feeds: dict[str, np.ndarray], dims: dict[str, list[Any]], opset: int,
    domain: str = "", **held: Any,
) -> tuple[Any, Any]:  # fmt: skip
    """The outputs of an ONNX model on the reference, and of the IR that `save_model` writes, in OpenVINO."""
    kinds = {n: helper.np_dtype_to_tensor_dtype(a.dtype) for n, a in feeds.items()}
    graph = helper.make_graph(
        nodes, "net",
        [helper.make_tensor_value_info(n, kinds[n], dims[n]) for n in feeds],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(a), n) for n, a in held.items()],
    )  # fmt: skip
    path = folder / "net.onnx"
    opsets = [helper.make_opsetid("", opset), *([helper.make_opsetid(domain, 3)] if domain else [])]
    save(helper.make_model(graph, opset_imports=opsets, ir_version=9), str(path))
    vinoc.save_model(vinoc.convert_model(path), folder / "net.xml")  # f16 weights, as by default
    expected = vinoc.compile_model(path, "TEMPLATE")(feeds)[0]
    return expected, run(folder / "net.xml", feeds)[0]


@pytest.mark.parametrize("sizes", [[1, 2, 6, 6], ["N", 2, "H", "W"]])
@pytest.mark.parametrize("pads", [[1, 1, 1, 1], [0, 1, 1, 0]])
def test_means_of_windows_that_reach_beyond_the_pads(tmp_path: Path, sizes: list[Any], pads: list[int]) -> None:
    pool = helper.make_node(
        "AveragePool", ["x"], ["y"], kernel_shape=[3, 3], strides=[2, 2], pads=pads, ceil_mode=1, count_include_pad=1
    )
    expected, found = through_ir(tmp_path, [pool], {"x": np.ones((1, 2, 6, 6), np.float32)}, {"x": sizes}, 19)
    assert expected.min() < 0.5
    np.testing.assert_allclose(found, expected, 1e-6)


def test_sizes_by_scales_are_those_of_f32(tmp_path: Path) -> None:
    """0.4 * 10 = 4, and 3 by the scale that f16 has."""
    resize = helper.make_node("Resize", ["x", "", "scales"], ["y"], mode="linear", antialias=1)
    feeds = {"x": np.random.default_rng(0).standard_normal((1, 2, 10, 5)).astype(np.float32)}
    scales = np.array([1, 1, 0.4, 0.6], np.float32)
    expected, found = through_ir(tmp_path, [resize], feeds, {"x": ["N", "C", "H", "W"]}, 18, scales=scales)
    assert expected.shape == (1, 2, 4, 3)
    np.testing.assert_allclose(found, expected, 1e-4, 1e-4)


@pytest.mark.parametrize(("op", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("sizes", [("T", "N"), (5, 3)], ids=["open", "known"])
def test_sequences_of_several_lengths(tmp_path: Path, op: str, gates: int, direction: str, sizes: Any) -> None:
    """One of no length, and NaN behind the ends; every result in turn, as the last cell states need the steps."""
    draw, ways = np.random.default_rng(0), 2 if direction == "bidirectional" else 1
    w, r = (draw.standard_normal((ways, 3 * gates, n)).astype(np.float16).astype(np.float32) for n in (4, 3))
    feeds = {"x": draw.standard_normal((5, 3, 4)).astype(np.float32), "n": np.array([2, 5, 0], np.int32)}
    feeds["x"][2:, 0] = np.nan
    states = ["h", "c"] if op == "LSTM" else ["h"]
    feeds |= {s: draw.standard_normal((ways, 3, 3)).astype(np.float32) for s in states}
    dims: dict[str, list[Any]] = {"x": [*sizes, 4], "n": [sizes[1]], **{s: [ways, sizes[1], 3] for s in states}}
    for result in range(1 + len(states)):
        names = ["y" if k == result else f"other{k}" if k < result else "" for k in range(1 + len(states))]
        node = helper.make_node(op, ["x", "w", "r", "", "n", *states], names, hidden_size=3, direction=direction)
        expected, found = through_ir(tmp_path, [node], feeds, dims, 14, w=w, r=r)
        assert np.isfinite(expected).all()
        np.testing.assert_allclose(found, expected, 1e-4, 1e-5, err_msg=names[result])
        by_steps = "TensorIterator" in (tmp_path / "net.xml").read_text()
        assert by_steps == (result == 2)
    feeds, dims = {"x": np.nan_to_num(feeds["x"])}, {"x": dims["x"]}
    whole = helper.make_node(op, ["x", "w", "r"], ["y"], hidden_size=3, direction=direction)
    through_ir(tmp_path, [whole], feeds, dims, 14, w=w, r=r)
    assert f"{op}Sequence" in (tmp_path / "net.xml").read_text()


@pytest.mark.parametrize("axes", [[2], [0], [0, 2]])
@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("op", ["ReduceMean", "ReduceMax"])
def test_reductions_of_signals_in_integers(tmp_path: Path, op: str, axes: list[int], keepdims: int) -> None:
    """OpenVINO with integer kernels, which read the order of such signals wrongly."""
    draw = np.random.default_rng(0)
    w = draw.standard_normal((8, 16, 3)).astype(np.float32)
    signals = [draw.standard_normal((1, 16, 40)).astype(np.float32) for _ in range(12)]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["c"]), helper.make_node(op, ["c"], ["y"], axes=axes, keepdims=keepdims)],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 16, "T"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(w, "w")],
    )
    save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(tmp_path / "net.onnx")
    )
    quantized = vinoc.quantize(tmp_path / "net.onnx", signals, integers="always").model
    vinoc.save_model(quantized, tmp_path / "net.xml")
    feeds = {"x": np.concatenate(signals[:3])}
    np.testing.assert_allclose(
        run(tmp_path / "net.xml", feeds)[0], vinoc.compile_model(quantized, "TEMPLATE")(feeds)[0], 1e-3, 1e-3
    )


@pytest.mark.parametrize(("op", "keepdims"), [("ReduceSum", 0), ("ReduceMean", 1), ("ReduceMax", 0)])
@pytest.mark.parametrize("batch", [3, "N"])
def test_constants_behind_reductions_of_signals(tmp_path: Path, op: str, keepdims: int, batch: Any) -> None:
    """OpenVINO reads those of each channel from beyond their end where it works them into the reduction."""
    draw = np.random.default_rng(0)
    constants = {"half": np.float32(0.5), "c": draw.standard_normal((1, 4, 1)[: 2 + keepdims]).astype(np.float32)}
    nodes = [
        helper.make_node(op, ["x", *(["axes"] if op == "ReduceSum" else [])], ["r"], keepdims=keepdims,
                         **({} if op == "ReduceSum" else {"axes": [2]})),
        helper.make_node("Mul", ["r", "half"], ["m"]),
        helper.make_node("Sub", ["c", "m"], ["y"]),
    ]  # fmt: skip
    held = constants | ({"axes": np.array([2])} if op == "ReduceSum" else {})
    feeds = {"x": draw.standard_normal((3, 4, 7)).astype(np.float32)}
    expected, found = through_ir(tmp_path, nodes, feeds, {"x": [batch, 4, 7]}, 13, **held)
    np.testing.assert_allclose(found, expected, 2e-3, 2e-3)  # the constants are f16


def test_labels_of_classifiers(tmp_path: Path) -> None:
    """The best of all scores is asked for in a form that OpenVINO has."""
    draw = np.random.default_rng(0)
    attributes = {"coefficients": draw.standard_normal(12), "intercepts": np.zeros(3), "classlabels_ints": [5, 6, 9]}
    node = helper.make_node("LinearClassifier", ["x"], ["label", "scores"], domain="ai.onnx.ml", **attributes)
    graph = helper.make_graph(
        [node],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4])],
        [helper.make_empty_tensor_value_info(n) for n in node.output],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    save(helper.make_model(graph, opset_imports=opsets, ir_version=9), str(tmp_path / "net.onnx"))
    vinoc.save_model(vinoc.convert_model(tmp_path / "net.onnx"), tmp_path / "net.xml", compress_to_fp16=False)
    feeds = {"x": draw.standard_normal((6, 4)).astype(np.float32)}
    expected, found = vinoc.compile_model(tmp_path / "net.onnx", "TEMPLATE")(feeds), run(tmp_path / "net.xml", feeds)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], 1e-5, 1e-5)


def test_trees(tmp_path: Path) -> None:
    """Thresholds of which f16 would make others; NaN to one side and to the other."""
    tree = {
        "treeids": [0, 0, 0, 0, 0], "nodeids": [0, 1, 2, 3, 4], "featureids": [0, 1, 0, 0, 0],
        "modes": ["BRANCH_LEQ", "BRANCH_GT", "LEAF", "LEAF", "LEAF"], "values": [0.100001, -1.5, 0.0, 0.0, 0.0],
        "truenodeids": [1, 3, 0, 0, 0], "falsenodeids": [2, 4, 0, 0, 0], "missing_value_tracks_true": [1, 0, 0, 0, 0],
    }  # fmt: skip
    votes = {"treeids": [0, 0, 0], "nodeids": [2, 3, 4], "ids": [0, 1, 0], "weights": [1.0, 3.0, 4.0]}
    node = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", n_targets=2,
        **{f"nodes_{n}": v for n, v in tree.items()}, **{f"target_{n}": v for n, v in votes.items()},
    )  # fmt: skip
    x = np.array([[0.100001, 0], [0.10001, 0], [np.nan, 0], [0, np.nan], [0, -2]], np.float32)
    expected, found = through_ir(tmp_path, [node], {"x": x}, {"x": ["N", 2]}, 17, domain="ai.onnx.ml")
    np.testing.assert_array_equal(expected, [[0, 3], [1, 0], [0, 3], [4, 0], [4, 0]])
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("kind", [np.uint16, np.int16])
@pytest.mark.parametrize("product", [False, True])
def test_sixteen_bits(tmp_path: Path, kind: type, product: bool) -> None:
    """OpenVINO takes a FakeQuantize of so many levels for nothing, or fails where an output follows."""
    draw = np.random.default_rng(0)
    held = {"scale": np.float32(1e-4), "zero": kind(700), "w": draw.standard_normal((50, 20)).astype(np.float32)}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["r" if product else "y"]),
        *([helper.make_node("MatMul", ["r", "w"], ["y"])] if product else []),
    ]
    feeds = {"x": draw.standard_normal((4, 50)).astype(np.float32) * 3}
    expected, found = through_ir(tmp_path, nodes, feeds, {"x": [4, 50]}, 21, **held)
    if product:
        np.testing.assert_allclose(found, expected, 1e-3, 1e-2)  # weights are f16
    else:
        np.testing.assert_allclose(found, expected, 0, 1e-5)  # a tenth of a step
        assert np.abs(expected - feeds["x"]).max() > 1  # beyond the range
