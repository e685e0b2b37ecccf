"""The models of these tests: small, made once."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def write_models(folder: Path) -> None:
    """net.onnx and net.xml: data[1,3,4,4] -> features[1,2,4,4], prob[1,2]. two.onnx: x, y [N,2] -> total."""
    weights = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3, 1, 1)
    nodes = [
        helper.make_node("Conv", ["data", "weights"], ["conv_out"], "conv"),
        helper.make_node("Relu", ["conv_out"], ["features"], "relu"),
        helper.make_node("GlobalAveragePool", ["features"], ["pooled"], "pool"),
        helper.make_node("Flatten", ["pooled"], ["flat"], "flatten"),
        helper.make_node("Softmax", ["flat"], ["prob"], "softmax", axis=1),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "net",
        [value("data", TensorProto.FLOAT, [1, 3, 4, 4])],
        [value("features", TensorProto.FLOAT, [1, 2, 4, 4]), value("prob", TensorProto.FLOAT, [1, 2])],
        [numpy_helper.from_array(weights, "weights")],
    )
    onnx.save(made(graph), folder / "net.onnx")
    two = helper.make_graph(
        [helper.make_node("Add", ["x", "y"], ["total"], "sum")],
        "two",
        [value(n, TensorProto.FLOAT, ["N", 2]) for n in ("x", "y")],
        [value("total", TensorProto.FLOAT, ["N", 2])],
    )
    onnx.save(made(two), folder / "two.onnx")
    (folder / "empty.onnx").write_bytes(b"")
    import openvino

    model = openvino.Core().read_model(folder / "net.onnx")
    model.set_friendly_name("net")
    openvino.save_model(model, folder / "net.xml", compress_to_fp16=False)


def made(graph: Any) -> Any:
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def image() -> Any:
    """An input of net.onnx."""
    return np.linspace(-2, 3, 48, dtype=np.float32).reshape(1, 3, 4, 4)


_F32 = {"INFERENCE_PRECISION_HINT": "f32"}


@cache
def compiled_net(ov: Any, folder: Path) -> Any:
    return ov.Core().compile_model(folder / "net.onnx", "CPU", _F32)


@cache
def compiled_sums(ov: Any) -> Any:
    """A model that adds up its inputs, from one inference to the next."""
    ops = ov.opset13
    x = ops.parameter([1, 2], name="x")
    found = ops.add(ops.read_value(np.zeros((1, 2), np.float32), "total"), x)
    model = ov.Model([ops.result(found)], [ops.assign(found, "total")], [x], "sums")
    return ov.Core().compile_model(model, "CPU", _F32)
