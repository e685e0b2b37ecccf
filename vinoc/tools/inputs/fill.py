"""Arrays for the inputs of a model, one set after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

from ...ir.dtype import Array
from ...ir.errors import UsageError
from .files import BINARY, NUMPY
from .images import Fit, colored, read_image, resize
from .numpy_files import one_array, read_either
from .slots import Input, batch_sizes, numpy_type

Say = Callable[[str], None]


@dataclass
class Feed:
    """What one inference gets, which group of data shapes that is, and how many samples are in it."""

    arrays: dict[str, Any]
    group: int
    batch: int


@dataclass(frozen=True)
class Look:
    """How images become inputs: brought to their size by `fit`, blue first where `bgr`."""

    fit: Fit = "stretch"
    bgr: bool = False


@dataclass(frozen=True)
class Picture:
    """An image [h, w, c] that has not yet the size and the order of dimensions of its input."""

    pixels: Array
    fit: Fit = "stretch"

    def turned(self, given: Input) -> Array:
        """The pixels with the dimensions in the order of the layout, N left out."""
        order = [n for n in given.layout if n != "N"]
        pixels = self.pixels if "C" in order else self.pixels[:, :, 0]
        return np.transpose(pixels, ["HWC".index(n) for n in order])

    def laid(self, given: Input) -> Array:
        """The same, of the type of the input."""
        return self.turned(given).astype(numpy_type(given.dtype))

    def scaled(self, given: Input, shape: Sequence[Any]) -> Picture:
        """Resized to a shape of the input. Where one side is open, as in models that read lines of text, the image
        keeps its proportions; where both are, its size."""
        height, width = given.axis("H"), given.axis("W")
        assert height is not None  # images are read for pictures only
        assert width is not None
        rows, columns = shape[height], shape[width]
        high, wide = self.pixels.shape[:2]
        if not isinstance(rows, int):
            rows = max(round(high * columns / wide), 1) if isinstance(columns, int) and wide else high
        if not isinstance(columns, int):
            columns = max(round(wide * rows / high), 1) if high else wide
        return Picture(resize(self.pixels, rows, columns, self.fit))

    def sized(self, given: Input, shape: Sequence[Any]) -> Array:
        """Resized to a shape of the input, in its layout and type."""
        return self.scaled(given, shape).laid(given)


Sample = Array | Picture

LOOK = Look()


@dataclass
class Queue:
    """Sets of inputs in turn, again and again."""

    tensors: dict[str, list[Any]]
    batches: list[int]
    made_up: tuple[Input, ...] = ()
    place: int = 0
    feeds: list[Feed] = field(default_factory=list)

    def __post_init__(self) -> None:
        longest = max((len(t) for t in self.tensors.values()), default=1)
        count = int(np.lcm.reduce([len(t) for t in self.tensors.values()] or [1])) if longest < 64 else longest
        self.feeds = [
            Feed({n: t[i % len(t)] for n, t in self.tensors.items()}, i % len(self.batches),
                 self.batches[i % len(self.batches)])
            for i in range(max(count, len(self.batches)))
        ]  # fmt: skip

    def with_small_integers(self) -> Queue | None:
        """The same with 0 and 1 for integers that were made up, which are indices more often than not; None where none
        were."""
        whole = [i for i in self.made_up if i.dtype.is_integer]
        if not whole:
            return None
        small = {i.name: [t % 2 for t in self.tensors[i.name]] for i in whole}
        return Queue({**self.tensors, **small}, self.batches)

    def next(self) -> Feed:
        feed = self.feeds[self.place]
        self.place = (self.place + 1) % len(self.feeds)
        return feed


def filled(inputs: Sequence[Input], files: dict[str, list[Path]], say: Say, warn: Say, look: Look = LOOK) -> Queue:
    """Arrays from files, and random ones where there are none. Raises UsageError where a shape is not known."""
    tensors: dict[str, list[Any]] = {}
    for given in inputs:  # files first: a size of images is told by them
        if given.name in files:
            tensors[given.name] = from_files(given, files[given.name], say, warn, look)
    images = [i for i in inputs if i.is_image and i.shapes]
    made_up: list[Input] = []
    for given in inputs:
        if given.name in tensors:
            continue
        if not given.shapes:
            example = ",".join(str(d) if isinstance(d, int) else "1" for d in given.shape)
            raise UsageError(
                f"input '{given.name}' is dynamic, [{','.join(map(str, given.shape))}], and no data are given",
                help=f"give sizes, for example '{given.name}[{example}]': -data_shape, or -shape to fix the model's",
            )
        if given.is_image_size and len(images) == 1:
            say(f"Fill input '{given.name}' with the size of the image of input '{images[0].name}'")
            tensors[given.name] = sizes_of(given, images[0])
            continue
        warn(f"No input files were given for input '{given.name}': it is filled with random values")
        say(f"Fill input '{given.name}' with random values")
        tensors[given.name] = [random_values(given, s, n) for n, s in enumerate(given.shapes)]
        made_up.append(given)
    return Queue({i.name: tensors[i.name] for i in inputs}, batch_sizes(inputs), tuple(made_up))


def random_values(given: Input, shape: Sequence[int], seed: int = 0) -> Any:
    """Uniform over a byte's range, as benchmark_app has it; booleans are tossed, text is empty."""
    rng = np.random.default_rng(seed)
    kind, dtype = given.dtype.kind, numpy_type(given.dtype)
    if kind == "s":
        return np.full(shape, "", object)
    if kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if kind in "iu":
        high = min(256, 1 << (given.dtype.bits - (kind == "i")))
        return rng.integers(0, high, shape).astype(dtype)
    return rng.uniform(0, 255, shape).astype(dtype)


def sizes_of(given: Input, image: Input) -> list[Any]:
    """Height and width of the image, then ones, for each sample."""
    out = []
    for i, shape in enumerate(given.shapes):
        row = np.ones(shape, numpy_type(given.dtype))
        k = i % len(image.shapes)
        row[:, :2] = image.sizes("H")[k], image.sizes("W")[k]
        out.append(row)
    return out


def from_files(given: Input, files: Sequence[Path], say: Say, warn: Say, look: Look = LOOK) -> list[Any]:
    """Arrays of all files: an image is a sample of a batch, an array a sample or all of it."""
    kinds = {_kind(f) for f in files}
    if len(kinds) > 1:
        raise UsageError(f"files of several kinds are given for input '{given.name}'", "-i", "one kind for each input")
    kind = kinds.pop()
    if kind == "image" and not given.is_picture:
        raise UsageError(
            f"images are given for input '{given.name}', [{','.join(map(str, given.shape))}], which is none",
            "-i",
            f"give its layout: -layout '{given.name}[NCHW]'",
        )
    for file in files:
        say(f"Prepare {kind} {file}")
    samples = [_READERS[kind](file, given, look) for file in files]
    if not given.shapes:
        return _by_their_shapes(given, samples)
    return _batches(given, samples, warn)


def _kind(file: Path) -> str:
    suffix = file.suffix.lower()
    return "binary file" if suffix in BINARY else "array" if suffix in NUMPY else "image"


def _read_array(file: Path, given: Input, look: Look) -> Array:
    arrays = read_either(file)
    found = arrays[""] if "" in arrays else one_array(arrays, given.name, file)
    wanted = numpy_type(given.dtype)
    if found.dtype != wanted and not np.can_cast(found.dtype, wanted, "same_kind"):
        raise UsageError(f"is of {found.dtype}, input '{given.name}' of {wanted}", str(file))
    return np.asarray(found.astype(wanted))


def _read_binary(file: Path, given: Input, look: Look) -> Array:
    """The elements as they lie in the file; their number must be that of one of the shapes, or of a sample of it."""
    dtype = numpy_type(given.dtype)
    size = file.stat().st_size
    for shape in given.shapes:
        for part in (shape, shape[1:]):
            if size == int(np.prod(part)) * dtype.itemsize:
                return np.fromfile(file, dtype).reshape(part)
    expected = " or ".join(str(int(np.prod(s)) * dtype.itemsize) for s in given.shapes) or "data shapes first"
    raise UsageError(f"has {size} bytes, input '{given.name}' takes {expected}", str(file))


def read_picture(file: Path, given: Input, look: Look) -> Picture:
    """An image, with the channels of the input."""
    axis = given.axis("C")
    channels = given.shape[axis] if axis is not None else 1
    wanted = channels if isinstance(channels, int) else 3
    return Picture(colored(read_image(file), wanted, look.bgr), look.fit)


_READERS: dict[str, Callable[[Path, Input, Look], Sample]] = {
    "array": _read_array,
    "binary file": _read_binary,
    "image": read_picture,
}


def _as_input(sample: Sample, given: Input, shape: Sequence[int]) -> Array:
    return sample.sized(given, shape) if isinstance(sample, Picture) else sample


def _batches(given: Input, samples: Sequence[Sample], warn: Say) -> list[Any]:
    """Every shape in turn, until every file has been taken."""
    n = given.axis("N")
    out: list[Any] = []
    taken = cycle(samples)
    used = 0
    while len(out) < len(given.shapes) or used < len(samples):
        shape = given.shapes[len(out) % len(given.shapes)]
        first = _as_input(next(taken), given, shape)
        used += 1
        if first.shape == shape:
            out.append(first)
            continue
        if n is None or first.shape != (*shape[:n], *shape[n + 1 :]):
            raise UsageError(
                f"an array of shape {list(first.shape)} is given for input '{given.name}' {list(shape)}", "-i"
            )
        rest = [_as_input(s, given, shape) for s in islice(taken, shape[n] - 1)]
        used += len(rest)
        out.append(np.stack([first, *rest], axis=n))
    if used > len(samples):
        warn(f"Some files are used twice for input '{given.name}': {used} are needed, {len(samples)} are given")
    return out


def _by_their_shapes(given: Input, samples: Sequence[Sample]) -> list[Any]:
    """A dynamic input without data shapes takes files as they are; what they are becomes its data shapes."""
    out = []
    n = given.axis("N")
    for sample in samples:
        array = sample.sized(given, given.shape) if isinstance(sample, Picture) else sample
        if array.ndim == len(given.shape) - 1:
            array = np.expand_dims(array, n or 0)
        given.data.append(array.shape)
        out.append(array)
    return out
