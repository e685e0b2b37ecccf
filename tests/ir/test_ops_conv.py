"""Convolutions and transposed convolutions: inferred, computed, compared with OpenVINO."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vinoc.ir.dim import symbol, unknown
from vinoc.ir.dtype import f16, f32, i8, i64
from vinoc.ir.errors import InferenceError, VinocError
from vinoc.ir.kernels import conv

from .checked import make, one, openvino, run

H, W, N = symbol("H"), symbol("W"), symbol("N")
BACKPROP = ("ConvolutionBackpropData", "GroupConvolutionBackpropData")


def random(*shape: int, dtype: Any = np.float32, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def plain(kind: str = "Convolution", rank: int = 2, **attributes: Any) -> Any:
    given_ = {"strides": (1,) * rank, "pads_begin": (0,) * rank, "pads_end": (0,) * rank, "dilations": (1,) * rank}
    return make(kind, **{**given_, **attributes})


def same(op: Any, *arrays: Any, tolerance: float = 1e-4) -> None:
    (mine,) = run(op, *arrays)
    try:
        (theirs,) = openvino(op, *arrays)
    except RuntimeError as error:  # the CPU plugin lacks some degenerate forms
        if "primitive" not in str(error):
            raise
        return
    assert mine.shape == theirs.shape
    np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance)


@st.composite
def geometry(draw: st.DrawFn) -> dict[str, Any]:
    rank = draw(st.integers(1, 3))
    numbers = lambda low, high: tuple(draw(st.integers(low, high)) for _ in range(rank))  # noqa: E731
    return {
        "rank": rank,
        "groups": draw(st.sampled_from([1, 1, 2, 3])),
        "depth": draw(st.integers(1, 3)),
        "out": draw(st.integers(1, 3)),
        "batch": draw(st.integers(1, 2)),
        "spatial": numbers(3, 8),
        "kernel": numbers(1, 3),
        "strides": numbers(1, 3),
        "pads_begin": numbers(0, 2),
        "pads_end": numbers(0, 2),
        "dilations": numbers(1, 2),
        "auto_pad": draw(st.sampled_from(["explicit", "explicit", "same_upper", "same_lower", "valid"])),
    }


def attributes(g: dict[str, Any]) -> dict[str, Any]:
    return {k: g[k] for k in ("strides", "pads_begin", "pads_end", "dilations", "auto_pad")}


@settings(max_examples=60)
@given(geometry())
def test_convolution_agrees_with_openvino(g: dict[str, Any]) -> None:
    pads = [b + e for b, e in zip(g["pads_begin"], g["pads_end"])] if g["auto_pad"] == "explicit" else [0] * g["rank"]
    if g["auto_pad"] in ("explicit", "valid"):
        reach = [(k - 1) * d + 1 for k, d in zip(g["kernel"], g["dilations"])]
        assume(all(n + p >= r for n, p, r in zip(g["spatial"], pads, reach)))
    data = random(g["batch"], g["groups"] * g["depth"], *g["spatial"])
    if g["groups"] == 1:
        same(make("Convolution", **attributes(g)), data, random(g["out"], g["depth"], *g["kernel"], seed=1))
    filters = random(g["groups"], g["out"], g["depth"], *g["kernel"], seed=1)
    same(make("GroupConvolution", **attributes(g)), data, filters)


@settings(max_examples=60)
@given(geometry(), st.booleans(), st.integers(0, 2))
def test_backprop_agrees_with_openvino(g: dict[str, Any], shaped: bool, more: int) -> None:
    full = [
        (n - 1) * s + d * (k - 1) + 1 for n, s, d, k in zip(g["spatial"], g["strides"], g["dilations"], g["kernel"])
    ]
    pads = [b + e for b, e in zip(g["pads_begin"], g["pads_end"])] if g["auto_pad"] == "explicit" else [0] * g["rank"]
    assume(all(f > p + 1 for f, p in zip(full, pads)))
    extra = tuple(min(more, s - 1) for s in g["strides"])
    shape = np.array([f - p - 1 for f, p in zip(full, pads)]) if shaped else None
    attributes_ = {**attributes(g), "output_padding": (0,) * g["rank"] if shaped else extra}
    data = random(g["batch"], g["groups"] * g["depth"], *g["spatial"])
    if g["groups"] == 1:
        same(make(BACKPROP[0], **attributes_), data, random(g["depth"], g["out"], *g["kernel"], seed=1), shape)
    filters = random(g["groups"], g["depth"], g["out"], *g["kernel"], seed=1)
    same(make(BACKPROP[1], **attributes_), data, filters, shape)


@pytest.mark.parametrize("auto_pad", ["explicit", "same_upper", "same_lower", "valid"])
@pytest.mark.parametrize("wanted", [7, 8, 9, 11])
@pytest.mark.parametrize("extra", [0, 1])
def test_backprop_to_a_wanted_shape(auto_pad: str, wanted: int, extra: int) -> None:
    op = plain(BACKPROP[0], 1, strides=(2,), pads_begin=(1,), auto_pad=auto_pad, output_padding=(extra,))
    same(op, random(1, 2, 4), random(2, 3, 3, seed=1), np.array([wanted]))


def test_depthwise_with_several_filters_a_channel() -> None:
    same(
        plain("GroupConvolution", strides=(2, 1), pads_begin=(1, 1)), random(2, 4, 7, 8), random(4, 3, 1, 3, 3, seed=1)
    )


def test_a_large_convolution_is_computed_in_slabs() -> None:
    op = plain(pads_begin=(1, 1), pads_end=(1, 1))
    data, filters = random(2, 96, 90, 80), random(4, 96, 3, 3, seed=1)
    slabs = 96 * 9 * 90 * 80 / (1 << 22)
    assert slabs > 1
    same(op, data, filters, tolerance=1e-3)


def test_half_precision_is_summed_in_single() -> None:
    data, filters = np.full((1, 4096, 1, 1), 0.5, np.float16), np.full((1, 4096, 1, 1), 1, np.float16)
    assert run(plain(), data, filters)[0].item() == 2048  # f16 sums stop growing before
    assert run(plain("GroupConvolution"), data[:, :4], np.ones((4, 1, 1, 1, 1), np.float16))[0].dtype == np.float16


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64])
def test_integers_are_summed_exactly_and_saturate(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    data = rng.integers(0, 100, (1, 3, 5, 5)).astype(dtype)
    filters = rng.integers(0, 100, (2, 3, 3, 3)).astype(dtype)
    exact = np.einsum("nchwij,ocij->nohw", np.lib.stride_tricks.sliding_window_view(data.astype(int), (3, 3), (2, 3)),
                      filters.astype(int))  # fmt: skip
    limits = np.iinfo(dtype)
    np.testing.assert_array_equal(run(plain(), data, filters)[0], exact.clip(limits.min, limits.max))


def test_an_empty_batch() -> None:
    assert run(plain(), random(0, 3, 5, 5), random(2, 3, 3, 3))[0].shape == (0, 2, 3, 3)


@pytest.mark.parametrize(
    ("attributes_", "expected"),
    [
        ({}, "f32[N,64,H-2,W-2]"),
        ({"pads_begin": (1, 1), "pads_end": (1, 1)}, "f32[N,64,H,W]"),
        ({"strides": (2, 2), "pads_begin": (1, 1), "pads_end": (1, 1)}, "f32[N,64,(H+1)//2,(W+1)//2]"),
        ({"strides": (2, 2), "auto_pad": "same_upper"}, "f32[N,64,(H+1)//2,(W+1)//2]"),
        ({"dilations": (2, 2), "auto_pad": "valid"}, "f32[N,64,H-4,W-4]"),
    ],
)
def test_symbolic_sizes(attributes_: dict[str, Any], expected: str) -> None:
    assert str(one(plain(**attributes_), (f32, (N, 3, H, W)), random(64, 3, 3, 3))) == expected


def test_symbolic_sizes_of_backprop() -> None:
    op = plain(BACKPROP[0], strides=(2, 2), pads_begin=(1, 1), pads_end=(1, 1))
    assert str(one(op, (f32, (N, 8, H, W)), random(8, 4, 4, 4))) == "f32[N,4,2*H,2*W]"
    assert str(one(op, (f32, (N, 8, H, W)), random(8, 4, 4, 4), (i64, (2,)))) == "f32[N,4,?,?]"


@pytest.mark.parametrize("kind", ["Convolution", BACKPROP[0]])
def test_unknown_ranks(kind: str) -> None:
    assert str(one(plain(kind), (f32, None), (f32, (3, 3, 1, 1)))).startswith("f32[?,3,")
    assert one(plain(kind), (f32, None), (f32, None)).rank == 4
    assert str(one(plain(kind), (f32, (1, 3, 8, 8)), (f32, None))).startswith("f32[1,?,")


def test_unknown_filters_bound_the_output() -> None:
    inferred = one(plain(), (f32, (1, 3, 8, 8)), (f32, (unknown(), 3, unknown(1), unknown(1))))
    assert str(inferred) == "f32[1,?,0..8,0..8]"


ERRORS = [
    ("Convolution", (1, 3, 8, 8), (64, 64, 3, 3), "filters expect 64 input channels, data has 3"),
    ("Convolution", (1, 3, 8), (64, 3, 3), "data of rank 3 has 1 spatial dimensions, the attributes are for 2"),
    ("Convolution", (1, 3, 8, 8), (64, 3, 3), "filters have rank 3, expected 4 for 2 spatial dimensions"),
    ("Convolution", (1, 3, 2, 8), (64, 3, 3, 3), "kernel of 3 is larger than the padded input of 2"),
    ("GroupConvolution", (1, 5, 8, 8), (2, 1, 2, 3, 3), "5 channels of data cannot be divided into 2 groups"),
    ("GroupConvolution", (1, 6, 8, 8), (2, 1, 2, 3, 3), r"filters expect 4 input channels \(2 groups\), data has 6"),
    ("GroupConvolution", (1, 6, 8, 8), (2, 2, 3, 3), "filters have rank 4, expected 5"),
    (BACKPROP[0], (1, 3, 8, 8), (4, 3, 3, 3), "filters expect 4 input channels, data has 3"),
    (BACKPROP[1], (1, 3, 8, 8), (2, 1, 2, 3, 3), "cannot be divided into 2 groups"),
]


@pytest.mark.parametrize(("kind", "data", "filters", "message"), ERRORS)
def test_errors_of_shapes(kind: str, data: Any, filters: Any, message: str) -> None:
    with pytest.raises(InferenceError, match=message):
        one(plain(kind), (f32, data), (f32, filters))


def test_errors_of_types_and_wanted_shapes() -> None:
    with pytest.raises(InferenceError, match="data is f32, filters are f16"):
        one(plain(), (f32, (1, 3, 8, 8)), (f16, (64, 3, 3, 3)))
    with pytest.raises(InferenceError, match="output_shape has 3 numbers for 2 spatial dimensions"):
        one(plain(BACKPROP[0]), (f32, (1, 3, 8, 8)), (f32, (3, 3, 3, 3)), (i64, (3,)))
    with pytest.raises(InferenceError, match="expected a list of integers"):
        one(plain(BACKPROP[0]), (i8, (1, 3, 8, 8)), (i8, (3, 3, 3, 3)), (f32, (2,)))


@pytest.mark.parametrize(
    ("attributes_", "message"),
    [
        ({"strides": (1,)}, "lists of different lengths: strides has 1, pads_begin has 2"),
        ({"strides": (1, 0)}, r"attribute `strides` is \[1, 0\], expected numbers >= 1"),
        ({"dilations": (0, 1)}, "attribute `dilations`"),
        ({"pads_end": (0, -1)}, "attribute `pads_end`"),
        ({"auto_pad": "same"}, "attribute `auto_pad` of Convolution is 'same'"),
    ],
)
def test_errors_of_attributes(attributes_: dict[str, Any], message: str) -> None:
    with pytest.raises(VinocError, match=message):
        plain(**attributes_)


def test_windows_are_seen_without_a_copy() -> None:
    data = random(2, 6, 8, 8)
    view = conv.window_view(data, 3, (3, 3), (2, 2), (2, 1))
    assert view.shape == (2, 3, 2, 3, 3, 2, 3)
    assert np.shares_memory(view, data)
