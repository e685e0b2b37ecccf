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
from ..representation import Annotation, Prediction, SegmentationAnnotation, SegmentationPrediction
from ..sizes import Sized


def nearest(mask: Array, height: int, width: int) -> Array:
    """A mask [..., h, w] with another size: each pixel is the one that its centre lies in."""
    rows = ((np.arange(height) + 0.5) * (mask.shape[-2] / height)).astype(np.int64)
    columns = ((np.arange(width) + 0.5) * (mask.shape[-1] / width)).astype(np.int64)
    return mask[..., rows, :][..., columns]


class OfMasks(Postprocessor):
    """Of masks of classes."""

    annotation = SegmentationAnnotation
    prediction = SegmentationPrediction


@postprocessor("resize_segmentation_mask")
class ResizeSegmentationMask(OfMasks, Sized):
    """Masks get a given size, else that of the image: each pixel is the nearest one."""

    to_dst_image_size: bool = option(False, "the size that `resize` gave the image, without borders")
    apply_to: str = option("all", "what is changed", choices=TARGETS)

    def true(self, annotation: SegmentationAnnotation, prediction: Prediction) -> Annotation:
        true, size = annotation.mask, self._size(prediction)
        return replace(annotation, load=lambda: nearest(true, *size))

    def said(self, prediction: SegmentationPrediction) -> Prediction:
        return replace(prediction, mask=nearest(prediction.mask, *self._size(prediction)))

    def _size(self, prediction: Prediction) -> tuple[int, int]:
        if self.target is not None:
            return self.target
        if not self.to_dst_image_size:
            return size_of(prediction.meta, "image", prediction.identifier)
        resized = [step.after for step in prediction.meta.steps if step.name == "resize"]
        return resized[-1] if resized else size_of(prediction.meta, "input", prediction.identifier)


@postprocessor("mask_to_image")
class MaskToImage(OfMasks):
    """The predicted mask becomes one of the image: what preprocessors did is undone, each pixel is the nearest one.

    What the model has not seen gets the class `outside`.
    """

    outside: int = option(255, "the class of pixels beyond what the model was given", low=0)

    def said(self, prediction: SegmentationPrediction) -> Prediction:
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
        return replace(prediction, mask=np.where(good, inside, self.outside))


@postprocessor("extend_segmentation_mask")
class ExtendSegmentationMask(OfMasks):
    """The annotation's mask gets borders of one class, up to the size of the prediction."""

    filling_label: int = option(255, "the class of the borders", low=0)
    pad_type: str = option("center", "where the mask lies", choices=("center", "left_top", "right_bottom"))

    def true(self, annotation: SegmentationAnnotation, prediction: Prediction) -> Annotation:
        if not isinstance(prediction, SegmentationPrediction):
            return annotation
        true = annotation.mask
        wanted = (prediction.mask.shape[-2], prediction.mask.shape[-1])
        if true.shape[0] > wanted[0] or true.shape[1] > wanted[1]:
            what = (
                f"the mask is {true.shape[1]} wide and {true.shape[0]} high, the prediction {wanted[1]} and {wanted[0]}"
            )
            raise UsageError(what, f"'{annotation.identifier}'", "resize_segmentation_mask makes masks smaller")
        top, left, bottom, right = borders_for((true.shape[0], true.shape[1]), wanted, self.pad_type)
        out = np.pad(true.astype(np.int64), ((top, bottom), (left, right)), constant_values=self.filling_label)
        return replace(annotation, load=lambda: out)


@postprocessor("crop_padded_prediction")
class CropPaddedPrediction(OfMasks):
    """The predicted mask without the borders that the last `padding` added."""

    def said(self, prediction: SegmentationPrediction) -> Prediction:
        steps = [s for s in prediction.meta.steps if s.name == "padding"]
        if not steps:
            return prediction
        left, top = (round(v) for v in steps[-1].shift)
        height, width = steps[-1].before
        return replace(prediction, mask=prediction.mask[..., top : top + height, left : left + width])


@postprocessor("argmax_segmentation_mask")
class ArgmaxSegmentationMask(OfMasks):
    """Scores [classes, height, width] become the class of the highest one."""

    ignored = ("apply_to",)

    def said(self, prediction: SegmentationPrediction) -> Prediction:
        return replace(prediction, mask=prediction.classes)


@postprocessor("encode_segmentation_mask")
class EncodeSegmentationMask(Postprocessor):
    """Nothing is left to do: readers turn the colours of masks into classes."""

    ignored = ("apply_to",)


@postprocessor("crop_or_pad")
class CropOrPadMask(OfMasks, Sized):
    """The middle of the annotation's mask where it is larger, class 0 around it where it is smaller: what the
    preprocessor of that name does to images."""

    needed = True

    def true(self, annotation: SegmentationAnnotation, prediction: Prediction) -> Annotation:
        height, width = self.wanted
        image = Image(annotation.identifier, annotation.mask[:, :, None])
        mask = CropOrPad(dst_height=height, dst_width=width).apply(image).data[:, :, 0]
        return replace(annotation, load=lambda: mask)


@postprocessor("shift")
class Shift(OfMasks):
    """A number is added to all classes of masks; classes below 0 do not count."""

    shift_value: int = option(0, "the number")
    apply_to: str = option("all", "what is changed", choices=TARGETS)

    def true(self, annotation: SegmentationAnnotation, prediction: Prediction) -> Annotation:
        mask = annotation.mask.astype(np.int64) + self.shift_value
        return replace(annotation, load=lambda: mask)

    def said(self, prediction: SegmentationPrediction) -> Prediction:
        return replace(prediction, mask=prediction.classes.astype(np.int64) + self.shift_value)
