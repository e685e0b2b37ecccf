"""Pooling: inferred, computed, compared with OpenVINO."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vinoc.ir.dim import symbol
from vinoc.ir.dtype import boolean, f16, f32, i32, i64
from vinoc.ir.errors import InferenceError, VinocError
from vinoc.ir.kernels import pool

from .checked import infer, make, one, random, run, same

H, N = symbol("H"), symbol("N")
ROUNDINGS = ("floor", "ceil", "ceil_torch")


def pooling(kind: str, rank: int = 2, **attributes: Any) -> Any:
    given_ = {"kernel": (2,) * rank, "strides": (2,) * rank, "pads_begin": (0,) * rank, "pads_end": (0,) * rank}
    given_ |= {"dilations": (1,) * rank} if kind == "MaxPool" else {"exclude_pad": True}
    return make(kind, **{**given_, **attributes})


@st.composite
def geometry(draw: st.DrawFn) -> tuple[tuple[int, ...], dict[str, Any]]:
    rank = draw(st.integers(1, 3))
    kernel = tuple(draw(st.integers(1, 4)) for _ in range(rank))
    return tuple(draw(st.integers(4, 8)) for _ in range(rank)), {
        "kernel": kernel,
        "strides": tuple(draw(st.integers(1, 3)) for _ in range(rank)),
        "pads_begin": tuple(draw(st.integers(0, k - 1)) for k in kernel),
        "pads_end": tuple(draw(st.integers(0, k - 1)) for k in kernel),
        "rounding_type": draw(st.sampled_from(ROUNDINGS)),
        "auto_pad": draw(st.sampled_from(["explicit", "explicit", "same_upper", "same_lower", "valid"])),
    }


def empty_windows(spatial: tuple[int, ...], g: dict[str, Any]) -> bool:
    """True where a window lies beyond the data: the CPU plugin then divides by zero or shows its lowest number."""
    if g["auto_pad"] != "explicit":
        return g["rounding_type"] == "ceil" and any(k < s for k, s in zip(g["kernel"], g["strides"]))
    ones = [1] * len(spatial)
    out = pool.pool_sizes(spatial, g["kernel"], g["strides"], ones, g["pads_begin"], g["pads_end"], g["rounding_type"])
    return any((o - 1) * s - b >= n for o, s, b, n in zip(out, g["strides"], g["pads_begin"], spatial))


@settings(max_examples=60)
@given(geometry(), st.integers(-1, 2), st.data())
def test_max_pool_agrees_with_openvino(given_: Any, axis: int, data: st.DataObject) -> None:
    spatial, g = given_
    dilations = tuple(data.draw(st.integers(1, 2)) for _ in spatial)
    reach = [(k - 1) * d + 1 for k, d in zip(g["kernel"], dilations)]
    assume(all(n >= r for n, r in zip(spatial, reach)))
    assume(not empty_windows(spatial, g))
    same(make("MaxPool", **g, dilations=dilations, axis=axis, index_element_type=i32), random(2, 3, *spatial))


@settings(max_examples=60)
@given(geometry())
def test_avg_pool_without_pads_agrees_with_openvino(given_: Any) -> None:
    spatial, g = given_
    assume(all(n >= k for n, k in zip(spatial, g["kernel"])))
    assume(not empty_windows(spatial, g))
    same(make("AvgPool", **g, exclude_pad=True), random(2, 3, *spatial))


@settings(max_examples=60)
@given(geometry())
def test_avg_pool_with_pads_agrees_with_openvino(given_: Any) -> None:
    spatial, g = given_
    g["rounding_type"] = "floor"
    assume(all(n >= k for n, k in zip(spatial, g["kernel"])))
    same(make("AvgPool", **g, exclude_pad=False), random(2, 3, *spatial))


def test_what_lies_beyond_the_pads_is_not_averaged() -> None:
    op = pooling("AvgPool", 1, kernel=(4,), pads_begin=(1,), pads_end=(1,), exclude_pad=False, rounding_type="ceil")
    np.testing.assert_allclose(run(op, np.ones((1, 1, 5), np.float32))[0], [[[3 / 4, 1, 2 / 3]]])


def test_windows_of_nothing() -> None:
    data = -np.arange(1, 6, dtype=np.float32).reshape(1, 1, 5)
    far = {"kernel": (1,), "strides": (4,), "pads_end": (2,), "rounding_type": "ceil"}
    values, indices = run(pooling("MaxPool", 1, **far), data)
    np.testing.assert_array_equal(values, [[[-1, -5, np.finfo(np.float32).min]]])
    np.testing.assert_array_equal(indices, [[[0, 4, 0]]])
    np.testing.assert_array_equal(run(pooling("AvgPool", 1, **far), data)[0], [[[-1, -5, 0]]])


@pytest.mark.parametrize("size", [4, 5])
def test_same_pads_with_a_kernel_below_the_stride(size: int) -> None:
    small = {"kernel": (1,), "strides": (2,), "auto_pad": "same_upper", "rounding_type": "ceil"}
    same(pooling("MaxPool", 1, **small), random(1, 1, size))
    assert str(infer(pooling("MaxPool", 1, **small), (f32, (1, 1, H)))[0]) == "f32[1,1,max((H+1)//2,(H//2)+1)]"


def test_infinities_and_nans() -> None:
    data = np.array([[[-np.inf, -np.inf, np.nan, 1, np.nan, np.nan]]], np.float32)
    values, indices = run(pooling("MaxPool", 1), data)
    np.testing.assert_array_equal(values, [[[-np.inf, 1, np.finfo(np.float32).min]]])
    np.testing.assert_array_equal(indices, [[[0, 3, 0]]])


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32])
def test_integers(dtype: Any) -> None:
    data = np.array([[[1, 2, 3, 4, 5, 9]]], dtype)
    window = {"kernel": (3,), "strides": (1,), "pads_begin": (1,), "pads_end": (1,)}
    same(pooling("MaxPool", 1, **window), data)
    same(pooling("AvgPool", 1, **window), data)


def test_half_precision_is_averaged_in_single() -> None:
    data = np.full((1, 1, 64, 64), 100, np.float16)
    assert run(pooling("AvgPool", kernel=(64, 64), strides=(1, 1)), data)[0].item() == 100
    assert run(pooling("MaxPool"), data)[0].dtype == np.float16


@pytest.mark.parametrize("kind", ["MaxPool", "AvgPool"])
def test_sizes_are_those_of_openvino(kind: str) -> None:
    import openvino.opset14 as ov

    for size, kernel, stride, begin, end in product(range(3, 8), (1, 3), (1, 2, 4), (0, 2), (0, 1)):
        parameter = ov.parameter([1, 1, size], np.float32)
        for rounding in ROUNDINGS:
            if kind == "MaxPool":
                node = ov.max_pool(parameter, [stride], [1], [begin], [end], [kernel], rounding)
            else:
                node = ov.avg_pool(parameter, [stride], [begin], [end], [kernel], False, rounding)
            window = {"kernel": (kernel,), "strides": (stride,), "pads_begin": (begin,), "pads_end": (end,)}
            inferred = infer(pooling(kind, 1, **window, rounding_type=rounding), (f32, (1, 1, size)))
            assert inferred[0].shape == tuple(node.output(0).get_shape())


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, "f32[N,3,H//2]"),
        ({"rounding_type": "ceil"}, "f32[N,3,(H+1)//2]"),
        ({"rounding_type": "ceil_torch"}, "f32[N,3,(H+1)//2]"),
        ({"rounding_type": "ceil_torch", "pads_begin": (1,)}, "f32[N,3,(H//2)+1]"),
        ({"auto_pad": "same_lower", "strides": (3,)}, "f32[N,3,(H+2)//3]"),
    ],
)
def test_symbolic_sizes(attributes: dict[str, Any], expected: str) -> None:
    for kind in ("MaxPool", "AvgPool"):
        found = infer(pooling(kind, 1, **attributes), (f32, (N, 3, H)))[0]
        assert str(found) == expected


def test_unknown_rank_and_types() -> None:
    values, indices = infer(pooling("MaxPool", index_element_type=i32), (f16, None))
    assert (str(values), str(indices)) == ("f16[?,?,?,?]", "i32[?,?,?,?]")
    assert str(one(pooling("AvgPool"), (f16, None))) == "f16[?,?,?,?]"
    assert one(make("AdaptiveAvgPool"), (f32, None), (i64, None)).shape is None
    assert str(one(make("AdaptiveAvgPool"), (f32, (N, 3, H)), np.array([4]))) == "f32[N,3,4]"


@pytest.mark.parametrize(
    ("spatial", "sizes"), [((7,), [3]), ((7, 5), [3, 7]), ((4, 5, 6), [2, 2, 3]), ((5, 5), [1, 1])]
)
def test_adaptive_pools_agree_with_openvino(spatial: Any, sizes: Any) -> None:
    same(make("AdaptiveAvgPool"), random(2, 3, *spatial), np.array(sizes))
    same(make("AdaptiveMaxPool", index_element_type=i32), random(2, 3, *spatial), np.array(sizes))


def test_errors() -> None:
    for kind in ("MaxPool", "AvgPool"):
        with pytest.raises(InferenceError, match="kernel of 9 is larger than the padded input of 8"):
            infer(pooling(kind, kernel=(9, 1)), (f32, (1, 3, 8, 8)))
        with pytest.raises(InferenceError, match="data of rank 3 has 1 spatial dimensions"):
            infer(pooling(kind), (f32, (1, 3, 8)))
        with pytest.raises(InferenceError, match="data is boolean, expected numbers"):
            infer(pooling(kind), (boolean, (1, 3, 8, 8)))
        with pytest.raises(VinocError, match="attribute `strides`"):
            pooling(kind, strides=(0, 1))
        with pytest.raises(VinocError, match="lists of different lengths"):
            pooling(kind, kernel=(2,))
    with pytest.raises(VinocError, match="`index_element_type` is f32, expected i32 or i64"):
        pooling("MaxPool", index_element_type=f32)
    with pytest.raises(InferenceError, match="axis 4 is out of range for rank 4"):
        infer(pooling("MaxPool", axis=4), (f32, (1, 3, 8, 8)))
    with pytest.raises(InferenceError, match="output_shape has 1 numbers for 2 spatial dimensions"):
        infer(make("AdaptiveAvgPool"), (f32, (1, 3, 8, 8)), np.array([2]))
