"""Points on faces and hands: how far they are off, in units of a length on the face."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError, VinocError
from ..base import Metric, Result, metric
from ..options import option
from ..representation import LandmarksAnnotation, LandmarksPrediction
from .confusion import mean_of

NORMALIZATIONS = ("eyes", "box", "none")


class _Landmarks(Metric):
    """Distances over a length: the distance of the two points that are the eyes, the root of the area of the box around
    the true points, or 1. Points that are not visible do not count where the data set tells them."""

    annotation = LandmarksAnnotation
    prediction = LandmarksPrediction
    normalization: str = option("eyes", "the length that distances are told in", choices=NORMALIZATIONS)
    eyes: tuple[int, ...] = option((), "which points are the eyes [as the data set says]")
    only_2d: bool = option(False, "the third coordinate does not count")

    def __post_init__(self) -> None:
        if len(self.eyes) not in (0, 2):
            raise UsageError(f"option 'eyes' has {len(self.eyes)} points, two are needed")

    def add(self, counted: list[Array], annotation: LandmarksAnnotation, prediction: LandmarksPrediction) -> None:
        found = self.distances(annotation, prediction)
        if counted and len(found) != len(counted[0]):
            what = f"has {len(found)} points, others have {len(counted[0])}"
            raise VinocError(what, f"'{annotation.identifier}'")
        counted.append(found)

    def result(self, counted: list[Array]) -> Result:
        if not counted:
            return Result(float("nan"), unit="", higher_is_better=False)
        return self.told(np.stack(counted))

    @abstractmethod
    def told(self, distances: Array) -> Result:
        """Of distances [samples, points], NaN where a point does not count."""

    def distances(self, annotation: LandmarksAnnotation, prediction: LandmarksPrediction) -> Array:
        true, said = (np.asarray(p.points, np.float64) for p in (annotation, prediction))
        if self.only_2d:
            true, said = true[:, :2], said[:, :2]
        if true.shape != said.shape:
            what = f"the annotation has points {list(true.shape)}, the prediction {list(said.shape)}"
            raise VinocError(what, f"'{annotation.identifier}'")
        off: Array = np.linalg.norm(said - true, axis=1) / self._length(annotation, true)
        return off if annotation.visible is None else np.where(annotation.visible, off, np.nan)

    def _length(self, annotation: LandmarksAnnotation, true: Array) -> float:
        if self.normalization == "none":
            return 1.0
        if self.normalization == "box":
            length = float(np.sqrt(np.prod(true[:, :2].max(axis=0) - true[:, :2].min(axis=0))))
        else:
            eyes = self.eyes or annotation.eyes
            if eyes is None or max(eyes) >= len(true) or min(eyes) < 0:
                where = f"metric '{self.name}', '{annotation.identifier}'"
                raise VinocError(
                    "which points are the eyes is not known", where, "eyes: 33, 263, or normalization: box"
                )
            length = float(np.linalg.norm(true[eyes[0]] - true[eyes[1]]))
        return max(length, float(np.finfo(np.float64).eps))


@metric("normed_error")
class NormedError(_Landmarks):
    """The mean distance of the points of a face over the distance of its eyes, and the mean of the faces.

    Sagonas et al., "300 faces in-the-wild challenge", 2013, section 4.
    """

    calculate_std: bool = option(False, "the standard deviation of the faces is told")
    percentile: float | None = option(None, "the mean distance that so many per cent of the faces have at most",
                                      low=0, high=100)  # fmt: skip

    def told(self, distances: Array) -> Result:
        faces = np.array([mean_of(row) for row in distances])
        parts = {}
        if self.calculate_std:
            parts["std"] = float(np.nanstd(faces))
        if self.percentile is not None:
            at = min(int(len(faces) * self.percentile / 100), len(faces) - 1)
            parts[f"{self.percentile:g}th percentile"] = float(np.sort(faces)[at])
        return Result(mean_of(faces), parts, "", higher_is_better=False)


@metric("nme")
class NormalizedMeanError(NormedError):
    """`normed_error` over the root of the area of the box around the true points.

    Zhu et al., "Face alignment across large poses: a 3D solution", 2016, section 5.2.
    """

    normalization: str = option("box", "the length that distances are told in", choices=NORMALIZATIONS)


@metric("per_point_normed_error")
class PerPointNormedError(_Landmarks):
    """The mean distance of each point over the distance of the eyes, and the mean of the points."""

    def told(self, distances: Array) -> Result:
        points = np.array([mean_of(column) for column in distances.T])
        parts = {f"point_{i}_normed_error": float(v) for i, v in enumerate(points)}
        return Result(mean_of(points), parts, "", higher_is_better=False)
