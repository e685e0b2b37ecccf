"""Strings, n-grams, and operators without a place in OpenVINO's op set."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

import vinoc
from vinoc import onnx_backend
from vinoc.ir.errors import UsageError, VinocError

from .onnx_util import compare, run_reference


def words(values: Any, shape: tuple[int, ...] = (-1,)) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = values
    return array.reshape(shape)


def model_of(op: str, inputs: list[np.ndarray], outputs: int, opset: int, **attributes: Any) -> Any:
    names = [f"x{i}" for i in range(len(inputs))]
    made = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, names, made, **attributes)
    infos = []
    for name, array in zip(names, inputs, strict=True):
        kind = TensorProto.STRING if array.dtype == object else helper.np_dtype_to_tensor_dtype(array.dtype)
        infos.append(helper.make_tensor_value_info(name, kind, [None] * array.ndim))
    results = [helper.make_empty_tensor_value_info(n) for n in made]
    graph = helper.make_graph([node], "test", infos, results)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def check(op: str, inputs: list[np.ndarray], outputs: int = 1, opset: int = 20, **attributes: Any) -> None:
    """On the CPU device, beside ONNX Runtime; the shapes are known at run time alone."""
    model = model_of(op, inputs, outputs, opset, **attributes)
    wanted = run_reference(model, {f"x{i}": a for i, a in enumerate(inputs)})
    compare(list(onnx_backend.run_model(model, inputs)), wanted)


TEXT = st.text(alphabet="ab ,\u00e9", max_size=6)


@given(st.lists(TEXT, min_size=1, max_size=4), TEXT)
@settings(max_examples=10)
def test_concat_broadcasts(left: list[str], right: str) -> None:
    check("StringConcat", [words(left), words([right])])


@given(st.lists(TEXT, min_size=1, max_size=4), st.sampled_from(["", ",", "ab"]), st.integers(0, 3))
@settings(max_examples=15)
def test_split(data: list[str], delimiter: str, most: int) -> None:
    limit = {"maxsplit": most} if most else {}
    model = model_of("StringSplit", [words(data)], 2, 20, delimiter=delimiter, **limit)
    parts, counts = onnx_backend.run_model(model, [words(data)])
    expected = [s.split(delimiter or None, most or -1) for s in data]
    assert [list(row[:n]) for row, n in zip(parts, counts, strict=True)] == expected
    assert all(not rest for row, n in zip(parts, counts, strict=True) for rest in row[n:])


def test_full_match() -> None:
    check("RegexFullMatch", [words(["www.a.com", "b.com", ""])], pattern=r"www\.[a-z]+\.com")
    with pytest.raises(VinocError, match="not readable"):
        onnx_backend.prepare(model_of("RegexFullMatch", [words([""])], 1, 20, pattern="("))


@pytest.mark.parametrize("change", ["NONE", "LOWER", "UPPER"])
@pytest.mark.parametrize("sensitive", [0, 1])
def test_normalizer(change: str, sensitive: int) -> None:
    data = ["Monday", "tuesday", "MONDAY", "Friday"]
    kept = ["Monday", "MONDAY", "Friday"] if sensitive else ["Friday"]
    expected = [getattr(s, change.lower())() if change != "NONE" else s for s in kept]
    for shape in ((-1,), (1, -1)):
        x = words(data, shape)
        model = model_of("StringNormalizer", [x], 1, 20, case_change_action=change, is_case_sensitive=sensitive,
                         stopwords=["monday", "tuesday"])  # fmt: skip
        (y,) = onnx_backend.run_model(model, [x])
        assert y.shape == words(expected, shape).shape
        assert list(y.reshape(-1)) == expected


def test_normalizer_of_stop_words_alone() -> None:
    x = words(["a", "b"])
    (y,) = onnx_backend.run_model(model_of("StringNormalizer", [x], 1, 20, stopwords=["a", "b"]), [x])
    assert list(y) == [""]


def test_equality_and_casts() -> None:
    check("Equal", [words(["a", "b"]), words(["a"])])
    check("Cast", [words(["1.5", "-2", "1e3"])], to=TensorProto.FLOAT)
    check("Cast", [words(["15", "-2"])], to=TensorProto.INT64)
    check("Cast", [np.array([1, -7])], to=TensorProto.STRING)
    check("Cast", [np.array([0.5, np.nan, np.inf, -np.inf], np.float32)], to=TensorProto.STRING)


@given(st.sampled_from(["TF", "IDF", "TFIDF"]), st.integers(0, 2), st.lists(st.integers(1, 4), min_size=2, max_size=9))
@settings(max_examples=20)
def test_n_grams(mode: str, skips: int, data: list[int]) -> None:
    check("TfIdfVectorizer", [np.array(data)], mode=mode, max_skip_count=skips, min_gram_length=1, max_gram_length=2,
          ngram_counts=[0, 3], ngram_indexes=[0, 2, 1, 4, 3], pool_int64s=[1, 2, 3, 1, 2, 3, 3],
          weights=[1.0, 2.0, 0.5, 3.0, 1.5])  # fmt: skip


def test_n_grams_of_strings() -> None:
    check("TfIdfVectorizer", [words("abacab", (2, 3))], mode="TF", max_skip_count=0, min_gram_length=1,
          max_gram_length=2, ngram_counts=[0, 2], ngram_indexes=[0, 1, 2],
          pool_strings=["a", "b", "a", "c"])  # fmt: skip


def test_strings_among_numbers() -> None:
    """What depends on strings runs by definition, the rest with kernels; strings pass through."""
    nodes = [
        helper.make_node("Equal", ["s", "t"], ["same"]),
        helper.make_node("Cast", ["same"], ["number"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["number", "x"], ["y"]),
        helper.make_node("Identity", ["s"], ["z"]),
    ]
    kinds = [("s", TensorProto.STRING), ("t", TensorProto.STRING), ("x", TensorProto.FLOAT)]
    infos = [helper.make_tensor_value_info(n, k, [2]) for n, k in kinds]
    results = [
        helper.make_tensor_value_info(n, k, [2]) for n, k in (("y", TensorProto.FLOAT), ("z", TensorProto.STRING))
    ]
    graph = helper.make_graph(nodes, "mixed", infos, results)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    text, x = words(["a", "b"]), np.array([2.0, 3.0], np.float32)
    y, z = onnx_backend.run_model(model, [text, words(["a", "c"]), x])
    np.testing.assert_array_equal(y, [2.0, 0.0])
    assert list(z) == ["a", "b"]
    assert z is not text


def test_ir_refuses_strings_by_name(tmp_path: Any) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(model_of("StringConcat", [words(["a"]), words(["b"])], 1, 20).SerializeToString())
    with pytest.raises(VinocError, match="StringConcat"):
        vinoc.save_model(vinoc.convert_model(path), tmp_path / "m.xml")
    assert not (tmp_path / "m.xml").exists()


def test_the_backend_interface() -> None:
    node = helper.make_node("Add", ["a", "", "b"][::2], ["c"])
    (c,) = onnx_backend.run_node(node, [np.array([1.0, 2.0]), np.array([3.0, 4.0])])
    np.testing.assert_array_equal(c, [4.0, 6.0])
    model = model_of("Add", [np.zeros(2), np.zeros(2)], 1, 20)
    rep = onnx_backend.prepare(model, "CPU")
    results: Any = rep.run({"x0": np.ones(2), "x1": np.ones(2)})
    np.testing.assert_array_equal(results["y0"], [2.0, 2.0])
    assert onnx_backend.supports_device("CPU")
    assert not onnx_backend.supports_device("CUDA")
    assert onnx_backend.is_compatible(model)
    assert not onnx_backend.is_compatible(model_of("Nothing", [np.zeros(2)], 1, 20))
    with pytest.raises(UsageError, match="3 inputs"):
        rep.run([np.ones(2)] * 3)
