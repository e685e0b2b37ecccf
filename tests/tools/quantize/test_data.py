"""Where samples come from, and what is said about those that do not fit."""

from __future__ import annotations

import numpy as np
import pytest

from vinoc.ir import Builder, Graph, TensorType
from vinoc.ir.dtype import f32, u8
from vinoc.ir.errors import UsageError
from vinoc.tools.inputs.fill import Look
from vinoc.tools.quantize.data import Preparation, Samples, open_data

from .models import arrays, network, pictures


def two_inputs() -> Graph:
    graph = Graph("two")
    a = graph.add_input(TensorType(f32, (1, 3, 8, 8)), "left")
    c = graph.add_input(TensorType(f32, (1, 4)), "right")
    b = Builder(graph)
    graph.add_output(b.Add(b.ReduceMean(a, b.const(np.array([1, 2, 3])), keep_dims=True), b.ReLU(a)), "y")
    graph.add_output(b.ReLU(c), "z")
    return graph


def typed(dtype: object, *shape: int) -> Graph:
    graph = Graph("typed")
    x = graph.add_input(TensorType(dtype, shape), "x")  # type: ignore[arg-type]
    graph.add_output(x, "y")
    return graph


def all_of(samples: Samples, name: str = "image") -> np.ndarray:
    return np.concatenate([a[name] for _, a in samples])


def test_images_of_folders_in_folders_are_resized_and_prepared(tmp_path):
    from PIL import Image

    pictures(tmp_path / "in", 2, 16)
    pictures(tmp_path / "in" / "deeper", 2, 24, seed=1)
    (tmp_path / "in" / "notes.txt").write_text("no image")
    found = open_data(tmp_path / "in", network(), Preparation(mean=(10.0, 20.0, 30.0), scale=(2.0,)))
    assert list(found.names) == ["000.png", "001.png", "deeper/000.png", "deeper/001.png"]
    pixels = np.asarray(Image.open(tmp_path / "in" / "001.png")).astype(np.float32)
    expected = (pixels - [10, 20, 30]).transpose(2, 0, 1) / 2
    np.testing.assert_allclose(found[1][1]["image"], expected[None])
    assert found[2][1]["image"].shape == (1, 3, 16, 16)
    bgr = open_data(tmp_path / "in", network(), Preparation(Look(bgr=True)))
    np.testing.assert_array_equal(bgr[1][1]["image"][0], pixels.transpose(2, 0, 1)[::-1])


def test_arrays_of_npy_npz_and_folders_of_them_are_the_same_samples(tmp_path):
    data = arrays(4)
    np.save(tmp_path / "all.npy", data)
    np.savez(tmp_path / "all.npz", whatever=data, labels=np.array([3, 1, 2, 0]), index=np.arange(4))
    np.savez(tmp_path / "named.npz", image=data.transpose(0, 2, 3, 1), other=data)
    (tmp_path / "each").mkdir()
    for i, sample in enumerate(data):
        np.save(tmp_path / "each" / f"{i}.npy", sample[None])
    graph = network()
    for name in ("all.npy", "all.npz", "named.npz", "each"):
        np.testing.assert_array_equal(all_of(open_data(tmp_path / name, graph)), data)
    labelled = open_data(str(tmp_path / "all.npz"), graph)
    assert labelled.labels is not None
    assert labelled.only([2, 0]).labels.tolist() == [2, 3]
    assert labelled.subset(2).names == ["all.npz[0]", "all.npz[2]"]


def test_python_iterables_of_arrays_tuples_and_dicts():
    data = arrays(3)
    for source in (data, list(data), iter(list(data)), ({"image": d} for d in data), [(d[None],) for d in data]):
        np.testing.assert_array_equal(all_of(open_data(source, network())), data)
    left, right = arrays(2, 3, 8), np.ones((2, 4), np.float32)
    for source in ({"left": left, "right": right}, list(zip(left, right, strict=True))):
        found = open_data(source, two_inputs())
        np.testing.assert_array_equal(all_of(found, "left"), left)
        np.testing.assert_array_equal(all_of(found, "right"), right)
    assert len(open_data((d for d in arrays(9)), network(), most=4)) == 4


def test_several_inputs_by_name(tmp_path):
    pictures(tmp_path / "a", 2, 8)
    np.save(tmp_path / "b.npy", np.ones((2, 4), np.float32))
    found = open_data({"left": tmp_path / "a", "right": tmp_path / "b.npy"}, two_inputs())
    assert {n: a.shape for n, a in found[1][1].items()} == {"left": (1, 3, 8, 8), "right": (1, 4)}
    np.save(tmp_path / "b.npy", np.ones((3, 4), np.float32))
    with pytest.raises(UsageError, match="different numbers of samples: 2 for 'left', 3 for 'right'"):
        open_data({"left": tmp_path / "a", "right": tmp_path / "b.npy"}, two_inputs())
    with pytest.raises(UsageError, match="no data for input right"):
        open_data({"left": tmp_path / "a"}, two_inputs())
    with pytest.raises(UsageError, match="left:PATH right:PATH"):
        open_data(tmp_path / "a", two_inputs())
    with pytest.raises(UsageError, match="did you mean 'left'"):
        open_data({"lef": tmp_path / "a"}, two_inputs())


def test_batches_gray_images_and_integers(tmp_path):
    digits = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)
    found = open_data(digits, typed(f32, 1, 1, 28, 28))
    assert found[0][1]["x"].shape == (1, 1, 28, 28)
    assert found[0][1]["x"].dtype == np.float32
    assert open_data(digits, typed(f32, 4, 1, 28, 28))[0][1]["x"].shape == (4, 1, 28, 28)
    assert open_data([np.float32(3)], typed(f32))[0][1]["x"].shape == ()
    pictures(tmp_path, 1, 32)
    image = open_data(tmp_path, typed(u8, 1, 32, 32, 3))[0][1]["x"]
    assert (image.dtype, image.shape) == (np.uint8, (1, 32, 32, 3))
    with pytest.raises(UsageError, match="its preprocessing is in the model"):
        open_data(tmp_path, typed(u8, 1, 32, 32, 3), Preparation(mean=(127.5,)))
    with pytest.raises(UsageError, match="holds float32, input 'x' takes u8"):
        open_data(np.ones((1, 4), np.float32), typed(u8, 1, 4))
    assert open_data(np.full((1, 4), 255), typed(u8, 1, 4))[0][1]["x"].tolist() == [[255] * 4]
    with pytest.raises(UsageError, match="holds numbers from 0 to 256, input 'x' takes u8"):
        open_data(np.array([[0, 256, 1, 2]]), typed(u8, 1, 4))
    np.save(tmp_path / "one.npy", np.ones((2, 4), np.float32))
    with pytest.raises(UsageError, match="holds one array, the model has 2 inputs"):
        open_data(tmp_path / "one.npy", two_inputs())


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda p: p / "none", "there is no file or folder"),
        (lambda p: p / "empty", "is empty"),
        (lambda p: p / "text", "has 1 files, but no images"),
        (lambda p: p / "mixed", "holds 1 images and 1 arrays"),
        (lambda p: p / "bad.npz", "cannot be read as .npz"),
        (lambda p: p / "shape.npy", r"a sample of shape \[3, 9, 9\] does not fit input 'image' \[1,3,16,16\]"),
        (lambda p: p / "two.npz", "it is not clear what is for 'image'"),
        (lambda p: p / "lengths.npz", "different numbers of samples: 2 of 'image', 3 of 'labels'"),
        (lambda p: p / "short.npy", "cannot be read as .npy"),
        (lambda p: p / "rank.npy", r"rank.npy: a sample of shape \[16\] does not fit input 'image' \[1,3,16,16\]"),
        (lambda p: p / "a.csv", "is no image, and no .npy or .npz"),
        (lambda p: arrays(2).astype(np.complex64), r"data: holds complex64, input 'image' takes f32"),
        (lambda p: arrays(2).astype(str), "data: holds <U32, input 'image' takes f32"),
        (lambda p: np.zeros((0, 3, 16, 16), np.float32), "holds no samples"),
        (lambda p: [], "holds no samples"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path, make, match):
    for name in ("empty", "text", "mixed"):
        (tmp_path / name).mkdir()
    (tmp_path / "text" / "a.txt").write_text("a")
    pictures(tmp_path / "mixed", 1)
    np.save(tmp_path / "mixed" / "a.npy", arrays(1))
    (tmp_path / "bad.npz").write_bytes(b"no zip")
    np.save(tmp_path / "shape.npy", arrays(2, 3, 9))
    (tmp_path / "a.csv").write_text("1,2")
    np.save(tmp_path / "rank.npy", np.ones((2, 16), np.float32))
    (tmp_path / "short.npy").write_bytes((tmp_path / "shape.npy").read_bytes()[:200])
    np.savez(tmp_path / "two.npz", a=arrays(2), b=arrays(2))
    np.savez(tmp_path / "lengths.npz", image=arrays(2), labels=np.arange(3))
    with pytest.raises(UsageError, match=match):
        open_data(make(tmp_path), network())
