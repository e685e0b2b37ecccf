"""Data sets whose images are in the same files as their classes: MNIST, CIFAR, arrays of NumPy."""

from __future__ import annotations

import csv
import gzip
import io
import pickle
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError
from ...inputs.numpy_files import one_array, read_arrays
from ..base import Dataset, Reader, reader
from ..options import option
from ..representation import (
    Annotation,
    ClassificationAnnotation,
    LandmarksAnnotation,
    RegressionAnnotation,
    SegmentationAnnotation,
)
from .common import Problem, existing, meta_of, read_text, with_background

CONVERTED = ("convert_images", "converted_images_dir", "images_dir")
"""Options of Accuracy Checker, which writes images to a folder first: here they are taken from memory."""


def dataset_of(images: Array, labels: Sequence[int], names: dict[int, str], identifiers: Sequence[str],
               background: int | None = None) -> Dataset:  # fmt: skip
    """Annotations of images [n, ...] with a class each."""
    annotations = tuple(
        ClassificationAnnotation(identifier=name, label=int(label))
        for name, label in zip(identifiers, labels, strict=True)
    )
    return Dataset(annotations, names, background, _by_row(images, identifiers))


def _by_row(images: Array, identifiers: Sequence[str]) -> Callable[[str], Array]:
    """The row of an array that belongs to an identifier; gray images have one channel."""
    rows = {name: i for i, name in enumerate(identifiers)}

    def pixels(identifier: str) -> Array:
        image: Array = images[rows[identifier]]
        return image[:, :, None] if image.ndim == 2 and image.dtype == np.uint8 else image

    return pixels


def numbered(count: int) -> list[str]:
    return [f"{i}.png" for i in range(count)]


def read_bytes(path: Path) -> bytes:
    """The bytes of a file, unpacked where they are gzip's. Raises UsageError."""
    data = existing(path).read_bytes()
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"cannot be unpacked: {error}", str(path)) from error


def read_idx(path: Path, rank: int) -> Array:
    """An array of bytes in the IDX format: 0 0, type 8, rank, sizes as big-endian u32, the elements.

    LeCun, Cortes and Burges, "The MNIST database", section "File formats". Raises UsageError.
    """
    data = read_bytes(path)
    if len(data) < 4 + 4 * rank or data[:3] != b"\x00\x00\x08" or data[3] != rank:
        head = " ".join(f"{b:02x}" for b in data[:4])
        raise UsageError(f"is no IDX file of bytes of rank {rank}: it begins with {head}", str(path))
    sizes = struct.unpack(f">{rank}I", data[4 : 4 + 4 * rank])
    count = int(np.prod([int(s) for s in sizes], dtype=object))
    if len(data) - 4 - 4 * rank != count:
        raise UsageError(
            f"says that it has {count} elements, and has {len(data) - 4 - 4 * rank}", str(path), "it may be cut off"
        )
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(sizes)


class _Mnist(Reader):
    dataset_meta_file: Path | None = option(None, "a JSON file with label_map or labels")
    ignored = CONVERTED

    def _read(self, labels_file: Path, images_file: Path) -> Dataset:
        labels, images = read_idx(labels_file, 1), read_idx(images_file, 3)
        if len(labels) != len(images):
            raise UsageError(f"has {len(images)} images, '{labels_file}' has {len(labels)} labels", str(images_file))
        return dataset_of(images, labels.tolist(), self._names(labels), numbered(len(labels)))

    def _names(self, labels: Array) -> dict[int, str]:
        names, _ = meta_of(self.dataset_meta_file)
        return names or {i: str(i) for i in range(max(10, int(labels.max(initial=0)) + 1))}


@reader("mnist")
class Mnist(_Mnist):
    """MNIST's own files of images and labels, gzip or unpacked; identifiers are `0.png`, `1.png`."""

    labels_file: Path = option(doc="t10k-labels-idx1-ubyte.gz")
    images_file: Path = option(doc="t10k-images-idx3-ubyte.gz")

    def read(self) -> Dataset:
        return self._read(self.labels_file, self.images_file)


@reader("fashion_mnist")
class FashionMnist(_Mnist):
    """Fashion-MNIST's files, which have MNIST's format."""

    annotation_file: Path = option(doc="the file of the labels")
    data_file: Path = option(doc="the file of the images")

    def read(self) -> Dataset:
        return self._read(self.annotation_file, self.data_file)


@reader("mnist_csv")
class MnistCsv(_Mnist):
    """A row for each image: the class, then 784 pixels of 28 rows; a heading may stand above."""

    annotation_file: Path = option(doc="the table")

    def read(self) -> Dataset:
        problems = Problem(str(self.annotation_file))
        rows: list[list[int]] = []
        for i, row in enumerate(csv.reader(read_text(self.annotation_file).splitlines()), 1):
            try:
                values = [int(cell) for cell in row]
                if len(values) != 785 or not all(0 <= v <= 255 for v in values):
                    raise ValueError
                rows.append(values)
            except ValueError:
                if i > 1 or all(cell.strip().isdigit() for cell in row):
                    problems.add("a class and 784 pixels from 0 to 255 are needed", i)
        problems.check()
        table = np.array(rows, np.uint8).reshape(-1, 785)
        images = table[:, 1:].reshape(-1, 28, 28)
        return dataset_of(images, table[:, 0].tolist(), self._names(table[:, 0]), numbered(len(table)))


ARRAYS: dict[str, Any] = {
    "_reconstruct": np.zeros(0).__reduce__()[0],
    "_frombuffer": np.zeros(1).__reduce_ex__(5)[0],
    "scalar": np.float64(0).__reduce__()[0],
    "ndarray": np.ndarray,
    "dtype": np.dtype,
}
"""What pickles of arrays ask for, by name: the module has had several in NumPy's history."""


class _ArraysOnly(pickle.Unpickler):
    """Makes arrays of NumPy, and what pickle makes without classes: numbers, text, lists, dicts. Nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if module.partition(".")[0] == "numpy" and name in ARRAYS:
            return ARRAYS[name]
        if (module, name) == ("_codecs", "encode"):
            return _encode
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is no array")


def _encode(text: str, encoding: str = "utf-8") -> bytes:
    """Bytes, which old pickles hold as text of latin1."""
    return text.encode("latin1" if encoding == "latin1" else "utf-8")


def unpickled(path: Path) -> Any:
    """What a pickle of arrays, numbers and text holds; no code of the file is run. Raises UsageError."""
    data = read_bytes(path)
    try:
        return _ArraysOnly(io.BytesIO(data), encoding="latin1").load()
    except Exception as error:  # a damaged pickle raises anything
        raise UsageError(f"cannot be read as a pickle of arrays: {error}", str(path)) from error


@reader("cifar")
class Cifar(Reader):
    """CIFAR-10's or CIFAR-100's batches for Python (pickles of arrays), or the same keys in a .npz file."""

    data_batch_file: Path = option(doc="test_batch, or test of CIFAR-100")
    batch_meta_file: Path | None = option(None, "batches.meta, or meta: names of the classes")
    has_background: bool = option(False, "class 0 is the background, all others move up by 1")
    num_classes: int = option(10, "10 or 100", low=1)
    dataset_meta_file: Path | None = option(None, "a JSON file with label_map or labels")
    ignored = CONVERTED

    def read(self) -> Dataset:
        batch = _mapping(self.data_batch_file)
        key = "labels" if "labels" in batch else "fine_labels"
        for needed in ("data", key):
            if needed not in batch:
                raise UsageError(f"has no '{needed}'; it has {', '.join(map(str, batch))}", str(self.data_batch_file))
        labels, data = np.asarray(batch[key]), np.asarray(batch["data"])
        if data.size != len(labels) * 3072 or data.dtype != np.uint8:
            what = f"has {data.dtype}{list(data.shape)} for {len(labels)} images: 3 x 32 x 32 bytes each are needed"
            raise UsageError(what, str(self.data_batch_file))
        if labels.size and not 0 <= labels.min() <= labels.max() < self.num_classes:
            what = f"has classes {labels.min()} to {labels.max()}, num_classes is {self.num_classes}"
            raise UsageError(what, str(self.data_batch_file))
        images = data if data.ndim == 4 and data.shape[3] == 3 else data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        shift = int(self.has_background)
        names = [str(n) for n in batch.get("filenames", [])] or numbered(len(labels))
        return dataset_of(images, (labels + shift).tolist(), self._names(shift), names, 0 if shift else None)

    def _names(self, shift: int) -> dict[int, str]:
        names, _ = meta_of(self.dataset_meta_file, shift)
        if not names and self.batch_meta_file is not None:
            meta = _mapping(self.batch_meta_file)
            listed = meta.get("label_names", meta.get("fine_label_names"))
            if listed is None:
                raise UsageError("has neither label_names nor fine_label_names", str(self.batch_meta_file))
            names = {i + shift: str(name) for i, name in enumerate(listed)}
        names = names or {i + shift: str(i) for i in range(self.num_classes)}
        return with_background(names, self.has_background)


def _mapping(path: Path) -> dict[Any, Any]:
    if path.suffix == ".npz":
        return dict(read_arrays(existing(path)))
    found = unpickled(path)
    if not isinstance(found, dict):
        raise UsageError("holds no dict of arrays", str(path))
    return {k.decode("latin1") if isinstance(k, bytes) else k: v for k, v in found.items()}


@reader("numpy", "npz")
class Numpy(Reader):
    """A .npz file with an array of images or other inputs, one of what is true of them, and names of classes."""

    annotation_file: Path = option(doc="the .npz file")
    images: str = option("images", "the name of the inputs, [samples, ...]; colours red first")
    labels: str = option("labels", "the name of what is true: [samples] classes, or [samples, ...] numbers or points")
    names: str = option("classes", "the name of the names of the classes, which may lack")
    kind: str = option(
        "classification", "what the labels are", choices=("classification", "regression", "landmarks", "segmentation")
    )
    dataset_meta_file: Path | None = option(None, "a JSON file with label_map or labels")

    def read(self) -> Dataset:
        arrays = read_arrays(existing(self.annotation_file))
        where = str(self.annotation_file)
        images, labels = (one_array(arrays, name, self.annotation_file) for name in (self.images, self.labels))
        if labels.ndim == 0 or len(images) != len(labels):
            what = f"'{self.labels}' is {labels.dtype}{list(labels.shape)}, '{self.images}' has {len(images)} samples"
            raise UsageError(what, where)
        names, background = meta_of(self.dataset_meta_file)
        if not names and self.names in arrays:
            names = {i: str(n) for i, n in enumerate(arrays[self.names].reshape(-1).tolist())}
        of = [self._annotation(identifier, label) for identifier, label in zip(numbered(len(labels)), labels)]
        return Dataset(tuple(of), names, background, _by_row(images, [a.identifier for a in of]))

    def _annotation(self, identifier: str, label: Array) -> Annotation:
        shape = list(label.shape)
        wanted = {"classification": label.size == 1 and label.dtype.kind in "iu", "regression": True,
                  "landmarks": label.ndim == 2 and shape[1:] in ([2], [3]),
                  "segmentation": label.ndim == 2 and label.dtype.kind in "iu"}  # fmt: skip
        if not wanted[self.kind]:
            what = f"'{self.labels}' has {label.dtype}{shape} for a sample"
            needed = {"classification": "one whole number", "landmarks": "[points, 2 or 3] of numbers",
                      "segmentation": "[height, width] of whole numbers"}[self.kind]  # fmt: skip
            raise UsageError(what, str(self.annotation_file), f"{self.kind} needs {needed}")
        if self.kind == "classification":
            return ClassificationAnnotation(identifier=identifier, label=int(label.reshape(-1)[0]))
        if self.kind == "landmarks":
            return LandmarksAnnotation(identifier=identifier, points=label.astype(np.float64))
        if self.kind == "segmentation":
            return SegmentationAnnotation(identifier=identifier, load=lambda: label)
        return RegressionAnnotation(identifier=identifier, value=np.asarray(label, np.float64))
