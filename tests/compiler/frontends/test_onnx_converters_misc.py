"""Detection, spectra, random numbers and the operators of ONNX Runtime's optimizer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper

from vinoc.ir.errors import VinocError

from .onnx_util import check, floats, make_model, read, run_graph

RNG = np.random.default_rng(4)
I = np.array
MS = "com.microsoft"


@pytest.mark.parametrize("centre", [0, 1])
@pytest.mark.parametrize("limits", [[I(3)], [I([2]), I([0.5], np.float32), I([0.4], np.float32)], []])
def test_non_max_suppression(centre: int, limits: list[Any]) -> None:
    corner = RNG.uniform(0, 5, (2, 8, 2))
    boxes = np.concatenate([corner, corner + RNG.uniform(0.5, 4, corner.shape)], -1).astype(np.float32)
    scores = RNG.permutation(2 * 3 * 8).reshape(2, 3, 8).astype(np.float32) / 48
    check("NonMaxSuppression", [boxes, scores, *limits], 11, center_point_box=centre)


@pytest.mark.parametrize("opset", [10, 16])
def test_roi_align(opset: int) -> None:
    x = RNG.uniform(0, 1, (2, 3, 8, 9)).astype(np.float32)
    rois = I([[0, 0, 7, 6], [2, 1, 8, 9], [1, 2, 3, 4]], np.float32)
    for ratio in (2, 0):
        check("RoiAlign", [x, rois, I([0, 1, 0])], opset, sampling_ratio=ratio,
              output_height=3, output_width=2, spatial_scale=0.7)  # fmt: skip
        check("RoiAlign", [x, rois, I([0, 1, 0])], opset, mode="max", sampling_ratio=ratio, output_height=2,
              output_width=3, spatial_scale=0.7)  # fmt: skip


def test_max_roi_pool() -> None:
    rois = I([[0, 0, 0, 7, 7], [1, 2, 2, 9, 8]], np.float32)
    check("MaxRoiPool", [floats(2, 3, 10, 11), rois], 13, pooled_shape=[2, 3])


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("corners", [0, 1])
def test_grid_sample(mode: str, padding: str, corners: int) -> None:
    x, grid = floats(2, 3, 5, 6), RNG.uniform(-1.4, 1.4, (2, 4, 3, 2)).astype(np.float32)
    renamed = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    check("GridSample", [x, grid], 16, mode=mode, padding_mode=padding, align_corners=corners, rtol=1e-4, atol=1e-5)
    check("GridSample", [x, grid], 20, mode=renamed, padding_mode=padding, align_corners=corners, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("corners", [0, 1])
def test_affine_grid(corners: int) -> None:
    check("AffineGrid", [floats(2, 2, 3), I([2, 3, 4, 5])], 20, align_corners=corners, symbolic=False)
    check("AffineGrid", [floats(2, 3, 4), I([2, 3, 4, 5, 2])], 20, align_corners=corners, symbolic=False)
    check("AffineGrid", [floats(2, 2, 3), I([2, 3, 4, 5])], 20, constant=[1], symbolic=False, align_corners=corners)


def test_col2im() -> None:
    check("Col2Im", [floats(1, 5, 5), I([5, 5]), I([1, 5])], 18, constant=[1, 2])
    check("Col2Im", [floats(2, 12, 12), I([5, 5]), I([2, 3])], 18, constant=[1, 2])
    check(
        "Col2Im", [floats(1, 4, 9), I([6, 6]), I([2, 2])], 18, constant=[1, 2],
        strides=[2, 2], pads=[0, 1, 1, 0], dilations=[2, 2],
    )  # fmt: skip


@pytest.mark.parametrize("last", [1, 2])
@pytest.mark.parametrize("inverse", [0, 1])
def test_dft(last: int, inverse: int) -> None:
    x = floats(2, 6, 3, last)
    check("DFT", [x], 17, inverse=inverse, axis=1, symbolic=False, atol=1e-5)
    check("DFT", [x], 20, inverse=inverse, symbolic=False, atol=1e-5)
    check("DFT", [x, None, I(1)], 20, constant=[2], inverse=inverse, symbolic=False, atol=1e-5)
    check("DFT", [x, I(8)], 17, constant=[1], inverse=inverse, axis=1, symbolic=False, atol=1e-5)


def test_one_sided_dft() -> None:
    check("DFT", [floats(2, 7, 1)], 17, onesided=1, symbolic=False, atol=1e-5)
    check("DFT", [floats(2, 8, 1), I(6), I(1)], 20, constant=[1, 2], onesided=1, symbolic=False, atol=1e-5)


def test_stft() -> None:
    signal, window = floats(2, 40, 1), np.hanning(8).astype(np.float32)
    check("STFT", [signal, I(4), window], 17, constant=[1], symbolic=False, atol=1e-5)
    check("STFT", [signal, I(5), window, I(8)], 17, constant=[1, 3], onesided=0, symbolic=False, atol=1e-5)
    check("STFT", [signal, I(3), None, I(6)], 17, constant=[1, 3], symbolic=False, atol=1e-5)
    check("STFT", [floats(1, 20, 2), I(3), None, I(6)], 17, constant=[1, 3], onesided=0, symbolic=False, atol=1e-5)


@pytest.mark.parametrize("op", ["HannWindow", "HammingWindow", "BlackmanWindow"])
@pytest.mark.parametrize("periodic", [0, 1])
def test_windows(op: str, periodic: int) -> None:
    for constant in ([0], []):
        check(op, [I(10)], 17, constant=constant, periodic=periodic, atol=1e-5)
        check(op, [I(7)], 17, constant=constant, periodic=periodic, output_datatype=11, atol=1e-5)


def test_mel_weights() -> None:
    arguments = [I(8), I(64), I(8000), np.float32(100), np.float32(4000)]
    check("MelWeightMatrix", arguments, 17, constant=range(5))
    check("MelWeightMatrix", arguments, 17)


def draw(op: str, inputs: list[np.ndarray], opset: int, **attributes: Any) -> np.ndarray:
    names = [f"x{i}" for i in range(len(inputs))]
    node = helper.make_node(op, names, ["y"], **attributes)
    graph = read(make_model(node, dict(zip(names, inputs, strict=True)), opset))
    first, second = run_graph(graph, inputs)[0], run_graph(graph, inputs)[0]
    if "seed" in attributes:
        np.testing.assert_array_equal(first, second)
    return np.asarray(first)


@pytest.mark.parametrize("seed", [0.5, 7.0])
def test_random_numbers(seed: float) -> None:
    u = draw("RandomUniform", [], 7, shape=[100, 200], low=-2.0, high=4.0, seed=seed)
    assert u.shape == (100, 200)
    assert u.dtype == np.float32
    assert -2 <= u.min() < -1.9
    assert 3.9 < u.max() <= 4
    n = draw("RandomNormal", [], 7, shape=[100, 200], mean=3.0, scale=2.0, seed=seed)
    assert abs(n.mean() - 3) < 0.1
    assert abs(n.std() - 2) < 0.1
    assert abs(((n - n.mean()) ** 4).mean() / n.var() ** 2 - 3) < 0.3, "the fourth moment of a normal distribution"
    like = floats(50, 60).astype(np.float64)
    assert draw("RandomNormalLike", [like], 7, seed=seed).dtype == np.float64
    assert draw("RandomUniformLike", [like], 7, seed=seed, dtype=1).shape == (50, 60)


def test_draws() -> None:
    p = np.full((100, 100), 0.3, np.float32)
    drawn = draw("Bernoulli", [p], 15, seed=1.0, dtype=9)
    assert drawn.dtype == bool
    assert abs(drawn.mean() - 0.3) < 0.05
    rates = np.log(I([[0.7, 0.2, 0.1]], np.float32))
    classes = draw("Multinomial", [rates], 7, sample_size=5000, seed=2.0)
    assert classes.dtype == np.int32
    assert classes.shape == (1, 5000)
    assert np.abs(np.bincount(classes[0], minlength=3) / 5000 - I([0.7, 0.2, 0.1])).max() < 0.05


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_det(n: int) -> None:
    check("Det", [floats(3, n, n)], 11, symbolic=False, rtol=1e-3, atol=1e-4)


def test_large_determinants_are_refused() -> None:
    with pytest.raises(VinocError, match="determinant"):
        check("Det", [floats(5, 5)], 11)


def test_fused_mat_mul() -> None:
    check("FusedMatMul", [floats(2, 4, 3), floats(2, 5, 4)], 13, domain=MS, transA=1, transB=1, alpha=0.5, rtol=1e-4)
    check("FusedMatMul", [floats(2, 3, 4), floats(4, 5)], 13, domain=MS, rtol=1e-4)
    check("FusedMatMul", [floats(3, 2, 4), floats(2, 4, 5)], 13, domain=MS, transBatchA=1, rtol=1e-4)


def test_gelus() -> None:
    x, bias = floats(2, 3, 8) * 2, floats(8)
    check("Gelu", [x], 13, domain=MS, rtol=1e-4, atol=1e-5)
    check("BiasGelu", [x, bias], 13, domain=MS, rtol=1e-4, atol=1e-5)
    check("FastGelu", [x], 13, domain=MS, rtol=1e-4, atol=1e-5)
    check("FastGelu", [x, bias], 13, domain=MS, rtol=1e-4, atol=1e-5)
    check("QuickGelu", [x], 13, domain=MS, rtol=1e-4, atol=1e-5)
    check("QuickGelu", [x], 13, domain=MS, alpha=1.0, rtol=1e-4, atol=1e-5)


def test_skip_layer_normalization() -> None:
    x, skip, gamma, beta, bias = floats(2, 3, 8), floats(2, 3, 8), floats(8), floats(8), floats(8)
    check("SkipLayerNormalization", [x, skip, gamma, beta, bias], 13, domain=MS, epsilon=1e-5, rtol=1e-4, atol=1e-5)
    check("SkipLayerNormalization", [x, skip, gamma], 13, domain=MS, epsilon=1e-5, rtol=1e-4, atol=1e-5)
    check("SkipSimplifiedLayerNormalization", [x, skip, gamma, bias], 13, domain=MS, epsilon=1e-5, rtol=1e-4, atol=1e-5)


def test_embed_layer_normalization() -> None:
    ids, segments = RNG.integers(0, 9, (2, 5)).astype(np.int32), RNG.integers(0, 2, (2, 5)).astype(np.int32)
    tables = [floats(9, 8), floats(6, 8), floats(2, 8)]
    mask = I([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], np.int32)
    inputs = [ids, segments, *tables, floats(8), floats(8), mask]
    check("EmbedLayerNormalization", inputs, 13, n_outputs=2, domain=MS, epsilon=1e-5, rtol=1e-4, atol=1e-5)
