"""What is found of each class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

from ..base import Dataset

T = TypeVar("T")


class ByClass(defaultdict[int, T]):
    """By the numbers of classes, made when first asked for."""

    def __init__(self, dataset: Dataset, kind: Callable[[], T]) -> None:
        super().__init__(kind)
        self.dataset = dataset

    def name(self, label: int) -> str:
        return self.dataset.labels.get(label, str(label))

    def told(self) -> dict[str, T]:
        """By name: the classes of the data set, or all where it names none; without the background."""
        known, background = self.dataset.labels, self.dataset.background
        return {self.name(c): self[c] for c in sorted(self) if c != background and (c in known or not known)}
