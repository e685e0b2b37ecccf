"""Masks of classes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError
from ..base import TARGETS, Image, Postprocessor, postprocessor
from ..geometry import size_of
from ..options import option
from ..preprocess.crop import CropOrPad
from ..preprocess.pad import borders_for
from ..representation import Annotation, Pair, Prediction, SegmentationAnnotation, SegmentationPrediction
from ..sizes import Sized


def nearest(mask: Array, height: int, width: int) -> Array:
    """A mask [..., h, w] with another size: each pixel is the one that its centre lies in."""
    rows = ((np.arange(height) + 0.5) * (mask.shape[-2] / height)).astype(np.int64)
    columns = ((np.arange(width) + 0.5) * (mask.shape[-1] / width)).astype(np.int64)
    return mask[..., rows, :][..., columns]


@postprocessor("resize_segmentation_mask")
class ResizeSegmentationMask(Postprocessor, Sized):
    """Masks get a given size, else that of the image: each pixel is the nearest one."""

    to_dst_image_size: bool = option(False, "the size that `resize` gave the image, without borders")
    apply_to: str = option("all", "what is changed", choices=TARGETS)

    def __post_init__(self) -> None:
        self.check_size(needed=False)

    def apply(self, annotation: Annotation, prediction: Prediction) -> Pair:
        height, width = self.target or self._wanted(prediction)
        if isinstance(annotation, SegmentationAnnotation) and self.apply_to != "prediction":
            true = annotation.mask
            annotation = replace(annotation, load=lambda: nearest(true, height, width))
        if isinstance(prediction, SegmentationPrediction) and self.apply_to != "annotation":
            prediction = replace(prediction, mask=nearest(prediction.mask, height, width))
        return annotation, prediction

    def _wanted(self, prediction: Prediction) -> tuple[int, int]:
        if not self.to_dst_image_size:
            return size_of(prediction.meta, "image", prediction.identifier)
        resized = [step.after for step in prediction.meta.steps if step.name == "resize"]
        return resized[-1] if resized else size_of(prediction.meta, "input", prediction.identifier)


@postprocessor("mask_to_image")
class MaskToImage(Postprocessor):
    """The predicted mask becomes one of the image: what preprocessors did is undone, each pixel is the nearest one.

    What the model has not seen gets the class `outside`.
    """

    outside: int = option(255, "the class of pixels beyond what the model was given", low=0)

    def apply(self, annotation: Annotation, prediction: Prediction) -> Pair:
        if not isinstance(prediction, SegmentationPrediction):
            return annotation, prediction
        height, width = size_of(prediction.meta, "image", prediction.identifier)
        inner_height, inner_width = size_of(prediction.meta, "input", prediction.identifier)
        mask = prediction.classes
        x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
        for step in prediction.meta.steps:
            x, y = (v * s + d for v, s, d in zip((x, y), step.scale, step.shift))
        columns = np.floor(x / inner_width * mask.shape[1]).astype(np.int64)
        rows = np.floor(y / inner_height * mask.shape[0]).astype(np.int64)
        good = ((rows >= 0) & (rows < mask.shape[0]))[:, None] & ((columns >= 0) & (columns < mask.shape[1]))
        inside = mask[rows.clip(0, mask.shape[0] - 1)][:, columns.clip(0, mask.shape[1] - 1)]
        return annotation, replace(prediction, mask=np.where(good, inside, self.outside))


@postprocessor("extend_segmentation_mask")
class ExtendSegmentationMask(Postprocessor):
    """The annotation's mask gets borders of one class, up to the size of the prediction."""

    filling_label: int = option(255, "the class of the borders", low=0)
    pad_type: str = option("center", "where the mask lies", choices=("center", "left_top", "right_bottom"))

    def apply(self, annotation: Annotation, prediction: Prediction) -> Pair:
        if not isinstance(annotation, SegmentationAnnotation) or not isinstance(prediction, SegmentationPrediction):
            return annotation, prediction
        true = annotation.mask
        wanted = (prediction.mask.shape[-2], prediction.mask.shape[-1])
        if true.shape[0] > wanted[0] or true.shape[1] > wanted[1]:
            what = (
                f"the mask is {true.shape[1]} wide and {true.shape[0]} high, the prediction {wanted[1]} and {wanted[0]}"
            )
            raise UsageError(what, f"'{annotation.identifier}'", "resize_segmentation_mask makes masks smaller")
        top, left, bottom, right = borders_for((true.shape[0], true.shape[1]), wanted, self.pad_type)
        out = np.pad(true.astype(np.int64), ((top, bottom), (left, right)), constant_values=self.filling_label)
        return replace(annotation, load=lambda: out), prediction


@postprocessor("crop_padded_prediction")
class CropPaddedPrediction(Postprocessor):
    """The predicted mask without the borders that the last `padding` added."""

    def apply(self, annotation: Annotation, prediction: Prediction) -> Pair:
        steps = [s for s in prediction.meta.steps if s.name == "padding"]
        if not steps or not isinstance(prediction, SegmentationPrediction):
            return annotation, prediction
        left, top = (round(v) for v in steps[-1].shift)
        height, width = steps[-1].before
        mask = prediction.mask[..., top : top + height, left : left + width]
        return annotation, replace(prediction, mask=mask)


@postprocessor("argmax_segmentation_mask")
class ArgmaxSegmentationMask(Postprocessor):
    """Scores [classes, height, width] become the class of the highest one."""

    ignored = ("apply_to",)

    def apply(self, annotation: Annotation, prediction: Prediction) -> Pair:
        if isinstance(prediction, SegmentationPrediction):
            prediction = replace(prediction, mask=prediction.classes)
        return annotation, prediction


@postprocessor("encode_segmentation_mask")
class EncodeSegmentationMask(Postprocessor):
    """Nothing is left to do: readers turn the colours of masks into classes."""

    ignored = ("apply_to",)

    def apply(self, annotation: Annotation, prediction: Prediction) -> Pair:
        return annotation, prediction


@postprocessor("crop_or_pad")
class CropOrPadMask(Postprocessor, Sized):
    """The middle of the annotation's mask where it is larger, class 0 around it where it is smaller: what the
    preprocessor of that name does to images."""

    def __post_init__(self) -> None:
        self.check_size(needed=True)

    def apply(self, annotation: Annotation, prediction: Prediction) -> Pair:
        if not isinstance(annotation, SegmentationAnnotation):
            return annotation, prediction
        assert self.target is not None
        image = Image(annotation.identifier, annotation.mask[:, :, None])
        step = CropOrPad(dst_height=self.target[0], dst_width=self.target[1])
        mask = step.apply(image).data[:, :, 0]
        return replace(annotation, load=lambda: mask), prediction


@postprocessor("shift")
class Shift(Postprocessor):
    """A number is added to all classes of masks; classes below 0 do not count."""

    shift_value: int = option(0, "the number")
    apply_to: str = option("all", "what is changed", choices=TARGETS)

    def apply(self, annotation: Annotation, prediction: Prediction) -> Pair:
        if isinstance(annotation, SegmentationAnnotation) and self.apply_to != "prediction":
            mask = annotation.mask.astype(np.int64) + self.shift_value
            annotation = replace(annotation, load=lambda: mask)
        if isinstance(prediction, SegmentationPrediction) and self.apply_to != "annotation":
            prediction = replace(prediction, mask=prediction.classes.astype(np.int64) + self.shift_value)
        return annotation, prediction
