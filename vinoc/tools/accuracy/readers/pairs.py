"""Pairs of faces: whether two pictures are of one person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError
from ...inputs.images import read_image
from ..base import Dataset, Reader, reader
from ..options import option
from ..representation import Meta, PairsAnnotation
from .arrays import CONVERTED, unpickled
from .common import FileReader, Problem, lines_of, number


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
        found = [
            PairsAnnotation(identifier=n, meta=Meta(more={"keypoints": points[n]} if n in points else {}),
                            same=tuple(same[n]), other=tuple(other[n]))
            for n in seen
        ]  # fmt: skip
        return self.dataset(found, problems, {}, more={"folds": sets if each else 1})

    def _picture(self, person: str, index: str) -> str:
        return f"{person}/{person}_{int(index):04d}.{self.extension}"

    def _points(self, problems: Problem) -> dict[str, np.ndarray]:
        found = {}
        for i, line in lines_of(self.landmarks_file) if self.landmarks_file is not None else []:
            name, *words = line.split("\t")
            with problems.told(f"points of '{name}' cannot be read", i, self.landmarks_file):
                values = [number(word, float) for word in words]
                if not values or len(values) % 2:
                    raise ValueError(f"x and y of points are needed, there are {len(values)} numbers")
                found[name] = np.array(values).reshape(-1, 2)
        return found


def _sets(heading: Sequence[str]) -> tuple[int, int]:
    """How many sets, and how many pairs of each kind in a set; `300` alone is one set."""
    if not heading or len(heading) > 2 or not all(word.isdigit() for word in heading):
        return 1, 0
    return (int(heading[0]), int(heading[1])) if len(heading) == 2 else (1, int(heading[0]))


@reader("face_recognition_bin")
class FaceRecognitionBin(Reader):
    """InsightFace's .bin files: a pickle of encoded images, two of each pair, and of whether these are the same."""

    bin_file: Path = option(doc="lfw.bin, cfp_fp.bin, ...")
    ignored = CONVERTED

    def read(self) -> Dataset:
        found = unpickled(self.bin_file)
        where = str(self.bin_file)
        if not isinstance(found, list | tuple) or len(found) != 2 or len(found[0]) != 2 * len(found[1]):
            raise UsageError("is no pair of images and of whether pairs are the same", where)
        images, same = list(found[0]), [bool(s) for s in found[1]]
        annotations = []
        for i, flag in enumerate(same):
            link = ((f"{2 * i + 1}.png", 0),)
            first = PairsAnnotation(identifier=f"{2 * i}.png", same=link if flag else (), other=() if flag else link)
            annotations += [first, PairsAnnotation(identifier=link[0][0])]

        def pixels(identifier: str) -> Array:
            return _decoded(images[int(identifier.removesuffix(".png"))], f"{where}: {identifier}")

        return Dataset(tuple(annotations), images=pixels)


def _decoded(data: object, where: str) -> Array:
    """Pixels of an encoded image, which a pickle holds as bytes, as text of latin1 or as an array of bytes."""
    if isinstance(data, np.ndarray):
        data = data.astype(np.uint8).tobytes()
    raw = data.encode("latin1") if isinstance(data, str) else data
    if not isinstance(raw, bytes):
        raise UsageError(f"is {type(raw).__name__}, not an encoded image", where)
    return read_image(raw, where)
