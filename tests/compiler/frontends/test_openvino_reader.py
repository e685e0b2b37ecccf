"""What OpenVINO writes is read, means the same, and is written again as it was."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from openvino import opset1, opset3, opset4, opset5, opset6, opset7, opset8, opset13, opset14

from tests.backends.ir_util import interpret, random, roundtrip, run
from tests.conftest import SHARED
from vinoc.backends.openvino import write_ir
from vinoc.compiler.frontends.openvino import OpenVinoFrontend, load
from vinoc.ir import Builder, ConversionError, Graph, ModelError, TensorType, UsageError
from vinoc.ir.buffer import Buffer
from vinoc.ir.dim import bounds
from vinoc.ir.dtype import dtype, f32
from vinoc.ir.loc import leaves
from vinoc.ir.op import op_class
from vinoc.ir.verify import verify

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def saved(model: ov.Model, folder: Path, compress: bool = False) -> Path:
    path = folder / "ov.xml"
    ov.save_model(model, str(path), compress_to_fp16=compress)
    return path


def parameter(*shape: Any, name: str = "x", element: str = "f32") -> Any:
    return opset1.parameter(ov.PartialShape(list(shape)), getattr(ov.Type, element), name=name)


def check(
    outputs: Any, parameters: list[Any], arrays: list[np.ndarray], folder: Path, tolerance: float = 1e-5
) -> Graph:
    """Reads what OpenVINO wrote: it must compute what OpenVINO does, and so must what is written again."""
    model = ov.Model(outputs if isinstance(outputs, list) else [outputs], parameters, "m")
    for compress in (False, True):
        path = saved(model, folder, compress)
        graph = load(path)
        verify(graph)
        same(interpret(graph, arrays), run(path, arrays), tolerance)
    path = saved(model, folder)
    graph = load(path)
    roundtrip(graph, folder, arrays, tolerance)
    again = load(folder / "net.xml")
    verify(again)
    once = (folder / "net.xml").read_bytes(), (folder / "net.bin").read_bytes(), (folder / "net.mapping").read_bytes()
    write_ir(again, folder / "net.xml")
    assert once == tuple((folder / f"net.{end}").read_bytes() for end in ("xml", "bin", "mapping"))
    return graph


def same(actual: list[np.ndarray], expected: list[np.ndarray], tolerance: float) -> None:
    assert [a.shape for a in actual] == [e.shape for e in expected]
    for a, e in zip(actual, expected, strict=True):
        assert a.dtype == e.dtype
        scale = np.abs(e[np.isfinite(e)]).max(initial=1.0) if e.dtype.kind == "f" else 1.0
        np.testing.assert_allclose(a.astype(np.float64), e.astype(np.float64), rtol=tolerance, atol=tolerance * scale)


# Whole models


def test_convolutional_model(tmp_path):
    x = parameter(-1, 3, 16, 16)
    y = opset1.convolution(x, random(8, 3, 3, 3), [2, 2], [1, 1], [1, 1], [1, 1], name="conv")
    y = opset5.batch_norm_inference(y, *(np.abs(random(8, seed=k)) + 0.5 for k in range(4)), epsilon=1e-5)
    y = opset1.max_pool(opset1.relu(y), [2, 2], [0, 0], [0, 0], [2, 2], "floor")
    y = opset1.avg_pool(y, [2, 2], [1, 1], [0, 0], [3, 3], True)
    y = opset1.reshape(y, [0, -1], True)
    y = opset8.softmax(opset1.matmul(y, random(32, 10), False, False), -1)
    graph = check(y, [x], [random(2, 3, 16, 16)], tmp_path)
    assert graph.input_names == [("x",)]
    assert str(graph.inputs[0].type) == "f32[x_d0,3,16,16]"
    assert str(graph.outputs[0].type) == "f32[x_d0,10]"
    (loc,) = {leaf for n in graph if n.kind == "Convolution" for leaf in leaves(n.loc)}
    assert (loc.file, loc.node, loc.op_type) == ("ov.xml", "conv", "Convolution")


def test_compressed_weights_stay_compressed(tmp_path):
    x = parameter(2, 4)
    model = ov.Model([opset1.matmul(x, opset1.constant(random(4, 3), name="w"), False, False)], [x])
    graph = load(saved(model, tmp_path, compress=True))
    (convert,) = [n for n in graph if n.kind == "Convert"]
    assert convert.op.decompression
    assert convert.inputs[0].dtype is dtype("f16")
    write_ir(graph, tmp_path / "net.xml")
    nodes = {n.get_friendly_name(): n for n in ov.Core().read_model(str(tmp_path / "net.xml")).get_ops()}
    assert "decompression_0" in nodes["w"].get_rt_info()
    assert (tmp_path / "net.bin").stat().st_size == 24


def test_if(tmp_path):
    x, c = parameter(-1, 3), parameter(name="c", element="boolean")
    a, b = parameter(-1, 3, name="a"), parameter(-1, 3, name="b")
    then, other = ov.Model([opset1.relu(a)], [a]), ov.Model([opset1.add(b, np.float32(2))], [b])
    node = opset8.if_op(c)
    node.set_then_body(then)
    node.set_else_body(other)
    node.set_input(x.output(0), a, b)
    out = node.set_output(then.get_results()[0], other.get_results()[0])
    for condition in (True, False):
        graph = check(out, [x, c], [random(2, 3), np.array(condition)], tmp_path)
    assert str(graph.outputs[0].type) == "f32[x_d0,3]"  # the name of the dimension passes through the bodies


def test_loop(tmp_path):
    x, s = parameter(4, 2, 3), parameter(2, 3, name="s")
    xi, si, count = parameter(1, 2, 3, name="xi"), parameter(2, 3, name="si"), parameter(name="i", element="i64")
    z = opset1.add(opset1.squeeze(xi, [0]), opset1.multiply(si, opset1.convert(count, "f32")))
    go = opset1.constant(True)
    loop = opset5.loop(opset1.constant(np.int64(4)), opset1.constant(True))
    body = ov.Model([opset1.result(z), opset1.result(go), opset1.result(opset1.unsqueeze(z, [0]))], [xi, si, count])
    loop.set_function(body)
    loop.set_special_body_ports([2, 1])
    loop.set_sliced_input(xi, x.output(0), 0, 1, 1, -1, 0)
    loop.set_merged_input(si, s.output(0), z.output(0))
    last = loop.get_iter_value(z.output(0), -1)
    steps = loop.get_concatenated_slices(body.get_results()[2].input_value(0), 0, 1, 1, -1, 0)
    check([last, steps], [x, s], [random(4, 2, 3), random(2, 3, seed=1)], tmp_path)


def test_tensor_iterator(tmp_path):
    x, s = parameter(2, 4, 3), parameter(2, 1, 3, name="s")
    xi, si = parameter(2, 1, 3, name="xi"), parameter(2, 1, 3, name="si")
    z = opset1.add(xi, si)
    body = ov.Model([z], [xi, si])
    node = opset1.tensor_iterator()
    node.set_body(body)
    node.set_sliced_input(xi, x.output(0), -1, -1, 1, 0, 1)
    node.set_merged_input(si, s.output(0), z.output(0))
    last = node.get_iter_value(z.output(0), -1)
    steps = node.get_concatenated_slices(z.output(0), 0, 1, 1, -1, 1)
    check([last, steps], [x, s], [random(2, 4, 3), random(2, 1, 3, seed=1)], tmp_path)


def test_state(tmp_path):
    x = parameter(1, 3)
    before = opset6.read_value(x, "v", ov.Type.f32, ov.PartialShape([1, 3]))
    after = opset1.add(before, x)
    model = ov.Model([opset1.result(after)], [opset6.assign(after, "v")], [x])
    graph = load(saved(model, tmp_path))
    assert [n.kind for n in graph] == ["ReadValue", "Add", "Assign"]
    files = write_ir(graph, tmp_path / "net.xml")
    request = ov.compile_model(str(files.xml), "CPU").create_infer_request()
    assert [np.array(request.infer([np.ones((1, 3), np.float32)])[0])[0, 0] for _ in range(2)] == [2, 3]


def test_lstm_sequence(tmp_path):
    x = parameter(2, 3, 4)
    states = [random(2, 1, 5, seed=k) for k in (1, 2)]
    lengths = np.array([3, 2], np.int64)
    w = [random(1, 20, *s, seed=k) for k, s in ((3, (4,)), (4, (5,)), (5, ()))]
    node = opset5.lstm_sequence(x, *states, lengths, *w, 5, "forward")
    check(node.outputs(), [x], [random(2, 3, 4)], tmp_path)


def test_quantized_weights(tmp_path):
    x = parameter(2, 8)
    levels = opset1.constant(np.arange(-8, 8, dtype=np.int8).reshape(2, 8), ov.Type.i4)
    w = opset1.multiply(opset1.convert(levels, "f32"), np.array([[0.5], [0.25]], np.float32))
    y = opset1.fake_quantize(x, *(np.float32(v) for v in (-1, 1, -1, 1)), levels=256)
    check(opset1.matmul(y, w, False, True), [x], [random(2, 8)], tmp_path)


def test_strings(tmp_path):
    graph = Graph("m")
    texts = np.array([["ab", ""], ["é", "x" * 300]], object)
    graph.add_output(Builder(graph).const(Buffer.of(texts, dtype("string"))), "y")
    files = write_ir(graph, tmp_path / "net.xml")
    (node,) = load(files.xml)
    assert node.output.const.tolist() == texts.tolist()


# Older forms


def old(kind: str, version: str, inputs: list[Any], **attributes: Any) -> Any:
    from openvino.utils.node_factory import NodeFactory

    return NodeFactory(version).create(kind, inputs, attributes)


def const(*values: int) -> Any:
    return opset1.constant(np.array(values if len(values) != 1 else values[0], np.int64))


SIZES = {"kernel": [2, 2], "strides": [2, 2], "pads_begin": [0, 0], "pads_end": [0, 0]}
RESIZE = {
    "mode": "linear_onnx",
    "coordinate_transformation_mode": "half_pixel",
    "nearest_mode": "floor",
    "antialias": False,
    "pads_begin": [0],
    "pads_end": [0],
    "cube_coeff": -0.75,
}
OLD: dict[str, Any] = {
    "MaxPool-1": lambda x: old("MaxPool", "opset1", [x], **SIZES, rounding_type="floor", auto_pad="explicit"),
    "AvgPool-1": lambda x: opset1.avg_pool(x, [2, 2], [1, 1], [0, 0], [2, 2], True),
    "SoftMax-1": lambda x: opset1.softmax(x, 1),
    "Gather-1": lambda x: opset1.gather(x, const(1, 0, 3), const(1)),
    "Gather-7": lambda x: opset7.gather(x, opset1.constant(np.array([[1, 0], [3, 2]])), const(1), batch_dims=1),
    "Broadcast-1": lambda x: opset1.broadcast(x, const(3, 2, 4, 6, 6)),
    "Broadcast-1-explicit": lambda x: opset1.broadcast(x, const(2, 4, 3, 6, 6), const(0, 1, 3, 4), "explicit"),
    "BatchNormInference-1": lambda x: old(
        "BatchNormInference",
        "opset1",
        [
            *(opset1.constant(np.abs(random(4, seed=k)) + 1) for k in (1, 2)),
            x,
            *(opset1.constant(np.abs(random(4, seed=k)) + 1) for k in (3, 4)),
        ],
        epsilon=1e-3,
    ),
    "Pad-1": lambda x: opset1.pad(x, const(0, 0, 1, 2), const(0, 0, 0, 1), "constant", np.float32(3)),
    "TopK-1": lambda x: opset1.topk(x, const(2), 1, "max", "value"),
    "TopK-3": lambda x: opset3.topk(x, const(2), 1, "min", "value", "i64"),
    "ShapeOf-1": lambda x: opset1.shape_of(x),
    "Range-1": lambda x: opset1.add(
        opset1.reduce_sum(x, const(0, 1, 2, 3), True),
        opset1.convert(opset1.range(const(1), const(7), const(2)), "f32"),
    ),
    "MVN-2": lambda x: old("MVN", "opset2", [x], eps=1e-5, normalize_variance=True, across_channels=False),
    "MVN-2-across": lambda x: old("MVN", "opset2", [x], eps=1e-5, normalize_variance=True, across_channels=True),
    "Gelu-2": lambda x: old("Gelu", "opset2", [x]),
    "ScatterElementsUpdate-3": lambda x: opset3.scatter_elements_update(
        x, opset1.constant(np.full((1, 1, 1, 1), 2)), random(1, 1, 1, 1), const(1)
    ),
    "ScatterNDUpdate-4": lambda x: opset4.scatter_nd_update(
        x, opset1.constant(np.array([[1], [0]])), random(2, 4, 6, 6)
    ),
    "GatherND-5": lambda x: opset5.gather_nd(x, opset1.constant(np.array([[[1], [5], [2], [0]]] * 2)), 2),
    "Interpolate-4-sizes": lambda x: old(
        "Interpolate",
        "opset4",
        [x, const(9, 4), opset1.constant(np.array([1, 1], np.float32)), const(2, 3)],
        shape_calculation_mode="sizes",
        **RESIZE,
    ),
    "Interpolate-4-scales": lambda x: old(
        "Interpolate",
        "opset4",
        [x, const(9, 4), opset1.constant(np.array([2, 1.5], np.float32)), const(2, 3)],
        shape_calculation_mode="scales",
        **RESIZE,
    ),
    "Interpolate-1": lambda x: old(
        "Interpolate",
        "opset1",
        [x, const(12, 9)],
        axes=np.array([2, 3]),
        mode="nearest",
        align_corners=False,
        antialias=False,
        pads_begin=[0],
        pads_end=[0],
    ),
    "Interpolate-1-linear": lambda x: old(
        "Interpolate",
        "opset1",
        [x, const(11, 9)],
        axes=np.array([2, 3]),
        mode="linear",
        align_corners=True,
        antialias=False,
        pads_begin=[0],
        pads_end=[0],
    ),
    "ROIAlign-3": lambda x: opset3.roi_align(
        x, np.array([[0, 0, 4, 4]], np.float32), np.array([1]), 2, 2, 2, 1.0, "avg"
    ),
    "LSTMCell-1": lambda x: old(
        "LSTMCell",
        "opset1",
        [
            opset1.reshape(opset1.reduce_mean(x, const(1, 2), False), [2, 6], False),
            *(opset1.constant(random(*s, seed=9)) for s in ((2, 3), (2, 3), (12, 6), (12, 3), (12,), (9,))),
        ][:6],
        hidden_size=3,
        input_forget=False,
        weights_format="fico",
    ),
}


@pytest.mark.parametrize("case", OLD)
def test_older_form(case, tmp_path):
    """The labels in the files are those of the old opsets; results must be OpenVINO's."""
    x = parameter(2, 4, 6, 6)
    node = OLD[case](x)
    path = saved(ov.Model(node.outputs(), [x]), tmp_path)
    kind, label = case.split("-")[:2]
    text = path.read_text()
    assert f'type="{kind}" version="opset{label}"' in text
    graph = load(path)
    verify(graph)
    assert all(n.op.opset is not None for n in graph)
    array = random(2, 4, 6, 6)
    same(interpret(graph, [array]), run(path, [array]), 1e-4)
    roundtrip(graph, tmp_path, [array], 1e-4)
