"""Preprocessors: sizes, pixels, and the way back from the model's input to the image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.ir.errors import UsageError
from vinoc.tools.accuracy.annotations import prepared
from vinoc.tools.accuracy.base import Image, preprocessor
from vinoc.tools.accuracy.geometry import undone_boxes
from vinoc.tools.accuracy.preprocess.ratios import RATIOS
from vinoc.tools.accuracy.preprocess.scaling import PILLOW, resized
from vinoc.tools.accuracy.representation import Meta


def image(height: int = 47, width: int = 81, channels: int = 3, seed: int = 0, rect: Any = None) -> Image:
    data = np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)
    return Image("x.jpg", data, Meta(size=(height, width), more={} if rect is None else {"rect": rect}))


def run(of: Image, *steps: dict[str, Any]) -> Image:
    made = [preprocessor.make(s["type"], {k: v for k, v in s.items() if k != "type"}) for s in steps]
    return prepared(of, made)


SAMPLE = ((np.arange(35) * 37 + 11) % 256).astype(np.uint8).reshape(5, 7)


@pytest.mark.parametrize(
    ("method", "wanted"),
    [("LINEAR", [[26, 90, 155, 220], [31, 96, 160, 225], [36, 100, 165, 230]]),
     ("CUBIC", [[23, 92, 154, 223], [28, 97, 159, 228], [33, 102, 164, 233]]),
     ("NEAREST", [[11, 48, 122, 196], [14, 51, 125, 199], [20, 57, 131, 205]]),
     ("AREA", [[28, 91, 155, 218], [33, 96, 160, 223], [38, 101, 165, 228]])],
)  # fmt: skip
def test_as_opencv(method: str, wanted: list[list[int]]) -> None:
    """What cv2.resize of OpenCV 5.0.0 gives."""
    assert resized(SAMPLE, 3, 4, "opencv", method).tolist() == wanted


@pytest.mark.parametrize("method", sorted(set(PILLOW.values())))
@pytest.mark.parametrize("size", [(20, 30), (60, 90)])
def test_as_pillow(method: str, size: tuple[int, int]) -> None:
    from PIL import Image as Pillow

    pixels = image(40, 61).data
    wanted = np.array(Pillow.fromarray(pixels).resize(size[::-1], Pillow.Resampling[method]))
    np.testing.assert_array_equal(resized(pixels, *size, "pillow", method), wanted)


def test_floats_are_not_rounded() -> None:
    row = np.array([[0.0, 1.0]], np.float32)
    np.testing.assert_allclose(resized(row, 1, 4), [[0, 0.25, 0.75, 1]])
    by_tf = resized(np.array([[0, 1]], np.uint8), 1, 4, "tf")
    assert by_tf.dtype == np.float32
    np.testing.assert_allclose(by_tf, [[0, 0.25, 0.75, 1]])


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 20), st.integers(1, 20),
       st.sampled_from(["LINEAR", "CUBIC", "NEAREST", "AREA"]), st.sampled_from([np.uint8, np.float32]))  # fmt: skip
def test_one_colour_stays(h: int, w: int, a: int, b: int, method: str, dtype: Any) -> None:
    if method == "AREA" and (a > h or b > w):
        return
    out = resized(np.full((h, w, 3), 77, dtype), a, b, "opencv", method)
    assert out.shape == (a, b, 3)
    assert out.dtype == dtype
    np.testing.assert_allclose(out, 77, atol=1 if dtype == np.uint8 else 1e-3)


@pytest.mark.parametrize(
    ("ratio", "wanted"),
    [("width", (48, 128)), ("height", (24, 64)), ("greater", (48, 128)), ("fit_to_window", (32, 64)),
     ("frcnn_keep_aspect_ratio", (32, 64)), ("ctpn_keep_aspect_ratio", (32, 64)), ("min_ratio", (48, 96)),
     ("mask_rcnn_benchmark_aspect_ratio", (48, 96)), ("ppcrnn_ratio", (48, 64)), ("ppocr_max_ratio", (32, 64)),
     ("ppocr_cls_ratio", (48, 64)), ("east_keep_aspect_ratio", (32, 32))],
)  # fmt: skip
def test_sizes_that_keep_the_ratio(ratio: str, wanted: tuple[int, int]) -> None:
    """Of an image 200 wide and 100 high, to 64 by 48; what Accuracy Checker 2022.3 gives."""
    out = run(image(100, 200), {"type": "resize", "dst_width": 64, "dst_height": 48, "aspect_ratio_scale": ratio})
    assert out.data.shape[:2] == wanted
    assert out.meta.input_size == wanted


def test_every_ratio_is_tested() -> None:
    tested = test_sizes_that_keep_the_ratio.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {name for name, _ in tested} == set(RATIOS)


def test_factor_and_scale() -> None:
    step = {"type": "resize", "dst_width": 100, "dst_height": 70, "aspect_ratio_scale": "fit_to_window", "factor": 16}
    assert run(image(100, 200), step).data.shape[:2] == (49, 97)  # 50 and 100, down to 1 more than multiples of 16
    assert run(image(100, 200), {**step, "include_boundary": True}).data.shape[:2] == (48, 96)
    scaled = {"type": "resize", "aspect_ratio_scale": "scale_factor", "scale": 0.25}
    assert run(image(100, 200), scaled).data.shape[:2] == (25, 50)


@pytest.mark.parametrize(
    ("options", "what"),
    [({}, "the size is missing"), ({"size": 3, "dst_width": 3}, "both given"), ({"dst_width": 3}, "`dst_height` is"),
     ({"size": 3, "interpolation": "Lanczos"}, "opencv has no interpolation"), ({"size": 0}, "at least 1"),
     ({"size": 3, "interpolation": "Linaer"}, "Linaer"), ({"size": 3, "scale": 2.0}, "belong together"),
     ({"size": 3, "aspect_ratio_scale": "fit"}, "aspect_ratio_scale")],
)  # fmt: skip
def test_bad_sizes(options: dict[str, Any], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        preprocessor.make("resize", options)


def test_crop() -> None:
    of = image(50, 81)
    np.testing.assert_array_equal(run(of, {"type": "crop", "size": 40}).data, of.data[5:45, 20:60])
    np.testing.assert_array_equal(run(of, {"type": "crop", "max_square": True}).data, of.data[:, 15:65])
    np.testing.assert_array_equal(run(of, {"type": "crop", "central_fraction": 0.5}).data, of.data[12:37, 20:60])
    larger = run(of, {"type": "crop", "size": 60})
    assert larger.data.shape == (60, 60, 3)
    assert larger.meta.steps[0].after == (60, 98)  # enlarged to the least size that holds it
    bordered = run(of, {"type": "crop", "size": 60, "use_pillow": True})
    assert bordered.data.shape == (60, 60, 3)
    assert not bordered.data[:5].any()
    np.testing.assert_array_equal(bordered.data[5:55], of.data[:, 10:70])
    for options in ({}, {"size": 5, "max_square": True}, {"central_fraction": 0.5, "max_square": True}):
        with pytest.raises(UsageError, match="one of a size"):
            preprocessor.make("crop", options)
    with pytest.raises(UsageError, match="nothing is left"):
        run(of, {"type": "crop", "central_fraction": 0.001})


@pytest.mark.parametrize(("corner", "top", "left"), [("top_left", 0, 0), ("top_right", 0, 51), ("bottom_left", 27, 0),
                                                     ("bottom_right", 27, 51)])  # fmt: skip
def test_corner_crop(corner: str, top: int, left: int) -> None:
    of = image()
    out = run(of, {"type": "corner_crop", "dst_width": 30, "dst_height": 20, "corner_type": corner})
    np.testing.assert_array_equal(out.data, of.data[top : top + 20, left : left + 30])


def test_crop_or_pad() -> None:
    of = image(40, 90)
    out = run(of, {"type": "crop_or_pad", "size": 60}).data
    np.testing.assert_array_equal(out[10:50], of.data[:, 15:75])
    assert not out[:10].any()
    assert not out[50:].any()


@pytest.mark.parametrize(("kind", "top", "left"), [("center", 6, 9), ("left_top", 13, 19), ("right_bottom", 0, 0)])
def test_padding(kind: str, top: int, left: int) -> None:
    of = image()
    out = run(of, {"type": "padding", "dst_height": 60, "dst_width": 100, "pad_type": kind, "pad_value": "1,2,3"}).data
    assert out.shape == (60, 100, 3)
    np.testing.assert_array_equal(out[top : top + 47, left : left + 81], of.data)
    filled = np.ones((60, 100), bool)
    filled[top : top + 47, left : left + 81] = False
    assert (out[filled] == [1, 2, 3]).all()


def test_padding_follows_resize() -> None:
    resize = {"type": "resize", "size": 64, "aspect_ratio_scale": "fit_to_window"}
    out = run(image(), resize, {"type": "padding", "pad_value": "114,114,114"})
    assert out.data.shape == (64, 64, 3)
    boxed = run(image(), {"type": "letterbox", "size": 64})
    np.testing.assert_array_equal(out.data, boxed.data)
    assert out.meta.steps == boxed.meta.steps
    assert run(image(), {"type": "padding", "stride": 32}).data.shape == (64, 96, 3)
    gray = run(image(channels=1), {"type": "padding", "size": 90})  # 0,0,0 is one colour
    assert gray.data.shape == (90, 90, 1)
    with pytest.raises(UsageError, match="pad_value has 3 numbers, the image 1") as error:
        run(image(channels=1), {"type": "padding", "size": 90, "pad_value": "1,2,3"})
    assert error.value.where == "x.jpg: preprocessor 'padding'"


def test_padding_with_the_background() -> None:
    data = np.full((4, 6, 3), 7, np.uint8)
    data[1, 1] = 200
    out = run(Image("x", data, Meta(size=(4, 6))), {"type": "padding", "size": 8, "pad_value": "background"})
    assert (out.data[0] == 7).all()


def test_colours() -> None:
    data = ((np.arange(36) * 67 + 5) % 256).astype(np.uint8).reshape(3, 4, 3)
    of = Image("x", data, Meta(size=(3, 4)))
    wanted = [[84, 59, 154, 175], [120, 95, 190, 135], [156, 101, 76, 171]]  # cv2.cvtColor of OpenCV 5.0.0
    assert run(of, {"type": "bgr_to_gray"}).data[:, :, 0].tolist() == wanted
    swapped = run(of, {"type": "bgr_to_rgb"})
    np.testing.assert_array_equal(swapped.data, data[:, :, ::-1])
    np.testing.assert_array_equal(run(swapped, {"type": "rgb_to_bgr"}).data, data)
    assert run(swapped, {"type": "rgb_to_gray"}).data[:, :, 0].tolist() == wanted
    one = run(of, {"type": "bgr_to_gray"}, {"type": "bgr_to_gray"}, {"type": "bgr_to_rgb"})
    assert one.data[:, :, 0].tolist() == wanted
    np.testing.assert_array_equal(run(of, {"type": "select_channel", "channel": 1}).data[:, :, 0], data[:, :, 1])
    with pytest.raises(UsageError, match="no channel 3"):
        run(of, {"type": "select_channel", "channel": 3})


def test_normalization() -> None:
    of = image()
    out = run(of, {"type": "normalization", "mean": [1, 2, 3], "std": "4, 5, 6"}).data
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, (of.data - np.array([1.0, 2, 3])) / [4, 5, 6], rtol=1e-6)
    np.testing.assert_allclose(run(of, {"type": "normalization", "std": 255}).data, of.data / 255, rtol=1e-6)
    imagenet = run(of, {"type": "normalization", "mean": "imagenet"}).data
    np.testing.assert_allclose(imagenet[..., 0], of.data[..., 0] - 104.00698793, rtol=1e-5)
    for options, what in (({}, "`mean` or `std`"), ({"std": 0}, "not 0"), ({"mean": "imagenot"}, "imagenet")):
        with pytest.raises(UsageError, match=what):
            preprocessor.make("normalization", options)
    with pytest.raises(UsageError, match="mean has 2 numbers, the data 3 channels"):
        run(of, {"type": "normalization", "mean": "1,2"})


def test_flip() -> None:
    """Around the horizontal axis, as Accuracy Checker and cv2.flip with 0."""
    of = image()
    np.testing.assert_array_equal(run(of, {"type": "flip"}).data, of.data[::-1])
    np.testing.assert_array_equal(run(of, {"type": "flip", "mode": "vertical"}).data, of.data[:, ::-1])


def test_rectangles() -> None:
    of = image(rect=(5, 6, 30, 40))
    np.testing.assert_array_equal(run(of, {"type": "crop_rect"}).data, of.data[6:40, 5:30])
    beyond = image(rect=(-5, 6, 30, 400))
    assert run(beyond, {"type": "crop_rect"}).data.shape == (41, 35, 3)
    grown = run(image(rect=(20, 10, 40, 30)), {"type": "extend_around_rect", "augmentation_param": 0.2})
    assert grown.data.shape == (47, 81, 3)
    assert run(grown, {"type": "crop_rect"}).data.shape == (28, 28, 3)  # 20 + 2 * 0.2 * 21
    over = run(image(rect=(0, 0, 20, 20)), {"type": "extend_around_rect", "augmentation_param": 0.5})
    assert over.data.shape == (57, 91, 3)
    np.testing.assert_array_equal(over.data[0, 10:], over.data[10, 10:])
    with pytest.raises(UsageError, match="no rectangle"):
        run(image(), {"type": "crop_rect"})


def test_sizes_of_models() -> None:
    auto = preprocessor.make("auto_resize", {})
    with pytest.raises(UsageError, match="not known"):
        auto.apply(image())
    assert auto.fitted((20, 30)).apply(image()).data.shape == (20, 30, 3)
    boxed = preprocessor.make("letterbox", {}).fitted((20, 30)).apply(image())
    assert boxed.data.shape == (20, 30, 3)
    kept = preprocessor.make("letterbox", {"size": 40}).fitted((20, 30)).apply(image())
    assert kept.data.shape == (40, 40, 3)


def test_data_that_is_no_image() -> None:
    vector = Image("x", np.zeros(7))
    for step in ({"type": "resize", "size": 4}, {"type": "bgr_to_rgb"}, {"type": "padding", "size": 4}):
        with pytest.raises(UsageError, match=r"an image \[height, width, channels\] is needed"):
            run(vector, step)
    assert run(vector, {"type": "normalization", "mean": 1, "images_only": True}).data.tolist() == [0] * 7
    assert run(vector, {"type": "normalization", "mean": 1}).data.tolist() == [-1] * 7


CHAINS: list[list[dict[str, Any]]] = [
    [{"type": "resize", "dst_width": 200, "dst_height": 90}],
    [{"type": "letterbox", "size": 128}],
    [{"type": "resize", "size": 150, "aspect_ratio_scale": "greater"}, {"type": "crop", "size": 140}],
    [{"type": "crop", "max_square": True}, {"type": "resize", "size": 90, "use_pillow": True}],
    [{"type": "flip", "mode": "vertical"}, {"type": "padding", "size": 240}, {"type": "flip"}],
    [{"type": "crop_or_pad", "size": 150}, {"type": "resize", "size": 200, "interpolation": "CUBIC"}],
    [{"type": "crop", "size": 220}, {"type": "corner_crop", "size": 190, "corner_type": "bottom_right"}],
    [{"type": "crop_image_with_padding", "size": 120, "crop_padding": 8}],
    [{"type": "extend_around_rect", "augmentation_param": 0.3}, {"type": "crop_rect"}, {"type": "resize", "size": 99}],
]


@pytest.mark.parametrize("chain", CHAINS, ids=lambda c: "+".join(s["type"] for s in c))
def test_the_way_back(chain: list[dict[str, Any]]) -> None:
    """A white rectangle is found again at its place, whatever was done to the image."""
    data = np.zeros((150, 160, 3), np.uint8)
    data[60:100, 65:110] = 255
    out = run(Image("x", data, Meta(size=(150, 160), more={"rect": (40, 30, 130, 120)})), *chain)
    assert out.meta.input_size == out.data.shape[:2]
    rows, columns = (np.flatnonzero((out.data[:, :, 0] > 127).any(axis=a)) for a in (1, 0))
    box = np.array([[columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]], float)
    coarse = max(1 / abs(f) for s in out.meta.steps for f in s.scale)
    np.testing.assert_allclose(undone_boxes(box, out.meta.steps), [[65, 60, 110, 100]], atol=coarse + 0.5)
