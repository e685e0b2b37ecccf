"""Classes of pixels."""

from __future__ import annotations

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError
from ..options import option
from ..representation import Prediction, SegmentationPrediction
from .base import Adapter, Frames, Outputs, adapter, of_samples


@adapter("segmentation")
class Segmentation(Adapter):
    """Scores [samples, classes, H, W] or [samples, H, W, classes], or classes [samples, H, W], [samples, 1, H, W]."""

    prediction = SegmentationPrediction

    output: str | None = option(None, "the output; without it the first")
    make_argmax: bool = option(False, "take the class of the highest score here, which needs less memory later")
    channels_last: bool | None = option(None, "classes are the last dimension [where the spatial size tells]")

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        found = of_samples(outputs[self.output], frames)
        if found.ndim not in (3, 4):
            raise UsageError(f"an output {list(found.shape)} has no classes of pixels", "adapter 'segmentation'")
        return [
            SegmentationPrediction(identifier=name, meta=meta, mask=self._mask(one, frames.size or meta.input_size))
            for (name, meta), one in zip(frames, found)
        ]

    def _mask(self, one: Array, size: tuple[int, int] | None) -> Array:
        """Classes [H, W] or scores [classes, H, W]."""
        if one.ndim == 2:
            return _whole(one)
        scores = one.transpose(2, 0, 1) if self._is_last(one.shape, size) else one
        if len(scores) == 1:
            return _whole(scores[0])
        return scores.argmax(axis=0) if self.make_argmax else scores

    def _is_last(self, shape: tuple[int, ...], size: tuple[int, int] | None) -> bool:
        if self.channels_last is not None:
            return self.channels_last
        if size is not None and (shape[1:] == size) != (shape[:2] == size):
            return shape[:2] == size
        return shape[2] < min(shape[:2])


def _whole(mask: Array) -> Array:
    """Classes as whole numbers. Raises UsageError for probabilities of one class."""
    if mask.dtype.kind == "f":
        if not np.array_equal(mask, np.rint(mask)):
            raise UsageError("the output has one score for each pixel", "adapter 'segmentation'",
                             "take the adapter segmentation_one_class")  # fmt: skip
        return mask.astype(np.int64)
    return mask


@adapter("segmentation_one_class")
class SegmentationOneClass(Adapter):
    """Probabilities [samples, 1, H, W] or [samples, H, W] of one class: 1 from a threshold on, else 0."""

    prediction = SegmentationPrediction

    output: str | None = option(None, "the output; without it the first")
    threshold: float = option(0.5, "the least probability", low=0)
    channel: int | None = option(None, "which of several channels is the class", low=0)

    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        found = of_samples(outputs[self.output], frames)
        return [
            SegmentationPrediction(
                identifier=name, meta=meta, mask=(self._plane(one) >= self.threshold).astype(np.uint8)
            )
            for (name, meta), one in zip(frames, found)
        ]

    def _plane(self, one: Array) -> Array:
        if self.channel is not None and one.ndim == 3:
            if self.channel >= len(one):
                raise UsageError(
                    f"the output has {len(one)} channels, `channel` is {self.channel}", f"adapter '{self.name}'"
                )
            return np.asarray(one[self.channel])
        flat = one.reshape(one.shape[-2:]) if one.ndim == 3 and one.shape[0] == 1 else one
        flat = flat[:, :, 0] if flat.ndim == 3 and flat.shape[2] == 1 else flat
        if flat.ndim != 2:
            raise UsageError(f"an output {list(one.shape)} of a sample has several channels", f"adapter '{self.name}'",
                             "give `channel`, or take the adapter segmentation")  # fmt: skip
        return flat
