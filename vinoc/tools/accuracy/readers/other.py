"""Texts in images, pairs of faces, points on faces."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ....ir.errors import UsageError
from ..base import Dataset, reader
from ..options import option
from ..representation import LandmarksAnnotation, Meta, PairsAnnotation, TextAnnotation
from .common import FileReader, Problem, lines_of, number, read_text

ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
"""The characters of ICDAR 2013's word recognition, in the order in which models of Open Model Zoo number them."""


class _Texts(FileReader):
    def _texts(self, path: Path, delimiter: str, quoted: bool = False) -> tuple[TextAnnotation, ...]:
        problems = Problem(str(path))
        found = []
        for i, line in lines_of(path):
            name, _, text = line.partition(delimiter)
            text = text.strip()
            if quoted and len(text) > 1 and text[0] == text[-1] == '"':
                text = text[1:-1]
            if not name.strip() or not text:
                problems.add(f"a name and a text are needed, not '{line}'", i)
                continue
            found.append(TextAnnotation(identifier=name.strip().rstrip(","), text=text))
        self.check_images(problems, self.images_dir, [a.identifier for a in found])
        problems.check()
        return tuple(found)


@reader("icdar13_recognition")
class Icdar13Recognition(_Texts):
    """A list with `name text` on each line."""

    annotation_file: Path = option(doc="the list")
    delimeter: str = option("space", "what stands between name and text", choices=("space", "tab"))

    def read(self) -> Dataset:
        found = self._texts(self.annotation_file, " " if self.delimeter == "space" else "\t", quoted=True)
        return Dataset(found, dict(enumerate(ALPHABET)), more={"blank_label": len(ALPHABET)})


@reader("common_text_recognition", "text_list")
class CommonTextRecognition(_Texts):
    """A list with `name text` on each line; texts may have spaces, labels are the characters of all texts in order."""

    annotation_file: Path = option(doc="the list")
    alphabet_file: Path | None = option(None, "the characters that a model knows, one a line, in its order")

    def read(self) -> Dataset:
        found = self._texts(self.annotation_file, " ")
        if self.alphabet_file is None:
            characters = sorted({c for a in found for c in a.text})
        else:
            characters = read_text(self.alphabet_file).splitlines()
        return Dataset(found, dict(enumerate(characters)))


@reader("lpr_txt")
class LicensePlates(_Texts):
    """A list with `name text` on each line; texts NA are left out."""

    annotation_file: Path = option(doc="the list")
    decoding_dictionary_file: Path = option(doc="a list with `class character` on each line")

    def read(self) -> Dataset:
        found = tuple(a for a in self._texts(self.annotation_file, " ") if a.text != "NA")
        problems = Problem(str(self.decoding_dictionary_file))
        labels = {}
        for i, line in lines_of(self.decoding_dictionary_file):
            words = line.split()
            if len(words) != 2 or not words[0].isdigit():
                problems.add(f"a class and a character are needed, not '{line}'", i)
                continue
            labels[int(words[0])] = words[1]
        problems.check()
        return Dataset(found, labels)


@reader("unicode_character_recognition", "kondate_nakayosi_recognition")
class UnicodeCharacterRecognition(_Texts):
    """A list with `name,text` on each line; class 0 is the blank, the first character is class 1."""

    annotation_file: Path = option(doc="the list")
    decoding_char_file: Path = option(doc="the characters, in the order of their classes")

    def read(self) -> Dataset:
        found = self._texts(self.annotation_file, ",")
        characters = "".join(read_text(self.decoding_char_file).split("\n"))
        return Dataset(found, dict(enumerate(characters, 1)), more={"blank_label": 0})


@reader("lfw")
class Lfw(FileReader):
    """Labeled Faces in the Wild: pairs.txt. `name 1 2` are two pictures of one person, `name 1 other 2` of two.

    The first line may say how many sets there are and how many pairs of each kind a set has: the sets are the folds of
    the cross-validation (Huang et al., "Labeled Faces in the Wild", 2007, view 2).
    """

    pairs_file: Path = option(doc="pairs.txt")
    landmarks_file: Path | None = option(None, "`name x y x y ...` with tabs: points of each picture")
    extension: str = option("jpg", "the suffix of the pictures", choices=("jpg", "png"))

    def read(self) -> Dataset:
        problems = Problem(str(self.pairs_file))
        lines = lines_of(self.pairs_file)
        heading = lines[0][1].split() if lines else []
        sets, each = _sets(heading)
        same: dict[str, list[tuple[str, int]]] = defaultdict(list)
        other: dict[str, list[tuple[str, int]]] = defaultdict(list)
        seen: dict[str, None] = {}
        counted = 0
        begin = 1 if heading and len(heading) < 3 else 0
        for i, line in lines[begin:]:
            words = line.split("\t") if line.count("\t") in (2, 3) else line.split()
            if len(words) not in (3, 4) or not words[1].isdigit() or not words[-1].isdigit():
                problems.add(f"`name 1 2` or `name 1 other 2` is needed, not '{line}'", i)
                continue
            first = self._picture(words[0], words[1])
            second = self._picture(words[0] if len(words) == 3 else words[2], words[-1])
            fold = min(counted // (2 * each), sets - 1) if each else 0
            (same if len(words) == 3 else other)[first].append((second, fold))
            seen |= {first: None, second: None}
            counted += 1
        points = self._points(problems)
        self.check_images(problems, self.images_dir, list(seen))
        problems.check()
        found = tuple(
            PairsAnnotation(identifier=n, meta=Meta(more={"keypoints": points[n]} if n in points else {}),
                            same=tuple(same[n]), other=tuple(other[n]))
            for n in seen
        )  # fmt: skip
        return Dataset(found, more={"folds": sets if each else 1})

    def _picture(self, person: str, index: str) -> str:
        return f"{person}/{person}_{int(index):04d}.{self.extension}"

    def _points(self, problems: Problem) -> dict[str, np.ndarray]:  # type: ignore[type-arg]
        found = {}
        for i, line in lines_of(self.landmarks_file) if self.landmarks_file is not None else []:
            name, *words = line.split("\t")
            try:
                values = [number(word, float) for word in words]
                if not values or len(values) % 2:
                    raise ValueError(f"x and y of points are needed, there are {len(values)} numbers")
                found[name] = np.array(values).reshape(-1, 2)
            except ValueError as error:
                problems.add(f"points of '{name}' cannot be read: {error}", i, self.landmarks_file)
        return found


def _sets(heading: Sequence[str]) -> tuple[int, int]:
    """How many sets, and how many pairs of each kind in a set; `300` alone is one set."""
    if not heading or len(heading) > 2 or not all(word.isdigit() for word in heading):
        return 1, 0
    return (int(heading[0]), int(heading[1])) if len(heading) == 2 else (1, int(heading[0]))


EYES = (0, 1)
"""Which of VGGFace2's points are the eyes."""


@reader("vgg_face")
class VggFace(FileReader):
    """VGGFace2's tables: NAME_ID, P1X, P1Y to P5X, P5Y: eyes, nose, corners of the mouth; and X, Y, W, H of faces."""

    landmarks_csv_file: Path = option(doc="the table of points")
    bbox_csv_file: Path | None = option(None, "the table of faces, in the same order")

    def read(self) -> Dataset:
        problems = Problem(str(self.landmarks_csv_file))
        rows = _table(self.landmarks_csv_file)
        boxes = _table(self.bbox_csv_file) if self.bbox_csv_file is not None else None
        if boxes is not None and len(boxes) != len(rows):
            problems.add(f"has {len(boxes)} faces, there are {len(rows)} sets of points", path=self.bbox_csv_file)
        found = []
        for i, row in enumerate(rows):
            try:
                points = np.array([[number(row[f"P{p}{axis}"], float) for axis in "XY"] for p in range(1, 6)])
                more = {}
                if boxes is not None and i < len(boxes):
                    x, y, w, h = (max(number(boxes[i][side], int), 0) for side in "XYWH")
                    more = {"rect": (x, y, x + w, y + h)}
                name = f"{row['NAME_ID']}.jpg"
            except (KeyError, ValueError) as error:
                what = f"there is no column {error}" if isinstance(error, KeyError) else str(error)
                problems.add(f"cannot be read: {what}", i + 2)
                continue
            found.append(LandmarksAnnotation(identifier=name, meta=Meta(more=more), points=points, eyes=EYES))
        self.check_images(problems, self.images_dir, [a.identifier for a in found])
        problems.check()
        names = ("Left Eye", "Right Eye", "Nose", "Left Mouth Corner", "Right Mouth Corner")
        return Dataset(tuple(found), dict(enumerate(names)))


def _table(path: Path) -> list[dict[str, str]]:
    try:
        return [{str(k): str(v) for k, v in row.items()} for row in csv.DictReader(read_text(path).splitlines())]
    except csv.Error as error:
        raise UsageError(f"is no table: {error}", str(path)) from error
