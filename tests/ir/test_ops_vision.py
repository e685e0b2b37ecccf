"""Blocks, patches, sampling, regions and suppression: inferred, computed, compared with OpenVINO."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.ir.dim import symbol
from vinoc.ir.dtype import f32, i32, i64
from vinoc.ir.errors import InferenceError, VinocError

from .checked import i64 as ints
from .checked import infer, make, one, openvino, random, run, same

H, W, N, C = symbol("H"), symbol("W"), symbol("N"), symbol("C")
RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("mode", ["blocks_first", "depth_first"])
@pytest.mark.parametrize("spatial", [(3,), (3, 4), (3, 4, 2)])
def test_depth_and_space(mode: str, spatial: Any) -> None:
    deep = random(2, 2 * 2 ** len(spatial), *spatial)
    there, back = make("DepthToSpace", mode=mode, block_size=2), make("SpaceToDepth", mode=mode, block_size=2)
    same(there, deep)
    same(back, run(there, deep)[0])
    np.testing.assert_array_equal(run(back, run(there, deep)[0])[0], deep)


@pytest.mark.parametrize(("axis", "group"), [(1, 3), (-1, 2), (0, 2)])
def test_shuffled_channels(axis: int, group: int) -> None:
    same(make("ShuffleChannels", axis=axis, group=group), random(2, 12, 3, 4))


@pytest.mark.parametrize("rank", [3, 4, 5])
def test_batch_and_space(rank: int) -> None:
    block, begin, end = ints(1, 1, 2, 3, 2)[:rank], ints(0, 0, 1, 0, 1)[:rank], ints(0, 0, 0, 2, 0)[:rank]
    data = random(12, 2, 3, 4, 3)[(slice(None),) * rank + (0,) * (5 - rank)].copy()
    same(make("BatchToSpace"), data, block, begin, end)
    wide = random(2, 3, 5, 4, 3)[(slice(None),) * rank + (0,) * (5 - rank)].copy()
    same(make("SpaceToBatch"), wide, block, begin, end)


@pytest.mark.parametrize("auto_pad", ["same_upper", "same_lower", "valid"])
def test_image_patches(auto_pad: str) -> None:
    op = make("ExtractImagePatches", sizes=(2, 3), strides=(2, 1), rates=(1, 2), auto_pad=auto_pad)
    same(op, random(2, 3, 7, 8))


def test_columns_to_image() -> None:
    op = make("Col2Im", strides=(2, 1), dilations=(1, 2), pads_begin=(1, 0), pads_end=(0, 1))
    same(op, random(2, 18, 16), ints(8, 7), ints(2, 3))
    assert run(op, random(18, 16), ints(8, 7), ints(2, 3))[0].shape == (3, 8, 7)


@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "nearest"])
@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
def test_grid_sample(align_corners: bool, mode: str, padding_mode: str) -> None:
    op = make("GridSample", align_corners=align_corners, mode=mode, padding_mode=padding_mode)
    same(op, random(2, 3, 5, 6), random(2, 4, 7, 2) * np.float32(1.3))


def regions(count: int, high: float) -> np.ndarray:
    corners = RANDOM.uniform(0, high, (count, 2, 2)).astype(np.float32)
    return np.sort(corners, 1).reshape(count, 4)


@pytest.mark.parametrize("aligned_mode", ["asymmetric", "half_pixel_for_nn", "half_pixel"])
@pytest.mark.parametrize("mode", ["avg", "max"])
@pytest.mark.parametrize("sampling_ratio", [0, 1, 3])
def test_roi_align(aligned_mode: str, mode: str, sampling_ratio: int) -> None:
    op = make("ROIAlign", pooled_h=3, pooled_w=2, sampling_ratio=sampling_ratio, spatial_scale=0.5, mode=mode,
              aligned_mode=aligned_mode)  # fmt: skip
    # Positive data: the CPU plugin begins its maxima at 0.
    same(op, np.abs(random(2, 3, 8, 9)), regions(6, 15), np.array([0, 1, 1, 0, 1, 0], np.int32))


def test_the_maximum_of_negative_samples_is_negative() -> None:
    op = make("ROIAlign", pooled_h=1, pooled_w=1, sampling_ratio=2, spatial_scale=1, mode="max")
    (found,) = run(op, np.full((1, 1, 6, 6), -2, np.float32), np.array([[1, 1, 4, 4]], np.float32), ints(0))
    assert found.item() == -2


@pytest.mark.parametrize(("method", "high"), [("max", 18), ("bilinear", 1)])
@pytest.mark.parametrize("output_size", [(3, 2), (1, 1), (6, 6)])
def test_roi_pooling(method: str, high: float, output_size: Any) -> None:
    rois = np.concatenate([np.array([[0], [1], [1], [0]], np.float32), regions(4, high)], 1)
    same(make("ROIPooling", output_size=output_size, spatial_scale=0.5, method=method), random(2, 3, 8, 9), rois)


@settings(max_examples=80)
@given(
    st.integers(0, 1000), st.integers(1, 2), st.integers(1, 12), st.integers(1, 3), st.sampled_from([1, 3, 100]),
    st.sampled_from([0.2, 0.3, 0.5]), st.sampled_from([0, 0.2, 0.5]), st.sampled_from([0, 0, 0.5]), st.booleans(),
    st.sampled_from(["corner", "center"]), st.booleans(),
)  # fmt: skip
def test_suppression_agrees_with_openvino(
    seed: int, batch: int, count: int, classes: int, limit: int, iou: float, least: float, sigma: float, ties: bool,
    encoding: str, descending: bool,
) -> None:  # fmt: skip
    rng = np.random.default_rng(seed)
    boxes = rng.uniform(0, 4, (batch, count, 4)).astype(np.float32)
    scores = rng.uniform(0, 1, (batch, classes, count)).astype(np.float32)
    scores = np.round(scores, 1) if ties and not sigma else scores
    op = make("NonMaxSuppression", box_encoding=encoding, sort_result_descending=descending)
    numbers = [np.array(v, np.float32) for v in (iou, least, sigma)]
    found = run(op, boxes, scores, np.array(limit), *numbers)
    if len(found[0]):  # of nothing the CPU plugin leaves the number undefined
        for mine, theirs in zip(found, openvino(op, boxes, scores, np.array(limit), *numbers), strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-5)


@pytest.mark.parametrize(("limit", "threshold"), [(1000, 0.3), (1000, 0.0), (70, 0.5), (0, 0.5), (1000, -0.5)])
def test_suppression_of_many_boxes_goes_box_by_box(limit: int, threshold: float) -> None:
    """More boxes than a block, against the definition: one box after the other."""
    rng = np.random.default_rng(1)
    corner = rng.random((300, 2)).astype(np.float32)
    boxes = np.concatenate([corner, corner + rng.random((300, 2)).astype(np.float32) * 0.3], 1)
    scores = rng.random(300).astype(np.float32)

    def overlap(a: Any, b: Any) -> Any:
        sides = [max(min(a[k + 2], b[k + 2]) - max(a[k], b[k]), 0) for k in (0, 1)]
        areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
        return sides[0] * sides[1] / (areas[0] + areas[1] - sides[0] * sides[1])

    expected: list[int] = []
    for i in np.argsort(-scores):
        if len(expected) < limit and all(overlap(boxes[j], boxes[i]) <= np.float32(threshold) for j in expected):
            expected.append(int(i))
    op = make("NonMaxSuppression")
    numbers = np.array(limit), *(np.array(v, np.float32) for v in (threshold, 0, 0))
    rows = run(op, boxes[None], scores[None, None], *numbers)[0]
    assert rows[:, 2].tolist() == expected


def test_suppression_of_nothing() -> None:
    op = make("NonMaxSuppression", output_type=i32)
    indices, scores, count = run(op, random(1, 4, 4), random(1, 2, 4))
    assert (indices.shape, scores.shape, count.tolist()) == ((0, 3), (0, 3), [0])


def test_inferred_types() -> None:
    assert str(one(make("DepthToSpace", mode="depth_first", block_size=2), (f32, (N, 8, H, W)))) == "f32[N,2,2*H,2*W]"
    assert str(one(make("SpaceToDepth", mode="depth_first", block_size=2), (f32, (N, C, 4, W)))) == "f32[N,4*C,2,W//2]"
    assert one(make("DepthToSpace", mode="depth_first"), (f32, None)).shape is None
    block, none = ints(1, 1, 2, 2), ints(0, 0, 0, 0)
    assert str(one(make("BatchToSpace"), (f32, (4, C, H, W)), block, none, none)) == "f32[1,C,2*H,2*W]"
    assert str(one(make("SpaceToBatch"), (f32, (N, C, 8, W)), block, none, none)) == "f32[4*N,C,4,W//2]"
    assert str(one(make("SpaceToBatch"), (f32, (N, C, 8, W)), (i64, (4,)), none, none)) == "f32[?,?,?,?]"
    patches = make("ExtractImagePatches", sizes=(3, 3), strides=(2, 2), rates=(1, 1), auto_pad="valid")
    assert str(one(patches, (f32, (N, 3, H, 9)))) == "f32[N,27,((H+1)//2)-1,4]"
    assert str(one(make("GridSample"), (f32, (N, C, 4, 4)), (f32, (2, H, W, 2)))) == "f32[2,C,H,W]"
    align = make("ROIAlign", pooled_h=7, pooled_w=5, sampling_ratio=2, spatial_scale=1, mode="avg")
    assert str(one(align, (f32, (1, C, H, W)), (f32, (N, 4)), (i32, None))) == "f32[N,C,7,5]"
    pool = make("ROIPooling", output_size=(7, 5), spatial_scale=1)
    assert str(one(pool, (f32, None), (f32, (N, 5)))) == "f32[N,?,7,5]"
    suppress = make("NonMaxSuppression")
    types = infer(suppress, (f32, (2, 10, 4)), (f32, (2, 3, 10)), np.array(5))
    assert [str(t) for t in types] == ["i64[0..30,3]", "f32[0..30,3]", "i64[1]"]
    assert str(infer(suppress, (f32, (N, 10, 4)), (f32, (N, 3, 10)), (i64, ()))[0]) == "i64[?,3]"


ERRORS: list[tuple[str, dict[str, Any], tuple[Any, ...], str]] = [
    ("DepthToSpace", {"mode": "depth_first", "block_size": 2}, ((f32, (1, 6, 4, 4)),), "of 6 is not divisible"),
    ("DepthToSpace", {"mode": "depth_first"}, ((f32, (1, 6)),), "data of rank 2 has no spatial dimensions"),
    ("SpaceToDepth", {"mode": "depth_first", "block_size": 2}, ((f32, (1, 6, 5, 4)),), "5 is not divisible by 2"),
    ("ShuffleChannels", {"group": 4}, ((f32, (1, 6, 5, 4)),), "axis 1 of 6 is not divisible by 4"),
    ("BatchToSpace", {}, ((f32, (3, 1, 2)), ints(1, 1, 2), ints(0, 0, 0), ints(0, 0, 0)), "batch of 3 is not"),
    ("BatchToSpace", {}, ((f32, (2, 1, 2)), ints(1, 2), ints(0, 0, 0), ints(0, 0, 0)), "`block_shape` has 2 numbers"),
    ("BatchToSpace", {}, ((f32, (2, 1, 2)), ints(2, 1, 1), ints(0, 0, 0), ints(0, 0, 0)), "begins with 2, expected 1"),
    ("SpaceToBatch", {}, ((f32, (2, 1, 3)), ints(1, 1, 2), ints(0, 0, 0), ints(0, 0, 0)), "3 is not divisible by 2"),
    ("GridSample", {}, ((f32, (1, 1, 4, 4)), (f32, (1, 2, 2, 3))), r"`grid` is .* expected \[\?, \?, \?, 2\]"),
    ("GridSample", {}, ((f32, (1, 1, 4, 4)), (f32, (2, 2, 2, 2))), "batches of data and grid differ: 1 and 2"),
    ("NonMaxSuppression", {}, ((f32, (1, 5, 4)), (f32, (1, 2, 6))), "numbers of boxes and scores differ: 5 and 6"),
    ("NonMaxSuppression", {}, ((f32, (1, 5, 4)), (f32, (1, 2, 5)), (i64, (2,))), "expected one number"),
    ("ROIPooling", {"output_size": (2, 2), "spatial_scale": 1}, ((f32, (1, 3, 4, 4)), (f32, (5, 4))), "`rois` is"),
]


@pytest.mark.parametrize(("kind", "attributes", "operands", "message"), ERRORS)
def test_errors(kind: str, attributes: Any, operands: Any, message: str) -> None:
    with pytest.raises(InferenceError, match=message):
        infer(make(kind, **attributes), *operands)


def test_errors_of_attributes() -> None:
    with pytest.raises(VinocError, match="`block_size` is 0"):
        make("DepthToSpace", mode="depth_first", block_size=0)
    with pytest.raises(VinocError, match="`pooled_h` is 0"):
        make("ROIAlign", pooled_h=0, pooled_w=1, sampling_ratio=1, spatial_scale=1, mode="avg")
    with pytest.raises(VinocError, match="`output_size` has 1 numbers"):
        make("ROIPooling", output_size=(1,), spatial_scale=1)
