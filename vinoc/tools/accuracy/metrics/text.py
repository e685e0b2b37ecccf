"""What was read or heard, against what is written."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from ..base import Metric, Result, metric
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


class _Texts(Metric):
    """The sum of a number of each sample over that of another."""

    annotation = TextAnnotation
    prediction = TextPrediction
    higher: ClassVar[bool] = True

    @abstractmethod
    def count(self, true: str, said: str) -> tuple[int, int]:
        """What is summed above and below the line."""

    def add(self, counted: list[tuple[int, int]], annotation: TextAnnotation, prediction: TextPrediction) -> None:
        counted.append(self.count(annotation.text, prediction.text))

    def result(self, counted: list[tuple[int, int]]) -> Result:
        over, under = (sum(pair[i] for pair in counted) for i in (0, 1))
        value = over / under if under else (0.0 if not over else float("inf"))
        return Result(value if under or not self.higher else float("nan"), higher_is_better=self.higher)


class _Errors(_Texts):
    higher = False


@metric("character_recognition_accuracy")
class CharacterRecognitionAccuracy(_Texts):
    """The share of texts that were read exactly, case and all."""

    remove_spaces: bool = option(False, "spaces do not count")

    def count(self, true: str, said: str) -> tuple[int, int]:
        if self.remove_spaces:
            true, said = true.replace(" ", ""), said.replace(" ", "")
        return int(true == said), 1


@metric("label_level_recognition_accuracy")
class LabelLevelRecognitionAccuracy(_Texts):
    """1 - `cer`: below 0 where more edits are needed than there are characters.

    Graves et al., "Connectionist temporal classification", 2006, section 2 (label error rate).
    """

    def count(self, true: str, said: str) -> tuple[int, int]:
        return len(true) - edits(true, said), len(true)


@metric("ser")
class SentenceErrors(_Errors):
    """The share of texts that were not read exactly, but for spaces."""

    def count(self, true: str, said: str) -> tuple[int, int]:
        return int(true.split() != said.split()), 1


@metric("cer")
class CharacterErrors(_Errors):
    """Edits of characters that make what was read what is written, of all texts, over the characters of all texts."""

    def count(self, true: str, said: str) -> tuple[int, int]:
        return edits(true, said), len(true)


@metric("wer")
class WordErrors(_Errors):
    """Edits of words that make what was heard what was said, of all texts, over the words of all texts."""

    def count(self, true: str, said: str) -> tuple[int, int]:
        return edits(true.split(), said.split()), len(true.split())
