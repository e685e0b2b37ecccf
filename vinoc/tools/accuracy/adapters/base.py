"""What adapters are given and what they give."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError, nearest
from ..base import Named
from ..registry import Registry
from ..representation import Meta, Prediction

ENDINGS = ("/sink_port_0", ":0", "/Output_0")
"""what tools append to the names of outputs"""


@dataclass(frozen=True)
class Outputs:
    """The outputs of one inference: arrays, the names of each."""

    names: Sequence[tuple[str, ...]]
    arrays: Sequence[Array]

    def __getitem__(self, name: str | None) -> Array:
        """The output of a name, whatever tools have appended to it; None: the first. Raises UsageError."""
        if name is None:
            return self.arrays[0]
        for wanted in (name, *(name + e for e in ENDINGS), *(name.removesuffix(e) for e in ENDINGS)):
            for names, array in zip(self.names, self.arrays, strict=True):
                if wanted in names:
                    return array
        raise self._unknown(f"the model has no output '{name}'", name)

    def like(self, pattern: str) -> Array:
        """The one output of that name, or with a name that begins with a match of the pattern. Raises UsageError."""
        if any(pattern in names for names in self.names):
            return self[pattern]
        try:
            found = [i for i, names in enumerate(self.names) if any(re.match(pattern, n) for n in names)]
        except re.error as error:
            raise UsageError(f"'{pattern}' is no pattern: {error}", "adapter") from error
        if len(found) != 1:
            raise self._unknown(f"{len(found) or 'no'} outputs fit '{pattern}'", pattern)
        return self.arrays[found[0]]

    def _unknown(self, what: str, name: str) -> UsageError:
        return UsageError(what, "adapter", nearest(name, [n for names in self.names for n in names], "it has"))


@dataclass(frozen=True)
class Frames:
    """The samples of one inference.

    size     (height, width) of the model's image input where it has one
    labels   names of the data set's classes by number
    batch    samples that the model has computed: those beyond these fill up the last batch
    """

    identifiers: Sequence[str]
    metas: Sequence[Meta]
    size: tuple[int, int] | None = None
    labels: Mapping[int, str] = field(default_factory=dict)
    batch: int = 1

    def __len__(self) -> int:
        return len(self.identifiers)

    def __iter__(self) -> Iterator[tuple[str, Meta]]:
        return iter(zip(self.identifiers, self.metas, strict=True))

    def input_size(self, meta: Meta) -> tuple[int, int]:
        """(height, width) of the input for a sample. Raises UsageError where it has none."""
        size = self.size or meta.input_size
        if size is None:
            raise UsageError("the model has no image input, whose size the adapter needs", "adapter")
        return size


class Adapter(Named, ABC):
    """Turns outputs into predictions."""

    prediction: ClassVar[type[Prediction]]
    """the kind that it gives"""

    @abstractmethod
    def predict(self, outputs: Outputs, frames: Frames) -> list[Prediction]:
        """One prediction for each sample. Raises UsageError for outputs that it is not for."""


def of_samples(array: Array, frames: Frames) -> Array:
    """An output [samples, ...]; of one sample the first dimension may be missing. Raises UsageError for too few."""
    if len(frames) == frames.batch == 1 and (array.ndim == 0 or len(array) != 1):
        array = array[None]
    if len(array) < len(frames):
        raise UsageError(f"{len(frames)} samples give an output {list(array.shape)}", "adapter")
    return array


def per_sample(array: Array, frames: Frames, rank: int) -> Array:
    """An output [samples, ...] of `rank` dimensions without the samples; of one sample these may be missing.

    Samples beyond those of `frames` fill up a batch: they are left out. Raises UsageError for another shape.
    """
    if array.ndim == rank:
        array = array[None]
    if array.ndim != rank + 1 or len(array) < len(frames):
        wanted = f"an output of rank {rank + 1} with {len(frames)} samples"
        raise UsageError(f"{wanted} is needed, it is {list(array.shape)}", "adapter", "name another output")
    return np.asarray(array[: len(frames)])


adapter: Registry[Adapter] = Registry("adapter", __name__.rpartition(".")[0])
