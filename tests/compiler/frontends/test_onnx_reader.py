"""Files: what is read from them, and what is said of damaged ones."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from vinoc.compiler.frontends.base import find_frontend, frontend_for
from vinoc.compiler.frontends.onnx import OnnxFrontend, load
from vinoc.compiler.frontends.onnx.reader import LARGE, PARSER_DEPTH
from vinoc.compiler.frontends.onnx.tensors import ELEMENT_TYPES, TensorReader, sparse_array
from vinoc.ir.errors import ConversionError, ModelError, UsageError, VinocError

from .onnx_util import run_graph


def model(tensor: onnx.TensorProto | None = None, opset: int = 13) -> onnx.ModelProto:
    """y = x + w, or y = w."""
    tensor = tensor if tensor is not None else numpy_helper.from_array(np.ones((2, 3), np.float32), "w")
    nodes = [helper.make_node("Add", ["x", "w"], ["y"], "add")]
    info = helper.make_tensor_value_info("x", tensor.data_type, list(tensor.dims))
    graph = helper.make_graph(nodes, "g", [info], [helper.make_empty_tensor_value_info("y")], [tensor])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def refused(data: bytes, tmp_path: Path, name: str = "m.onnx") -> ModelError:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(ModelError) as caught:
        load(path)
    assert caught.value.where == str(path)
    assert caught.value.help
    return caught.value


# Damaged files


def test_an_empty_file(tmp_path: Path) -> None:
    assert "empty" in refused(b"", tmp_path).what


@pytest.mark.parametrize("cut", [5, 40, 70, -3])
def test_a_truncated_file(tmp_path: Path, cut: int) -> None:
    assert "cut short" in refused(model().SerializeToString()[:cut], tmp_path).what


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"PK\x03\x04 and more", "zip"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS"),
        (b"<?xml version='1.0'?><net/>", "XML"),
        (b"\x1c\x00\x00\x00TFL3 and more", "not an ONNX model"),
        (b"hello, this is a text", "not an ONNX model"),
        (b"\x12\x03abc", "no graph"),
    ],
)
def test_another_kind_of_file(tmp_path: Path, data: bytes, word: str) -> None:
    assert word in refused(data, tmp_path).what


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        load(tmp_path / "absent.onnx")
    with pytest.raises(ModelError, match="folder"):
        load(tmp_path)


def field(number: int, payload: bytes) -> bytes:
    """A field of a message, as bytes: the onnx package cannot build what is nested this deep."""
    length, n = b"", len(payload)
    while n >= 0x80:
        length += bytes([n & 0x7F | 0x80])
        n >>= 7
    return bytes([number << 3 | 2]) + length + bytes([n]) + payload


@pytest.mark.parametrize("depth", [PARSER_DEPTH + 1, 500])
def test_subgraphs_deeper_than_the_parser_follows(tmp_path: Path, depth: int) -> None:
    graph = helper.make_graph([], "g", [], [helper.make_empty_tensor_value_info("y")]).SerializeToString()
    for _ in range(depth):
        attribute = field(1, b"then_branch") + field(6, graph) + b"\xa0\x01\x05"
        graph = field(1, field(2, b"y") + field(4, b"If") + field(5, attribute)) + field(12, field(1, b"y"))
    error = refused(b"\x08\x08" + field(7, graph), tmp_path)
    assert f"nested {depth} deep" in error.what
    assert str(PARSER_DEPTH) in error.what


def test_an_opset_from_the_future() -> None:
    with pytest.raises(ModelError, match="opset 29") as caught:
        load(model(opset=29).SerializeToString())
    assert "version_converter" in str(caught.value.help)


@given(st.data())
def test_damage_never_ends_in_a_traceback(data: st.DataObject) -> None:
    raw = bytearray(model().SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        if data.draw(st.booleans()):
            raw[at] = data.draw(st.integers(0, 255))
        else:
            del raw[at : at + data.draw(st.integers(1, 8))]
    with suppress(VinocError):
        load(bytes(raw))


# Large tensors stay in the file


def test_a_large_initializer_is_mapped_not_copied(tmp_path: Path) -> None:
    w = np.random.default_rng(0).normal(size=(64, LARGE // 64)).astype(np.float32)
    small = numpy_helper.from_array(np.float32(2), "s")
    nodes = [helper.make_node("Add", ["x", "w"], ["a"]), helper.make_node("Mul", ["a", "s"], ["y"])]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", 1, w.shape)],
        [helper.make_empty_tensor_value_info("y")],
        [small, numpy_helper.from_array(w, "w"), small],
    )
    del graph.initializer[2]
    path = tmp_path / "m.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), path)
    loaded = load(path)
    constants = {v.name: v.const for n in loaded for v in n.outputs if v.is_const}
    assert np.array_equal(constants["w"], w)
    base: Any = constants["w"]
    while getattr(base, "base", None) is not None:
        base = base.base
    assert isinstance(base, memoryview)  # of the mapped file
    assert np.array_equal(run_graph(loaded, [w])[0], (w + w) * 2)


def test_a_model_in_bytes_equals_one_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    onnx.save(model(), path)
    x = np.ones((2, 3), np.float32)
    assert np.array_equal(run_graph(load(path), [x])[0], run_graph(load(path.read_bytes()), [x])[0])


# Tensors

ARRAYS: dict[int, Any] = {
    code: np.array([0, 1, 1, 0, 1]).astype(helper.tensor_dtype_to_np_dtype(code)).reshape(5, 1)
    for code in ELEMENT_TYPES
    if code != TensorProto.STRING
}


WITHOUT_FIELD = (TensorProto.UINT2, TensorProto.INT2)
"""The onnx package stores them as raw data alone."""


@pytest.mark.parametrize("code", list(ARRAYS))
def test_every_element_type_as_raw_data(code: int) -> None:
    tensor = numpy_helper.from_array(ARRAYS[code], "t")
    assert tensor.data_type == code
    holds(tensor, ARRAYS[code])


@pytest.mark.parametrize("code", [c for c in ARRAYS if c not in WITHOUT_FIELD])
def test_every_element_type_in_its_field(code: int) -> None:
    array = ARRAYS[code]
    holds(helper.make_tensor("t", code, array.shape, array.reshape(-1).tolist()), array)


def holds(tensor: onnx.TensorProto, array: np.ndarray) -> None:
    buffer = TensorReader(None).buffer(tensor)
    assert buffer.dtype is ELEMENT_TYPES[tensor.data_type]
    assert buffer.array.dtype == array.dtype
    assert np.array_equal(buffer.array.astype(np.complex128), array.astype(np.complex128), equal_nan=True)


def test_strings() -> None:
    buffer = TensorReader(None).buffer(helper.make_tensor("t", TensorProto.STRING, [2], ["a", "ü"]))
    assert buffer.array.tolist() == ["a", "ü"]


def test_bf16_values() -> None:
    tensor = helper.make_tensor("t", TensorProto.BFLOAT16, [2], [1.5, -2.0])
    assert TensorReader(None).array(tensor).tolist() == np.array([1.5, -2], ml_dtypes.bfloat16).tolist()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda t: t.dims.__setitem__(0, -2), "negative"),
        (lambda t: t.dims.__setitem__(0, 1 << 40), "take"),
        (lambda t: setattr(t, "raw_data", t.raw_data[:-1]), "23 bytes"),
        (lambda t: setattr(t, "data_type", 0), "no element type"),
        (lambda t: setattr(t, "data_type", 99), "99"),
        (lambda t: t.ClearField("raw_data"), "0 numbers in float_data"),
        (lambda t: setattr(t, "data_type", 8), "raw"),
    ],
)
def test_a_tensor_that_contradicts_itself(change: Any, word: str) -> None:
    tensor = numpy_helper.from_array(np.ones((2, 3), np.float32), "w")
    proto = model(tensor)
    change(proto.graph.initializer[0])
    with pytest.raises(ConversionError) as caught:
        load(proto.SerializeToString())
    (problem,) = caught.value.problems
    assert "'w'" in problem.what
    assert word in problem.what
    assert problem.node == "add"


def test_sparse_tensors() -> None:
    values = numpy_helper.from_array(np.array([5, 7], np.float32), "s")
    flat = helper.make_sparse_tensor(values, numpy_helper.from_array(np.array([1, 5], np.int64), "i"), [2, 3])
    pairs = helper.make_sparse_tensor(
        values, numpy_helper.from_array(np.array([[0, 1], [1, 2]], np.int64), "i"), [2, 3]
    )
    expected = [[0, 5, 0], [0, 0, 7]]
    assert sparse_array(flat, TensorReader(None)).tolist() == expected
    assert sparse_array(pairs, TensorReader(None)).tolist() == expected
    outside = helper.make_sparse_tensor(values, numpy_helper.from_array(np.array([1, 6], np.int64), "i"), [2, 3])
    with pytest.raises(ModelError, match="outside"):
        sparse_array(outside, TensorReader(None))


# External data


def external(tmp_path: Path, location: str, **entries: object) -> Path:
    tensor = TensorProto(name="w", data_type=1, dims=[2, 3], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=str(value))
    path = tmp_path / "m.onnx"
    path.write_bytes(model(tensor).SerializeToString())
    return path


def test_external_data_are_read_when_touched(tmp_path: Path) -> None:
    w = np.arange(6, dtype=np.float32).reshape(2, 3)
    (tmp_path / "w.bin").write_bytes(b"12345" + w.tobytes() + b"rest")  # at an odd offset
    graph = load(external(tmp_path, "w.bin", offset=5, length=24))
    (buffer,) = (n.op.value for n in graph if n.kind == "Constant")  # type: ignore[attr-defined]
    assert not buffer.is_loaded
    assert np.array_equal(run_graph(graph, [w])[0], w + w)


@pytest.mark.parametrize("location", ["../w.bin", "/etc/hostname", "sub/../../w.bin", "link.bin", "..\\w.bin"])
def test_external_data_outside_of_the_folder(tmp_path: Path, location: str) -> None:
    inside = tmp_path / "model"
    inside.mkdir()
    (tmp_path / "w.bin").write_bytes(bytes(24))
    os.symlink(tmp_path / "w.bin", inside / "link.bin")
    with pytest.raises(ConversionError, match="outside the model's folder") as caught:
        load(external(inside, location))
    assert "'w'" in caught.value.problems[0].what


@pytest.mark.parametrize(
    ("entries", "word"),
    [
        ({"offset": 8}, "which has 24"),
        ({"offset": -1}, "which has 24"),
        ({"length": 20}, "20 bytes"),
        ({"offset": "x"}, "not a number"),
    ],
)
def test_external_data_of_the_wrong_size(tmp_path: Path, entries: dict[str, object], word: str) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(24))
    with pytest.raises(ConversionError, match=word):
        load(external(tmp_path, "w.bin", **entries))


def test_external_data_that_are_missing(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="not there"):
        load(external(tmp_path, "absent.bin"))
    with pytest.raises(ConversionError, match="no folder"):
        load(external(tmp_path, "w.bin").read_bytes())


# Finding the frontend


def test_the_frontend_is_found_by_extension_and_by_contents(tmp_path: Path) -> None:
    for name in ("m.onnx", "weights.bin"):
        path = tmp_path / name
        onnx.save(model(), path)
        assert frontend_for(path).name == "onnx"
    (tmp_path / "readme.txt").write_text("hello")
    with pytest.raises(ModelError, match="not a model format"):
        frontend_for(tmp_path / "readme.txt")
    assert isinstance(find_frontend("onnx"), OnnxFrontend)
    with pytest.raises(UsageError) as caught:
        find_frontend("onx")
    assert "did you mean 'onnx'?" in str(caught.value.help)
