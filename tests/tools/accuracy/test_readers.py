"""Readers of classes: lists, folders, tables, MNIST, CIFAR, arrays; samples of data sets; images."""

from __future__ import annotations

import gzip
import json
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vinoc.ir.errors import UsageError, VinocError
from vinoc.tools.accuracy.annotations import Images, load, outside, reaching_out, sample_size
from vinoc.tools.accuracy.base import Dataset, data_reader, reader
from vinoc.tools.accuracy.readers.arrays import unpickled
from vinoc.tools.accuracy.representation import ClassificationAnnotation, PairsAnnotation

from .cases import objects


def read(name: str, **options: Any) -> Dataset:
    return load(reader.make(name, options))


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def picture(path: Path, pixels: Any) -> Path:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)
    return path


def told(dataset: Dataset) -> list[tuple[str, Any]]:
    return [(a.identifier, a.label) for a in dataset.annotations if isinstance(a, ClassificationAnnotation)]


def test_imagenet(tmp_path: Path) -> None:
    names = written(tmp_path / "words.txt", "n01 tench, Tinca\nn02 goldfish\n")
    listed = written(tmp_path / "val.txt", "a.jpg 1\n\nb c.jpg 0\nd.jpg\t1\n")
    found = read("imagenet", annotation_file=listed, labels_file=names)
    assert told(found) == [("a.jpg", 1), ("b c.jpg", 0), ("d.jpg", 1)]
    assert found.labels == {0: "tench, Tinca", 1: "goldfish"}
    found = read("imagenet", annotation_file=listed, labels_file=names, has_background=True)
    assert told(found)[0] == ("a.jpg", 2)
    assert found.labels == {0: "background", 1: "tench, Tinca", 2: "goldfish"}
    assert found.background == 0


def test_imagenet_tells_all_problems(tmp_path: Path) -> None:
    meta = written(tmp_path / "meta.json", json.dumps({"labels": ["a", "b"]}))
    listed = written(tmp_path / "val.txt", "a.jpg 1\nb.jpg x\nc.jpg\nd.jpg 7\ne.jpg -1\n")
    with pytest.raises(UsageError) as error:
        read("imagenet", annotation_file=listed, dataset_meta_file=meta, images_dir=tmp_path)
    text = str(error.value)
    for line, what in (
        (2, "'x' is no whole number"),
        (3, "whole number"),
        (4, "class 7 has no name"),
        (5, "from 0 on"),
    ):
        assert any(f"val.txt:{line}" in row and what in row for row in text.splitlines()), what
    assert f"there is no image '{tmp_path / 'a.jpg'}'" in text


def test_twice_the_same_name(tmp_path: Path) -> None:
    listed = written(tmp_path / "val.txt", "a.jpg 1\nb.jpg 0\na.jpg 0\n")
    with pytest.raises(UsageError, match=r"'a.jpg' is annotated more than once"):
        read("imagenet", annotation_file=listed)
    with pytest.raises(UsageError, match="no samples"):
        read("imagenet", annotation_file=written(tmp_path / "none.txt", "\n"))
    with pytest.raises(UsageError, match="there is no file"):
        read("imagenet", annotation_file=tmp_path / "absent.txt")


def test_folder_of_folders(tmp_path: Path) -> None:
    for name in ("dog/b.png", "dog/a.jpg", "cat/z.png", "cat/notes.txt"):
        written(tmp_path / name, "")
    found = read("cls_dataset_folder", data_dir=tmp_path)
    assert told(found) == [("cat/z.png", 0), ("dog/a.jpg", 1), ("dog/b.png", 1)]
    assert found.labels == {0: "cat", 1: "dog"}
    with pytest.raises(UsageError, match="there are no folders"):
        read("image_folder", data_dir=tmp_path / "cat")
    with pytest.raises(UsageError, match="there is no folder"):
        read("image_folder", data_dir=tmp_path / "cow")


def test_csv(tmp_path: Path) -> None:
    table = written(tmp_path / "t.csv", 'file,size,kind\n"a, b.jpg",3,dog\nc.jpg,4,cat\n')
    found = read("csv", annotation_file=table, label_column="kind")
    assert told(found) == [("a, b.jpg", 1), ("c.jpg", 0)]
    assert found.labels == {0: "cat", 1: "dog"}
    assert told(read("csv", annotation_file=table)) == [("a, b.jpg", 3), ("c.jpg", 4)]
    with pytest.raises(UsageError, match="did you mean 'kind'"):
        read("csv", annotation_file=table, label_column="kin")
    with pytest.raises(UsageError, match="there is no class 'dog'"):
        read("csv", annotation_file=table, label_column="kind", labels="cat, dogs")
    tabs = written(tmp_path / "t.tsv", "file\tkind\na.jpg\n")
    with pytest.raises(UsageError, match="has 1 columns"):
        read("csv", annotation_file=tabs, delimiter="tab")


def idx(array: np.ndarray) -> bytes:  # type: ignore[type-arg]
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.mark.parametrize("packed", [True, False])
def test_mnist(tmp_path: Path, packed: bool) -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 5, 6), dtype=np.uint8)
    labels = np.array([3, 1, 9, 0], np.uint8)
    pack = gzip.compress if packed else bytes
    (tmp_path / "i").write_bytes(pack(idx(images)))
    (tmp_path / "l").write_bytes(pack(idx(labels)))
    found = read("mnist", images_file=tmp_path / "i", labels_file=tmp_path / "l", convert_images=True)
    assert told(found) == [("0.png", 3), ("1.png", 1), ("2.png", 9), ("3.png", 0)]
    assert len(found.labels) == 10
    read_as = {n: Images(found, None, data_reader.make(n, o)) for n, o in (("numpy_reader", {}), ("opencv_imread", {}))}
    np.testing.assert_array_equal(read_as["numpy_reader"].read(found.annotations[2]).data[:, :, 0], images[2])
    gray = read_as["opencv_imread"].read(found.annotations[2])
    assert gray.data.shape == (5, 6, 3)  # as of a file of this image
    assert gray.meta.size == (5, 6)
    swapped = read("fashion_mnist", data_file=tmp_path / "i", annotation_file=tmp_path / "l")
    assert told(swapped) == told(found)


def test_damaged_mnist(tmp_path: Path) -> None:
    good = idx(np.zeros((2, 3, 3), np.uint8))
    labels = tmp_path / "l"
    labels.write_bytes(idx(np.zeros(2, np.uint8)))
    cases = [
        (good[:-1], "17"),
        (b"PK" + good, "is no IDX file"),
        (good[:3], "is no IDX"),
        (b"", "is no IDX"),
        (gzip.compress(good)[:-5], "cannot be unpacked"),
        (idx(np.zeros((3, 3, 3), np.uint8)), "3 images"),
    ]
    for data, what in cases:
        (tmp_path / "i").write_bytes(data)
        with pytest.raises(UsageError, match=what):
            read("mnist", images_file=tmp_path / "i", labels_file=labels)


def test_mnist_as_a_table(tmp_path: Path) -> None:
    row = ",".join(["7", *["9"] * 784])
    found = read("mnist_csv", annotation_file=written(tmp_path / "t.csv", f"label,pixels\n{row}\n"))
    assert told(found) == [("0.png", 7)]
    assert found.images is not None
    assert found.images("0.png").shape == (28, 28, 1)
    with pytest.raises(UsageError, match=r"t.csv:2: a class and 784 pixels"):
        read("mnist_csv", annotation_file=written(tmp_path / "t.csv", f"{row}\n1,2\n"))


def batch(key: str = "labels") -> dict[str, Any]:
    data = np.random.default_rng(1).integers(0, 256, (3, 3072), dtype=np.uint8)
    return {"data": data, key: [4, 0, 9], "filenames": ["a.png", "b.png", "c.png"]}


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_cifar(tmp_path: Path, protocol: int) -> None:
    given = batch()
    (tmp_path / "test_batch").write_bytes(pickle.dumps(given, protocol=protocol))
    (tmp_path / "meta").write_bytes(pickle.dumps({"label_names": [f"kind {i}" for i in range(10)]}, protocol=protocol))
    found = read("cifar", data_batch_file=tmp_path / "test_batch", batch_meta_file=tmp_path / "meta")
    assert told(found) == [("a.png", 4), ("b.png", 0), ("c.png", 9)]
    assert found.labels[9] == "kind 9"
    assert found.images is not None
    np.testing.assert_array_equal(found.images("b.png")[2, 5], given["data"][1].reshape(3, 32, 32)[:, 2, 5])
    blue_first = Images(found, None, data_reader.make("opencv_imread", {})).read(found.annotations[1]).data
    np.testing.assert_array_equal(blue_first, found.images("b.png")[:, :, ::-1])
    assert told(read("cifar", data_batch_file=tmp_path / "test_batch", has_background=True))[0] == ("a.png", 5)
    with pytest.raises(UsageError, match="num_classes is 5"):
        read("cifar", data_batch_file=tmp_path / "test_batch", num_classes=5)


def test_cifar_as_arrays(tmp_path: Path) -> None:
    given = batch("fine_labels")
    np.savez(tmp_path / "c.npz", data=given["data"].reshape(3, 3, 32, 32).transpose(0, 2, 3, 1), fine_labels=[4, 0, 99])
    found = read("cifar", data_batch_file=tmp_path / "c.npz", num_classes=100)
    assert told(found)[2] == ("2.png", 99)
    assert found.images is not None
    np.testing.assert_array_equal(found.images("0.png")[0, 0], given["data"][0].reshape(3, 32, 32)[:, 0, 0])


class _Evil:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("touched"),))


def test_pickles_run_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "p"
    for protocol in range(6):
        path.write_bytes(pickle.dumps({"data": _Evil()}, protocol=protocol))
        with pytest.raises(UsageError, match="no array"):
            unpickled(path)
    for code in (
        b"cos\nsystem\n(S'touch touched'\ntR.",
        b"cnumpy.core\nos\n.",
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"\x80",
        b"",
    ):
        path.write_bytes(code)
        with pytest.raises(UsageError):
            unpickled(path)
    assert not (tmp_path / "touched").exists()
    path.write_bytes(pickle.dumps({"a": np.arange(3.0), "b": [1, "x"], "c": np.float32(2)}))
    assert unpickled(path)["a"].tolist() == [0, 1, 2]


def test_npz(tmp_path: Path) -> None:
    images = np.random.default_rng(2).random((2, 4), np.float32)
    np.savez(tmp_path / "d.npz", x=images, y=[1, 0], classes=["no", "yes"])
    found = read("npz", annotation_file=tmp_path / "d.npz", images="x", labels="y")
    assert told(found) == [("0.png", 1), ("1.png", 0)]
    assert found.labels == {0: "no", 1: "yes"}
    data = Images(found, None, data_reader.make("numpy_reader", {})).read(found.annotations[1])
    np.testing.assert_array_equal(data.data, images[1])
    assert data.meta.size is None
    with pytest.raises(UsageError, match="has no array 'images'"):
        read("npz", annotation_file=tmp_path / "d.npz")
    np.savez(tmp_path / "e.npz", images=images, labels=np.random.default_rng(0).random((2, 5, 2)))
    points = read("numpy", annotation_file=tmp_path / "e.npz", kind="landmarks")
    assert points.annotations[0].points.shape == (5, 2)  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="classification needs one whole number"):
        read("numpy", annotation_file=tmp_path / "e.npz")
    (tmp_path / "f.npz").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(UsageError, match=r"cannot be read as .npz"):
        read("npz", annotation_file=tmp_path / "f.npz")
    np.savez(tmp_path / "g.npz", images=np.array([_Evil()], object), labels=[1])
    with pytest.raises(UsageError, match=r"cannot be read as .npz"):
        read("npz", annotation_file=tmp_path / "g.npz")


# Samples of data sets, images


def numbered(tmp_path: Path, count: int = 50) -> Any:
    lines = "".join(f"{i}.jpg {i % 3}\n" for i in range(count))
    return reader.make("imagenet", {"annotation_file": written(tmp_path / "val.txt", lines)})


def test_subsets(tmp_path: Path) -> None:
    of = numbered(tmp_path)
    first = load(of, 10, subsample_seed=1)
    assert told(first) == told(load(of, "20%", subsample_seed=1))
    assert told(first) != told(load(of, 10, subsample_seed=2))
    assert told(first) == sorted(told(first), key=lambda p: int(p[0][:-4]))
    assert [n for n, _ in told(load(of, 3, shuffle=False))] == ["0.jpg", "1.jpg", "2.jpg"]
    warnings: list[str] = []
    assert len(load(of, 60, warn=warnings.append).annotations) == 50
    assert "has 50 samples" in warnings[0]


@pytest.mark.parametrize("size", ["0", "-3", "x", "0%", "1.5", "", "inf", "nan"])
def test_bad_sizes_of_subsets(size: str) -> None:
    with pytest.raises(UsageError, match="subsample_size"):
        sample_size(size, 50, "here")


def test_subsets_keep_pairs_together(tmp_path: Path) -> None:
    lines = "10\t2\n" + "".join(f"p{i}\t1\t2\n" for i in range(20)) + "".join(f"p{i}\t1\tq{i}\t1\n" for i in range(20))
    of = reader.make("lfw", {"pairs_file": written(tmp_path / "pairs.txt", lines)})
    found = load(of, 12)
    names = {a.identifier for a in found.annotations}
    linked = [name for a in found.annotations if isinstance(a, PairsAnnotation) for name, _ in (*a.same, *a.other)]
    assert 3 <= len(names) <= 12
    assert linked
    assert names >= set(linked)


def test_images_of_a_folder(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    picture(tmp_path / "images" / "0.png", pixels)
    dataset = read("imagenet", annotation_file=written(tmp_path / "val.txt", "sub/0.png 1\n"))
    rgb, bgr, gray = (
        Images(dataset, tmp_path / "images", data_reader.make(n, o)).read(dataset.annotations[0])
        for n, o in (("pillow_imread", {}), ("opencv_imread", {}), ("opencv_imread", {"reading_flag": "gray"}))
    )
    np.testing.assert_array_equal(rgb.data, pixels)
    np.testing.assert_array_equal(bgr.data, pixels[:, :, ::-1])
    assert gray.data.shape == (4, 6, 1)
    assert rgb.meta.size == rgb.meta.input_size == (4, 6)


def test_missing_and_broken_images(tmp_path: Path) -> None:
    dataset = read("imagenet", annotation_file=written(tmp_path / "val.txt", "0.png 1\n1.png 0\n2.png 1\n"))
    readers = data_reader.make("pillow_imread", {})
    with pytest.raises(UsageError, match="data_source is missing"):
        Images(dataset, None, readers)
    with pytest.raises(UsageError, match="there is no folder"):
        Images(dataset, tmp_path / "nothing", readers)
    picture(tmp_path / "0.png", np.zeros((2, 2, 3)))
    with pytest.raises(UsageError) as error:
        Images(dataset, tmp_path, readers)
    assert "'1.png'" in str(error.value)
    assert "'2.png'" in str(error.value)
    for i in (1, 2):
        (tmp_path / f"{i}.png").write_bytes(b"no image")
    images = Images(dataset, tmp_path, readers)
    assert [p.where for p in images.problems()] == [str(tmp_path / "1.png"), str(tmp_path / "2.png")]
    assert images.read(dataset.annotations[0]).data.shape == (2, 2, 3)
    with pytest.raises(UsageError) as error:
        images.read(dataset.annotations[1])
    assert len(error.value.problems) == 2  # type: ignore[attr-defined]


def test_arrays_as_samples(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(6.0).reshape(2, 3))
    np.savez(tmp_path / "b.npz", x=np.zeros(2), y=np.ones(3))
    (tmp_path / "c.bin").write_bytes(np.arange(4, dtype="<f4").tobytes())
    assert data_reader.make("numpy_reader", {}).read(tmp_path / "a.npy").shape == (2, 3)
    assert data_reader.make("numpy_reader", {"keys": "y"}).read(tmp_path / "b.npz").tolist() == [1, 1, 1]
    with pytest.raises(UsageError, match="2 arrays"):
        data_reader.make("numpy_reader", {}).read(tmp_path / "b.npz")
    with pytest.raises(UsageError, match="no array 'z'"):
        data_reader.make("numpy_reader", {"keys": "z"}).read(tmp_path / "b.npz")
    assert data_reader.make("numpy_bin_reader", {"offset": 8}).read(tmp_path / "c.bin").tolist() == [2, 3]
    for name, path in (("numpy_reader", "c.bin"), ("numpy_bin_reader", "none"), ("numpy_reader", "none")):
        with pytest.raises(VinocError, match="cannot be read"):
            data_reader.make(name, {}).read(tmp_path / path)
    with pytest.raises(UsageError, match="no type of NumPy"):
        data_reader.make("numpy_bin_reader", {"dtype": "floaty"})


def test_boxes_beside_their_images() -> None:
    true = objects("x", [(0, 0, 5, 5, 0), (8, 0, 4, 5, 0), (30, 0, 40, 5, 0), (-3, 2, 5, 5, 0), (0, 0, 11, 11, 0)])
    found = outside(true, (10, 10), "list.txt")
    assert len(found) == 2
    assert "ends before it begins" in str(found[0])
    assert "lies beside 'x', which is 10 wide and 10 high" in str(found[1])
    assert reaching_out(true, (10, 10)) == 2  # (30, 40) and (-3, 5): by more than a pixel
