"""Images and their classes: lists, folders."""

from __future__ import annotations

import csv
from pathlib import Path

from ....ir.errors import UsageError, did_you_mean, nearest
from ...inputs.images import SUFFIXES
from ..base import Dataset, Reader, reader
from ..options import option
from ..representation import ClassificationAnnotation
from .common import FileReader, Problem, check_labels, existing, lines_of, meta_of, number, read_text, with_background


@reader("imagenet")
class ImageNet(FileReader):
    """A list with `name class` on each line; the class is a number."""

    annotation_file: Path = option(doc="the list")
    labels_file: Path | None = option(None, "names of the classes: `n01440764 tench`, the first line is class 0")
    has_background: bool = option(False, "class 0 is the background, all others move up by 1")

    def read(self) -> Dataset:
        shift = int(self.has_background)
        labels, background = meta_of(self.dataset_meta_file, shift)
        if self.labels_file is not None and not labels:
            labels = {
                i + shift: line.partition(" ")[2] or line for i, (_, line) in enumerate(lines_of(self.labels_file))
            }
        labels = with_background(labels, self.has_background)
        problems = Problem(str(self.annotation_file))
        found: list[ClassificationAnnotation] = []
        used: dict[int, tuple[int | None, Path | None]] = {}
        for i, line in lines_of(self.annotation_file):
            name, _, label = line.rpartition(" ") if " " in line else line.rpartition("\t")
            with problems.told(f"cannot be read, '{line}'", i):
                klass = number(label, int) + shift
                if not name.strip() or klass < 0:
                    raise ValueError("a name and a class from 0 on are needed")
                used.setdefault(klass, (i, None))
                found.append(ClassificationAnnotation(identifier=name.strip(), label=klass))
        check_labels(problems, used, labels)
        return self.dataset(found, problems, labels, 0 if self.has_background else background)


@reader("cls_dataset_folder", "image_folder")
class ImageFolder(Reader):
    """A folder of images for each class, classes in the order of their names; identifiers are `class/name`."""

    data_dir: Path = option(doc="the folder that has a folder for each class")
    has_background: bool = option(False, "class 0 is the background, the first folder is class 1")

    def read(self) -> Dataset:
        existing(self.data_dir, "folder")
        folders = sorted(p for p in self.data_dir.iterdir() if p.is_dir())
        if not folders:
            raise UsageError("there are no folders in it, which would be the classes", str(self.data_dir))
        shift = int(self.has_background)
        labels = {i + shift: folder.name for i, folder in enumerate(folders)}
        found = [
            ClassificationAnnotation(identifier=f"{folder.name}/{path.name}", label=i + shift)
            for i, folder in enumerate(folders)
            for path in sorted(folder.iterdir())
            if path.suffix.lower() in SUFFIXES | {".npy", ".npz"}
        ]
        if not found:
            raise UsageError("there are no images in the folders of the classes", str(self.data_dir))
        return Dataset(tuple(found), with_background(labels, self.has_background), 0 if shift else None)


@reader("csv")
class Csv(FileReader):
    """A table with a heading; a column has names of files, another the classes, as numbers or names."""

    annotation_file: Path = option(doc="the table")
    name_column: str = option("", "the heading of the names [the first column]")
    label_column: str = option("", "the heading of the classes [the second column]")
    delimiter: str = option(",", "what stands between columns; `tab`")
    labels: tuple[str, ...] = option(
        (), "names of classes in order [numbers, or the names in the order of the alphabet]"
    )

    def read(self) -> Dataset:
        problems = Problem(str(self.annotation_file))
        rows = list(csv.reader(read_text(self.annotation_file).splitlines(), delimiter=self._delimiter()))
        if not rows:
            raise UsageError("the table is empty", str(self.annotation_file))
        at, of = (self._column(rows[0], name, i) for i, name in enumerate((self.name_column, self.label_column)))
        cells: list[tuple[int, str, str]] = []
        for i, row in enumerate(rows[1:], 2):
            if not row:
                continue
            if len(row) <= max(at, of):
                problems.add(f"has {len(row)} columns, {max(at, of) + 1} are needed", i)
            else:
                cells.append((i, row[at].strip(), row[of].strip()))
        names, numbers = self._classes([c for _, _, c in cells])
        found = []
        for i, name, label in cells:
            if label in numbers:
                found.append(ClassificationAnnotation(identifier=name, label=numbers[label]))
            else:
                problems.add(f"there is no class '{label}'", i, help=did_you_mean(label, numbers) or None)
        return self.dataset(found, problems, names)

    def _delimiter(self) -> str:
        delimiter = "\t" if self.delimiter in ("tab", "\\t") else self.delimiter
        if len(delimiter) != 1:
            raise UsageError(f"option 'delimiter' is '{self.delimiter}': one character, or tab")
        return delimiter

    def _column(self, heading: list[str], name: str, default: int) -> int:
        stripped = [h.strip() for h in heading]
        if name:
            if name not in stripped:
                where = f"{self.annotation_file}:1"
                raise UsageError(f"there is no column '{name}'", where, nearest(name, stripped))
            return stripped.index(name)
        if len(heading) <= default:
            raise UsageError(f"has {len(heading)} columns, two are needed", f"{self.annotation_file}:1")
        return default

    def _classes(self, cells: list[str]) -> tuple[dict[int, str], dict[str, int]]:
        """Names by number, and numbers by what stands in the table."""
        named, _ = meta_of(self.dataset_meta_file)
        named = named or dict(enumerate(self.labels))
        if all(c.isdigit() for c in cells):
            numbers = {c: int(c) for c in cells if not named or int(c) in named}
            return named, numbers
        named = named or dict(enumerate(sorted(set(cells))))
        return named, {name: i for i, name in named.items()}
