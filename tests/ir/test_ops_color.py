"""NV12 and I420 to RGB and BGR: inferred, computed, compared with OpenVINO."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.ir.dim import symbol
from vinoc.ir.dtype import f16, f32, i8, u8
from vinoc.ir.errors import InferenceError

from .checked import make, one, openvino, run

H, W, N = symbol("H"), symbol("W"), symbol("N")
KINDS = ("NV12toRGB", "NV12toBGR", "I420toRGB", "I420toBGR")


def planes(kind: str, n: int, h: int, w: int, dtype: Any = np.uint8) -> list[np.ndarray]:
    """Y, then UV, or U and V."""
    random = np.random.default_rng(n * h * w)
    y, u, v = (random.integers(0, 256, (n, a, b, 1)).astype(dtype) for a, b in ((h, w), *[(h // 2, w // 2)] * 2))
    return [y, np.concatenate([u, v], 3)] if kind.startswith("NV12") else [y, u, v]


def single(parts: list[np.ndarray]) -> np.ndarray:
    """The same image in one plane."""
    n, h, w, _ = parts[0].shape
    flat = np.concatenate([p.reshape(n, -1) for p in parts], 1)
    return flat.reshape(n, h * 3 // 2, w, 1)


@settings(max_examples=20)
@given(
    st.sampled_from(KINDS), st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 6)), st.booleans(),
    st.sampled_from([np.uint8, np.float32]),
)  # fmt: skip
def test_colors_agree_with_openvino(kind: str, size: tuple[int, int, int], apart: bool, dtype: Any) -> None:
    n, h, w = size
    parts = planes(kind, n, 2 * h, 2 * w, dtype)
    arrays = parts if apart else [single(parts)]
    (mine,), (theirs,) = run(make(kind), *arrays), openvino(make(kind), *arrays)
    assert mine.shape == theirs.shape == (n, 2 * h, 2 * w, 3)
    np.testing.assert_allclose(mine, theirs, atol=1 if dtype is np.uint8 else 1e-4)


@pytest.mark.parametrize("family", ["NV12", "I420"])
def test_one_plane_and_several_and_both_orders_are_the_same_image(family: str) -> None:
    parts = planes(family, 2, 4, 6)
    (rgb,), (bgr,) = run(make(f"{family}toRGB"), *parts), run(make(f"{family}toBGR"), *parts)
    np.testing.assert_array_equal(rgb, bgr[..., ::-1])
    np.testing.assert_array_equal(rgb, run(make(f"{family}toRGB"), single(parts))[0])


def test_gray_has_equal_colors_and_extremes_are_limited() -> None:
    y = np.array([16, 235, 126, 255], np.uint8).reshape(1, 2, 2, 1)
    (rgb,) = run(make("NV12toRGB"), y, np.full((1, 1, 1, 2), 128, np.uint8))
    np.testing.assert_array_equal(rgb[0, ..., 0].ravel(), [0, 255, 128, 255])
    np.testing.assert_array_equal(rgb[..., 0], rgb[..., 2])


def test_shapes() -> None:
    nv12, i420 = make("NV12toRGB"), make("I420toBGR")
    assert str(one(nv12, (u8, (N, 12, W, 1)))) == "u8[N,8,W,3]"
    assert str(one(nv12, (f32, (1, H, 4, 1)))) == "f32[1,2*(H//3),4,3]"
    assert str(one(nv12, (u8, (1, H, W, 1)), (u8, (1, 2, 3, 2)))) == "u8[1,4,6,3]"
    assert str(one(i420, (f16, (N, 4, 6, 1)), (f16, None), (f16, (N, 2, 3, 1)))) == "f16[N,4,6,3]"
    assert str(one(i420, (u8, None))) == "u8[...]"


@pytest.mark.parametrize(
    ("kind", "operands", "message"),
    [
        ("NV12toRGB", [(i8, (1, 6, 4, 1))], "expected u8 or floats"),
        ("NV12toRGB", [(u8, (6, 4, 1))], "expected four dimensions"),
        ("NV12toRGB", [(u8, (1, 6, 4, 3))], "expected 1 in the last dimension"),
        ("NV12toRGB", [(u8, (1, 7, 4, 1))], "a height that 3 divides"),
        ("I420toRGB", [(u8, (1, 6, 5, 1))], "an even width"),
        ("NV12toBGR", [(u8, (1, 4, 4, 1)), (u8, (1, 2, 2, 1))], "uv is .*, expected 2 in the last dimension"),
        ("NV12toBGR", [(u8, (1, 4, 4, 1)), (u8, (1, 4, 2, 2))], "uv is .*, expected half the height and width of y"),
        ("NV12toBGR", [(u8, (1, 5, 4, 1)), (u8, (1, 2, 2, 2))], "an even height and width"),
        ("I420toBGR", [(u8, (1, 4, 4, 1)), (f32, (1, 2, 2, 1)), (u8, (1, 2, 2, 1))], "of one element type"),
        ("I420toBGR", [(u8, (1, 4, 4, 1)), (u8, (1, 2, 2, 1))], "one plane or three"),
    ],
)
def test_what_is_refused(kind: str, operands: Any, message: str) -> None:
    with pytest.raises(InferenceError, match=message):
        one(make(kind), *operands)
