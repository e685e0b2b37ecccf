"""Counts of what is true against what was said, [classes, classes], and what is computed from them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ....ir.dtype import Array
from ...charts.drawing import FAINT, INK, Drawing, Rect, Text, text_width
from ..base import Dataset


class Counts:
    """`matrix[i, j]`: how often class i was taken for class j. It grows as classes turn up."""

    def __init__(self, dataset: Dataset) -> None:
        self.names = dict(dataset.labels)
        size = max(self.names, default=-1) + 1
        self.matrix = np.zeros((size, size), np.int64)

    def add(self, true: Array, said: Array) -> None:
        """Classes of the same shape."""
        true, said = true.reshape(-1).astype(np.int64), said.reshape(-1).astype(np.int64)
        if not true.size:
            return
        self._grow(int(max(true.max(), said.max())) + 1)
        size = len(self.matrix)
        self.matrix += np.bincount(true * size + said, minlength=size * size).reshape(size, size)

    def _grow(self, size: int) -> None:
        more = size - len(self.matrix)
        if more > 0:
            self.matrix = np.pad(self.matrix, ((0, more), (0, more)))

    def name(self, label: int) -> str:
        return self.names.get(label, str(label))


def shares(over: Array, under: Array) -> Array:
    """over / under, NaN where that is 0 / 0."""
    over = over.astype(np.float64)
    out: Array = np.divide(over, under, out=np.full(over.shape, np.nan), where=under != 0)
    return out


def recalls(matrix: Array) -> Array:
    """Of each class, which share of it was found: TP / (TP + FN). NaN for classes that there are none of."""
    return shares(np.diag(matrix), matrix.sum(axis=1))


def precisions(matrix: Array) -> Array:
    """Of each class, which share of what was said to be it is: TP / (TP + FP).

    0 for classes that were never said, NaN for those that there are none of either.
    """
    out = shares(np.diag(matrix), matrix.sum(axis=0))
    return np.where(np.isnan(out) & (matrix.sum(axis=1) > 0), 0.0, out)


def f1_scores(matrix: Array) -> Array:
    """2 TP / (2 TP + FP + FN), the harmonic mean of precision and recall. NaN for classes that do not turn up."""
    return shares(2 * np.diag(matrix), matrix.sum(axis=0) + matrix.sum(axis=1))


def unions(matrix: Array) -> Array:
    """TP / (TP + FP + FN): intersection over union. NaN for classes that do not turn up."""
    return shares(np.diag(matrix), matrix.sum(axis=0) + matrix.sum(axis=1) - np.diag(matrix))


def mean_of(values: Array) -> float:
    """Of those that are not NaN; NaN when all are."""
    good = values[~np.isnan(values)]
    return float(good.mean()) if good.size else float("nan")


CELL, MOST = 26.0, 40
LEGEND = "across: what was said; down: what is true; shares of the true class in %"


def picture(counts: Counts, title: str) -> Drawing:
    """The matrix, each row in shares of its class; of many classes those that are confused most."""
    matrix = counts.matrix
    shown = _most_confused(matrix)
    labels = {i: f"{i} {counts.names[i]}" if i in counts.names else str(i) for i in shown}
    left = min(max([text_width(n, 11) for n in labels.values()] or [0.0]), 180.0) + 60
    top = 70.0
    size = CELL * len(shown)
    drawing = Drawing(max(left + size + 30, 32 + text_width(LEGEND, 11)), top + size + 20, title)
    drawing.add(Text(16, 26, title, "start", 15), Text(16, top - 26, LEGEND, "start", 11, FAINT))
    for row, i in enumerate(shown):
        y = top + CELL * row
        drawing.add(Text(left - 6, y + CELL * 0.65, _short(labels[i]), "end", 11))
        drawing.add(Text(left + CELL * (row + 0.5), top - 6, str(i), "middle", 10, FAINT))
        total = int(matrix[i].sum())
        for column, j in enumerate(shown):
            drawing.add(
                *_cell(left + CELL * column, y, int(matrix[i, j]), total, i == j, (counts.name(i), counts.name(j)))
            )
    return drawing


def _short(name: str) -> str:
    return name if len(name) <= 28 else f"{name[:27]}…"


def _most_confused(matrix: Array) -> list[int]:
    """Classes that turn up; where there are too many, those with the most wrong."""
    there = np.flatnonzero(matrix.sum(axis=0) + matrix.sum(axis=1))
    wrong = matrix.sum(axis=0) + matrix.sum(axis=1) - 2 * np.diag(matrix)
    return sorted(int(i) for i in there[np.argsort(-wrong[there], kind="stable")][:MOST])


def _cell(x: float, y: float, count: int, total: int, right: bool, names: tuple[str, str]) -> list[Rect | Text]:
    share = count / total if total else 0.0
    base = (0x22, 0x88, 0x33) if right else (0xEE, 0x66, 0x77)
    fill = "#" + "".join(f"{round(255 - (255 - c) * share**0.5):02x}" for c in base)
    told = f"{names[0]} taken for {names[1]}: {count} of {total}"
    out: list[Rect | Text] = [Rect(x, y, CELL - 1, CELL - 1, fill, "", told)]
    if count:
        text = f"{100 * share:.0f}" if 100 * share >= 1 else "<1"
        out.append(Text(x + CELL / 2, y + CELL * 0.65, text, "middle", 10, INK))
    return out


def by_name(values: Array, counts: Counts, left_out: int | None = None) -> Mapping[str, float]:
    """Values of classes under their names; those that are NaN, and one class, left out."""
    return {counts.name(i): float(v) for i, v in enumerate(values) if not np.isnan(v) and i != left_out}
