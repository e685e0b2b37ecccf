"""What is written is read by OpenVINO, and means there what it means here."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest

from tests.backends.ir_util import CORE, compiled, interpret, random, roundtrip, run, start
from vinoc.backends.base import backend
from vinoc.backends.openvino import bin as weights
from vinoc.backends.openvino import write_ir
from vinoc.backends.openvino.attributes import number
from vinoc.ir import (
    Builder,
    ConversionError,
    Fused,
    Graph,
    Loc,
    Op,
    TensorType,
    UsageError,
    VinocError,
    symbol,
)
from vinoc.ir.buffer import Buffer
from vinoc.ir.dim import unknown
from vinoc.ir.dtype import dtype, f32
from vinoc.ir.op import op

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@op(internal=True, kind="TestOnlyInternal")
class Internal(Op):
    """An operation that OpenVINO lacks."""

    def infer(self, data: Any) -> TensorType:
        return data.tensor


def layers(path: Path) -> dict[str, ET.Element]:
    return {e.get("name", ""): e for e in ET.parse(path).iterfind("layers/layer")}


def test_all_three_files_and_what_they_hold(tmp_path):
    b, (x,) = start(("N", 3))
    b.graph.add_output(b.Add(x, random(3)), "y")
    files = write_ir(b.graph, tmp_path / "net.xml", rt_info={"conversion_parameters": {"input": [1, 2], "a b": True}})
    assert sorted(os.listdir(tmp_path)) == ["net.bin", "net.mapping", "net.xml"]
    assert list(files) == [tmp_path / "net.xml", tmp_path / "net.bin", tmp_path / "net.mapping"]
    assert (files.layers, files.edges) == (4, 3)
    model = CORE.read_model(str(files.xml))
    assert model.get_rt_info(["conversion_parameters", "input"]).astype(str) == "1 2"
    assert model.get_rt_info(["conversion_parameters", "a b"]).astype(bool) is True
    assert model.has_rt_info(["vinoc_version"])
    net = ET.parse(files.xml).getroot()
    assert net.attrib == {"name": "net", "version": "11"}
    assert [e.tag for e in net] == ["layers", "edges", "rt_info"]
    text = files.xml.read_text()
    assert text.startswith('<?xml version="1.0"?>\n<net ')
    assert '\n\t\t<layer id="0" name="x0" type="Parameter" version="opset1">\n\t\t\t<data shape="?,3"' in text


def test_elementwise_graph_computes_the_same(tmp_path):
    b, (x,) = start(("N", 3))
    y = b.Divide(b.Add(x, random(3)), np.broadcast_to(np.float32(2), (3,)))
    b.graph.add_output(y, "y")
    roundtrip(b.graph, tmp_path, [random(4, 3)])


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ((symbol("N"), 3), "?,3"),
        ((symbol("N", 1, 8), unknown(2), symbol("M") + 1), "1..8,2..,1.."),
        ((), ""),
        (None, "..."),
        ((0, 2), "0,2"),
    ],
)
def test_parameter_shapes(tmp_path, shape, text):
    graph = Graph("net")
    graph.add_output(graph.add_input(TensorType(f32, shape), "x"), "y")
    files = write_ir(graph, tmp_path / "net.xml")
    assert layers(files.xml)["x"].find("data").get("shape") == text
    (parameter,) = CORE.read_model(str(files.xml)).inputs
    assert parameter.partial_shape.rank.is_static == (shape is not None)


# Weights


def test_equal_bytes_are_stored_once_in_bodies_too(tmp_path):
    w = random(16, 16)
    b, (x,) = start((16, 16))
    then, other = Graph("then"), Graph("else")
    for body, shift in ((then, w), (other, np.array(w.T.copy().T))):
        inner = body.add_input(TensorType(f32, (16, 16)), "a")
        body.add_output(Builder(body).Add(inner, shift))
    y = b.Add(x, w)
    z = b.If(b.const(True), y, bodies=(then, other), then_inputs=(1,), else_inputs=(1,))
    b.graph.add_output(b.Add(z, b.const(w.view(np.int32).copy().view(np.float32))), "y")
    files = write_ir(b.graph, tmp_path / "net.xml")
    assert files.bin.stat().st_size == w.nbytes + 1
    roundtrip(b.graph, tmp_path, [random(16, 16, seed=1)])


def test_bytes_are_shared_between_element_types(tmp_path):
    graph = Graph("net")
    b = Builder(graph)
    for i, value in enumerate((np.array([1, 0, 1], bool), np.array([1, 0, 1], np.uint8), np.array([1, 0, 1], np.int8))):
        graph.add_output(b.const(value), f"y{i}")
    files = write_ir(graph, tmp_path / "net.xml")
    assert files.bin.read_bytes() == b"\x01\x00\x01"
    for actual, expected in zip(run(files.xml, []), interpret(graph, []), strict=True):
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize(
    "array",
    [
        np.broadcast_to(np.float32(0.5), (3, 1 << 19)),
        np.broadcast_to(np.array(7, np.int8), ((1 << 20) + 1,)),
        np.broadcast_to(np.float32(0.5), (0, 4)),
        random(6, 5).T,
        random(64, 6, 5)[::2, ::-1],
        np.broadcast_to(random(4, 1), (4, 9)),
        np.asfortranarray(random(3, 4, 5)),
        np.array(3, np.float32),
        np.arange(12, dtype=">i4").reshape(3, 4),
    ],
    ids=str,
)
def test_any_memory_layout_gives_the_bytes_of_the_array(array, monkeypatch):
    monkeypatch.setattr(weights, "_CHUNK", 1 << 10)
    expected = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"))).tobytes()
    assert b"".join(bytes(c) for c in weights.chunks(Buffer.of(array))) == expected


def test_a_repeated_value_is_never_spread_out(monkeypatch):
    monkeypatch.setattr(weights, "_CHUNK", 1 << 10)
    huge = Buffer.of(np.broadcast_to(np.float32(1), (1 << 20, 4)))
    assert max(len(c) for c in weights.chunks(huge)) == 4 << 10


@pytest.mark.parametrize("kind", ["u4", "i4", "u2", "u1"])
def test_narrow_constants(tmp_path, kind):
    type_ = dtype(kind)
    top = (1 << type_.bits) - 1
    codes = np.array([0, 1, top, 1, 1], np.uint8).astype(np.int8) - (8 * (kind == "i4"))
    codes = np.clip(codes, -8, 7) if kind == "i4" else codes
    graph = Graph("net")
    b = Builder(graph)
    value = b.const(Buffer.of(codes.astype(type_.numpy), type_))
    graph.add_output(value, "y")
    files = write_ir(graph, tmp_path / "net.xml")
    assert files.bin.stat().st_size == -(-5 * type_.bits // 8)
    model = CORE.read_model(str(files.xml))
    (constant,) = [n for n in model.get_ops() if n.get_type_name() == "Constant"]
    assert constant.get_element_type().get_type_name() == kind
    if kind == "i4":  # what OpenVINO's Python cannot unpack, its CPU device can
        result = ov.opset13.convert(constant, "f32")
        assert run(ov.Model([result], []), [])[0].tolist() == codes.tolist()
    else:
        assert constant.get_vector().tolist() == codes.tolist()


def test_strings(tmp_path):
    graph = Graph("net")
    texts = np.array([["ab", ""], ["é", b"raw"]], object)
    graph.add_output(Builder(graph).const(Buffer.of(texts, dtype("string"))), "y")
    files = write_ir(graph, tmp_path / "net.xml")
    (constant,) = [n for n in CORE.read_model(str(files.xml)).get_ops() if n.get_type_name() == "Constant"]
    assert constant.get_value_strings() == ["ab", "", "é", "raw"]


# Attributes


@pytest.mark.parametrize("value", [0.1, 1e-5, 1.0, -0.0, 3.4028234663852886e38, 5e-324, float("inf"), float("-inf")])
def test_floats_read_back(value):
    assert float(number(value)) == value


@pytest.mark.parametrize("low", [-float("inf"), 0.1, -3.4028234663852886e38])
def test_openvino_reads_float_attributes(tmp_path, low):
    b, (x,) = start((4,))
    b.graph.add_output(b.Clamp(x, min=low, max=1e30), "y")
    roundtrip(b.graph, tmp_path, [np.array([-5, 0, 0.05, 9], np.float32)])


def test_hyphenated_attribute(tmp_path):
    b, (x,) = start((1, 2, 6, 6))
    pool = {"kernel": (3, 3), "strides": (1, 1), "pads_begin": (1, 1), "pads_end": (1, 1), "rounding_type": "floor"}
    b.graph.add_output(b.AvgPool(x, exclude_pad=True, **pool), "y")
    b.graph.add_output(b.AvgPool(x, exclude_pad=False, **pool), "z")
    roundtrip(b.graph, tmp_path, [random(1, 2, 6, 6)])


def test_strided_slice_with_empty_masks(tmp_path):
    b, (x,) = start((4, 6))
    masks = {"new_axis_mask": (), "shrink_axis_mask": (), "ellipsis_mask": ()}
    y = b.StridedSlice(
        x, b.const([1, 0]), b.const([3, 0]), b.const([1, 2]), begin_mask=(0, 1), end_mask=(0, 1), **masks
    )
    b.graph.add_output(y, "y")
    roundtrip(b.graph, tmp_path, [random(4, 6)])


@pytest.mark.parametrize("reverse", [False, True])
def test_lstm_sequence(tmp_path, reverse):
    n, t, i, h = 2, 3, 4, 5
    b, (x,) = start((n, t, i))
    state = [b.const(random(n, 1, h, seed=k)) for k in (1, 2)]
    w = [b.const(random(1, 4 * h, *s, seed=k)) for k, s in ((3, (i,)), (4, (h,)), (5, ()))]
    direction = "reverse" if reverse else "forward"
    outs = b.LSTMSequence(x, *state, b.const([3, 2]), *w, hidden_size=h, direction=direction)
    for k, value in enumerate(outs):
        b.graph.add_output(value, f"y{k}")
    roundtrip(b.graph, tmp_path, [random(n, t, i)])


# Names


def test_unusual_names(tmp_path):
    name, other = 'a,b "<&>" é\t', "x\\y"
    graph = Graph("<net>")
    x = graph.add_input(TensorType(f32, (2,)), name, (name, "second"))
    b = Builder(graph, loc=Loc("m", 'layer <">,&', "Add"))
    graph.add_output(b.Add(x, x), (other, "plain"))
    files = write_ir(graph, tmp_path / "net.xml")
    model = compiled(files.xml)
    assert model.input(name).names == {name, "second"}
    assert model.output("plain").names == {other, "plain"}
    assert run(files.xml, {name: np.ones(2, np.float32)})[0].tolist() == [2, 2]
    assert 'layer <">,&' in {n.get_friendly_name() for n in CORE.read_model(str(files.xml)).get_ops()}


def test_every_name_stays_addressable_where_tensors_have_several_parts(tmp_path):
    """An input that is an output twice, a constant that is an output, one value that is two outputs."""
    b, (x,) = start((2,))
    y = b.Add(x, x)
    for value, name in ((x, "same"), (y, "a"), (b.const(random(2)), "c"), (x, "again"), (y, "b")):
        b.graph.add_output(value, name)
    roundtrip(b.graph, tmp_path, [random(2)])
    model = compiled(tmp_path / "net.xml")
    request = model.create_infer_request()
    values = {k: np.array(request.infer({"x0": random(2)})[k]) for k in ("same", "again", "a", "b", "c")}
    np.testing.assert_array_equal(values["same"], random(2))
    np.testing.assert_array_equal(values["again"], random(2))
    np.testing.assert_array_equal(values["a"], 2 * random(2))
    np.testing.assert_array_equal(values["b"], 2 * random(2))


def test_layer_names_are_unique_and_the_result_of_a_framework_node_has_its_name(tmp_path):
    b, (x,) = start((2,))
    b.loc = Loc("m.onnx", "norm", "LayerNorm")
    middle = b.Add(x, b.const(random(2), name="norm.weight"))
    last = b.Divide(middle, b.Add(middle, x), name="t")
    b.loc = Loc("m.onnx", "x0", "Add")  # called like the input
    b.graph.add_output(b.Add(last, last), "y")
    files = write_ir(b.graph, tmp_path / "net.xml")
    found = {e.get("name"): e.get("type") for e in ET.parse(files.xml).iterfind("layers/layer")}
    assert found == {
        "x0": "Parameter",
        "norm.weight": "Const",
        "norm/Add": "Add",
        "norm/Add_1": "Add",
        "norm": "Divide",
        "x0_1": "Add",
        "y/sink_port_0": "Result",
    }


def test_tensor_names_that_occur_twice_are_kept_by_one(tmp_path):
    b, (x,) = start((2,))
    y = b.Add(x, x, name="t")
    z = b.Add(y, y, name="t")
    b.graph.add_output(b.Add(z, z, name="y"), "y")
    files = write_ir(b.graph, tmp_path / "net.xml")
    ports = [p.get("names") for p in ET.parse(files.xml).iterfind("layers/layer/output/port")]
    assert ports == ["x0", "t", None, "y"]


def test_provenance(tmp_path):
    b, (x,) = start((2,))
    b.loc = Fused((Loc("m", "conv1", "Conv"), Loc("m", "bn,1", "BatchNormalization")), "fold-batch-norm")
    b.graph.add_output(b.Add(x, x), "y")
    files = write_ir(b.graph, tmp_path / "net.xml")
    info = layers(files.xml)["bn,1"].find("rt_info/attribute")
    assert info.attrib == {"name": "fused_names", "version": "0", "value": "conv1,bn\\,1"}
    (node,) = [n for n in CORE.read_model(str(files.xml)).get_ops() if n.get_type_name() == "Add"]
    assert "fused_names_0" in node.get_rt_info()
    maps = [
        (*m.find("framework").attrib.values(), *m.find("IR").attrib.values())
        for m in ET.parse(files.mapping).iter("map")
    ]
    assert maps == [("x0", "x0", "x0", "0"), ("bn,1", "y", "bn,1", "2")]


def test_decompression_is_marked(tmp_path):
    b, (x,) = start((2,))
    w = b.Convert(b.const(np.array([1, 2], np.float16)), destination_type=f32, decompression=True, name="w")
    b.graph.add_output(b.Add(x, w), "y")
    files = write_ir(b.graph, tmp_path / "net.xml")
    layer = layers(files.xml)["w"]
    assert layer.find("data").attrib == {"destination_type": "f32"}
    assert layer.find("rt_info/attribute").attrib == {"name": "decompression", "version": "0"}
    nodes = {n.get_friendly_name(): n for n in CORE.read_model(str(files.xml)).get_ops()}
    assert "decompression_0" in nodes["w"].get_rt_info()


# Bodies


def test_if_shares_and_reorders_inputs(tmp_path):
    b, (x, y) = start((2, 3), (2, 3))
    c = b.graph.add_input(TensorType(dtype("boolean"), ()), "c")
    then, other = Graph("then"), Graph("else")
    a, d = (then.add_input(TensorType(f32, (2, 3)), n) for n in "ad")
    then.add_output(Builder(then).Divide(a, d))
    then.add_output(a)
    e = other.add_input(TensorType(f32, (2, 3)), "e")
    other.add_output(Builder(other).Add(e, e))
    other.add_output(Builder(other).const(np.ones((2, 3), np.float32)))
    outs = b.If(c, x, y, bodies=(then, other), then_inputs=(2, 1), else_inputs=(1,))
    for k, out in enumerate(outs):
        b.graph.add_output(out, f"y{k}")
    for condition in (True, False):
        roundtrip(b.graph, tmp_path, [random(2, 3), random(2, 3, seed=1), np.array(condition)])


def accumulate(sliced: bool) -> Graph:
    """Adds its step, and the number of the iteration where there is one, to a running sum."""
    body = Graph("body")
    b = Builder(body)
    step = body.add_input(TensorType(f32, (1, 3)), "step")
    total = body.add_input(TensorType(f32, (1, 3)), "total")
    new = b.Add(total, step)
    if not sliced:
        count = body.add_input(TensorType(dtype("i64"), ()), "count")
        new = b.Add(new, b.Convert(count, destination_type=f32))
    body.add_output(new)
    if not sliced:
        body.add_output(b.const(True))
    return body


def test_loop(tmp_path):
    b, (x, s) = start((4, 3), (1, 3))
    y, steps = b.Loop(
        b.const(4),
        b.const(True),
        x,
        s,
        bodies=(accumulate(False),),
        body_from=(2, 3, -1),
        slice_axis=(0, -1, -1),
        slice_start=(0, 0, 0),
        slice_end=(-1, -1, -1),
        slice_stride=(1, 1, 1),
        slice_part=(1, 1, 1),
        back_edge=(-1, 0, -1),
        out_from=(0, 0),
        out_axis=(-1, 0),
        out_start=(0, 0),
        out_end=(-1, -1),
        out_stride=(1, 1),
        out_part=(1, 1),
        condition_output=1,
    )
    b.graph.add_output(y, "last")
    b.graph.add_output(steps, "all")
    roundtrip(b.graph, tmp_path, [random(4, 3), random(1, 3, seed=1)])


def test_tensor_iterator_backwards(tmp_path):
    b, (x, s) = start((4, 3), (1, 3))
    y, steps = b.TensorIterator(
        x,
        s,
        bodies=(accumulate(True),),
        body_from=(0, 1),
        slice_axis=(0, -1),
        slice_start=(-1, 0),
        slice_end=(0, -1),
        slice_stride=(-1, 1),
        slice_part=(1, 1),
        back_edge=(-1, 0),
        out_from=(0, 0),
        out_axis=(-1, 0),
        out_start=(0, -1),
        out_end=(-1, 0),
        out_stride=(1, -1),
        out_part=(1, 1),
    )
    b.graph.add_output(y, "last")
    b.graph.add_output(steps, "all")
    roundtrip(b.graph, tmp_path, [random(4, 3), random(1, 3, seed=1)])


def test_state(tmp_path):
    b, (x,) = start((1, 3))
    before = b.ReadValue(x, variable_id="v", variable_type=f32, variable_shape=(1, 3))
    after = b.Add(before, x)
    b.Assign(after, variable_id="v")
    b.graph.add_output(after, "y")
    files = write_ir(b.graph, tmp_path / "net.xml")
    request = compiled(files.xml).create_infer_request()
    results = [np.array(request.infer([np.ones((1, 3), np.float32)])[0]) for _ in range(3)]
    assert [r[0, 0] for r in results] == [2, 3, 4]


# What cannot be written


def test_a_missing_input_gets_its_default_where_there_is_one(tmp_path):
    b, (boxes, scores) = start((1, 4, 4), (1, 1, 4))
    outs = b.NonMaxSuppression(boxes, scores, b.const(3), None, b.const(np.float32(0.1)))
    b.graph.add_output(outs[0], "y")
    files = write_ir(b.graph, tmp_path / "net.xml")
    compiled(files.xml)
    assert [e.get("to-port") for e in ET.parse(files.xml).iter("edge")][-6:-1] == ["0", "1", "2", "3", "4"]


def test_all_that_cannot_be_written_is_said_at_once(tmp_path):
    b, (x,) = start((2,))
    b.loc = Loc("m.onnx", "odd1", "Odd")
    y = b.build(Internal(), x)
    body = Graph("then")
    inner = body.add_input(TensorType(f32, (2,)), "a")
    b_inner = Builder(body, loc=Loc("m.onnx", "odd2", "Odd"))
    body.add_output(b_inner.build(Internal(), inner))
    b.loc = Loc("m.onnx", "if", "If")
    z = b.If(b.const(True), y, bodies=(body, body.clone()), then_inputs=(1,), else_inputs=(1,))
    b.loc = Loc("m.onnx", "c", "Const")
    c = b.const(np.array([1j], np.complex64))
    u = b.const(Buffer.of(np.array([1], np.uint8), dtype("u3")))
    for value, name in ((z, "y"), (c, "c"), (u, "y"), (x, "x\x01")):
        b.graph.add_output(value, name)
    b.graph.add_input(TensorType(dtype("c64"), (1,)), "ci")
    with pytest.raises(ConversionError) as caught:
        write_ir(b.graph, tmp_path / "net.xml")
    found = {(p.op, p.node) for p in caught.value.problems}
    assert {("TestOnlyInternal", "odd1"), ("TestOnlyInternal", "odd2"), ("Parameter", "ci"), ("Constant", "c")} <= found
    text = str(caught.value)
    for part in (
        "OpenVINO has no such operation",
        "c64 does not exist",
        "u3 cannot be written",
        "several inputs or outputs",
        "'x\\x01'",
    ):
        assert part in text
    assert all(p.help for p in caught.value.problems)
    assert os.listdir(tmp_path) == []


def test_paths_that_cannot_be_written(tmp_path):
    b, (x,) = start((2,))
    b.graph.add_output(x, "y")
    with pytest.raises(VinocError, match="does not exist"):
        write_ir(b.graph, tmp_path / "none" / "net.xml")
    (tmp_path / "file").write_text("")
    with pytest.raises(VinocError, match="not a folder"):
        write_ir(b.graph, tmp_path / "file" / "net.xml")
    with pytest.raises(UsageError, match=r"\.xml"):
        write_ir(b.graph, tmp_path / "net")
    (tmp_path / "net.bin").mkdir()
    with pytest.raises(VinocError, match="folder is in the place"):
        write_ir(b.graph, tmp_path / "net.xml")


def test_an_error_midway_leaves_the_old_files(tmp_path, monkeypatch):
    b, (x,) = start((2,))
    b.graph.add_output(b.Add(x, random(2)), "y")
    files = write_ir(b.graph, tmp_path / "net.xml")
    before = [f.read_bytes() for f in files]

    def full(_: Any, __: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(weights.Weights, "add", full)
    with pytest.raises(VinocError, match="No space left"):
        write_ir(b.graph, tmp_path / "net.xml")
    assert [f.read_bytes() for f in files] == before
    assert sorted(os.listdir(tmp_path)) == ["net.bin", "net.mapping", "net.xml"]


def test_the_backend_is_found_by_name(tmp_path):
    b, (x,) = start((2,))
    b.graph.add_output(b.Add(x, x), "y")
    files = backend("ir").write(b.graph, tmp_path, "m")
    assert [f.name for f in files] == ["m.xml", "m.bin", "m.mapping"]
    with pytest.raises(UsageError, match="no target named 'irr'") as caught:
        backend("irr")
    assert caught.value.help == "did you mean 'ir'?"
