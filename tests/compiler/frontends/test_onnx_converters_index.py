"""Slicing, padding, gathering and scattering against ONNX Runtime."""

from __future__ import annotations

import numpy as np
import pytest

from vinoc.ir.errors import VinocError

from .onnx_util import check

RNG = np.random.default_rng(3)
X = RNG.normal(size=(4, 5, 6)).astype(np.float32)
I = np.array
MAX = np.iinfo(np.int64).max
MIN = np.iinfo(np.int64).min


def test_slice_by_attributes() -> None:
    check("Slice", [X], 7, starts=[1, 0], ends=[3, -1])
    check("Slice", [X], 9, starts=[-3], ends=[MAX], axes=[2])


@pytest.mark.parametrize(
    ("starts", "ends", "axes", "steps"),
    [
        ([1], [3], None, None),
        ([0, -2], [9, MAX], [0, 2], None),
        ([0], [MAX], [-1], [2]),
        ([-1], [MIN], [1], [-1]),
        ([4, 1], [0, 5], [1, 2], [-2, 3]),
        ([3], [3], [0], [1]),
    ],
)
def test_slice(starts: list[int], ends: list[int], axes: list[int] | None, steps: list[int] | None) -> None:
    inputs = [X, *(None if v is None else I(v) for v in (starts, ends, axes, steps))]
    while inputs[-1] is None:
        inputs.pop()
    given = [i for i in range(1, len(inputs)) if inputs[i] is not None]
    for opset in (10, 13):
        check("Slice", inputs, opset, constant=given)
    check("Slice", inputs, 13, symbolic=axes is not None)
    check("Slice", inputs, 13, constant=[i for i in given if i > 2])


def test_slice_takes_i32() -> None:
    check("Slice", [X, np.array([1], np.int32), np.array([4], np.int32)], 13, constant=[1, 2])


def test_pad_by_attributes() -> None:
    check("Pad", [X], 7, pads=[0, 1, 2, 1, 0, 3])
    check("Pad", [X], 7, pads=[0, 1, 2, 1, 0, 3], value=2.5)
    check("Pad", [X], 7, pads=[0, 1, 2, 1, 0, 3], mode="reflect")
    check("Pad", [X], 1, paddings=[0, 0, 1, 0, 0, 1], expected=[np.pad(X, ((0, 0), (0, 0), (1, 1)))])


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect"])
def test_pad(mode: str) -> None:
    pads = I([1, 0, 2, 0, 3, 1])
    check("Pad", [X, pads], 13, constant=[1], mode=mode)
    check("Pad", [X, pads], 11, mode=mode)
    check("Pad", [X, pads[:4], None, I([0, -1])], 18, constant=[1, 3], mode=mode)
    check("Pad", [X, pads[:4], None, I([2, 1])], 18, mode=mode, symbolic=False)


def test_pad_fills_and_cuts() -> None:
    check("Pad", [X, I([1, 0, 0, 0, 0, 1]), np.float32(7)], 13, constant=[1, 2])
    check("Pad", [X, I([1, 0, 0, 0, 0, 1]), np.float32(7)], 13)
    check("Pad", [X, I([-1, 0, 2, 0, -2, 0])], 13, constant=[1])
    check("Pad", [np.arange(4), I([1, 2]), I(9)], 13, constant=[1])
    check("Pad", [X > 0, I([0, 0, 1, 0, 0, 1])], 13, constant=[1])


def test_pad_wraps() -> None:
    check("Pad", [X, I([2, 0, 1, 1, 0, 4])], 19, constant=[1], mode="wrap")
    check("Pad", [X, I([1, 3]), None, I([1])], 19, constant=[1, 3], mode="wrap")


def test_pad_refuses_other_modes() -> None:
    with pytest.raises(VinocError, match="mirror"):
        check("Pad", [X, I([0] * 6)], 13, mode="mirror", expected=[X])


def test_gather() -> None:
    check("Gather", [X, I([0, 3, 1])], 7)
    check("Gather", [X, I([[0, -1], [2, 1]])], 13, axis=1)
    check("Gather", [X, np.array(-2, np.int32)], 13, axis=-1)


def test_gather_elements() -> None:
    check("GatherElements", [X, RNG.integers(0, 4, (2, 5, 6))], 11)
    check("GatherElements", [X, RNG.integers(-6, 6, (4, 5, 3))], 13, axis=-1)


def test_gather_nd() -> None:
    check("GatherND", [X, I([[0, 1], [3, -1]])], 11)
    check("GatherND", [X, RNG.integers(0, 5, (4, 3, 1))], 12, batch_dims=1)
    check("GatherND", [X, RNG.integers(0, 4, (2, 2, 3))], 13)


def permutations(axis: int) -> np.ndarray:
    return np.argsort(RNG.normal(size=X.shape), axis=axis)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_scatter_elements(axis: int) -> None:
    indices = permutations(axis)[:2, :2, :2]
    updates = RNG.normal(size=indices.shape).astype(np.float32)
    check("ScatterElements", [X, indices, updates], 11, axis=axis)
    for reduction in ("none", "add", "mul", "max", "min"):
        check("ScatterElements", [X, indices, updates], 18, axis=axis, reduction=reduction)


def test_scatter_is_the_old_name() -> None:
    indices = permutations(0)[:2]
    check("Scatter", [X, indices, X[:2] * 2], 9)


@pytest.mark.parametrize("reduction", ["none", "add", "mul", "max", "min"])
def test_scatter_nd(reduction: str) -> None:
    indices = I([[0], [2], [-1]])
    check("ScatterND", [X, indices, X[:3] * 3], 18, reduction=reduction)
    check("ScatterND", [X, I([[0, 1], [3, 2]]), X[:2, 0] * 3], 18, reduction=reduction)


def test_scatter_nd_of_older_opsets() -> None:
    check("ScatterND", [X, I([[1, 2, 3], [0, 0, 0]]), X[0, 0, :2]], 11)


def test_tensor_scatter() -> None:
    cache, update = np.zeros((2, 3, 6, 4), np.float32), RNG.normal(size=(2, 3, 2, 4)).astype(np.float32)
    linear, circular = cache.copy(), cache.copy()
    for b, start in enumerate((1, 5)):
        for i in range(2):
            circular[b, :, (start + i) % 6] = update[b, :, i]
    for b, start in enumerate((1, 3)):
        linear[b, :, start : start + 2] = update[b]
    check("TensorScatter", [cache, update, I([1, 3])], 24, expected=[linear])
    check("TensorScatter", [cache, update, I([1, 5])], 24, mode="circular", expected=[circular])
    first = cache.copy()
    first[:, :, :2] = update
    check("TensorScatter", [cache, update], 24, axis=2, expected=[first])


def test_non_zero_and_compress() -> None:
    sparse = (RNG.integers(0, 3, (3, 4)) == 0).astype(np.float32)
    check("NonZero", [sparse], 13)
    check("Compress", [X, I([True, False, True])], 9, axis=1)
    check("Compress", [X, I([True, False, True, True])], 11)
    check("Compress", [X, I([False, True])], 11, axis=-1)


@pytest.mark.parametrize("is_sorted", [0, 1])
def test_unique(is_sorted: int) -> None:
    x = I([2, 1, 1, 3, 4, 3], np.float32)
    check("Unique", [x], 11, n_outputs=4, sorted=is_sorted)
    rows = np.array([[1, 0], [0, 1], [1, 0], [2, 2]], np.float32)
    check("Unique", [rows], 11, n_outputs=4, sorted=is_sorted, axis=0)


def test_reverse_sequence() -> None:
    x = X[:, :4]
    check("ReverseSequence", [x, I([1, 2, 3, 4])], 10)
    check("ReverseSequence", [x, I([4, 3, 2, 1])], 10, batch_axis=0, time_axis=1)
