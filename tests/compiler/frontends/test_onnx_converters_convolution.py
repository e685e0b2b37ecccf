"""Convolution, pooling, resize."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vinoc.compiler.frontends.onnx.converters import resize_matrix
from vinoc.ir.errors import ConversionError

from .onnx_util import check, floats, kinds

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"strides": [2, 1], "pads": [1, 0, 2, 1]},
        {"dilations": [2, 1], "pads": [1, 1, 1, 1]},
        {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
        {"auto_pad": "SAME_LOWER", "strides": [2, 2]},
        {"auto_pad": "VALID"},
        {"kernel_shape": [3, 2]},
    ],
)
@pytest.mark.parametrize("opset", [7, 11, 22])
def test_conv(attributes: dict[str, Any], opset: int) -> None:
    graph = check(
        "Conv",
        [floats(2, 3, 7, 8), floats(4, 3, 3, 2), floats(4)],
        opset,
        constant=[1, 2],
        rtol=1e-4,
        atol=1e-5,
        **attributes,
    )
    assert kinds(graph) == ["Convolution", "Add"]


@pytest.mark.parametrize("groups", [2, 4])
@pytest.mark.parametrize("constant", [[1], []])
def test_conv_in_groups(groups: int, constant: list[int]) -> None:
    graph = check(
        "Conv",
        [floats(2, 4, 7, 8), floats(8, 4 // groups, 3, 2)],
        13,
        constant=constant,
        group=groups,
        rtol=1e-4,
        atol=1e-5,
    )
    assert kinds(graph)[-1] == "GroupConvolution"
    assert len(kinds(graph)) == (1 if constant else 2)


@pytest.mark.parametrize("n", [1, 3])
def test_conv_of_other_ranks(n: int) -> None:
    check(
        "Conv", [floats(1, 2, *[6] * n), floats(3, 2, *[3] * n), floats(3)], 13, rtol=1e-4, atol=1e-5, pads=[1] * 2 * n
    )


@pytest.mark.parametrize(
    ("inputs", "attributes", "word"),
    [
        ([floats(1, 4, 5, 5), floats(4, 3, 3, 3)], {}, "channels"),
        ([floats(1, 3, 5, 5), floats(4, 1, 3, 3)], {"group": 3}, "do not divide"),
        ([floats(1, 3, 5, 5), floats(4, 3, 3, 3)], {"kernel_shape": [5, 5]}, "kernel_shape"),
        ([floats(1, 3, 5, 5), floats(4, 3, 3, 3)], {"pads": [1, 1]}, "`pads`"),
        ([floats(1, 3, 5, 5), floats(4, 3, 3, 3)], {"auto_pad": "SAME"}, "auto_pad"),
        ([floats(1, 3, 5, 5), floats(4, 3, 3)], {}, "dimensions"),
    ],
)
def test_convolutions_that_cannot_be(inputs: list[np.ndarray], attributes: dict[str, Any], word: str) -> None:
    with pytest.raises(ConversionError, match=word):
        check("Conv", inputs, 13, expected=[], **attributes)


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"strides": [3, 2], "pads": [1, 0, 1, 1]},
        {"strides": [3, 2], "output_padding": [1, 1]},
        {"strides": [2, 2], "auto_pad": "SAME_UPPER"},
        {"strides": [2, 2], "auto_pad": "SAME_LOWER"},
        {"strides": [2, 2], "output_shape": [9, 8]},
        {"strides": [2, 2], "output_shape": [9, 8], "auto_pad": "SAME_UPPER"},
        {"dilations": [2, 2]},
    ],
)
@pytest.mark.parametrize("groups", [1, 2])
def test_conv_transpose(attributes: dict[str, Any], groups: int) -> None:
    inputs = [floats(2, 4, 4, 4), floats(4, 3, 3, 3), floats(3 * groups)]
    check("ConvTranspose", inputs, 11, constant=[1, 2], rtol=1e-4, atol=1e-5, group=groups, **attributes)


@pytest.mark.parametrize("zeros", [(np.uint8(3), np.uint8(120)), (np.uint8(3), None), (None, None)])
def test_conv_integer(zeros: tuple[Any, Any]) -> None:
    x, w = RNG.integers(0, 255, (1, 2, 5, 5), np.uint8), RNG.integers(0, 255, (3, 2, 3, 3), np.uint8)
    check("ConvInteger", [x, w, *zeros], 10, pads=[1, 1, 1, 1])


# Pooling


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"strides": [2, 2], "pads": [1, 0, 1, 1]},
        {"strides": [2, 2], "ceil_mode": 1},
        {"strides": [2, 2], "auto_pad": "SAME_UPPER"},
        {"strides": [2, 2], "auto_pad": "SAME_LOWER"},
    ],
)
def test_pooling(attributes: dict[str, Any]) -> None:
    x = floats(2, 3, 8, 7)
    check("MaxPool", [x], 12, kernel_shape=[3, 2], **attributes)
    for include in (0, 1):
        check("AveragePool", [x], 11, kernel_shape=[3, 2], count_include_pad=include, **attributes)
    if not attributes.get("ceil_mode"):
        check("LpPool", [x], 11, kernel_shape=[3, 2], p=3, rtol=1e-4, **attributes)


@pytest.mark.parametrize("storage_order", [0, 1])
def test_the_indices_of_max_pool(storage_order: int) -> None:
    x = floats(2, 3, 6, 5)
    options = {"kernel_shape": [2, 2], "strides": [2, 2], "storage_order": storage_order}
    check("MaxPool", [x], 12, n_outputs=2, symbolic=not storage_order, **options)


@pytest.mark.parametrize("include", [0, 1])
@pytest.mark.parametrize("ceil", [0, 1])
@pytest.mark.parametrize("pads", [[0, 0, 0, 0], [1, 1, 1, 0]])
def test_average_pool_with_dilations(include: int, ceil: int, pads: list[int]) -> None:
    check(
        "AveragePool",
        [floats(2, 3, 9, 8)],
        19,
        kernel_shape=[3, 2],
        dilations=[2, 2],
        strides=[2, 3],
        count_include_pad=include,
        ceil_mode=ceil,
        pads=pads,
        symbolic=not ceil,
    )


@pytest.mark.parametrize("op", ["GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"])
def test_global_pooling(op: str) -> None:
    for shape in ((2, 3, 4), (2, 3, 4, 5), (2, 3, 2, 3, 4)):
        check(op, [floats(*shape)], 7)


# Resize

SCALES = np.array([1, 1, 2, 1.5], np.float32)
SMALLER = np.array([1, 1, 0.5, 0.75], np.float32)


@pytest.mark.parametrize("scales", [SCALES, SMALLER])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_upsample_and_the_first_resize(scales: np.ndarray, mode: str) -> None:
    x = floats(1, 2, 4, 6)
    if (scales >= 1).all():
        check("Upsample", [x], 7, mode=mode, scales=scales.tolist())
        check("Upsample", [x, scales], 9, constant=[1], mode=mode)
    check("Resize", [x, scales], 10, constant=[1], mode=mode)


@pytest.mark.parametrize("coordinates", ["half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners"])
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("scales", [SCALES, SMALLER])
def test_resize_by_scales(coordinates: str, mode: str, scales: np.ndarray) -> None:
    options = {"mode": mode, "coordinate_transformation_mode": coordinates}
    graph = check("Resize", [floats(1, 2, 4, 8), None, scales], 13, constant=[2], rtol=1e-4, atol=1e-5, **options)
    assert kinds(graph) == ["Interpolate"]


@pytest.mark.parametrize("nearest", ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
def test_resize_by_sizes(nearest: str) -> None:
    sizes = np.array([1, 2, 9, 5])
    check("Resize", [floats(1, 2, 4, 8), None, None, sizes], 13, constant=[3], mode="nearest", nearest_mode=nearest)
    check("Resize", [floats(1, 2, 4, 8), None, None, sizes], 13, mode="nearest", nearest_mode=nearest)


@pytest.mark.parametrize("policy", ["stretch", "not_larger", "not_smaller"])
def test_resize_in_proportion(policy: str) -> None:
    sizes = np.array([7, 8])
    options = {"axes": [2, 3], "keep_aspect_ratio_policy": policy, "mode": "linear"}
    inputs = [floats(1, 2, 4, 6), None, None, sizes]
    check("Resize", inputs, 18, constant=[3], symbolic=policy == "stretch", rtol=1e-4, atol=1e-5, **options)


def test_a_resize_that_changes_nothing_vanishes() -> None:
    assert kinds(check("Resize", [floats(1, 2, 4, 6), None, np.ones(4, np.float32)], 13, constant=[2])) == []


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize(
    "options",
    [
        {"antialias": 1},
        {"antialias": 1, "exclude_outside": 1},
        {"coordinate_transformation_mode": "half_pixel_symmetric"},
        {"coordinate_transformation_mode": "tf_crop_and_resize", "extrapolation_value": 7.0},
    ],
)
def test_variants_by_matrices(mode: str, options: dict[str, Any]) -> None:
    from onnx.reference.ops.op_resize import Resize

    crops = options.get("coordinate_transformation_mode") == "tf_crop_and_resize"
    x = floats(1, 2, 8, 10) if crops else floats(1, 2, 7, 9)
    roi = np.array([0, 0, -0.1, 0.3, 1, 1, 0.8, 1.2], np.float32)
    # The reference counts with fractional sizes when it crops, ONNX Runtime with whole ones: here they are whole.
    scales = np.array([1, 1, 0.5, 1.5] if crops else [1, 1, 0.6, 1.7], np.float32)
    with np.errstate(all="ignore"):
        wanted = np.asarray(Resize.eval(x, roi, scales, None, mode=mode, **options)).astype(np.float32)
    check(
        "Resize",
        [x, roi, scales],
        19,
        constant=[1, 2],
        symbolic=False,
        expected=[wanted],
        rtol=1e-4,
        atol=1e-5,
        mode=mode,
        **options,
    )


def test_cubic_weights_sum_to_one() -> None:
    axis = resize_matrix.Axis(7, 12, 12 / 7, "half_pixel")
    for exclude in (False, True):
        assert np.allclose(resize_matrix.weights(axis, -0.75, False, exclude).sum(axis=1), 1)


def test_smoothed_resizing_by_factors_known_only_at_run_time() -> None:
    check("Resize", [floats(1, 2, 4, 6), None, SMALLER], 19, rtol=1e-4, atol=1e-5, mode="linear", antialias=1)
