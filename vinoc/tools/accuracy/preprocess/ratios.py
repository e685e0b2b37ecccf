"""Sizes that follow the ratio of an image's sides, by Accuracy Checker's names. All take and give (height, width).

`width`, `height` and `greater` stretch one side of the target by that ratio: they keep it for targets that are square.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

Size = tuple[int, int]


def _width(target: Size, image: Size) -> Size:
    return target[0], int(target[1] * image[1] / image[0])


def _height(target: Size, image: Size) -> Size:
    return int(target[0] * image[0] / image[1]), target[1]


def _greater(target: Size, image: Size) -> Size:
    return _height(target, image) if image[0] > image[1] else _width(target, image)


def _fit_to_window(target: Size, image: Size) -> Size:
    scale = min(target[0] / image[0], target[1] / image[1])
    return int(scale * image[0]), int(scale * image[1])


def _frcnn(target: Size, image: Size) -> Size:
    low, high = min(target), max(target)
    size = _greater((low, low), image)
    return size if max(size) <= high else _fit_to_window((high, high), image)


def _ctpn(target: Size, image: Size) -> Size:
    scale = min(target) / min(image)
    if round(scale * max(image)) > max(target):
        scale = max(target) / max(image)
    return round(image[0] * scale), round(image[1] * scale)


def _east(target: Size, image: Size) -> Size:
    low, high = min(target), max(target)
    scale = high / max(image) if max(image) > high else 1.0
    sides = [int(side * scale) for side in image]
    height, width = (max(32, side if side % low == 0 else (side // low - 1) * low) for side in sides)
    return height, width


def _min_ratio(target: Size, image: Size) -> Size:
    ratio = min(image[0] / target[0], image[1] / target[1])
    return int(image[0] / ratio), int(image[1] / ratio)


def _mask_rcnn(target: Size, image: Size) -> Size:
    ratio = min(target) / min(image)
    return int(image[0] * ratio), int(image[1] * ratio)


def _ppcrnn(target: Size, image: Size) -> Size:
    ratio = image[1] / image[0]
    wanted = ceil(target[0] * ratio)
    return target[0], int(32 * ratio) if wanted > target[1] else wanted


def _ppocr_max(target: Size, image: Size) -> Size:
    ratio = max(target) / max(image) if max(image) > max(target) else 1.0
    return int(image[0] * ratio), int(image[1] * ratio)


def _ppocr_cls(target: Size, image: Size) -> Size:
    return target[0], min(ceil(target[0] * image[1] / image[0]), target[1])


RATIOS: dict[str, Callable[[Size, Size], Size]] = {
    "width": _width,
    "height": _height,
    "greater": _greater,
    "fit_to_window": _fit_to_window,
    "frcnn_keep_aspect_ratio": _frcnn,
    "ctpn_keep_aspect_ratio": _ctpn,
    "east_keep_aspect_ratio": _east,
    "min_ratio": _min_ratio,
    "mask_rcnn_benchmark_aspect_ratio": _mask_rcnn,
    "ppcrnn_ratio": _ppcrnn,
    "ppocr_max_ratio": _ppocr_max,
    "ppocr_cls_ratio": _ppocr_cls,
}
