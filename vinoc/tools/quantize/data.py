"""Samples that a model is calibrated on: images, arrays in files, or a Python iterable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ...ir.dtype import Array
from ...ir.errors import UsageError
from ...ir.graph import Graph
from ...runtime.model import Model
from ..inputs.fill import LOOK, Look
from ..inputs.slots import Input, checked_name, inputs_of, numpy_type, set_layouts

Named = tuple[str, dict[str, Array]]

Numbers: TypeAlias = tuple[float, ...] | Mapping[str, tuple[float, ...]]
"""Numbers for the channels of every input that is an image, or by input."""

LABELS = "labels"
"""The array of a .npz that holds the classes of the samples."""


@dataclass(frozen=True)
class Preparation:
    """What is done to data before the model sees them: `look` says how images are read; then (x - mean) / scale, by
    channel, in the order of the model's channels. `layout`: names of dimensions, as `vinoc run --layout` takes them."""

    look: Look = LOOK
    layout: str = ""
    mean: Numbers = ()
    scale: Numbers = ()

    def numbers(self, given: Input, values: Numbers) -> tuple[float, ...]:
        """Those for an input: without a name they are for images, or for the only input."""
        if isinstance(values, Mapping):
            return values.get(given.name, ())
        return values if given.is_picture or not given.layout else ()

    @property
    def changes(self) -> bool:
        return bool(self.mean or self.scale)


@dataclass(frozen=True)
class Samples:
    """Samples in their order: `names`, and `load`, which reads one of them, or raises VinocError. `labels`: their
    classes, where known. `identity` tells data apart: another text where other data may be behind the names."""

    names: Sequence[str]
    load: Callable[[int], dict[str, Array]]
    inputs: Sequence[Input]
    labels: Array | None = None
    identity: Callable[[], str] = lambda: ""

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
        load = self.load
        return replace(self, names=[self.names[i] for i in chosen], load=lambda i: load(chosen[i]), labels=labels)

    def subset(self, count: int) -> Samples:
        """At most so many, evenly spaced; 0: all."""
        if not count or len(self) <= count:
            return self
        return self.only([i * len(self) // count for i in range(count)])


def open_data(source: Any, graph: Graph, preparation: Preparation | None = None, most: int = 0) -> Samples:
    """The samples of a folder, a file, arrays, or an iterable of arrays, tuples or dicts; a dict of folders and files
    goes by input. Of an iterable that can be read only once the first `most` are kept.

    Raises UsageError for what gives no samples.
    """
    from .sources import of_paths

    preparation = preparation or Preparation()
    inputs = inputs_of(Model(graph).inputs)
    set_layouts(inputs, preparation.layout)
    check_numbers(inputs, preparation)
    if isinstance(source, str | Path):
        return of_paths({"": Path(source)}, inputs, preparation)
    if isinstance(source, Mapping) and all(isinstance(p, str | Path) for p in source.values()):
        names = [i.name for i in inputs]
        return of_paths({checked_name("data", n, names): Path(p) for n, p in source.items()}, inputs, preparation)
    if isinstance(source, np.ndarray):
        return of_arrays({inputs[0].name: source}, inputs, preparation, "data")
    if isinstance(source, Mapping):
        return of_arrays(dict(source), inputs, preparation, "data")
    if isinstance(source, Samples):
        return source
    return of_iterable(source, inputs, preparation, most)


def check_numbers(inputs: Sequence[Input], preparation: Preparation) -> None:
    """Raises UsageError for names that no input has, for too few numbers, and where an input takes integers."""
    for option, values in (("mean_values", preparation.mean), ("scale_values", preparation.scale)):
        if isinstance(values, Mapping):
            for name in values:
                checked_name(f"--{option}", name, [i.name for i in inputs])
        for given in inputs:
            found = preparation.numbers(given, values)
            axis = given.axis("C")
            channels = given.shape[axis] if axis is not None else None
            if found and given.dtype.is_integer:
                what = f"input '{given.name}' takes {given.dtype}: its preprocessing is in the model"
                raise UsageError(what, f"--{option}", "leave it out")
            if len(found) > 1 and isinstance(channels, int) and channels != len(found):
                raise UsageError(f"{len(found)} values for {channels} channels of '{given.name}'", f"--{option}")
            if not np.isfinite(found).all():
                raise UsageError(f"{list(found)} are no finite numbers", f"--{option}")
            if option == "scale_values" and 0 in found:
                raise UsageError("nothing can be divided by 0", f"--{option}")


def of_arrays(arrays: Mapping[str, Any], inputs: Sequence[Input], preparation: Preparation, title: str) -> Samples:
    """Samples along the first dimension of the arrays of all inputs. Raises UsageError."""
    missing = [i.name for i in inputs if i.name not in arrays]
    if missing:
        raise UsageError(f"has no array for input {', '.join(missing)}", title, f"it holds {', '.join(arrays)}")
    counts = {n: len(a) if np.ndim(a) else 0 for n, a in arrays.items() if n == LABELS or n in [i.name for i in inputs]}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{c} of '{n}'" for n, c in counts.items())
        raise UsageError(f"arrays hold different numbers of samples: {listed}", title)
    count = counts[inputs[0].name]
    if not count:
        raise UsageError("holds no samples", title)
    for given in inputs:  # all are alike: an error at once
        _placed(title, np.asarray(arrays[given.name][0]), given, preparation)

    def load(index: int) -> dict[str, Array]:
        return {i.name: fitted(np.asarray(arrays[i.name][index]), i, preparation) for i in inputs}

    labels = np.asarray(arrays[LABELS]) if LABELS in arrays else None
    names = [f"{title}[{i}]" for i in range(count)]
    return Samples(names, load, inputs, labels, lambda: digest(arrays[i.name] for i in inputs))


def of_iterable(source: Iterable[Any], inputs: Sequence[Input], preparation: Preparation, most: int = 0) -> Samples:
    """A sample is an array, a tuple of arrays in the order of the inputs, or a dict of arrays by name."""
    kept = source if isinstance(source, Sequence) else list(islice(source, most or None))
    if not len(kept):
        raise UsageError("holds no samples", "data")

    def load(index: int) -> dict[str, Array]:
        arrays = by_name(kept[index], inputs, f"sample {index}")
        return {i.name: fitted(arrays[i.name], i, preparation) for i in inputs}

    return Samples(
        [f"sample {i}" for i in range(len(kept))], load, inputs, None,
        lambda: digest(a for k in range(len(kept)) for a in load(k).values()),
    )  # fmt: skip


def by_name(item: Any, inputs: Sequence[Input], title: str) -> dict[str, Array]:
    """The arrays of a sample. Raises UsageError."""
    names = [i.name for i in inputs]
    if not isinstance(item, Mapping):
        several = isinstance(item, tuple) or (isinstance(item, list) and len(inputs) > 1)
        values = item if several else (item,)
        if len(values) != len(inputs):
            raise UsageError(f"{len(values)} arrays for {len(inputs)} inputs: {', '.join(names)}", title)
        item = dict(zip(names, values, strict=True))
    missing = [n for n in names if n not in item]
    if missing:
        raise UsageError(f"nothing for input {', '.join(missing)}", title, f"it has {', '.join(map(str, item))}")
    return {n: np.asarray(item[n]) for n in names}


def fitted(array: Array, given: Input, preparation: Preparation) -> Array:
    """A sample as the input takes it: with a batch of one, of its type, less the mean, by the scale. Raises
    UsageError for another shape."""
    array = shaped(array, given)
    wanted = numpy_type(given.dtype)
    if array.dtype != wanted:
        _convertible(array, wanted, given)
    mean, scale = (preparation.numbers(given, v) for v in (preparation.mean, preparation.scale))
    if mean or scale:
        shape = [1] * array.ndim
        shape[given.axis("C") or 0] = -1
        array = array.astype(np.float32) - np.asarray(mean or (0.0,), np.float32).reshape(shape)
        array /= np.asarray(scale or (1.0,), np.float32).reshape(shape)
    return np.asarray(array, wanted, order="C")  # not `ascontiguousarray`, which gives scalars a dimension


def _convertible(array: Array, wanted: np.dtype[Any], given: Input) -> None:
    """Raises UsageError where an array cannot become one of the input's type without changing what it says."""
    takes = f"input '{given.name}' takes {given.dtype}"
    if array.dtype.kind in "cOSUMm" or (array.dtype.kind == "f" and wanted.kind in "iub"):
        help = f"convert it yourself: array.astype('{wanted}')" if wanted.kind != "O" else None
        raise UsageError(f"holds {array.dtype}, {takes}", help=help)
    if wanted.kind in "iu" and array.size and not np.can_cast(array.dtype, wanted):
        limits = np.iinfo(wanted)
        low, high = int(array.min()), int(array.max())
        if low < limits.min or high > limits.max:
            raise UsageError(f"holds numbers from {low} to {high}, {takes}")


def _placed(where: str, array: Array, given: Input, preparation: Preparation) -> Array:
    """What `fitted` makes of an array; its errors name the place."""
    try:
        return fitted(array, given, preparation)
    except UsageError as error:
        raise UsageError(error.what, where, error.help) from None


def shaped(array: Array, given: Input) -> Array:
    """The array with the dimensions of the input; a batch of one, and one channel, may be left out. Where the input has
    a larger batch, the sample is repeated."""
    seen = array.shape
    if array.ndim == len(given.shape) - 2 and given.axis("C") is not None and given.axis("N") is not None:
        array = np.expand_dims(array, sorted((given.axis("N") or 0, given.axis("C") or 0)))
    elif array.ndim == len(given.shape) - 1:
        array = np.expand_dims(array, given.axis("N") or 0)
    batch = given.axis("N")
    whole = given.shape[batch] if batch is not None else 1
    if isinstance(whole, int) and whole > 1 and array.ndim == len(given.shape) and array.shape[batch or 0] == 1:
        array = np.repeat(array, whole, batch)
    channels, last = given.axis("C"), array.ndim - 1
    sizes = given.shape
    fits = len(sizes) == array.ndim and all(not isinstance(d, int) or d == n for d, n in zip(sizes, array.shape))
    if not fits and channels == 1 and array.ndim == 4 and array.shape[last] == sizes[1] != array.shape[1]:
        array = np.moveaxis(array, last, 1)  # images come with channels last, as files hold them
        fits = all(not isinstance(d, int) or d == n for d, n in zip(sizes, array.shape))
    if not fits:
        shape = f"[{','.join(map(str, sizes))}]"
        raise UsageError(f"a sample of shape {list(seen)} does not fit input '{given.name}' {shape}")
    return array


def digest(arrays: Iterable[Any]) -> str:
    """A text that other arrays do not have."""
    import hashlib

    found = hashlib.blake2b(digest_size=16)
    for array in arrays:
        made = np.ascontiguousarray(array)
        found.update(f"{made.dtype}{made.shape}".encode())
        found.update(made.reshape(-1).view(np.uint8).data)
    return found.hexdigest()
