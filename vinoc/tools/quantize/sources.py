"""Samples in files: folders of images, .npy and .npz."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ...ir.dtype import Array
from ...ir.errors import UsageError, VinocError
from ..inputs.fill import read_picture
from ..inputs.images import SUFFIXES
from ..inputs.numpy_files import read_either
from ..inputs.slots import Input
from .data import LABELS, Preparation, Samples, fitted, of_arrays

NUMPY = frozenset({".npy", ".npz"})

KEPT = 64 << 20
"""Bytes of prepared images that are kept in memory: most calibrations read each file once."""


def of_paths(paths: Mapping[str, Path], inputs: Sequence[Input], preparation: Preparation) -> Samples:
    """Samples of a file or folder by input; "" is for all inputs, or the only one. Raises UsageError."""
    for path in paths.values():
        if not path.exists():
            raise UsageError(f"there is no file or folder '{path}'", "--data")
    if "" in paths:
        path = paths[""]
        if path.suffix.lower() in NUMPY:
            return of_arrays(_stored(path, inputs), inputs, preparation, path.name)
        if len(inputs) > 1 and not _stored_files(path):
            names = " ".join(f"{i.name}:PATH" for i in inputs)
            raise UsageError(f"the model has {len(inputs)} inputs", f"--data {path}", f"name them: {names}")
        return _of_folder(path, inputs, preparation)
    parts = [_of_folder(paths[i.name], [i], preparation) for i in inputs if i.name in paths]
    missing = [i.name for i in inputs if i.name not in paths]
    if missing:
        raise UsageError(f"no data for input {', '.join(missing)}", "--data", "INPUT:PATH for each input")
    return _side_by_side(parts, inputs)


def _side_by_side(parts: Sequence[Samples], inputs: Sequence[Input]) -> Samples:
    """The first sample of each, the second of each, ... Raises UsageError where their numbers differ."""
    counts = {len(p) for p in parts}
    if len(counts) > 1:
        listed = ", ".join(f"{len(p)} for '{i.name}'" for p, i in zip(parts, inputs, strict=True))
        raise UsageError(f"different numbers of samples: {listed}", "--data")
    return Samples(
        parts[0].names, lambda k: {n: a for p in parts for n, a in p.load(k).items()}, inputs, parts[0].labels,
        lambda: " ".join(p.identity() for p in parts),
    )  # fmt: skip


def _of_folder(path: Path, inputs: Sequence[Input], preparation: Preparation) -> Samples:
    """The images of a folder and the folders in it, or its .npy and .npz files, a sample each."""
    if path.is_file() and path.suffix.lower() in NUMPY:
        return of_arrays(_stored(path, inputs), inputs, preparation, path.name)
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    images = [p for p in files if p.suffix.lower() in SUFFIXES]
    stored = [p for p in files if p.suffix.lower() in NUMPY]
    if images and stored:
        raise UsageError(f"holds {len(images)} images and {len(stored)} arrays", f"--data {path}", "give one kind")
    if stored:
        return _of_stored(stored, path, inputs, preparation)
    if not images:
        seen = f"has {len(files)} files, but no images and no .npy or .npz" if files else "is empty"
        if path.is_file():
            seen = "is no image, and no .npy or .npz"
        raise UsageError(seen, f"--data {path}", f"images end in {' '.join(sorted(SUFFIXES))}")
    return _of_images(images, path, inputs[0], preparation)


def _stored_files(path: Path) -> bool:
    return path.is_dir() and any(p.suffix.lower() in NUMPY for p in path.rglob("*"))


def _stored(path: Path, inputs: Sequence[Input]) -> dict[str, Array]:
    """The arrays of a file by input; of an .npz with other names the only array that can be samples."""
    arrays = read_either(path)
    if all(i.name in arrays for i in inputs):
        return arrays
    if path.suffix.lower() == ".npy":
        if len(inputs) == 1:
            return {inputs[0].name: arrays[""]}
        named = " ".join(f"{i.name}:PATH" for i in inputs)
        raise UsageError(f"holds one array, the model has {len(inputs)} inputs", str(path), f"name them: {named}")
    others = [n for n in arrays if n != LABELS and arrays[n].ndim >= max(len(inputs[0].shape) - 1, 1)]
    if len(inputs) != 1 or len(others) != 1:
        names = ", ".join(f"'{i.name}'" for i in inputs)
        raise UsageError(f"it is not clear what is for {names}", str(path), f"it holds {', '.join(arrays)}")
    return {inputs[0].name: arrays[others[0]]} | {n: a for n, a in arrays.items() if n == LABELS}


def _of_stored(files: Sequence[Path], root: Path, inputs: Sequence[Input], preparation: Preparation) -> Samples:
    def load(index: int) -> dict[str, Array]:
        arrays = read_either(files[index])
        try:
            if "" in arrays and len(inputs) == 1:
                arrays = {inputs[0].name: arrays[""]}
            missing = [i.name for i in inputs if i.name not in arrays]
            if missing:
                raise UsageError(f"has no array for input {', '.join(missing)}")
            return {i.name: fitted(arrays[i.name], i, preparation) for i in inputs}
        except UsageError as error:
            raise UsageError(error.what, str(files[index]), error.help) from None

    return Samples(_names(files, root), load, inputs, None, lambda: _stamps(files))


def _of_images(files: Sequence[Path], root: Path, given: Input, preparation: Preparation) -> Samples:
    """Images, resized; they are kept as bytes while there is room."""
    if not given.is_picture:
        shape = f"[{','.join(map(str, given.shape))}]"
        help = f"give its layout: --layout '{given.name}[NCHW]'"
        raise UsageError(f"images are given for input '{given.name}' {shape}, which is none", "--data", help)
    kept: dict[int, Array] = {}

    def load(index: int) -> dict[str, Array]:
        pixels = kept.get(index)
        if pixels is None:
            pixels = _pixels(files[index], given, preparation)
            if (len(kept) + 1) * pixels.nbytes <= KEPT:
                kept[index] = pixels
        return {given.name: fitted(pixels, given, preparation)}

    return Samples(_names(files, root), load, [given], None, lambda: _stamps(files))


def _pixels(file: Path, given: Input, preparation: Preparation) -> Array:
    """An image of bytes in the layout of the input, of its size where that is known. Raises VinocError."""
    pixels = read_picture(file, given, preparation.look).scaled(given, given.shape).turned(given)
    if not pixels.size:
        raise VinocError("has no pixels", str(file))
    return np.ascontiguousarray(pixels)


def _names(files: Sequence[Path], root: Path) -> list[str]:
    return [f.relative_to(root).as_posix() if f != root else f.name for f in files]


def _stamps(files: Sequence[Path]) -> str:
    """Sizes and times of change, which other files do not have."""
    found = [f.stat() for f in files]
    return " ".join(f"{s.st_size}:{s.st_mtime_ns}" for s in found)
