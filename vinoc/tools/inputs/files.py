"""-i: which files fill which input."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from ...ir.errors import UsageError
from .images import SUFFIXES
from .slots import Input, checked_name

BINARY, NUMPY = frozenset({".bin"}), frozenset({".npy", ".npz"})

Warn = Callable[[str], None]

_NAMED = re.compile(r"([\w./-]{2,}|\w):" if os.name != "nt" else r"([\w./-]{2,}):")  # one letter may be a drive


def files_by_input(words: Sequence[str], inputs: Sequence[Input], warn: Warn) -> dict[str, list[Path]]:
    """Files of each input, those of a folder by name: from `a:file,folder b:file`, or files that go round the inputs.

    Raises UsageError for names that no input has and for paths that lead nowhere.
    """
    names = [i.name for i in inputs]
    found: dict[str, list[Path]] = {}
    loose: list[Path] = []
    for word in words:
        for name, paths in split(word, names):
            if name is None:
                loose += [p for path in paths for p in listed(path, warn)]
            else:
                found.setdefault(checked_name("-i", name, names), []).extend(
                    p for path in paths for p in listed(path, warn)
                )
    if loose and found:
        raise UsageError("some files are given by input, others not", "-i", "write input:file for all")
    return found or _round(loose, inputs, warn)


def split(word: str, names: Sequence[str]) -> list[tuple[str | None, list[str]]]:
    """A word of -i as (input, paths): `a:x,y,b:z` is a with x and y, b with z.

    A name is what stands before a colon, unless a file is called so.
    """
    out: list[tuple[str | None, list[str]]] = []
    for part in word.split(","):
        if not part:
            continue
        name = next((n for n in sorted(names, key=len, reverse=True) if part.startswith(f"{n}:")), None)
        if name is None and not Path(part).exists() and (m := _NAMED.match(part)):
            name = m[1]
        if name is not None:
            out.append((name, [part[len(name) + 1 :]]))
        elif out:
            out[-1][1].append(part)
        else:
            out.append((None, [part]))
    return out


def listed(text: str, warn: Warn) -> list[Path]:
    """A file, or the files of a folder that can be read."""
    path = Path(text)
    if not path.exists():
        raise UsageError(f"there is no file or folder '{text}'", "-i")
    if path.is_file():
        if path.suffix.lower() not in SUFFIXES | BINARY | NUMPY:
            raise UsageError(f"'{text}' is neither an image nor .npy, .npz or .bin", "-i")
        return [path]
    files = [p for p in path.iterdir() if p.is_file()]
    known = [p for p in sorted(files) if p.suffix.lower() in SUFFIXES | BINARY | NUMPY]
    if not known:
        raise UsageError(f"folder '{text}' has no images, .npy, .npz or .bin", "-i")
    if len(known) < len(files):
        warn(f"{len(files) - len(known)} files of '{text}' are ignored: they are neither images nor .npy, .npz, .bin")
    return known


def _round(files: list[Path], inputs: Sequence[Input], warn: Warn) -> dict[str, list[Path]]:
    """Files without a name go to the inputs in turn, sizes of images left out."""
    if not files:
        return {}
    if len(files) == 1 and files[0].suffix == ".npz":
        return {i.name: files for i in inputs}
    wanting = [i for i in inputs if not i.is_image_size] or list(inputs)
    if len(wanting) > 1:
        warn(f"The model has {len(inputs)} inputs: name them, -i {wanting[0].name}:FILE {wanting[1].name}:FILE")
    count = len(files) if len(files) <= len(wanting) else len(files) - len(files) % len(wanting)
    if count < len(files):
        warn(f"{len(files)} files for {len(wanting)} inputs: only {count} are used")
    return {i.name: files[place : count : len(wanting)] for place, i in enumerate(wanting) if files[place:count]}
