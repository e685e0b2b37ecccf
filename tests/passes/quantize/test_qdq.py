"""ONNX models with QuantizeLinear and DequantizeLinear: FakeQuantize for values, weights as they were."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from vinoc.backends.numpy import Interpreter
from vinoc.compiler.config import DEFAULT_PASSES
from vinoc.compiler.driver import read_model
from vinoc.passes import PassManager

from ...conftest import SHARED
from ...models.zoo import onnx_models
from .util import FLOAT, compiled, infer, precisions, relative, written


class Net:
    """A QDQ model, as exporters write it."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(5)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def const(self, array: np.ndarray) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def node(self, kind: str, *inputs: str, **attributes: object) -> str:
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name, **attributes))
        return name

    def value(self, x: str, scale: float, zero: int, dtype: type = np.uint8) -> str:
        ends = self.const(np.float32(scale)), self.const(np.array(zero, dtype))
        return self.node("DequantizeLinear", self.node("QuantizeLinear", x, *ends), *ends)

    def weights(self, *shape: int, axis: int, zero: bool = False, bits: int = 8) -> str:
        top = 2 ** (bits - 1) - 1
        numbers = self.rng.integers(-top, top + 1, shape)
        scale = (self.rng.random(shape[axis]) * 0.01 + 0.005).astype(np.float32)
        if bits == 4:
            packed = helper.make_tensor(f"c{len(self.constants)}", TensorProto.INT4, shape, numbers.reshape(-1))
            self.constants.append(packed)
            return self.node("DequantizeLinear", packed.name, self.const(scale), axis=axis)
        zeros = self.const(self.rng.integers(-9, 9, shape[axis]).astype(np.int8) * np.int8(zero))
        return self.node("DequantizeLinear", self.const(numbers.astype(np.int8)), self.const(scale), zeros, axis=axis)

    def bias(self, n: int) -> str:
        numbers = self.const(self.rng.integers(-999, 999, n).astype(np.int32))
        scale = self.const(np.full(n, 1e-4, np.float32))
        return self.node("DequantizeLinear", numbers, scale, self.const(np.zeros(n, np.int32)), axis=0)

    def save(self, path: Path, out: str) -> Path:
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4, 6, 6])
        y = helper.make_tensor_value_info(out, TensorProto.FLOAT, None)
        graph = helper.make_graph(self.nodes, "qdq", [x], [y], self.constants)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)
        return path


def convolutions(net: Net) -> str:
    x = net.value("x", 0.02, 128)
    y = net.node("Conv", x, net.weights(8, 4, 3, 3, axis=0), net.bias(8), pads=[1, 1, 1, 1])
    y = net.value(net.node("Relu", y), 0.015, 0)
    y = net.node("Conv", y, net.weights(8, 1, 3, 3, axis=0), net.bias(8), group=8)
    y = net.value(y, 0.01, 3, np.int8)
    return net.node("ConvTranspose", y, net.weights(8, 3, 2, 2, axis=1), strides=[2, 2])


def products(net: Net) -> str:
    x = net.value("x", 0.02, 128)
    y = net.value(net.node("MatMul", x, net.weights(6, 5, axis=1)), 0.01, 100)
    y = net.node("Reshape", y, net.const(np.array([-1, 5], np.int64)))
    return net.node("Gemm", y, net.weights(7, 5, axis=0), net.bias(7), transB=1)


def zeros(net: Net) -> str:
    return net.node("MatMul", net.value("x", 0.02, 128), net.weights(6, 5, axis=1, zero=True))


def four_bits(net: Net) -> str:
    return net.node("MatMul", "x", net.weights(6, 5, axis=1, bits=4))


CASES = [(convolutions, "i8", 3), (products, "i8", 2), (zeros, "i8", 1), (four_bits, "i4", 1)]


@pytest.mark.parametrize(("make", "stored", "count"), CASES, ids=[c[0].__name__ for c in CASES])
def test_weights_stay_and_values_become_fake_quantize(
    make: Callable[[Net], str], stored: str, count: int, tmp_path: Path
) -> None:
    net = Net()
    source = net.save(tmp_path / "net.onnx", make(net))
    graph = read_model(str(source))
    PassManager(DEFAULT_PASSES).run(graph)
    kinds = [n.kind for n in graph]
    wanted = sum(n.op_type == "QuantizeLinear" for n in net.nodes)
    assert kinds.count("FakeQuantize") == wanted
    types = [n.outputs[0].dtype.name for n in graph if n.kind == "Constant"]
    assert types.count(stored) == count
    inputs = [np.random.default_rng(1).uniform(-2, 2, (2, 4, 6, 6)).astype(np.float32)]
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"x": inputs[0]})
    assert relative(expected, Interpreter(graph).run(inputs)[0]) <= 1e-3
    path = written(graph, tmp_path / "net.xml")
    assert relative(expected, infer(compiled(path, FLOAT), inputs)[0]) <= 1e-3
    assert relative(expected, infer(compiled(path), inputs)[0]) <= 1e-2
    found = {p for (_, p) in precisions(compiled(path), "Convolution", "FullyConnected")}
    assert found <= {"u8", "i8", "i4"}, found


@pytest.mark.shared
def test_a_real_model_keeps_its_integers(tmp_path: Path) -> None:
    (model,) = [m for m in onnx_models(SHARED) if m.name == "mobilenetv2_qdq_int8"]
    graph = read_model(str(model.path))
    PassManager(DEFAULT_PASSES).run(graph)
    path = written(graph, tmp_path / "net.xml")
    assert path.with_suffix(".bin").stat().st_size < model.path.stat().st_size
    found = precisions(compiled(path), "Convolution", "FullyConnected")
    assert found == {("Convolution", "u8"): 52, ("FullyConnected", "u8"): 1}
