"""What OpenVINO writes is read, means the same, and is written again as it was."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from openvino import opset1, opset3, opset4, opset5, opset6, opset7, opset8
from openvino.utils.node_factory import NodeFactory

from tests.backends.ir_util import interpret, random, roundtrip, run
from tests.conftest import SHARED
from vinoc.backends.openvino import write_ir
from vinoc.compiler.frontends.openvino import OpenVinoFrontend, load
from vinoc.ir import Builder, ConversionError, Graph, ModelError, TensorType, UsageError
from vinoc.ir.buffer import Buffer
from vinoc.ir.dim import bounds
from vinoc.ir.dtype import dtype, f32
from vinoc.ir.loc import leaves
from vinoc.ir.op import op_class, registry
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
    "ROIPooling-2": lambda x: old(
        "ROIPooling",
        "opset2",
        [x, opset1.constant(np.array([[0, 0, 0, 4, 5]], np.float32))],
        pooled_h=2,
        pooled_w=3,
        spatial_scale=1.0,
        method="max",
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


def test_roi_pooling_of_old_files_gives_its_size_in_two_attributes(tmp_path):
    x = parameter(2, 4, 6, 6)
    path = saved(ov.Model(OLD["ROIPooling-2"](x).outputs(), [x]), tmp_path)
    path.write_text(path.read_text().replace('output_size="2, 3"', ""))
    assert "output_size" not in path.read_text()
    assert next(n for n in load(path) if n.kind == "ROIPooling").op.output_size == (2, 3)


# Files by hand


def layer(id: Any, kind: str, data: str = "", inputs: int = 0, outputs: int = 1, **attributes: str) -> str:
    """A layer as text; `names` are tensor names, `more` is further child elements."""
    a = {"name": f"l{id}", "version": "opset1", "names": "", "more": "", **attributes}
    extra = f' output_names="{a["output_names"]}"' if "output_names" in a else ""
    ins = "".join(f'<port id="{i}"/>' for i in range(inputs))
    listed = f' names="{a["names"]}"' if a["names"] else ""
    outs = "".join(f'<port id="{inputs + i}" precision="FP32"{listed}/>' for i in range(outputs))
    return (
        f'<layer id="{id}" name="{a["name"]}" type="{kind}" version="{a["version"]}"{extra}>'
        f"<data {data}/>{a['more']}<input>{ins}</input><output>{outs}</output></layer>"
    )


def net(layers: list[str], edges: list[str], version: str = "11") -> str:
    """A model as text; an edge is `from:port-to:port`."""
    lines = []
    for edge in edges:
        (a, b), (c, d) = (end.split(":") for end in edge.split("-"))
        lines.append(f'<edge from-layer="{a}" from-port="{b}" to-layer="{c}" to-port="{d}"/>')
    head = f'<?xml version="1.0"?>\n<net name="n" version="{version}">'
    return f"{head}<layers>{''.join(layers)}</layers><edges>{''.join(lines)}</edges></net>"


def input_(id: int, shape: str = "2,3", element: str = "f32", **attributes: str) -> str:
    return layer(id, "Parameter", f'shape="{shape}" element_type="{element}"', **attributes)


def result(id: int, **attributes: str) -> str:
    return layer(id, "Result", inputs=1, outputs=0, **attributes)


def read(folder: Path, text: str, weights: bytes | None = None) -> Graph:
    path = folder / "net.xml"
    path.write_text(text, encoding="utf-8")
    if weights is not None:
        path.with_suffix(".bin").write_bytes(weights)
    graph = load(path)
    verify(graph)
    return graph


def test_layers_in_any_order_with_any_port_numbers(tmp_path):
    text = net(
        [result(7), layer(3, "relu", inputs=1), input_(9, names="x"), layer(1, "EXP", inputs=1), result(4), input_(2)],
        ["3:1-7:0", "1:1-3:0", "9:0-1:0", "2:0-4:0"],
    )
    graph = read(
        tmp_path, text.replace('<port id="1" precision', '<port id="50" precision').replace('port="1"', 'port="50"')
    )
    assert [n.kind for n in graph] == ["Exp", "ReLU"]
    assert graph.input_names == [("x",), ("l2",)]
    assert [v.node.kind if v.node else v.name for v in graph.outputs] == ["ReLU", "l2"]
    models = ov.Core().read_model(str(tmp_path / "net.xml"))
    assert [p.get_friendly_name() for p in models.get_parameters()] == ["l9", "l2"]  # the same order in OpenVINO
    assert [p.get_friendly_name() for p in models.get_results()] == ["l7", "l4"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,?,-1,3", [(1, 1), (0, np.inf), (0, np.inf), (3, 3)]),
        ("1..5, ..5,2..,4..4", [(1, 5), (0, 5), (2, np.inf), (4, 4)]),
        ("", []),
        ("...", None),
    ],
)
def test_shapes_of_parameters(tmp_path, text, expected):
    graph = read(tmp_path, net([input_(0, text, names="in:0"), result(1)], ["0:0-1:0"]))
    shape = graph.inputs[0].shape
    assert (None if shape is None else [bounds(d) for d in shape]) == expected
    if text.startswith("1,?"):
        assert str(graph.inputs[0].type) == "f32[1,l0_d1,l0_d2,3]"


def test_dimensions_of_different_inputs_are_different(tmp_path):
    layers = [input_(0, "?", name="a.b"), input_(1, "?", name="a:b"), layer(2, "Multiply", inputs=2), result(3)]
    graph = read(tmp_path, net(layers, ["0:0-2:0", "1:0-2:1", "2:2-3:0"]))
    assert graph.inputs[0].shape != graph.inputs[1].shape


def test_dimensions_of_ports_are_not_believed(tmp_path):
    text = net([input_(0), layer(1, "ReLU", inputs=1), result(2)], ["0:0-1:0", "1:1-2:0"])
    text = text.replace('precision="FP32"/>', 'precision="I64"><dim>99</dim></port>')
    assert str(read(tmp_path, text).outputs[0].type) == "f32[2,3]"


def test_tensor_names(tmp_path):
    layers = [
        input_(0, names="x,second\\,part"),
        layer(1, "ReLU", inputs=1, names="a,b"),
        result(2, output_names="b,a"),
        result(3),
        layer(4, "Exp", inputs=1, name="e"),
        result(5),
    ]
    graph = read(tmp_path, net(layers, ["0:0-1:0", "1:1-2:0", "1:1-3:0", "0:0-4:0", "4:1-5:0"]))
    assert graph.input_names == [("x", "second,part")]
    assert graph.output_names == [("b", "a"), ("a", "b"), ("e",)]
    assert [n.output.name for n in graph] == ["a", "e"]


def test_version_10_names_tensors_after_layers(tmp_path):
    split = layer(2, "Split", 'num_splits="2"', inputs=2, outputs=2, name="split")
    axis = layer(1, "Const", 'element_type="i64" shape="" offset="0" size="8"')
    layers = [input_(0, "2,4", name="data", names="ignored"), axis, split, result(3, name="out"), result(4)]
    edges = ["0:0-2:0", "1:0-2:1", "2:2-3:0", "2:3-4:0"]
    graph = read(tmp_path, net(layers, edges, "10"), (1).to_bytes(8, "little"))
    assert graph.input_names == [("data",)]
    assert graph.output_names == [("split.0",), ("split.1",)]
    model = ov.Core().read_model(str(tmp_path / "net.xml"))
    assert all(n in model.outputs[i].get_names() for i, (n,) in enumerate(graph.output_names))


def test_fused_names_become_provenance(tmp_path):
    info = '<rt_info><attribute name="fused_names" version="0" value="conv\\,1,bn"/></rt_info>'
    graph = read(
        tmp_path, net([input_(0), layer(1, "ReLU", inputs=1, name="bn", more=info), result(2)], ["0:0-1:0", "1:1-2:0"])
    )
    (node,) = graph
    assert [leaf.node for leaf in leaves(node.loc)] == ["conv,1", "bn"]
    write_ir(graph, tmp_path / "again.xml")
    assert 'value="conv\\,1,bn"' in (tmp_path / "again.xml").read_text()


def test_constants_are_read_when_touched(tmp_path):
    array = np.arange(10000, dtype=np.float32)
    const = layer(0, "Const", 'element_type="f32" shape="10000" offset="3" size="40000"')
    graph = read(
        tmp_path, net([const, layer(1, "ReLU", inputs=1), result(2)], ["0:0-1:0", "1:1-2:0"]), b"abc" + array.tobytes()
    )
    buffer = next(iter(graph)).op.value
    assert not buffer.is_loaded
    np.testing.assert_array_equal(buffer.array, array)
    assert buffer.array.flags.aligned
    assert not buffer.array.flags.writeable


def test_booleans_are_zero_or_not(tmp_path):
    const = layer(0, "Const", 'element_type="boolean" shape="3" offset="0" size="3"')
    graph = read(tmp_path, net([const, result(1)], ["0:0-1:0"]), b"\x00\x01\xff")
    assert graph.outputs[0].const.tolist() == [False, True, True]


def test_weights_elsewhere_and_output_over_the_input(tmp_path):
    x = parameter(2, 4)
    path = saved(ov.Model([opset1.matmul(x, random(4, 3), False, False)], [x]), tmp_path)
    (tmp_path / "ov.bin").rename(tmp_path / "other.bin")
    graph = load(path, tmp_path / "other.bin")
    (tmp_path / "other.bin").rename(tmp_path / "ov.bin")
    write_ir(graph, path)  # the constants are still in the file that is replaced
    same(interpret(load(path), [random(2, 4)]), interpret(graph, [random(2, 4)]), 0)


def test_read_value_of_opset3(tmp_path):
    layers = [
        input_(0, "2..4,?"),
        layer(1, "ReadValue", 'variable_id="v"', inputs=1, version="opset3"),
        layer(2, "Assign", 'variable_id="v"', inputs=1, version="opset3"),
        result(3),
    ]
    graph = read(tmp_path, net(layers, ["0:0-1:0", "1:1-2:0", "1:1-3:0"]))
    assert [n.kind for n in graph] == ["ReadValue", "Assign"]
    assert [bounds(d) for d in graph.first.op.variable_shape] == [(2, 4), (0, np.inf)]


# Parts of a model


def chain(folder: Path) -> Path:
    layers = [
        input_(0, "2,3", names="x"),
        layer(1, "ReLU", inputs=1, names="a"),
        layer(2, "Exp", inputs=1),
        result(3, output_names="y"),
    ]
    (folder / "net.xml").write_text(net(layers, ["0:0-1:0", "1:1-2:0", "2:1-3:0"]))
    return folder / "net.xml"


def test_a_model_is_cut(tmp_path):
    frontend, path = OpenVinoFrontend(), chain(tmp_path)
    assert frontend.recognizes(path)
    whole = frontend.load(path)
    assert [n.kind for n in whole] == ["ReLU", "Exp"]
    head = frontend.load(path, outputs=["a"])
    assert ([n.kind for n in head], head.output_names) == (["ReLU"], [("a",)])
    tail = frontend.load(path, inputs={"l1:0": TensorType(f32, (7,))})
    assert ([n.kind for n in tail], tail.input_names, str(tail.outputs[0].type)) == (["Exp"], [("l1:0",)], "f32[7]")
    wide = frontend.load(path, inputs={"x": TensorType(f32, (5, 5))})
    assert (len(wide), str(wide.outputs[0].type), wide.output_names) == (2, "f32[5,5]", [("y",)])
    for graph in (head, tail, wide):
        verify(graph)
    with pytest.raises(UsageError, match="no tensor or layer 'l11'"):
        frontend.load(path, outputs=["l11"])


# Faulty files


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (net([], []).replace('version="11"', 'version="7"'), "is IR version 7; versions 10 and 11 are read"),
        (net([], []).replace('version="11"', ""), r"is IR version \(none\)"),
        ("<svg></svg>", "no OpenVINO IR: its root is <svg>"),
        ("<net version='11'></net>", "has no <layers>"),
        (net([], [])[:40], "not well-formed"),
        (
            '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><net version="11"><layers/></net>',
            "declares a document type",
        ),
        ("", "not well-formed"),
    ],
)
def test_what_is_no_ir(tmp_path, text, message):
    with pytest.raises(ModelError, match=message):
        read(tmp_path, text)


def test_entities_hidden_by_an_encoding_are_refused(tmp_path):
    text = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x [<!ENTITY a "b">]><net version="11"><layers/></net>'
    for encoding in ("utf-16", "utf-16-le", "utf-8", "cp037"):
        (tmp_path / "net.xml").write_bytes(text.encode(encoding))
        with pytest.raises(ModelError):
            load(tmp_path / "net.xml")
    with pytest.raises(ModelError, match="cannot be read"):
        load(tmp_path / "none.xml")


CONST = 'element_type="f32" shape="2,3" offset="0" size="24"'
AXES = layer(8, "Const", 'element_type="i64" shape="1" offset="0" size="8"')
FAULTS = {
    "unknown operation": (layer(1, "ReLu6", inputs=1), "opset1 operation 'ReLu6' is not known"),
    "unknown opset": (layer(1, "ReLU", inputs=1, version="opset99"), "version 'opset99' is not one of opset1"),
    "extension": (layer(1, "ReLU", inputs=1, version="extension"), "version 'extension' is not one of"),
    "too old": (layer(1, "Gelu", inputs=1), "opset1 has no Gelu; it entered with opset2"),
    "missing attribute": (layer(1, "Clamp", 'min="0"', inputs=1), "attribute `max` is missing"),
    "misspelt attribute": (layer(1, "Elu", 'alfa="0"', inputs=1), "attribute `alpha` is missing"),
    "no number": (layer(1, "Clamp", 'min="0" max="a"', inputs=1), "attribute `max` is 'a', expected a number"),
    "no integer": (layer(1, "SoftMax", 'axis="1.5"', inputs=1), "attribute `axis` is '1.5', expected an integer"),
    "no choice": (layer(1, "Gelu", 'approximation_mode="X"', inputs=1, version="opset7"), "expected one of ERF, TANH"),
    "no type": (layer(1, "Convert", 'destination_type="FP32"', inputs=1), "no element type 'FP32'"),
    "no type of IR": (layer(1, "Convert", 'destination_type="c64"', inputs=1), "'c64' does not exist in OpenVINO IR"),
    "inputs": (layer(1, "Add", 'auto_broadcast="numpy"', inputs=1), "Add takes 2 inputs"),
    "outputs": (layer(1, "ReLU", inputs=1, outputs=2), "it has 2 outputs, ReLU gives 1"),
    "unconnected": (layer(1, "Add", 'auto_broadcast="numpy"', inputs=2), "nothing is connected to its input 1"),
    "types": (layer(1, "LogicalNot", inputs=1), "LogicalNot"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faulty_layers(tmp_path, fault):
    text, message = FAULTS[fault]
    with pytest.raises(ConversionError) as caught:
        read(tmp_path, net([input_(0), text, result(2)], ["0:0-1:0", f"1:{text.count('<port') - 1}-2:0"]))
    (problem,) = caught.value.problems
    assert message in problem.what
    assert problem.node == "l1"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (CONST.replace("24", "20"), r"size 20 does not fit f32\[2, 3\], which takes 24 bytes"),
        (CONST.replace('offset="0"', 'offset="8"'), "bytes 8..32 lie outside of net.bin, which has 24"),
        (CONST.replace('offset="0"', 'offset="-4"'), "lie outside"),
        (CONST.replace('size="24"', ""), "attribute `size` is missing"),
        (CONST.replace('size="24"', 'size="2x"'), "attribute `size` is '2x', expected an integer"),
        (CONST.replace("2,3", "2,-3"), "no negative dimensions"),
        (CONST.replace("f32", "f33"), "no element type 'f33'"),
        (CONST.replace("f32", "u6").replace("24", "6"), "constants of type u6 are not read"),
        ('element_type="string" shape="2" offset="0" size="24"', "strings of the constant do not fit"),
    ],
)
def test_faulty_constants(tmp_path, data, message):
    with pytest.raises(ConversionError, match=message):
        read(tmp_path, net([layer(0, "Const", data), result(1)], ["0:0-1:0"]), bytes(24))


def test_missing_weights(tmp_path):
    with pytest.raises(ModelError, match="weights file cannot be read") as caught:
        read(tmp_path, net([layer(0, "Const", CONST), result(1)], ["0:0-1:0"]))
    assert ".bin" in caught.value.help


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        (["0:0-1:0", "1:1-2:0", "7:0-2:0"], "names the layer id 7, which does not exist"),
        (["0:0-1:0", "1:5-2:0"], "names its output port 5, which does not exist"),
        (["0:0-1:3", "1:1-2:0"], "names its input port 3, which does not exist"),
        (["0:0-1:0", "1:1-2:0", "0:0-2:0"], "two edges lead to its input port 0"),
        (["1:1-1:0", "1:1-2:0"], "form a cycle: l1 -> l1"),
    ],
)
def test_faulty_edges(tmp_path, edges, message):
    with pytest.raises(ConversionError, match=message):
        read(tmp_path, net([input_(0), layer(1, "ReLU", inputs=1), result(2)], edges))


def test_duplicate_ids(tmp_path):
    with pytest.raises(ConversionError, match="its id 0 is that of layer 'l0' too"):
        read(tmp_path, net([input_(0), input_(0, name="twin"), result(2)], ["0:0-2:0"]))


@pytest.mark.parametrize(
    ("old_id", "new_id", "side"), [('"1"/>', '"0"/>', "input"), ('"3" prec', '"2" prec', "output")]
)
def test_duplicate_ports(tmp_path, old_id, new_id, side):
    split = layer(2, "VariadicSplit", inputs=2, outputs=2)
    text = net([input_(0), split, result(3)], ["0:0-2:0", "2:2-3:0"]).replace(old_id, new_id)
    with pytest.raises(ConversionError, match=f"two of its {side} ports have one id"):
        read(tmp_path, text)


def test_all_problems_at_once(tmp_path):
    layers = [
        input_(0, "1,x"),
        input_(1),
        layer(2, "Foo", inputs=1, name="foo"),
        layer(3, "Clamp", 'max="b"', inputs=1, name="clamp"),
        layer(4, "ReLU", inputs=1, name="after foo"),
        layer(5, "Const", CONST),
        result(6),
    ]
    with pytest.raises(ConversionError) as caught:
        read(tmp_path, net(layers, ["1:0-2:0", "1:0-3:0", "2:1-4:0", "4:1-6:0", "9:0-6:0"]), b"")
    found = [(p.op, p.node) for p in caught.value.problems]
    assert sorted(found) == [("Clamp", "clamp")] * 2 + [
        ("Const", "l5"),
        ("Foo", "foo"),
        ("Parameter", "l0"),
        ("Result", "l6"),
    ]


def test_faults_of_bodies(tmp_path):
    x, c = parameter(2, name="x"), parameter(name="c", element="boolean")
    a, b = parameter(2, name="a"), parameter(2, name="b")
    then, other = ov.Model([opset1.elu(a, 0.5)], [a]), ov.Model([opset1.relu(b)], [b])
    node = opset8.if_op(c)
    node.set_then_body(then)
    node.set_else_body(other)
    node.set_input(x.output(0), a, b)
    out = node.set_output(then.get_results()[0], other.get_results()[0])
    text = saved(ov.Model([out], [x, c]), tmp_path).read_text()
    assert len(read(tmp_path, text, b"").outputs) == 1
    for change, message in (
        (('alpha="0.5"', ""), "attribute `alpha` is missing"),
        (("<else_body>", "<body>"), "not well-formed"),
        (('<input external_port_id="1" internal_layer_id="0" />', ""), "else_port_map feeds nothing to 'b'"),
        (('<output external_port_id="2" internal_layer_id="2" />', ""), "else_port_map has no entry for output 0"),
        (('internal_layer_id="2"', 'internal_layer_id="77"'), "names the layer id 77 of the body, which is no Result"),
        (
            ('<input external_port_id="1"', '<input external_port_id="9"'),
            "names the input port 9, which does not exist",
        ),
        (("then_port_map", "then_map"), "<then_port_map> is missing"),
    ):
        with pytest.raises((ConversionError, ModelError)) as caught:
            read(tmp_path, text.replace(*change))
        assert message in str(caught.value)


# Real models


MODELS = [
    "samplenet",
    "mnist_cntk",
    "dtln_1",
    "ultraface_rfb_320",
    "fastestdet",
    "vittrack",
    "bert_toy",
    "ppocrv3_det_ch",
]


@pytest.mark.shared
@pytest.mark.parametrize("compress", [False, True], ids=["f32", "f16"])
@pytest.mark.parametrize("name", MODELS)
def test_real_model_read_and_written_again_runs_the_same(name, compress, tmp_path):
    folder = SHARED / "models" / name
    arrays = np.load(folder / "io" / "io.npz")
    source = next(p for p in sorted(folder.rglob("*.onnx")))
    path = tmp_path / "ov.xml"
    ov.save_model(ov.Core().read_model(str(source)), str(path), compress_to_fp16=compress)
    graph = load(path)
    verify(graph)
    files = write_ir(graph, tmp_path / "net.xml")
    assert files.bin.stat().st_size <= os.stat(tmp_path / "ov.bin").st_size
    inputs = [arrays[k] for k in sorted(arrays.files) if k.startswith("c0_in")]
    for actual, expected in zip(run(files.xml, inputs), run(path, inputs), strict=True):
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["mnist_cntk", "samplenet", "dtln_1"])
def test_real_model_means_the_same(name, tmp_path):
    folder = SHARED / "models" / name
    arrays = np.load(folder / "io" / "io.npz")
    source = next(p for p in sorted(folder.rglob("*.onnx")))
    path = tmp_path / "ov.xml"
    ov.save_model(ov.Core().read_model(str(source)), str(path), compress_to_fp16=False)
    inputs = [arrays[k] for k in sorted(arrays.files) if k.startswith("c0_in")]
    same(interpret(load(path), inputs), run(path, inputs), 1e-4)


def test_upgrades_are_of_operations_that_exist():
    from vinoc.compiler.frontends.openvino import upgrades
    from vinoc.compiler.frontends.openvino.forms import UPGRADES

    assert upgrades
    for kind, forms in UPGRADES.items():
        assert op_class(kind).opset is not None
        assert all(1 <= opset <= 16 for opset in forms)


OPERATIONS = sorted(k for k, c in registry().items() if not c.internal and k != "Constant")
SPELLING = {"ReLU": "Relu", "PReLU": "PRelu", "SoftMax": "Softmax"}
"""OpenVINO's own names where they differ from those in its files."""


@pytest.mark.parametrize("kind", OPERATIONS)
def test_each_operation_is_registered_in_its_opset(kind):
    version = f"opset{op_class(kind).opset}"
    node = NodeFactory(version).create(SPELLING.get(kind, kind))
    assert node.get_type_info().version_id == version
