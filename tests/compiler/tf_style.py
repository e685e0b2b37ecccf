"""ONNX models as converters from TensorFlow write them: tensors are NHWC, convolutions stand between Transposes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

TO_NCHW, TO_NHWC = [0, 3, 1, 2], [0, 2, 3, 1]


class Nhwc:
    """Builds a model by layers over NHWC tensors."""

    def __init__(self, shape: list[int | str], seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self.shape = shape

    def weight(self, array: Any) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def random(self, *shape: int) -> np.ndarray:
        return (self.rng.standard_normal(shape) * 0.3).astype(np.float32)

    def node(self, kind: str, *inputs: str, n: int = 1, **attributes: Any) -> Any:
        outs = [f"t{len(self.nodes)}_{i}" for i in range(n)]
        self.nodes.append(helper.make_node(kind, list(inputs), outs, name=f"n{len(self.nodes)}", **attributes))
        return outs[0] if n == 1 else outs

    def between(self, kind: str, x: str, *inputs: str, **attributes: Any) -> str:
        """An operation over NCHW, between two Transposes."""
        t = self.node("Transpose", x, perm=TO_NCHW)
        return self.node("Transpose", self.node(kind, t, *inputs, **attributes), perm=TO_NHWC)

    def conv(self, x: str, c_in: int, c_out: int, k: int = 3, stride: int = 1, groups: int = 1) -> str:
        w = self.weight(self.random(c_out, c_in // groups, k, k))
        y = self.between("Conv", x, w, auto_pad="SAME_UPPER", strides=[stride] * 2, kernel_shape=[k, k], group=groups)
        return self.node("Add", y, self.weight(self.random(c_out)))

    def save(self, path: Path, out: str, out_shape: list[int | str]) -> Path:
        graph = helper.make_graph(
            self.nodes,
            "tf",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)],
            [helper.make_tensor_value_info(out, TensorProto.FLOAT, out_shape)],
            self.weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, path)
        return path


def classifier(path: Path, batch: int | str = "N") -> Path:
    """What MobileNets and ResNets consist of, and a head over pooled features."""
    m = Nhwc([batch, 32, 32, 3])
    x = m.node("Sub", m.node("Mul", "x", m.weight(np.float32(1 / 127.5))), m.weight(np.float32([1, 0.9, 1.1])))
    x = m.node("Relu", m.conv(x, 3, 8, stride=2))
    statistics = [m.weight(v) for v in (m.random(8) + 1, m.random(8), m.random(8), np.abs(m.random(8)) + 1)]
    x = m.between("BatchNormalization", x, *statistics)
    skip = x
    x = m.node("Clip", m.conv(x, 8, 8, groups=8), m.weight(np.float32(0)), m.weight(np.float32(6)))
    x = m.node("Add", m.conv(x, 8, 8, k=1), skip)
    gate = m.node("ReduceMean", x, axes=[1, 2], keepdims=1)
    gate = m.node("Sigmoid", m.conv(m.node("Relu", m.conv(gate, 8, 4, k=1)), 4, 8, k=1))
    x = m.node("Mul", x, gate)
    pads = m.weight(np.int64([0, 1, 1, 0, 0, 0, 0, 0]))
    x = m.between("MaxPool", m.node("Pad", x, pads), kernel_shape=[3, 3], strides=[2, 2])
    x = m.node("PRelu", x, m.weight(np.abs(m.random(1, 1, 8))))
    left, right = m.node("Split", x, n=2, axis=3)
    x = m.node("Concat", right, m.node("LeakyRelu", left, alpha=0.1), x, axis=3)
    x = m.node("Mul", x, m.node("HardSigmoid", x, alpha=1 / 6, beta=0.5))
    x = m.between("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = m.node("ReduceMean", x, axes=[1, 2], keepdims=0)
    x = m.node("Add", m.node("MatMul", x, m.weight(m.random(16, 5))), m.weight(m.random(5)))
    return m.save(path, m.node("Softmax", x, axis=-1), [batch, 5])


def segmenter(path: Path, batch: int | str = "N") -> Path:
    """An encoder and a decoder with resizing, slices and skips; an NHWC map comes out."""
    m = Nhwc([batch, 24, 32, 3])
    a = m.node("Relu", m.conv("x", 3, 8))
    b = m.node("Relu", m.conv(a, 8, 8, stride=2))
    scales = m.weight(np.float32([1, 1, 2, 2]))
    up = m.between("Resize", b, "", scales, mode="linear", coordinate_transformation_mode="half_pixel")
    x = m.node("Concat", up, a, axis=3)
    starts, ends, axes = (m.weight(np.int64(v)) for v in ([1, 0], [23, 16], [1, 3]))
    x = m.node("Slice", m.conv(x, 16, 16), starts, ends, axes)
    x = m.between("DepthToSpace", x, blocksize=2, mode="CRD")
    x = m.node("Tanh", m.conv(x, 4, 4))
    w = m.weight(m.random(4, 2, 2, 2))
    x = m.between("ConvTranspose", x, w, strides=[2, 2], kernel_shape=[2, 2])
    mask = m.node("Greater", x, m.weight(np.float32(0)))
    x = m.node("Where", mask, x, m.weight(m.random(2)))
    return m.save(path, m.node("Softmax", x, axis=3), [batch, 88, 128, 2])
