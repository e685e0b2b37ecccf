"""Interpolation: inferred, computed, compared with OpenVINO and with its definition written as a loop."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vinoc.ir.dim import symbol
from vinoc.ir.dtype import boolean, f32, i64
from vinoc.ir.errors import InferenceError

from .checked import make, one, openvino, run, same

H, W, N = symbol("H"), symbol("W"), symbol("N")
MODES = ["nearest", "linear", "linear_onnx", "cubic", "bilinear_pillow", "bicubic_pillow"]
TRANSFORMS = ["half_pixel", "pytorch_half_pixel", "asymmetric", "tf_half_pixel_for_nn", "align_corners"]
NEAREST = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil", "simple"]
LAST = np.array([2, 3], np.int64)


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def resize(mode: str, shape_mode: str = "sizes", **attributes: Any) -> Any:
    pads = {"pads_begin": (0, 0, 0, 0), "pads_end": (0, 0, 0, 0)}
    return make("Interpolate", **{"mode": mode, "shape_calculation_mode": shape_mode, **pads, **attributes})


@settings(max_examples=150)
@given(
    st.sampled_from(MODES), st.sampled_from(TRANSFORMS), st.sampled_from(NEAREST),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.one_of(
        st.tuples(st.integers(1, 16), st.integers(1, 16)),
        st.tuples(*[st.sampled_from([0.3, 0.5, 0.7, 0.75, 1.0, 1.3, 1.5, 2.0, 3.0])] * 2),
    ),
)  # fmt: skip
def test_interpolation_agrees_with_openvino(mode: str, transform: str, nearest: str, size: Any, target: Any) -> None:
    scaled = isinstance(target[0], float)
    assume(not scaled or all(n * s >= 1 for n, s in zip(size, target)))
    op = resize(
        mode, "scales" if scaled else "sizes", coordinate_transformation_mode=transform, nearest_mode=nearest,
        cube_coeff=-0.6,
    )  # fmt: skip
    same(op, random(1, 2, *size), np.array(target, np.float32 if scaled else np.int64), LAST)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("target", [4, 3, 5, 11])
def test_antialias(transform: str, target: int) -> None:
    # With five dimensions the CPU plugin honours `antialias`; with four it silently takes another way.
    op = make("Interpolate", mode="linear", shape_calculation_mode="sizes", antialias=True, pads_begin=(0,),
              pads_end=(0,), coordinate_transformation_mode=transform)  # fmt: skip
    same(op, random(1, 1, 3, 4, 8), np.array([3, 2, target]), np.array([2, 3, 4]))


def test_antialias_is_its_definition() -> None:
    image, scale = random(1, 1, 1, 9), 4 / 9
    (found,) = run(resize("linear", antialias=True), image, np.array([1, 4]), LAST)
    reach = ceil(2 / scale)
    for x in range(4):
        at = (x + 0.5) / scale - 0.5
        taps = [i for i in range(round(at) - reach, round(at) + reach + 1) if 0 <= i < 9]
        weights = [max(0, 1 - abs(scale * (at - i))) for i in taps]
        expected = sum(w * image[0, 0, 0, i] for w, i in zip(weights, taps)) / sum(weights)
        assert found[0, 0, 0, x] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32])
def test_integers_and_pads(mode: str, dtype: Any) -> None:
    image = np.random.default_rng(1).integers(0, 120, (1, 2, 5, 6)).astype(dtype)
    op = resize(mode, pads_begin=(0, 0, 1, 2), pads_end=(0, 0, 0, 1))
    (mine,), (theirs,) = (f(op, image, np.array([7, 8]), LAST) for f in (run, openvino))
    # The plugin rounds between the axes, as Pillow does, and sums i32 in f32, where ties come out otherwise.
    tolerance = 2 if "pillow" in mode else 1 if dtype == np.int32 else 0
    assert np.abs(mine.astype(int) - theirs).max() <= tolerance


def test_other_axes_and_all_axes() -> None:
    same(resize("linear_onnx"), random(1, 3, 4, 5), np.array([1, 3, 8, 7]), np.array([0, 1, 2, 3]))
    flat = resize("nearest", nearest_mode="floor", coordinate_transformation_mode="asymmetric")
    (found,) = run(flat, random(1, 3, 4, 5), np.array([1, 3, 8, 10]))
    np.testing.assert_array_equal(found, random(1, 3, 4, 5).repeat(2, 2).repeat(2, 3))
    (found,) = run(resize("linear_onnx"), random(2, 3, 4).reshape(1, 2, 3, 4), np.array([9, 2]), np.array([-1, 1]))
    assert found.shape == (1, 2, 3, 9)


def test_half_precision() -> None:
    image = random(1, 2, 5, 6)
    op = resize("cubic")
    rough = run(op, image.astype(np.float16), np.array([8, 9]), LAST)[0]
    np.testing.assert_allclose(rough, run(op, image, np.array([8, 9]), LAST)[0], atol=2e-2)


SCALED = [(10, 0.7), (100, 0.29), (100, 1.15), (6, 0.16666), (10, 0.999999), (1000, 0.0029989), (3, 0.34)]


@pytest.mark.parametrize(("size", "scale"), SCALED)
def test_scaled_sizes_are_those_of_openvino(size: int, scale: float) -> None:
    import openvino.opset11 as ov

    scales = np.array([scale], np.float32)
    image = ov.parameter([1, size], np.float32)
    node = ov.interpolate(image, scales, "nearest", "scales", [0], [0], axes=np.array([1]))
    op = make("Interpolate", mode="nearest", shape_calculation_mode="scales")
    assert one(op, (f32, (1, size)), scales, np.array([1])).shape == tuple(node.output(0).get_shape())


@pytest.mark.parametrize(
    ("scales", "expected"),
    [((2, 2), "f32[N,3,2*H,2*W]"), ((0.5, 1), "f32[N,3,H//2,W]"), ((1.5, 0.7), "f32[N,3,(3*H)//2,?]")],
)
def test_symbolic_sizes(scales: Any, expected: str) -> None:
    assert str(one(resize("nearest", "scales"), (f32, (N, 3, H, W)), np.array(scales, np.float32), LAST)) == expected


def test_inferred_types() -> None:
    op = resize("nearest", pads_begin=(0, 0, 1, 0))
    assert str(one(op, (f32, (N, 3, H, W)), np.array([7]), np.array([3]))) == "f32[N,3,H+1,7]"
    assert str(one(op, (f32, (N, 3, H, W)), (i64, (2,)), LAST)) == "f32[N,3,?,?]"
    assert one(op, (f32, (N, 3, H, W)), (i64, (2,)), (i64, (2,))).rank == 4
    assert one(op, (f32, None), (i64, (2,)), LAST).shape is None


def test_errors() -> None:
    image = (f32, (1, 3, 8, 8))
    with pytest.raises(InferenceError, match=r"sizes are i64\[3\] for 2 axes"):
        one(resize("nearest"), image, np.array([1, 2, 3]), LAST)
    with pytest.raises(InferenceError, match="axes 4 is out of range for rank 4"):
        one(resize("nearest"), image, np.array([2]), np.array([4]))
    with pytest.raises(InferenceError, match="scales is i64, expected floating-point numbers"):
        one(resize("nearest", "scales"), image, np.array([1, 2]), LAST)
    with pytest.raises(InferenceError, match="sizes is f32, expected integers"):
        one(resize("nearest"), image, (f32, (2,)), LAST)
    with pytest.raises(InferenceError, match="image is boolean"):
        one(resize("nearest"), (boolean, (1, 3, 8, 8)), np.array([1, 2]), LAST)
    with pytest.raises(InferenceError, match="pads are for more dimensions"):
        one(resize("nearest"), (f32, (8, 8)), np.array([1, 2]))


@pytest.mark.parametrize("mode", ["bilinear_pillow", "bicubic_pillow"])
@pytest.mark.parametrize("size", [(3, 4), (9, 5), (16, 15)])
def test_bytes_are_rounded_behind_each_axis_as_pillow_does(mode: str, size: tuple[int, int]) -> None:
    image = np.random.default_rng(1).integers(0, 256, (1, 2, 8, 7)).astype(np.uint8)
    (mine,) = run(resize(mode), image, np.array(size), LAST)
    (theirs,) = openvino(resize(mode), image, np.array(size), LAST)
    assert np.abs(mine.astype(int) - theirs.astype(int)).max() <= 1
