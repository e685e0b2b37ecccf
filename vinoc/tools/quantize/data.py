"""Samples that a model is calibrated on: images, arrays in files, or a Python iterable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...ir.dtype import Array
from ...ir.errors import UsageError
from ...ir.graph import Graph
from ...runtime.model import Model
from ..inputs.fill import LOOK, Look, Picture, read_picture
from ..inputs.images import SUFFIXES
from ..inputs.slots import Input, inputs_of, numpy_type, set_layouts

NUMPY = frozenset({".npy", ".npz"})
LABELS = "labels"
"""The array of a .npz that holds the classes of the samples."""

Named = tuple[str, dict[str, Array]]


@dataclass(frozen=True)
class Preparation:
    """What is done to data before the model sees them: `look` says how images are read; then (x - mean) / scale, by
    channel, in the order of the model's channels."""

    look: Look = LOOK
    layout: str = ""
    mean: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()


@dataclass(frozen=True)
class Samples:
    """Samples in their order: `names`, and `load`, which reads one of them. `labels`: their classes, where known."""

    names: Sequence[str]
    load: Callable[[int], dict[str, Array]]
    inputs: Sequence[Input]
    labels: Array | None = None

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Named]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: int) -> Named:
        return self.names[index], self.load(index)

    def only(self, indices: Sequence[int]) -> Samples:
        """Some of them, in that order."""
        chosen = list(indices)
        labels = None if self.labels is None else self.labels[chosen]
        return replace(self, names=[self.names[i] for i in chosen], load=lambda i: self.load(chosen[i]), labels=labels)

    def subset(self, count: int) -> Samples:
        """At most so many, evenly spaced; 0: all."""
        if not count or len(self) <= count:
            return self
        return self.only([i * len(self) // count for i in range(count)])


def open_data(source: Any, graph: Graph, preparation: Preparation | None = None) -> Samples:
    """The samples of a folder, a file, several of them, or an iterable of arrays, tuples or dicts.

    Raises UsageError for what gives no samples.
    """
    preparation = preparation or Preparation()
    inputs = inputs_of(Model(graph).inputs)
    set_layouts(inputs, preparation.layout)
    if isinstance(source, str | Path):
        return _of_path(Path(source), inputs, preparation)
    if isinstance(source, np.ndarray | Mapping):
        arrays = {inputs[0].name: source} if isinstance(source, np.ndarray) else dict(source)
        return _of_arrays(arrays, inputs, preparation, "data")
    return _of_iterable(source, inputs)


def _of_path(path: Path, inputs: Sequence[Input], preparation: Preparation) -> Samples:
    if not path.exists():
        raise UsageError(f"there is no file or folder '{path}'", "--data")
    if path.suffix.lower() in NUMPY:
        return _of_arrays(_stored(path, inputs), inputs, preparation, path.name)
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    images = [p for p in files if p.suffix.lower() in SUFFIXES]
    if not images:
        raise UsageError(f"'{path}' holds no images", "--data", f"endings that are known: {' '.join(sorted(SUFFIXES))}")
    return _of_images(images, path, inputs, preparation)


def _stored(path: Path, inputs: Sequence[Input]) -> dict[str, Array]:
    """The arrays of a file by input; of an .npz with other names the only array that can be samples."""
    found = np.load(path)
    if isinstance(found, np.ndarray):
        return {inputs[0].name: found}
    with found:
        arrays = dict(found)
    if all(i.name in arrays for i in inputs) or len(inputs) != 1:
        return arrays
    others = [n for n in arrays if arrays[n].ndim > 1]
    if len(others) != 1:
        raise UsageError(f"it is not clear which array is input '{inputs[0].name}'", str(path), ", ".join(arrays))
    return {inputs[0].name: arrays[others[0]]} | {n: a for n, a in arrays.items() if n == LABELS}


def _of_arrays(arrays: Mapping[str, Array], inputs: Sequence[Input], preparation: Preparation, title: str) -> Samples:
    missing = [i.name for i in inputs if i.name not in arrays]
    if missing:
        raise UsageError(f"no array for input {', '.join(missing)}", title, f"it holds {', '.join(arrays)}")
    count = len(arrays[inputs[0].name])

    def load(index: int) -> dict[str, Array]:
        return {i.name: fitted(np.asarray(arrays[i.name][index]), i, preparation) for i in inputs}

    labels = np.asarray(arrays[LABELS]) if LABELS in arrays else None
    return Samples([f"{title}[{i}]" for i in range(count)], load, inputs, labels)


def _of_images(files: Sequence[Path], root: Path, inputs: Sequence[Input], preparation: Preparation) -> Samples:
    pictures = [i for i in inputs if i.is_picture]
    if len(inputs) != 1 or not pictures:
        raise UsageError("images fill a model with one input that is an image", "--data", "give .npz, or --layout")
    given = pictures[0]

    def load(index: int) -> dict[str, Array]:
        picture = read_picture(files[index], given, preparation.look)
        return {given.name: fitted(_sized(picture, given), given, preparation)}

    return Samples([str(f.relative_to(root)) if f != root else f.name for f in files], load, inputs)


def _sized(picture: Picture, given: Input) -> Array:
    height, width = given.axis("H"), given.axis("W")
    shape = given.shape
    if isinstance(shape[height or 0], int) and isinstance(shape[width or 0], int):
        return picture.sized(given, shape)  # type: ignore[arg-type]  # both sizes are known
    return picture.laid(given)


def fitted(array: Array, given: Input, preparation: Preparation) -> Array:
    """A sample as the input takes it: with a batch of one, of its type, less the mean, by the scale."""
    if array.ndim == len(given.shape) - 1:
        array = np.expand_dims(array, given.axis("N") or 0)
    if array.ndim == len(given.shape) - 2:  # a gray image without the channels' dimension
        array = array[None, None] if given.axis("C") == 1 else array[None, ..., None]
    if preparation.mean or preparation.scale:
        shape = [1] * array.ndim
        shape[given.axis("C") or 0] = -1
        mean = np.asarray(preparation.mean or (0.0,), np.float32).reshape(shape)
        scale = np.asarray(preparation.scale or (1.0,), np.float32).reshape(shape)
        array = (array.astype(np.float32) - mean) / scale
    return np.ascontiguousarray(array, numpy_type(given.dtype))


def _of_iterable(source: Iterable[Any], inputs: Sequence[Input]) -> Samples:
    """A sample is an array, a tuple of arrays in the order of the inputs, or a dict of arrays by name."""
    plain = Preparation()
    names = [i.name for i in inputs]
    kept = list(source)

    def load(index: int) -> dict[str, Array]:
        item = kept[index]
        if not isinstance(item, Mapping):
            item = dict(zip(names, item if isinstance(item, tuple | list) else (item,), strict=True))
        return {i.name: fitted(np.asarray(item[i.name]), i, plain) for i in inputs}

    return Samples([f"sample {i}" for i in range(len(kept))], load, inputs)
