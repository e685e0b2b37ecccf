"""Shapes against ONNX Runtime, and that named dimensions survive."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper, numpy_helper

from vinoc.ir.errors import VinocError

from .onnx_util import check, make_model, read, run_graph, run_reference

RNG = np.random.default_rng(2)
X = RNG.normal(size=(2, 3, 4)).astype(np.float32)
I = np.array


def test_identity() -> None:
    check("Identity", [X], 13)


@pytest.mark.parametrize("attributes", [{}, {"start": 1}, {"start": -2, "end": -1}, {"end": 9}, {"start": 2, "end": 1}])
def test_shape(attributes: dict[str, int]) -> None:
    check("Shape", [X], 15, **attributes)


def test_shape_and_size() -> None:
    check("Shape", [X], 7)
    check("Size", [X], 13)
    check("Size", [np.float32(1)], 13)


@pytest.mark.parametrize("target", [[6, 4], [-1], [0, -1], [2, 0, 2, -1], [1, 2, 3, 4]])
def test_reshape(target: list[int]) -> None:
    check("Reshape", [X, I(target)], 7, constant=[1])
    check("Reshape", [X, I(target)], 14)


def test_reshape_forms() -> None:
    check("Reshape", [np.zeros((0, 3), np.float32), I([3, 0])], 14, constant=[1], allowzero=1)
    check("Reshape", [X], 1, shape=[4, -1], symbolic=False, expected=[X.reshape(4, -1)])


def test_squeeze_and_unsqueeze() -> None:
    x = X.reshape(1, 2, 3, 1, 4)
    for opset in (7, 11, 12):
        check("Squeeze", [x], opset, axes=[0, 3])
        check("Unsqueeze", [X], opset, axes=[0, 3])
    check("Unsqueeze", [X], 11, axes=[-1])
    check("Squeeze", [x], 11, axes=[-2])
    check("Squeeze", [x], 11, symbolic=False)
    check("Squeeze", [x], 13, symbolic=False)
    check("Squeeze", [x, I([0])], 13, constant=[1])
    check("Unsqueeze", [X, I([0, -1])], 13, constant=[1])


@pytest.mark.parametrize("axis", [0, 1, 2, 3, 4, -1, -3, -4])
def test_flatten(axis: int) -> None:
    check("Flatten", [RNG.normal(size=(2, 3, 4, 5)).astype(np.float32)], 13, axis=axis)


def test_flatten_of_a_vector() -> None:
    check("Flatten", [X[0, 0]], 13)
    check("Flatten", [X[0, 0]], 9, axis=0)


def test_transpose() -> None:
    check("Transpose", [X], 13)
    check("Transpose", [X], 13, perm=[1, 2, 0])


def test_expand_and_tile() -> None:
    check("Expand", [X, I([5, 1, 3, 1])], 8, constant=[1])
    check("Expand", [X[:, :1], I([3, 4])], 13)
    check("Tile", [X, I([1, 2, 3])], 13, constant=[1])
    check("Tile", [X, I([2, 1, 1])], 6)


def test_concat() -> None:
    check("Concat", [X, X + 1, X[:, :1]], 13, axis=1)
    check("Concat", [X, X], 7, axis=-1 + 3)
    check("Concat", [X], 13, axis=-1)


def test_split() -> None:
    x = RNG.normal(size=(2, 7, 6)).astype(np.float32)
    check("Split", [x], 7, n_outputs=2)
    check("Split", [x], 11, n_outputs=3, axis=-1)
    check("Split", [x], 7, n_outputs=3, axis=1, split=[2, 4, 1])
    check("Split", [x, I([2, 4, 1])], 13, n_outputs=3, axis=1, constant=[1])
    check("Split", [x, I([2, 5])], 13, n_outputs=2, axis=1)
    check("Split", [x], 13, n_outputs=3, axis=2)
    check("Split", [x], 18, n_outputs=3, axis=2, num_outputs=3)
    check("Split", [x], 18, n_outputs=3, axis=1, num_outputs=3)
    check("Split", [x], 18, n_outputs=1, axis=1, num_outputs=1)
    check("Split", [x, I([6, 1])], 18, n_outputs=2, axis=1, constant=[1])


def test_constant_of_shape() -> None:
    value = numpy_helper.from_array(np.array([7], np.int32))
    check("ConstantOfShape", [I([2, 3])], 9, value=value)
    check("ConstantOfShape", [I([2, 0])], 9)
    check("ConstantOfShape", [np.zeros(0, np.int64)], 9, value=value, constant=[0])
    graph = check("ConstantOfShape", [I([512, 3, 3])], 9, constant=[0])
    folded = graph.outputs[0].const
    assert folded is not None
    assert not any(folded.strides), "a constant fill takes one element of memory"


@pytest.mark.parametrize(("start", "stop", "step"), [(0, 10, 3), (10, 1, -4), (3, 3, 1)])
def test_range(start: int, stop: int, step: int) -> None:
    for dtype in (np.int64, np.int32, np.float32):
        arguments = [np.array(v, dtype) for v in (start, stop, step)]
        check("Range", arguments, 11)
        check("Range", arguments, 11, constant=[0, 1, 2])


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_one_hot(axis: int) -> None:
    for indices in (I([[0, 2], [-1, 9]]), np.array([[1.0, 2.0]], np.float32)):
        depth = np.array(4, indices.dtype)
        check("OneHot", [indices, depth, np.array([0.5, 3], np.float32)], 11, constant=[1], axis=axis)
    check("OneHot", [I([1, 0]), I([3]), I([0, 1])], 9, axis=0)


def test_eye_like() -> None:
    check("EyeLike", [X[0]], 9)
    check("EyeLike", [X[0]], 9, k=1, dtype=7)
    check("EyeLike", [X[0]], 9, k=-1, dtype=11)


@pytest.mark.parametrize("upper", [0, 1])
@pytest.mark.parametrize("k", [None, 0, 1, -2, 9])
def test_trilu(upper: int, k: int | None) -> None:
    x = RNG.normal(size=(2, 4, 5)).astype(np.float32)
    check("Trilu", [x] if k is None else [x, I(k)], 14, upper=upper)
    check("Trilu", [x > 0], 14, upper=upper)


def test_a_causal_mask_of_known_size_is_a_constant() -> None:
    graph = check("Trilu", [X[0]], 14)
    assert [n.kind for n in graph if n.kind != "Constant"] == ["Select"]


@pytest.mark.parametrize("target", [[5, 2], [2, 5], [3, 3], [8, 4]])
def test_center_crop_pad(target: list[int]) -> None:
    x = RNG.normal(size=(2, 3, 5)).astype(np.float32)
    check("CenterCropPad", [x, I(target)], 18, constant=[1], axes=[1, 2])
    check("CenterCropPad", [x, I([*target, 3])], 18, constant=[1])
    check("CenterCropPad", [x, I(target[:1])], 18, axes=[-1])


def test_blocks() -> None:
    x = RNG.normal(size=(2, 8, 4, 6)).astype(np.float32)
    check("DepthToSpace", [x], 7, blocksize=2)
    check("DepthToSpace", [x], 11, blocksize=2, mode="CRD")
    check("SpaceToDepth", [x], 13, blocksize=2)


def test_a_wrong_mode_is_named() -> None:
    with pytest.raises(VinocError, match="XYZ"):
        check("DepthToSpace", [X.reshape(1, 4, 2, 3)], 13, blocksize=2, mode="XYZ", expected=[X])


def chain(*steps: tuple[Any, ...], **constants: Any) -> Any:
    """A model of nodes (op, inputs, output, attributes) over one input `x` of symbolic shape [N, 3, H]."""
    nodes = [helper.make_node(op, ins, [out], **(rest[0] if rest else {})) for op, ins, out, *rest in steps]
    data = {"x": X}
    arrays = {k: np.asarray(v) for k, v in constants.items()}
    return make_model(nodes, data, 13, arrays, symbolic=True), data


def test_named_dimensions_survive_shape_arithmetic() -> None:
    """The way exporters flatten: Shape, Gather, Unsqueeze, Concat, Reshape."""
    model, data = chain(
        ("Shape", ["x"], "s"),
        ("Gather", ["s", "zero"], "n", {"axis": 0}),
        ("Unsqueeze", ["n", "axis"], "n1"),
        ("Concat", ["n1", "rest"], "target", {"axis": 0}),
        ("Reshape", ["x", "target"], "y"),
        zero=0, axis=[0], rest=[-1],
    )  # fmt: skip
    graph = read(model)
    assert [str(d) for d in graph.outputs[0].shape or ()] == ["x_0", "x_1*x_2"]
    np.testing.assert_array_equal(run_graph(graph, [X])[0], run_reference(model, data)[0])


def test_arithmetic_on_dimensions_survives() -> None:
    """H // 2, a slice to it, and back by concatenation."""
    model, data = chain(
        ("Shape", ["x"], "s"),
        ("Slice", ["s", "two", "three", "zero"], "h"),
        ("Div", ["h", "two"], "half"),
        ("Slice", ["x", "zero", "half", "two"], "a"),
        ("Concat", ["a", "a"], "y", {"axis": 2}),
        zero=[0], two=[2], three=[3],
    )  # fmt: skip
    graph = read(model)
    *outer, last = [str(d) for d in graph.outputs[0].shape or ()]
    assert outer == ["x_0", "x_1"]
    assert last.startswith("2*")
    assert "x_2//2" in last
    np.testing.assert_array_equal(run_graph(graph, [X])[0], run_reference(model, data)[0])


def test_expanding_to_the_shape_of_another() -> None:
    model, data = chain(
        ("Shape", ["x"], "s"),
        ("ConstantOfShape", ["s"], "ones"),
        ("Expand", ["row", "s"], "wide"),
        ("Add", ["ones", "wide"], "y"),
        row=np.ones((1, 1, 1), np.float32),
    )
    graph = read(model)
    assert [str(d) for d in graph.outputs[0].shape or ()] == ["x_0", "x_1", "x_2"]
    np.testing.assert_array_equal(run_graph(graph, [X])[0], run_reference(model, data)[0])
