"""Classes of pixels. Formulas: Long, Shelhamer and Darrell, "Fully convolutional networks for semantic segmentation",
2015, section 5; with n[i, j] the number of pixels of class i that were taken for class j."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import VinocError
from ..base import Dataset, Metric, Result, metric
from ..options import option
from ..representation import SegmentationAnnotation, SegmentationPrediction
from .confusion import Counts, by_name, f1_scores, mean_of, recalls, shares, unions


class _Segmented(Metric):
    """Pixels whose class is none of the data set's, such as 255, do not count."""

    annotation = SegmentationAnnotation
    prediction = SegmentationPrediction
    use_argmax: bool = option(True, "masks that are scores [classes, height, width] become classes")
    ignore_label: int | None = option(None, "pixels of this class, true or predicted, do not count", low=0)

    def start(self, dataset: Dataset) -> Counts:
        if not dataset.labels:
            raise VinocError("which classes there are is not known", f"metric '{self.name}'", "dataset_meta_file")
        return Counts(dataset)

    def add(self, counted: Counts, annotation: SegmentationAnnotation, prediction: SegmentationPrediction) -> None:
        true = np.asarray(annotation.mask)
        said = prediction.classes if self.use_argmax else np.asarray(prediction.mask)
        if said.ndim == 3 and said.shape[0] == 1:
            said = said[0]
        if true.shape != said.shape:
            raise VinocError(
                f"the mask is {list(true.shape)}, the prediction {list(said.shape)}",
                f"'{annotation.identifier}'",
                "the postprocessor resize_segmentation_mask gives it the mask's size",
            )
        size = len(counted.matrix)
        good = (true >= 0) & (true < size) & (said >= 0) & (said < size)
        counted.add(true[good], said[good])

    def result(self, counted: Counts) -> Result:
        ignored = self.ignore_label
        if ignored is not None and ignored < len(counted.matrix):
            counted.matrix[ignored, :] = 0
            counted.matrix[:, ignored] = 0
        return self.told(counted)

    @abstractmethod
    def told(self, counts: Counts) -> Result:
        """Of counts without those of the label that is ignored."""

    def mean(self, values: Array, counts: Counts) -> Result:
        """The mean of classes, without the one that is ignored."""
        used = values.copy()
        if self.ignore_label is not None and self.ignore_label < len(used):
            used[self.ignore_label] = np.nan
        return Result(mean_of(used), by_name(used, counts))


@metric("segmentation_accuracy")
class SegmentationAccuracy(_Segmented):
    """The share of pixels that are right: sum n[i, i] / sum n[i, j]."""

    def told(self, counts: Counts) -> Result:
        return Result(float(shares(np.trace(counts.matrix).reshape(1), counts.matrix.sum().reshape(1))[0]))


@metric("mean_iou")
class MeanIou(_Segmented):
    """Intersection over union of each class, n[i, i] / (sum_j n[i, j] + sum_j n[j, i] - n[i, i]), and the mean of the
    classes that turn up."""

    def told(self, counts: Counts) -> Result:
        return self.mean(unions(counts.matrix), counts)


@metric("mean_accuracy")
class MeanAccuracy(_Segmented):
    """The share of each class that was found, n[i, i] / sum_j n[i, j], and the mean of the classes."""

    def told(self, counts: Counts) -> Result:
        return self.mean(recalls(counts.matrix), counts)


@metric("frequency_weighted_accuracy")
class FrequencyWeightedAccuracy(_Segmented):
    """Intersection over union of each class, weighted by its share of the pixels."""

    def told(self, counts: Counts) -> Result:
        pixels = counts.matrix.sum(axis=1)
        if not pixels.sum():
            return Result(float("nan"))
        return Result(float(np.nansum(pixels / pixels.sum() * np.where(pixels > 0, unions(counts.matrix), 0))))


@metric("dice")
class Dice(_Segmented):
    """2 n[i, i] / (sum_j n[i, j] + sum_j n[j, i]) of each class over all images, and the mean of the classes.

    Dice, "Measures of the amount of ecologic association between species", 1945; the F1 score of pixels.
    """

    def told(self, counts: Counts) -> Result:
        return self.mean(f1_scores(counts.matrix), counts)
