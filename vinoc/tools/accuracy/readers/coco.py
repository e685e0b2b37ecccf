"""MS COCO: objects of a JSON file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ....ir.errors import UsageError
from ..base import Dataset, reader
from ..options import option
from ..representation import DetectionAnnotation
from .common import Problem, meta_of, read_json, with_background
from .detection import Objects, ObjectsReader


@reader("mscoco_detection")
class MsCocoDetection(ObjectsReader):
    """instances_val2017.json: boxes `x y w h`, crowds, areas of outlines. Classes count from 0 in the order of the
    file's categories."""

    annotation_file: Path = option(doc="the JSON file")
    has_background: bool = option(False, "class 0 is the background, all others move up by 1")
    use_full_label_map: bool = option(False, "classes have the numbers of the file's categories")
    sort_annotations: bool = option(True, "samples are in the order of `sort_key`, not of the file")
    sort_key: str = option("image_id", "what samples are sorted by", choices=("image_id", "image_size"))

    def read(self) -> Dataset:
        found = read_json(self.annotation_file)
        where = str(self.annotation_file)
        missing = [k for k in ("images", "annotations", "categories") if not isinstance(_get(found, k), list)]
        if missing:
            raise UsageError(f"has no list of {' and '.join(missing)}", where, "is it an instances_*.json of COCO?")
        problems = Problem(where)
        labels, numbers = self._classes(found["categories"], problems)
        images: dict[Any, tuple[str, tuple[int, int]]] = {}
        for key, name, size in self._images(found["images"], problems):
            if key in images:
                problems.add(f"two images have the id {key}")
            images[key] = (name, size)
        objects: dict[Any, Objects] = defaultdict(Objects)
        for i, entry in enumerate(found["annotations"]):
            _read_object(entry, i, objects, numbers, images, problems)
        order = list(images)
        if self.sort_annotations:
            by_size = self.sort_key == "image_size"
            order.sort(key=lambda i: images[i][1] if by_size else (isinstance(i, str), i))
        annotations: list[DetectionAnnotation] = [objects[i].annotation(*images[i]) for i in order]
        return self.dataset(annotations, problems, labels, 0 if self.has_background else None)

    def _classes(self, categories: list[Any], problems: Problem) -> tuple[dict[int, str], dict[Any, int]]:
        """Names by class, and classes by the numbers of the file."""
        shift = int(self.has_background)
        named, _ = meta_of(self.dataset_meta_file, shift)
        if named:
            return with_background(named, self.has_background), {i: i for i in named}
        labels: dict[int, str] = {}
        numbers: dict[Any, int] = {}
        for i, category in enumerate(categories):
            number, name = _id(category, "id"), _get(category, "name")
            if not isinstance(number, int) or not isinstance(name, str):
                problems.add(f"category {i} has no id and name")
                continue
            numbers[number] = number if self.use_full_label_map else i + shift
            labels[numbers[number]] = name
        return with_background(labels, self.has_background), numbers

    def _images(self, entries: list[Any], problems: Problem) -> Iterator[tuple[Any, str, tuple[int, int]]]:
        for i, entry in enumerate(entries):
            key, name = _id(entry, "id"), _get(entry, "file_name")
            height, width = _get(entry, "height"), _get(entry, "width")
            if key is None or not isinstance(name, str) or not isinstance(height, int) or not isinstance(width, int):
                problems.add(f"image {i} has not id, file_name, height and width")
                continue
            yield key, name, (height, width)


def _get(entry: Any, key: str) -> Any:
    return entry.get(key) if isinstance(entry, dict) else None


def _id(entry: Any, key: str) -> Any:
    found = _get(entry, key)
    return found if isinstance(found, int | str) else None


def _read_object(entry: Any, i: int, objects: dict[Any, Objects], numbers: dict[Any, int],
                 images: dict[Any, Any], problems: Problem) -> None:  # fmt: skip
    box, category, image = _get(entry, "bbox"), _id(entry, "category_id"), _id(entry, "image_id")
    if not isinstance(box, list) or len(box) != 4 or not all(isinstance(v, int | float) for v in box):
        problems.add(f"annotation {i} has no bbox of 4 numbers")
        return
    if image not in images:
        problems.add(f"annotation {i} is of image {image}, which is not among the images")
        return
    if category not in numbers:
        problems.add(f"annotation {i} is of category {category}, which is not among the categories")
        return
    x, y, w, h = box
    of = objects[image]
    of.boxes.append((x, y, x + w, y + h))
    of.labels.append(numbers[category])
    of.crowds.append(bool(_get(entry, "iscrowd")))
    area = _get(entry, "area")
    of.areas.append(float(area) if isinstance(area, int | float) else float(w * h))
