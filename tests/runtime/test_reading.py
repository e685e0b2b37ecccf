"""Models read from every kind of source, and converted with every form of `input`."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import vinoc


def net(*inputs: str) -> onnx.ModelProto:
    """The sum of its inputs, of rows of three; the first may have any number of rows."""
    shapes = [["N", 3] if i == 0 else [3] for i in range(len(inputs))]
    ins = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in zip(inputs, shapes)]
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])
    nodes = [helper.make_node("Relu", [inputs[0]], ["r"]), helper.make_node("Sum", ["r", *inputs[1:]], ["y"])]
    opset = helper.make_opsetid("", 13)
    return helper.make_model(helper.make_graph(nodes, "net", ins, [out]), opset_imports=[opset], ir_version=8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("nets")
    onnx.save(net("x"), made / "one.onnx")
    onnx.save(net("x", "b"), made / "two.onnx")
    vinoc.save_model(vinoc.convert_model(made / "one.onnx"), made / "one.xml")
    return made


def shown(model: Any) -> str:
    return " ".join(f"{p.any_name}:{p.element_type.get_type_name()}{p.partial_shape}" for p in model.inputs)


@pytest.mark.parametrize(
    "source",
    [
        lambda ov, f: (f / "one.xml",),
        lambda ov, f: (str(f / "one.xml"),),
        lambda ov, f: (str(f / "one.xml"), str(f / "one.bin")),
        lambda ov, f: (f / "one.xml", f / "one.bin"),
        lambda ov, f: ((f / "one.xml").read_bytes(), (f / "one.bin").read_bytes()),
        lambda ov, f: ((f / "one.xml").read_bytes(), b""),
        lambda ov, f: ((f / "one.xml").read_bytes(),),
        lambda ov, f: ((f / "one.xml").read_text(), ov.Tensor(np.zeros(1, np.uint8))),
        lambda ov, f: (io.BytesIO((f / "one.xml").read_bytes()), io.BytesIO((f / "one.bin").read_bytes())),
        lambda ov, f: (io.BytesIO((f / "one.onnx").read_bytes()),),
        lambda ov, f: (f / "one.onnx", None, {}),
    ],
)
def test_sources(ov: Any, folder: Path, source: Any) -> None:
    model = ov.Core().read_model(*source(ov, folder))
    assert shown(model) == "x:f32[?,3]"
    np.testing.assert_array_equal(ov.compile_model(model, "CPU")(np.ones((1, 3), np.float32))[0], [[1, 1, 1]])


def test_what_is_no_source(ov: Any, folder: Path) -> None:
    for wrong, error in ((3, TypeError), (str(folder / "gone.xml"), RuntimeError)):
        with pytest.raises(error):
            ov.Core().read_model(wrong)
    assert shown(ov.Core().read_model(model=str(folder / "two.onnx"))) == "x:f32[?,3] b:f32[3]"


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("two", lambda ov: {"x": [2, 3]}, "x:f32[2,3] b:f32[3]"),
        ("two", lambda ov: {"x": ov.PartialShape([-1, 3]), "b": [3]}, "x:f32[?,3] b:f32[3]"),
        ("two", lambda ov: [("x", [2, 3], ov.Type.f32)], "x:f32[2,3] b:f32[3]"),
        ("two", lambda ov: [("x", ov.PartialShape([2, 3])), ("b", ov.Type.f32)], "x:f32[2,3] b:f32[3]"),
        ("two", lambda ov: ("x", [2, 3]), "x:f32[2,3] b:f32[3]"),
        ("two", lambda ov: [[2, 3], [3]], "x:f32[2,3] b:f32[3]"),
        ("two", lambda ov: ["x", "b"], "x:f32[?,3] b:f32[3]"),
        ("one", lambda ov: [2, 3], "x:f32[2,3]"),
        ("one", lambda ov: (2, 3), "x:f32[2,3]"),
        ("one", lambda ov: ov.PartialShape([2, 3]), "x:f32[2,3]"),
        ("one", lambda ov: ov.Shape([2, 3]), "x:f32[2,3]"),
        ("one", lambda ov: [-1, 3], "x:f32[?,3]"),
        ("one", lambda ov: [ov.Dimension(1, 5), 3], "x:f32[1..5,3]"),
        ("one", lambda ov: ov.Type.f16, "x:f16[?,3]"),
        ("one", lambda ov: np.float16, "x:f16[?,3]"),
        ("one", lambda ov: ([2, 3], ov.Type.f32), "x:f32[2,3]"),
        ("one", lambda ov: ([2, 3], np.float16), "x:f16[2,3]"),
        ("one", lambda ov: [([2, 3], np.float16)], "x:f16[2,3]"),
    ],
)
def test_inputs_of_a_conversion(ov: Any, folder: Path, name: str, given: Any, expected: str) -> None:
    assert shown(ov.convert_model(folder / f"{name}.onnx", input=given(ov))) == expected
    assert shown(ov.convert_model(str(folder / f"{name}.onnx"), given(ov))) == expected


def test_other_arguments_of_a_conversion(ov: Any, folder: Path) -> None:
    path = folder / "two.onnx"
    for model in (
        ov.convert_model(input_model=path, share_weights=False, verbose=False, extension=None, dynamo=False),
        ov.convert_model(path, None, "y", None, None, False, True),
        ov.convert_model(path, output=["y"]),
        ov.convert_model(io.BytesIO(path.read_bytes())),
        ov.convert_model([str(path)]),
    ):
        assert [p.any_name for p in model.outputs] == ["y"]
    with pytest.raises(TypeError):
        ov.convert_model(path, nope=3)


# vinoc alone


def test_a_conversion_says_what_is_wrong(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = folder / "two.onnx"
    for wrong, message in (
        ({"example_input": np.ones(3)}, r"`example_input` is for models that are traced(.|\n)*ONNX"),
        ({"dynamo": True}, "`dynamo` is for models that are traced"),
        ({"inputs": "x"}, r"no argument `inputs`(.|\n)*did you mean 'input'"),
        ({"input": {"x": ("f32", "f16")}}, "a shape, a type, or one of each"),
        ({"input": [vinoc.Type.f16, vinoc.Type.f16, vinoc.Type.f16]}, "3 inputs are given, the model has 2: x, b"),
        ({"input": {"x": "f33"}}, "no element type 'f33'"),
        ({"input": {"z": [1]}}, "z"),
        ({"extension": "gone.py"}, "no such plugin file"),
    ):
        with pytest.raises(vinoc.UsageError, match=message):
            vinoc.convert_model(path, **wrong)
    with pytest.raises(TypeError, match="`model` is a int"):
        vinoc.convert_model(3)
    with caplog.at_level(logging.INFO, "vinoc"):
        vinoc.convert_model(path, verbose=True, passes="fuse,dce")
    assert [r.message.partition(":")[0] for r in caplog.records] == ["fuse", "dce"]


def test_what_vinoc_reads_besides(folder: Path) -> None:
    for source in (net("x", "b"), (folder / "two.onnx").read_bytes(), vinoc.tensor_from_file(folder / "two.onnx")):
        assert shown(vinoc.convert_model(source)) == "x:f32[?,3] b:f32[3]"
    model = vinoc.convert_model(folder / "two.onnx", {"x": (vinoc.Type.f16, [2, 3])}, output="r")
    assert (shown(model), [p.any_name for p in model.outputs]) == ("x:f16[2,3]", ["r"])
    assert shown(vinoc.convert_model(folder / "two.onnx", "b,x[2,3]")) == "b:f32[3] x:f32[2,3]"


def test_weights_are_shared_or_copied(tmp_path: Path) -> None:
    w = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 64])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 64])
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], "net", [x], [y], [onnx.numpy_helper.from_array(w, "w")]
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), tmp_path / "m.onnx")
    vinoc.save_model(vinoc.convert_model(tmp_path / "m.onnx"), tmp_path / "m.xml", compress_to_fp16=False)
    model = vinoc.convert_model(tmp_path / "m.xml", share_weights=False)
    (tmp_path / "m.bin").write_bytes(b"\0" * w.nbytes)
    np.testing.assert_allclose(vinoc.compile_model(model)(np.ones((1, 64), np.float32))[0], [w.sum(0)], 1e-4, 1e-5)


def test_extensions(tmp_path: Path) -> None:
    from vinoc.ir.ops.activation import ReLU

    core = vinoc.Core()
    core.add_extension(ReLU)
    core.add_extension([])
    with pytest.raises(vinoc.UsageError, match="no such plugin file"):
        core.add_extension([tmp_path / "gone.py"])
    with pytest.raises(TypeError, match="the class of an operation, not int"):
        core.add_extension(3)
