"""The Model Optimizer's options for inputs: the same done by hand around the original model, and real OpenVINO."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vinoc
from vinoc.backends.numpy import Interpreter
from vinoc.compiler.driver import compile_model_file
from vinoc.compiler.face.options import Face
from vinoc.compiler.face.scan import scan
from vinoc.compiler.face.spelling import (
    Entry,
    Laid,
    read_changes,
    read_entries,
    read_frozen,
    read_layouts,
    read_numbers,
    read_shapes,
)
from vinoc.ir import Builder, Graph
from vinoc.ir.text import write_text

from ..conftest import SHARED
from .tf_style import classifier, segmenter

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "models"
BLAZEFACE = EXAMPLES / "blazeface" / "blazeface.onnx"
MNIST = EXAMPLES / "mnist" / "mnist.onnx"

Arrays = list[np.ndarray]


def original(model: Path, *inputs: np.ndarray) -> Arrays:
    """What onnxruntime makes of the model as it is."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    return session.run(None, dict(zip([i.name for i in session.get_inputs()], inputs, strict=True)))


def openvino(xml: Path, *inputs: np.ndarray) -> Arrays:
    ov = pytest.importorskip("openvino")
    compiled = ov.Core().compile_model(str(xml), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled(list(inputs))
    return [found[o] for o in compiled.outputs]


def same(expected: Arrays, actual: Arrays, tolerance: float = 2e-4) -> None:
    assert len(expected) == len(actual)
    for a, b in zip(expected, actual, strict=True):
        assert a.shape == b.shape
        assert np.abs(a - b).max() <= tolerance * max(np.abs(a).max(), 1e-6)


def image(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 255, shape).astype(np.float32)


def column(*values: float) -> np.ndarray:
    return np.array(values, np.float32).reshape(1, -1, 1, 1)


MEAN, SCALE = (123.7, 116.3, 103.5), (58.4, 57.1, 57.4)
TEXT_MEAN, TEXT_SCALE = "[123.7,116.3,103.5]", "(58.4 57.1 57.4)"

CASES: dict[str, tuple[dict[str, Any], Callable[[np.ndarray], np.ndarray]]] = {
    "mean": ({"mean_values": TEXT_MEAN}, lambda x: x - column(*MEAN)),
    "scale of each": ({"scale_values": TEXT_SCALE}, lambda x: x / column(*SCALE)),
    "one scale": ({"scale": 127.5}, lambda x: x / np.float32(127.5)),
    "by name": ({"mean_values": "image[127.5]", "scale_values": {"image": [127.5]}}, lambda x: x / 127.5 - 1),
    "mean, one scale": ({"mean_values": list(MEAN), "scale": 60.0}, lambda x: (x - column(*MEAN)) / np.float32(60)),
    "reverse": ({"reverse_input_channels": True, "scale": 255.0}, lambda x: x[:, ::-1] / np.float32(255)),
    "all": (
        {
            "reverse_input_channels": True,
            "mean_values": TEXT_MEAN,
            "scale_values": TEXT_SCALE,
            "layout": "image(nchw->nhwc)",
        },
        lambda x: (x.transpose(0, 3, 1, 2)[:, ::-1] - column(*MEAN)) / column(*SCALE),
    ),
    "two layouts": (
        {"source_layout": "[n,c,h,w]", "target_layout": "nhwc", "scale": 255.0},
        lambda x: x.transpose(0, 3, 1, 2) / np.float32(255),
    ),
    "bytes": (
        {"input": "image{u8}", "mean_values": TEXT_MEAN, "scale": 60.0},
        lambda x: (x.astype(np.float32) - column(*MEAN)) / np.float32(60),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_preprocessing(name: str, tmp_path: Path) -> None:
    """What a user gives to the new model is what they gave to NumPy and then to the old one."""
    options, by_hand = CASES[name]
    model = vinoc.convert_model(BLAZEFACE, **options)
    (port,) = model.inputs
    given = image(*port.shape).astype(model.graph.inputs[0].dtype.numpy)
    expected = original(BLAZEFACE, np.ascontiguousarray(by_hand(given), np.float32))
    same(expected, Interpreter(model.graph).run([given]))
    vinoc.save_model(model, tmp_path / "m.xml", compress_to_fp16=False)
    same(expected, openvino(tmp_path / "m.xml", given))


def test_what_goes_into_weights() -> None:
    """The order of colors and the scale cost nothing; the mean stays, because the first convolution is padded."""
    options = {"reverse_input_channels": True, "mean_values": TEXT_MEAN, "scale_values": TEXT_SCALE}
    plain, made = vinoc.convert_model(BLAZEFACE), vinoc.convert_model(BLAZEFACE, **options)
    assert counts(made.graph)["Gather"] == counts(plain.graph)["Gather"]
    assert counts(made.graph)["Multiply"] == counts(plain.graph)["Multiply"]
    assert counts(made.graph)["Add"] == counts(plain.graph)["Add"] + 1


def counts(graph: Graph) -> Any:
    from collections import Counter

    return Counter(n.kind for n in graph)


@pytest.mark.parametrize("size", [(1, 64, 96), (1, 160, 192)])
@pytest.mark.shared
def test_other_shapes_against_openvino(size: tuple[int, int, int], tmp_path: Path) -> None:
    """A fully convolutional model in another shape: what OpenVINO's own reshape gives."""
    ov = pytest.importorskip("openvino")
    batch, height, width = size
    path = next((SHARED / "models" / "ppocrv3_det_ch").glob("*.onnx"))
    model = ov.Core().read_model(str(path))
    model.reshape([batch, 3, height, width])
    compiled = ov.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    x = image(batch, 3, height, width) / 255
    found = compiled([x])
    made = vinoc.convert_model(path, input_shape=f"[{batch},3,{height},{width}]")
    assert made.inputs[0].shape == (batch, 3, height, width)
    vinoc.save_model(made, tmp_path / "m.xml", compress_to_fp16=False)
    same([found[o] for o in compiled.outputs], openvino(tmp_path / "m.xml", x), 1e-3)


@pytest.mark.parametrize("batch", [2, "N"])
@pytest.mark.parametrize("make", [classifier, segmenter], ids=["classifier", "segmenter"])
def test_layout_of_the_whole_graph(make: Callable[..., Path], batch: int | str, tmp_path: Path) -> None:
    """NHWC to NCHW: no Transpose is left inside; without the option, those at the model's own ports."""
    path = make(tmp_path / "tf.onnx", batch)
    plain = vinoc.convert_model(path)
    maps = [plain.inputs[0], *(p for p in plain.outputs if len(p.partial_shape) == 4)]
    assert counts(plain.graph)["Transpose"] == len(maps)
    assert all(n.operand(0).node is None or n.output.is_output for n in plain.graph if n.kind == "Transpose")
    model = vinoc.convert_model(path, layout={p.any_name: "nhwc->nchw" for p in maps})
    assert counts(model.graph)["Transpose"] == 0
    x = image(2, *(int(str(d)) for d in list(plain.inputs[0].partial_shape)[1:]))
    expected = original(path, x)
    same(expected, Interpreter(plain.graph).run([x]))
    turned = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    if len(maps) > 1:
        expected = [e.transpose(0, 3, 1, 2) for e in expected]
    same(expected, Interpreter(model.graph).run([turned]))
    vinoc.save_model(model, tmp_path / "m.xml", compress_to_fp16=False)
    same(expected, openvino(tmp_path / "m.xml", turned))


SWISH = """
graph swish(data: f32[1,8], flag: boolean[], more: f32[N,8]) -> (y) {
  a = Add(data, more)
  s = Sigmoid(a)
  m = Multiply(a, s)
  y = Select(flag, m, a)
}
"""


@pytest.fixture
def swish(tmp_path: Path) -> Path:
    path = tmp_path / "swish.vir"
    path.write_text(SWISH)
    return path


def shapes(model: vinoc.Model) -> dict[str, str]:
    return {n[0]: str(v.type) for n, v in zip(model.graph.input_names, model.graph.inputs, strict=True)}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"batch": 4}, {"data": "f32[4,8]", "flag": "boolean[]", "more": "f32[4,8]"}),
        ({"input": "data[3,8],more[3 8],flag"}, {"data": "f32[3,8]", "flag": "boolean[]", "more": "f32[3,8]"}),
        ({"input": "data,flag,more", "input_shape": "[3,8],[],(?,8)"}, {"data": "f32[3,8]", "more": "f32[N,8]"}),
        ({"input": "data[1..3,8]"}, {"data": "f32[data_0_,8]", "more": "f32[N,8]"}),
        ({"input": "flag->True"}, {"data": "f32[1,8]", "more": "f32[N,8]"}),
        ({"freeze_placeholder_with_value": {"flag": True}}, {"data": "f32[1,8]", "more": "f32[N,8]"}),
        ({"input": "data[8]{f64}->[1,2,3,4,5,6,7,8.5],flag->0"}, {"more": "f32[N,8]"}),
        ({"input": "1:m,flag"}, {"flag": "boolean[]", "data": "f32[1,8]", "s": "f32[N,8]"}),
        ({"input": "s:0[5,8]{f16}"}, {"s": "f16[5,8]", "data": "f32[1,8]"}),
        ({"input": {"data": [2, 8], "more": None}}, {"data": "f32[2,8]"}),
        ({"input": [("data", [(1, 3), 8]), "more[2,8]"]}, {"data": "f32[data_0_,8]", "more": "f32[2,8]"}),
    ],
)
def test_inputs(options: dict[str, Any], expected: dict[str, str], swish: Path) -> None:
    if "batch" in options:
        text = swish.read_text().replace("flag: boolean[]", "flag: boolean[1,1]")
        swish.write_text(text)
        expected = {**expected, "flag": "boolean[4,1]"}
    if "{f64}" in str(options):
        with pytest.raises(vinoc.VinocError, match="f64"):  # a constant of another type, which Add refuses
            vinoc.convert_model(swish, **options)
        options = {"input": options["input"].replace("{f64}", "{f32}")}
    made = shapes(vinoc.convert_model(swish, passes="", **options))
    assert {n: t for n, t in made.items() if n in expected} == expected
    assert ("flag" in made) == ("flag->" not in str(options) and "freeze" not in str(options))


def test_frozen_values_are_used(swish: Path) -> None:
    x, more = image(1, 8), image(3, 8)
    model = vinoc.convert_model(swish, input="flag->False")
    (y,) = Interpreter(model.graph).run([x, more])
    np.testing.assert_array_equal(y, x + more)
    assert "Select" not in counts(model.graph)


MISTAKES = [
    (MNIST, {"scale": 0}, "--scale: scale value 0 is 0"),
    (MNIST, {"scale_values": "[1,0]"}, "--scale_values: scale value 1 is 0"),
    (MNIST, {"mean_values": "[1,inf]"}, "mean value 1 is inf"),
    (BLAZEFACE, {"mean_values": "[1,2]"}, r"which dimension of input 'image' .* has the 2 channels"),
    (BLAZEFACE, {"mean_values": "[1,2,3,4]", "layout": "nchw"}, "4 values are given for input 'image', which has 3"),
    (BLAZEFACE, {"mean_values": "[1,2,3]", "layout": "nhwc"}, "3 values are given for input 'image', which has 128"),
    (BLAZEFACE, {"mean_values": "[1,2,3]", "scale_values": "[1,2]"}, "3 mean and 2 scale values"),
    (BLAZEFACE, {"mean_values": "nosuch[1,2,3]"}, "--mean_values: the model has no input 'nosuch'"),
    (BLAZEFACE, {"mean_values": "[1],[2]"}, "--mean_values: 2 lists of numbers are given for 1 inputs: image"),
    (BLAZEFACE, {"mean_values": "[1,a]"}, r"--mean_values: expected a number at position 4, found 'a\]'"),
    (BLAZEFACE, {"scale": 2, "scale_values": "[1]"}, "--scale: --scale and --scale_values"),
    (BLAZEFACE, {"layout": "nch"}, "--layout: layout NCH has 3 dimensions, the tensor has 4"),
    (BLAZEFACE, {"layout": "nchw->ncdw"}, "do not have the same dimensions: D, H"),
    (BLAZEFACE, {"layout": "nchw->"}, "--layout: expected"),
    (BLAZEFACE, {"layout": "nosuch(nchw)"}, "--layout: no input or output 'nosuch'"),
    (BLAZEFACE, {"layout": "nchw", "source_layout": "nchw"}, "--layout: --layout says both"),
    (BLAZEFACE, {"target_layout": "nhwc"}, "--target_layout: the layout that .* has is not given"),
    (MNIST, {"reverse_input_channels": True}, "--reverse_input_channels: no input is an image of three channels"),
    (MNIST, {"batch": 2, "input_shape": "[1,1,28,28]"}, "--batch: the batch is given, and shapes by --input_shape"),
    (MNIST, {"batch": 0}, "--batch: a batch of 0"),
    (MNIST, {"input": "Input3[1,1,28,28]", "input_shape": "[1,1,28,28]"}, "shapes are given by --input and by"),
    (MNIST, {"input_shape": "[1,1,28,28],[2]"}, "--input_shape: 2 shapes are given for 1 inputs: Input3"),
    (MNIST, {"input_shape": "[1,1,28,a]"}, r"--input_shape: expected a dimension .* at position 9, found 'a\]'"),
    (MNIST, {"input_shape": "[1,1,28,3..1]"}, "the range 3..1 holds nothing"),
    (MNIST, {"input_shape": "[1,1,28,28"}, "position 11, found the end"),
    (MNIST, {"input_shape": "[1,3,28,28]"}, "problem in the model"),
    (MNIST, {"input": "Input33"}, "--input: the model has no tensor or node 'Input33'"),
    (MNIST, {"input": "Plus30:7"}, "--input: 'Plus30:7': the node has no port 7"),
    (MNIST, {"input": "Input3{f33}"}, "--input: no element type 'f33'"),
    (MNIST, {"input": "Input3->[1,2]"}, "--input: 2 values are given for input 'Input3', which has 784"),
    (MNIST, {"input": "Input3->abc"}, "--input: 'abc' is no value"),
    (MNIST, {"input": "Input3,Input3"}, "--input: the same tensor is named twice"),
    (MNIST, {"freeze_placeholder_with_value": "Input3"}, "--freeze_placeholder_with_value: 'Input3' has no value"),
    (MNIST, {"transform": "Foo"}, "--transform: no transformation 'Foo'"),
    (MNIST, {"transform": "LowLatency2[x=1]"}, "--transform: LowLatency2 has no setting 'x'"),
    (MNIST, {"transform": "MakeStateful"}, "--transform: MakeStateful needs its pairs"),
    (MNIST, {"transform": "MakeStateful[param_res_names={'a':'b'}]"}, "--transform: the model has no input 'a'"),
]


def test_pruning_leaves_out_channels_that_are_zero(tmp_path: Path) -> None:
    source = vinoc.read_model(MNIST).graph
    first = next(n for n in source if n.kind == "Convolution")
    for node, axis in ((first, 0), (next(first.outputs[0].users), -3)):
        thinned = np.array(node.operand(1).const)
        np.moveaxis(thinned, axis, 0)[::3] = 0
        source.set_input(node, 1, Builder(source, before=node).const(thinned))
    write_text(source, tmp_path / "thin.vir")
    x = image(1, 1, 28, 28) / 255
    pruned = vinoc.convert_model(tmp_path / "thin.vir", transform="Pruning").graph
    shapes = [n.operand(1).shape for n in pruned if n.kind == "Convolution"]
    assert shapes == [(5, 1, 5, 5), (16, 5, 5, 5)]
    same(Interpreter(source).run([x]), Interpreter(pruned).run([x]))


@pytest.mark.parametrize(("model", "options", "message"), MISTAKES, ids=[str(m[1])[:60] for m in MISTAKES])
def test_mistakes_are_named(model: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(vinoc.VinocError, match=message):
        vinoc.convert_model(model, **options)


def test_open_sizes_are_refused_where_they_must_be_known(swish: Path) -> None:
    with pytest.raises(vinoc.VinocError, match=r"--static_shape: input 'more' is f32\[N,8\]"):
        vinoc.convert_model(swish, static_shape=True)
    with pytest.raises(vinoc.VinocError, match="tensor 'a', which node 's' reads, is read by others, too"):
        vinoc.convert_model(swish, input="0:s")


def test_a_cut_begins_at_a_node_or_a_port(tmp_path: Path) -> None:
    """`node` and `0:node` are what it reads, `node:0` is what it computes."""
    for name, tensor, kept in (
        ("ReLU32", "Plus30_Output_0", 1),
        ("0:ReLU32", "Plus30_Output_0", 1),
        ("ReLU32:0", "ReLU32_Output_0", 0),
    ):
        model = vinoc.convert_model(MNIST, input=name, output="Pooling66_Output_0")
        assert shapes(model) == {tensor: "f32[1,8,28,28]"}
        assert counts(model.graph)["ReLU"] == kept
    x = image(1, 1, 28, 28) / 255
    head = vinoc.convert_model(MNIST, output="Plus30_Output_0")
    tail = vinoc.convert_model(MNIST, input="ReLU32")
    middle = Interpreter(head.graph).run([x])
    same(original(MNIST, x), Interpreter(tail.graph).run(middle))


def test_state(tmp_path: Path) -> None:
    """MakeStateful in real OpenVINO: the sum of all inputs so far."""
    ov = pytest.importorskip("openvino")
    path = tmp_path / "sum.vir"
    path.write_text("graph sum(x: f32[1,4], h: f32[1,4]) -> (y, k) {\n  k = Add(x, h)\n  y = ReLU(k)\n}\n")
    options = Face(transform="MakeStateful[param_res_names={'h':'k'}]")
    compile_model_file(path, out_dir=tmp_path, face=options)
    request = ov.Core().compile_model(str(tmp_path / "sum.xml"), "CPU").create_infer_request()
    total = np.zeros((1, 4), np.float32)
    for step in range(3):
        x = image(1, 4, seed=step)
        total += x
        np.testing.assert_allclose(request.infer([x])[0], total, rtol=1e-5)
    request.reset_state()
    np.testing.assert_allclose(request.infer([x])[0], x, rtol=1e-5)


def test_numeric_verification_begins_behind_the_face(tmp_path: Path) -> None:
    face = Face(scale=255.0, layout="nchw->nhwc")
    result = compile_model_file(MNIST, face=face, verify="numeric", out_dir=tmp_path)
    assert result.pipeline.startswith("mean-scale{input=Input3,scale=[255.0]")
    assert [name for name, _ in result.errors] == ["fuse"]
    assert all(error < 1e-5 for _, error in result.errors)


LSTM = """
graph lstm(x: f32[1,{n},2]) -> (y) {{
  h = Constant() : f32[1,1,3] = [0,0,0]
  l = Constant() : i32[1] = [{n}]
  w = Constant() : f32[1,12,2] = random(1)
  r = Constant() : f32[1,12,3] = random(2)
  b = Constant() : f32[1,12] = random(3)
  y, hn, cn = LSTMSequence(x, h, h, l, w, r, b) {{hidden_size=3, direction="forward"}}
}}
"""
SUM = """
graph sum(x: f32[1,{n},2]) -> (y) {{
  s = Constant() : f32[1,1,2] = [0,0]
  y = TensorIterator(x, s) {{body_from=[0,1], slice_axis=[1,-1],
    slice_start=[0,0], slice_end=[-1,-1], slice_stride=[1,1], slice_part=[1,1], back_edge=[-1,0],
    out_from=[0], out_axis=[1], out_start=[0], out_end=[-1], out_stride=[1], out_part=[1]}} with
    graph step(a: f32[1,1,2], b: f32[1,1,2]) -> (c) {{
      c = Add(a, b)
    }}
}}
"""


@pytest.mark.parametrize("piece", [1, 2])
@pytest.mark.parametrize("text", [LSTM, SUM], ids=["sequence", "loop"])
def test_low_latency(text: str, piece: int, tmp_path: Path) -> None:
    """Pieces one after the other, in real OpenVINO, give what the whole gives at once, in the reference."""
    from vinoc.ir.text import parse_graph

    ov = pytest.importorskip("openvino")
    x = np.random.default_rng(0).standard_normal((1, 6, 2)).astype(np.float32)
    (whole,) = Interpreter(parse_graph(text.format(n=6))).run([x])
    path = tmp_path / "piece.vir"
    path.write_text(text.format(n=piece))
    compile_model_file(path, out_dir=tmp_path, face=Face(transform="LowLatency2"))
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    request = ov.Core().compile_model(str(tmp_path / "piece.xml"), "CPU", exact).create_infer_request()
    found = [request.infer([x[:, i : i + piece]])[0].copy() for i in range(0, 6, piece)]
    time = 2 if whole.ndim == 4 else 1
    np.testing.assert_allclose(np.concatenate(found, axis=time), whole, atol=1e-5)


def test_command_line(tmp_path: Path) -> None:
    """The short names, dashes for underscores; the same graph as from Python."""
    import subprocess
    import sys

    options = [
        "-ms",
        "[0.5]",
        "-s",
        "255",
        "--freeze-placeholder-with-value",
        "flag->True",
        "-b",
        "4",
        "--layout",
        "x(nc->cn)",
    ]
    path = tmp_path / "m.vir"
    path.write_text("graph m(x: f32[N,3], flag: boolean[]) -> (y) {\n  z = Abs(x)\n  y = Select(flag, x, z)\n}\n")
    command = [sys.executable, "-m", "vinoc", str(path), "-o", str(tmp_path), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    x = image(3, 4)
    same([(x.T - np.float32(0.5)) / np.float32(255)], openvino(tmp_path / "m.xml", x))


def test_inputs_come_in_the_order_of_their_names(swish: Path) -> None:
    """And so do lists of numbers."""
    model = vinoc.convert_model(swish, input="more[2,8],data,flag->1", mean_values="[1],[20]")
    assert list(shapes(model)) == ["more", "data"]
    more, data = image(2, 8), image(1, 8)
    expected = (more - 1) + (data - 20)
    (y,) = Interpreter(model.graph).run([more, data])
    np.testing.assert_allclose(y, expected / (1 + np.exp(-expected.astype(np.float64))), rtol=1e-4, atol=1e-4)


def test_ir_is_given_a_face_too(tmp_path: Path) -> None:
    """An IR is cut, reshaped and normalized like the model that it was made of."""
    vinoc.save_model(vinoc.convert_model(BLAZEFACE), tmp_path / "b.xml", compress_to_fp16=False)
    options = {"input": "image[1,3,128,128]{u8}", "mean_values": TEXT_MEAN, "layout": "nchw->nhwc", "scale": 60.0}
    model = vinoc.convert_model(tmp_path / "b.xml", **options)
    assert shapes(model) == {"image": "u8[1,128,128,3]"}
    x = image(1, 128, 128, 3).astype(np.uint8)
    by_hand = (x.transpose(0, 3, 1, 2).astype(np.float32) - column(*MEAN)) / np.float32(60)
    same(original(BLAZEFACE, by_hand), Interpreter(model.graph).run([x]))


@pytest.mark.parametrize("start", ["shapes", "inputs", "numbers", "layouts", "transforms"])
@settings(max_examples=150)
@given(text=st.text(alphabet="[](){}<>-=,;:?.*'ab1 -3e", max_size=14))
def test_any_text_is_read_or_refused_with_a_position(start: str, text: str) -> None:
    refusal = None
    try:
        assert isinstance(scan("--option", text, start), tuple)
    except vinoc.VinocError as error:
        refusal = error
    if refusal is not None:
        assert refusal.where == "--option"
        assert "at position" in refusal.what or not text.strip()


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (read_shapes, "[1 3, 4],(2)", (("1", "3", "4"), ("2",))),
        (read_shapes, "[?,-1,1..3,..10,5..]", (("?", "-1", "1..3", "..10", "5.."),)),
        (read_shapes, [[1, (2, 3)], [4]], (("1", "2..3"), ("4",))),
        (read_numbers, "a[1,-2.5e1],b(3)", (("a", (1.0, -25.0)), ("b", (3.0,)))),
        (read_numbers, [[1, 2], [3]], ((None, (1.0, 2.0)), (None, (3.0,)))),
        (read_frozen, "a->True,b->[1,2.5]", (Entry("a", values=(True,)), Entry("b", values=(1, 2.5)))),
        (read_entries, "0:n[3,4],/m/x.1:2[2]{i32}->[20,15]",
         (Entry("0:n", ("3", "4")), Entry("/m/x.1:2", ("2",), "i32", (20, 15)))),
        (read_layouts, "a(nhwc->nchw),b[n,c]",
         (Laid("a", tuple("NHWC"), tuple("NCHW")), Laid("b", ("N", "C"), None))),
        (read_layouts, "n...c", (Laid(None, ("N", "...", "C"), None),)),
        (read_changes, "A[x=False;y={'i':'o'}],B", (("A", {"x": "False", "y": {"i": "o"}}), ("B", {}))),
    ],
)  # fmt: skip
def test_spellings(read: Callable[..., Any], value: Any, expected: Any) -> None:
    assert read("--option", value) == expected
