"""What was read or heard, against what is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..base import Dataset, Meter, Metric, Result, metric
from ..options import option
from ..representation import TextAnnotation, TextPrediction


def edits(first: Sequence[str], second: Sequence[str]) -> int:
    """The least number of insertions, deletions and substitutions that make one sequence the other.

    Levenshtein, "Binary codes capable of correcting deletions, insertions and reversals", 1966; row by row, as Wagner
    and Fischer, "The string-to-string correction problem", 1974.
    """
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        diagonal, row[0] = row[0], i
        for j, b in enumerate(second, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (a != b))
    return row[-1]


@dataclass
class _TextMeter(Meter):
    """Sums of two numbers for each sample; the value is their ratio."""

    count: Callable[[str, str], tuple[int, int]]
    higher: bool
    over: int = 0
    under: int = 0

    def add(self, annotation: TextAnnotation, prediction: TextPrediction) -> None:
        over, under = self.count(annotation.text, prediction.text)
        self.over += over
        self.under += under

    def result(self) -> Result:
        value = self.over / self.under if self.under else (0.0 if not self.over else float("inf"))
        return Result(value if self.under or not self.higher else float("nan"), higher_is_better=self.higher)


class _Texts(Metric):
    annotation = TextAnnotation
    prediction = TextPrediction


@metric("character_recognition_accuracy")
class CharacterRecognitionAccuracy(_Texts):
    """The share of texts that were read exactly, case and all."""

    remove_spaces: bool = option(False, "spaces do not count")

    def start(self, dataset: Dataset) -> Meter:
        return _TextMeter(self._count, higher=True)

    def _count(self, true: str, said: str) -> tuple[int, int]:
        if self.remove_spaces:
            true, said = true.replace(" ", ""), said.replace(" ", "")
        return int(true == said), 1


@metric("label_level_recognition_accuracy")
class LabelLevelRecognitionAccuracy(_Texts):
    """1 - `cer`: below 0 where more edits are needed than there are characters.

    Graves et al., "Connectionist temporal classification", 2006, section 2 (label error rate).
    """

    def start(self, dataset: Dataset) -> Meter:
        return _TextMeter(lambda true, said: (len(true) - edits(true, said), len(true)), higher=True)


@metric("ser")
class SentenceErrors(_Texts):
    """The share of texts that were not read exactly, but for spaces."""

    def start(self, dataset: Dataset) -> Meter:
        return _TextMeter(lambda true, said: (int(true.split() != said.split()), 1), higher=False)


@metric("cer")
class CharacterErrors(_Texts):
    """Edits of characters that make what was read what is written, of all texts, over the characters of all texts."""

    def start(self, dataset: Dataset) -> Meter:
        return _TextMeter(lambda true, said: (edits(true, said), len(true)), higher=False)


@metric("wer")
class WordErrors(_Texts):
    """Edits of words that make what was heard what was said, of all texts, over the words of all texts."""

    def start(self, dataset: Dataset) -> Meter:
        return _TextMeter(lambda true, said: (edits(true.split(), said.split()), len(true.split())), higher=False)
