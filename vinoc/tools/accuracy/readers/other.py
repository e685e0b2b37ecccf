"""Texts in images, points on faces."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from ....ir.errors import UsageError
from ..base import Dataset, reader
from ..options import option
from ..representation import LandmarksAnnotation, Meta, TextAnnotation
from .common import FileReader, Problem, lines_of, number, pairs_of, read_text

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
        for i, label, character in pairs_of(self.decoding_dictionary_file, problems, "a class and a character"):
            with problems.told("a class and a character are needed", i):
                labels[number(label, int)] = character
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
            with problems.told("cannot be read", i + 2):
                points = np.array([[number(row[f"P{p}{axis}"], float) for axis in "XY"] for p in range(1, 6)])
                more = {}
                if boxes is not None and i < len(boxes):
                    x, y, w, h = (max(number(boxes[i][side], int), 0) for side in "XYWH")
                    more = {"rect": (x, y, x + w, y + h)}
                name = f"{row['NAME_ID']}.jpg"
                found.append(LandmarksAnnotation(identifier=name, meta=Meta(more=more), points=points, eyes=EYES))
        names = ("Left Eye", "Right Eye", "Nose", "Left Mouth Corner", "Right Mouth Corner")
        return self.dataset(found, problems, dict(enumerate(names)))


def _table(path: Path) -> list[dict[str, str]]:
    try:
        return [{str(k): str(v) for k, v in row.items()} for row in csv.DictReader(read_text(path).splitlines())]
    except csv.Error as error:
        raise UsageError(f"is no table: {error}", str(path)) from error
