"""The benchmark networks, as ONNX files with random weights.

    python benchmarks/networks.py FOLDER [NAME ...]

Nine are the light models of the onnx wheel, whose weights are all one constant each: equal weights falsify timings and
make every output the same, so they get random ones of He scale (fixed seeds) and statistics of batch normalization
near 0 and 1. MobileNetV2 and a BERT-like encoder (4 layers of 256, sequence 128) are made from their descriptions.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"


def names() -> list[str]:
    """Of all networks."""
    return [*sorted(f.stem.removeprefix("light_") for f in LIGHT.glob("light_*.onnx")), *MADE]


def write(folder: Path, wanted: Iterable[str] = ()) -> list[Path]:
    """Writes the networks that are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name in wanted or names():
        file = folder / f"{name}.onnx"
        if not file.exists():
            model = MADE[name]() if name in MADE else light(LIGHT / f"light_{name}.onnx")
            onnx.checker.check_model(model)
            onnx.save(model, file)
        files.append(file)
    return files


# The light models


def light(file: Path) -> onnx.ModelProto:
    """A light model whose ConstantOfShape nodes are random weights instead."""
    model = onnx.load(file)
    graph = model.graph
    rng = np.random.default_rng(0)
    shapes = {t.name: t for t in graph.initializer}
    made = {n.output[0]: n for n in graph.node if n.op_type == "ConstantOfShape"}
    uses = _uses(graph)
    weights = []
    for name, node in made.items():
        shape = numpy_helper.to_array(shapes.pop(node.input[0])).tolist()
        weights.append(numpy_helper.from_array(_weights(rng, shape, uses.get(name, set())), name))
    nodes = [n for n in graph.node if n.output[0] not in made]
    inputs = [i for i in graph.input if i.name not in {t.name for t in graph.initializer}]
    kept = list(shapes.values())
    for part, content in ((graph.node, nodes), (graph.initializer, [*kept, *weights]), (graph.input, inputs)):
        del part[:]
        part.extend(content)
    del graph.value_info[:]
    model.ir_version = max(model.ir_version, 8)
    _moderate(model)
    return onnx.shape_inference.infer_shapes(model)


def _moderate(model: onnx.ModelProto) -> None:
    """Scales the last layer, so that its results spread by 2: of more a Softmax makes one 1 and zeros."""
    import onnxruntime

    graph = model.graph
    logits = next((n.input[0] for n in reversed(graph.node) if n.op_type == "Softmax"), graph.output[0].name)
    layer = [n for n in graph.node if n.op_type in ("Gemm", "Conv") and len(n.input) == 3][-1]
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    del probe.graph.output[:]
    probe.graph.output.append(onnx.ValueInfoProto(name=logits))
    session = onnxruntime.InferenceSession(probe.SerializeToString())
    image = np.random.default_rng(0).standard_normal(session.get_inputs()[0].shape).astype(np.float32)
    found = session.run([logits], {session.get_inputs()[0].name: image})[0]
    for tensor in graph.initializer:
        if tensor.name in layer.input[1:]:
            scaled = numpy_helper.to_array(tensor) * np.float32(2 / found.std())
            tensor.CopyFrom(numpy_helper.from_array(scaled, tensor.name))


def _uses(graph: onnx.GraphProto) -> dict[str, set[tuple[str, int]]]:
    """Which inputs of which operations read a value, through Unsqueeze."""
    uses: dict[str, set[tuple[str, int]]] = {}
    for node in reversed(graph.node):
        for i, name in enumerate(node.input):
            found = uses.get(node.output[0], set()) if node.op_type == "Unsqueeze" else {(node.op_type, i)}
            uses.setdefault(name, set()).update(found)
    return uses


def _weights(rng: np.random.Generator, shape: list[int], uses: set[tuple[str, int]]) -> np.ndarray[Any, Any]:
    noise = rng.standard_normal(shape)
    if ("Conv", 1) in uses:
        noise *= np.sqrt(2 / np.prod(shape[1:]))
    elif ("Gemm", 1) in uses:
        noise *= np.sqrt(1 / shape[1])
    elif ("BatchNormalization", 1) in uses or ("Mul", 1) in uses:
        noise = 1 + 0.1 * noise
    elif ("BatchNormalization", 4) in uses:
        noise = 1 + 0.2 * np.abs(noise)
    else:
        noise *= 0.05
    return noise.astype(np.float32)


# Made ones


class _Maker:
    """Collects nodes and weights."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def constant(self, array: Any) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def normal(self, *shape: int, scale: float) -> str:
        return self.constant((self.rng.standard_normal(shape) * scale).astype(np.float32))

    def op(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        name = name or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def model(self, inputs: list[Any], outputs: list[Any], opset: int) -> onnx.ModelProto:
        graph = helper.make_graph(self.nodes, "network", inputs, outputs, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        return onnx.shape_inference.infer_shapes(model)


def mobilenetv2() -> onnx.ModelProto:
    """Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", arXiv:1801.04381, table 2."""
    m = _Maker(1)
    low, high = m.constant(np.float32(0)), m.constant(np.float32(6))

    def conv(x: str, into: int, out: int, size: int, stride: int, groups: int = 1, clip: bool = True) -> str:
        weights = m.normal(out, into // groups, size, size, scale=np.sqrt(2 / (into // groups * size * size)))
        bias = m.normal(out, scale=0.05)
        pads = [size // 2] * 4
        y = m.op("Conv", x, weights, bias, kernel_shape=[size, size], strides=[stride, stride], pads=pads, group=groups)
        return m.op("Clip", y, low, high) if clip else y

    x, channels = conv("x", 3, 32, 3, 2), 32
    blocks = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    for expansion, out, count, first in blocks:
        for i in range(count):
            stride, hidden = first if i == 0 else 1, channels * expansion
            y = conv(x, channels, hidden, 1, 1) if expansion > 1 else x
            y = conv(conv(y, hidden, hidden, 3, stride, hidden), hidden, out, 1, 1, clip=False)
            x = m.op("Add", x, y) if stride == 1 and channels == out else y
            channels = out
    x = m.op("Flatten", m.op("GlobalAveragePool", conv(x, channels, 1280, 1, 1)))
    m.op("Gemm", x, m.normal(1280, 1000, scale=0.03), m.normal(1000, scale=0.01), name="y")
    ins = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 224, 224])]
    return m.model(ins, [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1000])], 13)


def encoder(
    layers: int = 4, width: int = 256, sequence: int = 128, heads: int = 4, hidden: int = 1024
) -> onnx.ModelProto:
    """A BERT-like encoder: Devlin et al. 2018, arXiv:1810.04805, with GELU by erf, normalization behind each part."""
    m = _Maker(2)

    def linear(x: str, into: int, out: int) -> str:
        product = m.op("MatMul", x, m.normal(into, out, scale=1 / np.sqrt(into)))
        return m.op("Add", product, m.normal(out, scale=0.02))

    def norm(x: str) -> str:
        scale = m.constant((1 + 0.01 * m.rng.standard_normal(width)).astype(np.float32))
        return m.op("LayerNormalization", x, scale, m.normal(width, scale=0.01), axis=-1, epsilon=1e-5)

    def split(x: str, order: list[int]) -> str:
        return m.op("Transpose", m.op("Reshape", linear(x, width, width), parts), perm=order)

    parts = m.constant(np.array([1, sequence, heads, width // heads], np.int64))
    whole = m.constant(np.array([1, sequence, width], np.int64))
    scale, root = (m.constant(np.float32(v)) for v in ((width // heads) ** -0.5, np.sqrt(2)))
    one, half = m.constant(np.float32(1)), m.constant(np.float32(0.5))
    embedded = m.op("Gather", m.normal(1000, width, scale=0.5), "ids")
    x = norm(m.op("Add", embedded, m.normal(1, sequence, width, scale=0.5)))
    for _ in range(layers):
        query, key, value = split(x, [0, 2, 1, 3]), split(x, [0, 2, 3, 1]), split(x, [0, 2, 1, 3])
        weights = m.op("Softmax", m.op("Mul", m.op("MatMul", query, key), scale), axis=-1)
        mixed = m.op("Reshape", m.op("Transpose", m.op("MatMul", weights, value), perm=[0, 2, 1, 3]), whole)
        x = norm(m.op("Add", x, linear(mixed, width, width)))
        f = linear(x, width, hidden)
        f = m.op("Mul", m.op("Mul", f, m.op("Add", m.op("Erf", m.op("Div", f, root)), one)), half)
        x = norm(m.op("Add", x, linear(f, hidden, width)))
    m.op("Identity", x, name="y")
    ins = [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, sequence])]
    return m.model(ins, [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, sequence, width])], 17)


MADE = {"mobilenetv2": mobilenetv2, "encoder": encoder}

if __name__ == "__main__":
    for path in write(Path(sys.argv[1]), sys.argv[2:]):
        print(path)
