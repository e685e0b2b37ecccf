"""Objects in images: Pascal VOC, WIDER FACE, lists of boxes in text files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from ....ir.errors import UsageError, did_you_mean
from ..annotations import outside, reaching_out
from ..base import Dataset, Reader, reader
from ..options import option
from ..representation import Annotation, DetectionAnnotation, Meta
from .common import (
    FileReader,
    Problem,
    check_labels,
    existing,
    lines_of,
    meta_of,
    number,
    pairs_of,
    read_json,
    read_text,
    with_background,
)

VOC = ("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
       "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor")  # fmt: skip
"""The classes of Pascal VOC 2007 to 2012, in the order of the devkit."""


@dataclass
class Objects:
    """The objects of one image, as they are read."""

    boxes: list[Sequence[float]] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    difficult: list[bool] = field(default_factory=list)
    crowds: list[bool] = field(default_factory=list)
    areas: list[float] = field(default_factory=list)

    def annotation(self, identifier: str, size: tuple[int, int] | None = None) -> DetectionAnnotation:
        return DetectionAnnotation(
            identifier=identifier,
            meta=Meta(size=size),
            boxes=np.array(self.boxes, np.float64).reshape(-1, 4),
            labels=np.array(self.labels, np.int64),
            difficult=np.array(self.difficult, bool) if self.difficult else None,
            crowds=np.array(self.crowds, bool) if self.crowds else None,
            areas=np.array(self.areas, np.float64) if self.areas else None,
        )


class ObjectsReader(FileReader):
    """A reader whose boxes are held against the sizes of the images, where these are known."""

    def dataset(self, found: Sequence[Annotation], problems: Problem, labels: Mapping[int, str],
                background: int | None = None, **more: Any) -> Dataset:  # fmt: skip
        """Boxes that make no sense are problems; what is odd about others is noted."""
        odd = 0
        for a in found:
            if isinstance(a, DetectionAnnotation) and a.meta.size is not None:
                problems.found += outside(a, a.meta.size, problems.where)
                odd += reaching_out(a, a.meta.size)
        notes = (f"{problems.where}: {odd} boxes reach out of their images by more than a pixel",) if odd else ()
        return super().dataset(found, problems, labels, background, notes=notes, **more)


@reader("voc_detection")
class VocDetection(ObjectsReader):
    """Pascal VOC: an XML file for each image of a list; boxes move by -1, so that pixels count from 0."""

    imageset_file: Path = option(doc="ImageSets/Main/test.txt: the names of the images, without suffix")
    annotations_dir: Path = option(doc="Annotations, the folder of the XML files")
    has_background: bool = option(True, "class 0 is the background, aeroplane is 1")

    def read(self) -> Dataset:
        existing(self.annotations_dir, "folder")
        shift = int(self.has_background)
        labels, background = meta_of(self.dataset_meta_file, shift)
        labels = labels or {i + shift: name for i, name in enumerate(VOC)}
        numbers = {name: i for i, name in labels.items()}
        problems = Problem(str(self.imageset_file))
        found = []
        for i, line in lines_of(self.imageset_file):
            path = self.annotations_dir / f"{line.split()[0]}.xml"
            if not path.is_file():
                problems.add(f"there is no annotation '{path}'", i)
                continue
            annotation = _voc_file(path, numbers, problems)
            if annotation is not None:
                found.append(annotation)
        if self.has_background:
            background = 0
            labels = {0: "__background__", **labels}
        return self.dataset(found, problems, labels, background)


def _voc_file(path: Path, numbers: dict[str, int], problems: Problem) -> DetectionAnnotation | None:
    try:
        root = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, OSError) as error:
        problems.add(f"is no XML: {error}", path=path)
        return None
    objects = Objects()
    for i, entry in enumerate(root.iter("object"), 1):
        with problems.told(f"object {i} cannot be read", path=path):
            name = (entry.findtext("name") or "").strip()
            if name not in numbers:
                raise ValueError(f"there is no class '{name}'; {did_you_mean(name, numbers)}".rstrip("; "))
            edges = [entry.findtext(f"bndbox/{edge}") for edge in ("xmin", "ymin", "xmax", "ymax")]
            box = [number((edge or "nothing").strip(), float) - 1 for edge in edges]
            objects.boxes.append(box)
            objects.labels.append(numbers[name])
            objects.difficult.append((entry.findtext("difficult") or "0").strip() == "1")
    height, width = (root.findtext(f"size/{side}") or "" for side in ("height", "width"))
    size = (int(height), int(width)) if height.strip().isdigit() and width.strip().isdigit() else None
    name = (root.findtext("filename") or f"{path.stem}.jpg").strip()
    return objects.annotation(name, size if size and all(size) else None)


@reader("cvat_object_detection")
class CvatObjectDetection(ObjectsReader):
    """CVAT for images, one XML file: boxes `label xtl ytl xbr ybr`; of the paths of images the names count. Boxes of
    other labels are left out, occluded ones are difficult."""

    annotation_file: Path = option(doc="the XML file")
    labels_file: Path | None = option(
        None, 'a JSON file {"labels": {"background": 0, "car": 1}} [those of the XML file]'
    )
    has_background: bool = option(True, "class 0 is the background, the first label is class 1")

    def read(self) -> Dataset:
        problems = Problem(str(self.annotation_file))
        try:
            root = ElementTree.fromstring(read_text(self.annotation_file))
        except ElementTree.ParseError as error:
            raise UsageError(f"is no XML: {error}", str(self.annotation_file)) from error
        labels, background = self._labels(root)
        numbers = {name: i for i, name in labels.items()}
        found = [self._image(image, numbers, problems) for image in root.iter("image")]
        return self.dataset(found, problems, labels, background)

    def _labels(self, root: ElementTree.Element) -> tuple[dict[int, str], int | None]:
        shift = int(self.has_background)
        labels, background = meta_of(self.dataset_meta_file, shift)
        if self.labels_file is not None and not labels:
            given = read_json(self.labels_file)
            named = given.get("labels") if isinstance(given, dict) else None
            if not isinstance(named, dict) or not all(isinstance(i, int) for i in named.values()):
                raise UsageError('has no {"labels": {"name": number}}', str(self.labels_file))
            labels = {i: name for name, i in named.items()}
        if not labels:
            listed = [name.text.strip() for name in root.iterfind("meta//label/name") if name.text]
            labels = with_background({i + shift: name for i, name in enumerate(listed)}, self.has_background)
        return labels, 0 if self.has_background else background

    def _image(self, image: ElementTree.Element, numbers: dict[str, int], problems: Problem) -> DetectionAnnotation:
        objects = Objects()
        name = image.get("name", "").split("/")[-1]
        for i, entry in enumerate(image.iter("box"), 1):
            if entry.get("label") not in numbers:
                continue
            with problems.told(f"box {i} of '{name}' cannot be read"):
                box = [number(entry.get(edge, "nothing"), float) for edge in ("xtl", "ytl", "xbr", "ybr")]
                objects.boxes.append(box)
                objects.labels.append(numbers[entry.get("label", "")])
                objects.difficult.append(entry.get("occluded", "0") == "1")
        height, width = image.get("height", ""), image.get("width", "")
        return objects.annotation(name, (int(height), int(width)) if height.isdigit() and width.isdigit() else None)


@reader("wider")
class Wider(ObjectsReader):
    """WIDER FACE: wider_face_val_bbx_gt.txt. For each image its name, the number of faces, and `x y w h blur expression
    illumination invalid occlusion pose` of each; faces that are invalid count as difficult."""

    annotation_file: Path = option(doc="the list of faces")
    label_start: int = option(1, "the number of the class of faces", low=0)

    def read(self) -> Dataset:
        problems = Problem(str(self.annotation_file))
        lines = lines_of(self.annotation_file)
        found, at = [], 0
        while at < len(lines):
            i, name = lines[at]
            count = lines[at + 1][1] if at + 1 < len(lines) else ""
            if not count.isdigit():
                problems.add(f"the number of faces of '{name}' is needed in the next line", i)
                break
            faces = int(count)
            rows = lines[at + 2 : at + 2 + max(faces, 1)]
            if not faces and rows and len(rows[0][1].split()) < 4:  # some lists leave out the row of zeros
                rows = []
            at += 2 + len(rows)
            found.append(self._faces(name, rows if faces else [], problems))
            if len(rows) < faces:
                problems.add(f"'{name}' has {faces} faces, the file ends after {len(rows)}", i)
        labels, background = meta_of(self.dataset_meta_file, self.label_start)
        if not labels:
            labels = {**({0: "__background__"} if self.label_start else {}), self.label_start: "face"}
            background = 0 if self.label_start else None
        return self.dataset(found, problems, labels, background)

    def _faces(self, name: str, rows: Sequence[tuple[int, str]], problems: Problem) -> DetectionAnnotation:
        objects = Objects()
        for i, line in rows:
            words = line.split()
            with problems.told("a face cannot be read", i):
                if len(words) < 4:
                    raise ValueError(f"x y w h are needed, not '{line}'")
                x, y, w, h = (number(word, float) for word in words[:4])
                objects.boxes.append((x, y, x + max(w, 0), y + max(h, 0)))
                objects.labels.append(self.label_start)
                objects.difficult.append(len(words) > 7 and words[7] == "1")
        return objects.annotation(name)


class _TextBoxes(Reader):
    """A text file for each image, a line for each object that begins with the class."""

    def _read(self, folder: Path, pairs: Sequence[tuple[str, Path]], labels: dict[int, str], shift: int,
              centred: bool) -> tuple[DetectionAnnotation, ...]:  # fmt: skip
        problems = Problem(str(folder))
        found: list[DetectionAnnotation] = []
        used: dict[int, tuple[int | None, Path | None]] = {}
        for name, path in pairs:
            if not path.is_file():
                problems.add(f"there is no annotation '{path}'")
                continue
            objects = Objects()
            for i, line in lines_of(path):
                words = line.split()
                with problems.told("an object cannot be read", i, path):
                    if len(words) != 5:
                        raise ValueError(f"a class and 4 numbers are needed, not '{line}'")
                    label = number(words[0], int) + shift
                    a, b, c, d = (number(word, float) for word in words[1:])
                    used.setdefault(label, (i, path))
                    objects.labels.append(label)
                    objects.boxes.append((a - c / 2, b - d / 2, a + c / 2, b + d / 2) if centred else (a, b, c, d))
            found.append(objects.annotation(name))
        check_labels(problems, used, labels)
        problems.check()
        return tuple(found)


@reader("yolo_labeling")
class YoloLabeling(_TextBoxes):
    """YOLO's text files: `class x y w h`, the centre and the sides of the box as shares of the image's size.

    They stay shares: predictions are compared with them as they are, without `resize_prediction_boxes`.
    """

    annotations_dir: Path = option(doc="the folder of the text files")
    images_dir: Path | None = option(None, "the folder of the images: which suffix they have is looked up there")
    labels_file: Path | None = option(None, "names of the classes, one a line")
    images_suffix: str = option(".jpg", "the suffix of the images")

    def read(self) -> Dataset:
        files = sorted(existing(self.annotations_dir, "folder").glob("*.txt"))
        if not files:
            raise UsageError("there are no .txt files in it", str(self.annotations_dir))
        labels = {} if self.labels_file is None else {i: n for i, (_, n) in enumerate(lines_of(self.labels_file))}
        pairs = [(self._image(path), path) for path in files]
        found = self._read(self.annotations_dir, pairs, labels, 0, centred=True)
        used = sorted({int(label) for a in found for label in a.labels})
        return Dataset(found, labels or {i: str(i) for i in used})

    def _image(self, path: Path) -> str:
        if self.images_dir is not None and not (self.images_dir / f"{path.stem}{self.images_suffix}").is_file():
            for other in sorted(self.images_dir.glob(f"{path.stem}.*")):
                return other.name
        return f"{path.stem}{self.images_suffix}"


@reader("common_object_detection")
class CommonObjectDetection(_TextBoxes):
    """A text file for each image: `class x0 y0 x1 y1` in pixels."""

    annotation_dir: Path = option(doc="the folder of the text files")
    labels_file: Path = option(doc="names of the classes, one a line")
    pairs_file: Path | None = option(None, "`image annotation` on each line [NAME.jpg belongs to NAME.txt]")
    images_dir: Path | None = option(None, "not needed")
    has_background: bool = option(False, "class 0 is the background, the first name is class 1")
    add_background_to_label_id: bool = option(False, "the classes in the files count from 0 without the background")

    def read(self) -> Dataset:
        existing(self.annotation_dir, "folder")
        shift = int(self.has_background)
        labels = {i + shift: name for i, (_, name) in enumerate(lines_of(self.labels_file))}
        labels = with_background(labels, self.has_background)
        if self.pairs_file is None:
            pairs = [(f"{path.stem}.jpg", path) for path in sorted(self.annotation_dir.glob("*.txt"))]
        else:
            problems = Problem(str(self.pairs_file))
            named = pairs_of(self.pairs_file, problems, "an image and an annotation")
            pairs = [(image, self.annotation_dir / annotation) for _, image, annotation in named]
            problems.check()
        moved = int(self.add_background_to_label_id)
        found = self._read(self.annotation_dir, pairs, labels, moved, centred=False)
        return Dataset(found, labels, 0 if self.has_background else None)
