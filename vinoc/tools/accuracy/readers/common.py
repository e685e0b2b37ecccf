"""What readers of annotations have in common: files line by line, names of classes, problems collected."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ....ir.errors import UsageError, VinocError
from ...problems import check
from ..base import Dataset, Reader
from ..options import option
from ..representation import Annotation


@dataclass
class Problem:
    """Problems of one file or folder, told together."""

    where: str
    found: list[VinocError] = field(default_factory=list)

    def add(self, what: str, line: int | None = None, path: Path | None = None, help: str | None = None) -> None:
        place = str(path) if path is not None else self.where
        self.found.append(UsageError(what, f"{place}:{line}" if line is not None else place, help))

    @contextmanager
    def told(self, what: str, line: int | None = None, path: Path | None = None) -> Iterator[None]:
        """A ValueError becomes a problem: `what`, and what it says; a KeyError one about a missing column."""
        try:
            yield
        except KeyError as error:
            self.add(f"{what}: there is no column {error}", line, path)
        except ValueError as error:
            self.add(f"{what}: {error}", line, path)

    def check(self) -> None:
        """Raises what was found."""
        check(self.found, self.where)


class FileReader(Reader):
    """A reader whose classes may be named by a JSON file, and whose images may be looked for."""

    images_dir: Path | None = option(None, "the folder of the images, to check that they are there")
    dataset_meta_file: Path | None = option(None, "a JSON file with label_map or labels, and background_label")

    def check_images(self, problems: Problem, folder: Path | None, names: Iterator[str] | list[str]) -> None:
        """A problem for each image that is not in the folder; nothing where there is no such folder to look into."""
        if folder is None:
            return
        if not folder.is_dir():
            problems.add(f"there is no folder '{folder}'")
            return
        for name in names:
            if not (folder / name).is_file():
                problems.add(f"there is no image '{folder / name}'")

    def dataset(self, found: Sequence[Annotation], problems: Problem, labels: Mapping[int, str],
                background: int | None = None, **more: Any) -> Dataset:  # fmt: skip
        """The annotations as a data set. Raises all problems, those of images that are missing as well."""
        self.check_images(problems, self.images_dir, [a.identifier for a in found])
        problems.check()
        return Dataset(tuple(found), labels, background, **more)


def existing(path: Path, what: str = "file") -> Path:
    """Raises UsageError where there is no such file or folder."""
    if not (path.is_dir() if what == "folder" else path.is_file()):
        raise UsageError(f"there is no {what} '{path}'", help="paths are relative to the folder of the data sets")
    return path


def read_text(path: Path) -> str:
    """Raises UsageError."""
    try:
        return existing(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot be read as text: {error}", str(path)) from error


def lines_of(path: Path) -> list[tuple[int, str]]:
    """(number, text) of the lines that are not empty."""
    return [(i, line.strip()) for i, line in enumerate(read_text(path).splitlines(), 1) if line.strip()]


def pairs_of(path: Path, problems: Problem, what: str) -> Iterator[tuple[int, str, str]]:
    """(number, first word, second word) of each line; a problem for lines that have not two: `what` is needed."""
    for i, line in lines_of(path):
        words = line.split()
        if len(words) == 2:
            yield i, words[0], words[1]
        else:
            problems.add(f"{what} are needed, not '{line}'", i)


def read_json(path: Path) -> Any:
    """Raises UsageError."""
    try:
        return json.loads(read_text(path))
    except ValueError as error:
        raise UsageError(f"is no JSON: {error}", str(path)) from error


def meta_of(path: Path | None, shift: int = 0) -> tuple[dict[int, str], int | None]:
    """Names of classes by number, and the background's number, of a dataset_meta file; `shift` is for its `labels`.

    {"label_map": {"0": "cat"}} or {"labels": ["cat"]}, and {"background_label": 0}.
    """
    if path is None:
        return {}, None
    found = read_json(path)
    if not isinstance(found, dict):
        raise UsageError("is no dataset meta: an object with label_map or labels is needed", str(path))
    labels: dict[int, str] = {}
    named, listed = found.get("label_map"), found.get("labels")
    if isinstance(named, Mapping):
        try:
            labels = {int(k): str(v) for k, v in named.items()}
        except ValueError as error:
            raise UsageError(f"label_map has a class that is no number: {error}", str(path)) from error
    elif isinstance(listed, list):
        labels = {i + shift: str(name) for i, name in enumerate(listed)}
    else:
        raise UsageError("has neither label_map nor labels", str(path))
    background = found.get("background_label")
    return labels, None if background is None or int(background) < 0 else int(background)


def with_background(labels: Mapping[int, str], has_background: bool) -> dict[int, str]:
    """With class 0, the background, where there is one."""
    return {0: "background", **labels} if has_background and labels else dict(labels)


def check_labels(
    problems: Problem, used: Mapping[int, tuple[int | None, Path | None]], names: Mapping[int, str]
) -> None:
    """A problem for each class that has no name; nothing where no class has."""
    for label, (line, path) in used.items():
        if names and label not in names:
            known = f"{min(names)} to {max(names)}"
            problems.add(f"class {label} has no name: there are {len(names)}, {known}", line, path)


def number(text: str, kind: type[int] | type[float]) -> Any:
    """Raises ValueError that says what is wrong."""
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"'{text}' is no {'whole number' if kind is int else 'number'}") from None
