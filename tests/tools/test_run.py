"""`vinoc run`: images and arrays in, results that people read out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import vinoc
from vinoc.tools.run.results import best, read_labels, rows_of_classes

from .calls import Call, caller
from .test_inputs import pixels, png

ROOT = Path(__file__).resolve().parents[2]
MNIST = ROOT / "examples" / "models" / "mnist" / "mnist.onnx"

SUM = """graph g(x: f32[1,3,8,8]) -> (y) {
  axes = Constant() : i64[2] = [2, 3]
  y = ReduceMean(x, axes) {keep_dims=false} : f32[1,3]
}
"""
TWO = """graph g(a: f32[N,3], b: f32[N,3]) -> (s, d) {
  s = Add(a, b) : f32[N,3]
  d = Subtract(a, b) : f32[N,3]
}
"""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Call:
    return caller(capsys, "run")


@pytest.fixture
def colors(tmp_path: Path) -> Path:
    """A model that gives the mean of each channel of an image."""
    path = tmp_path / "colors.vir"
    path.write_text(SUM)
    return path


def flat(path: Path, red: int, green: int, blue: int, size: int = 4) -> Path:
    return png(path, np.full((size, size, 3), (red, green, blue), np.uint8))


def saved(path: Path) -> list[float]:
    with np.load(path) as found:
        return [round(float(v), 4) for v in found["y"].reshape(-1)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], [10, 20, 30]),
        (["--color", "bgr"], [30, 20, 10]),
        (["--reverse_input_channels"], [30, 20, 10]),
        (["--normalize", "unit"], [10 / 255, 20 / 255, 30 / 255]),
        (["--normalize", "signed"], [-117.5 / 127.5, -107.5 / 127.5, -97.5 / 127.5]),
        (["--normalize", "imagenet"], [(10 - 123.675) / 58.395, (20 - 116.28) / 57.12, (30 - 103.53) / 57.375]),
        (
            ["--normalize", "imagenet", "--color", "bgr"],
            [(30 - 103.53) / 57.375, (20 - 116.28) / 57.12, (10 - 123.675) / 58.395],
        ),
        (["--mean_values", "[1,2,3]", "--scale_values", "[2,2,2]"], [4.5, 9, 13.5]),
        (["--scale", "10"], [1, 2, 3]),
    ],
)
def test_preprocessing(colors: Path, tmp_path: Path, run: Call, options: list[str], expected: list[float]) -> None:
    run(colors, "--input", flat(tmp_path / "a.png", 10, 20, 30), "--save", tmp_path / "o.npz", *options)
    assert saved(tmp_path / "o.npz") == [round(v, 4) for v in expected]


def test_sizes_and_layouts(tmp_path: Path, run: Call) -> None:
    last = tmp_path / "last.vir"
    last.write_text(SUM.replace("[1,3,8,8]", "[1,8,8,3]").replace("[2, 3]", "[1, 2]"))
    wide = png(
        tmp_path / "w.png", np.concatenate([np.full((8, 4, 3), 200, np.uint8), np.zeros((8, 12, 3), np.uint8)], 1)
    )
    run(last, "-i", wide, "-o", tmp_path / "o.npz", "--layout", "[NHWC]")
    assert abs(saved(tmp_path / "o.npz")[0] - 50) < 2
    run(last, "-i", wide, "-o", tmp_path / "o.npz", "--layout", "[NHWC]", "--resize", "crop")
    assert saved(tmp_path / "o.npz") == [0.0] * 3  # the white quarter is cut
    run(last, "-i", wide, "-o", tmp_path / "o.npz", "--layout", "[NHWC]", "--resize", "pad")
    assert saved(tmp_path / "o.npz") == [82.0] * 3  # half of the rows are the border's gray


def test_the_result_is_that_of_the_runtime(tmp_path: Path, run: Call) -> None:
    with np.load(MNIST.parent / "io.npz") as stored:
        array = next(a for a in stored.values() if a.shape == (1, 1, 28, 28))
    np.save(tmp_path / "x.npy", array)
    shown = run(MNIST, "-i", tmp_path / "x.npy", "-o", tmp_path / "y.npy", "--top", 2)
    expected = vinoc.Core().compile_model(MNIST, "CPU")([array])[0]
    assert np.array_equal(np.load(tmp_path / "y.npy"), expected)
    numbers = re.findall(r"^ +(\d+)  ", shown, re.M)
    assert numbers == [str(i) for i in np.argsort(-expected[0])[:2]]


def test_labels_and_several_images(tmp_path: Path, run: Call) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(f"digit {i}" for i in range(10)))
    files = [png(tmp_path / f"{n}.png", pixels(28, 28, n)) for n in (1, 2)]
    shown = run(MNIST, "--input", *files, "--labels", labels, "--top", 1, "--save", tmp_path / "o.json")
    assert len(re.findall(r"digit \d", shown)) == 2
    found = json.loads((tmp_path / "o.json").read_text())
    assert [f["input"] for f in found] == [str(f) for f in files]
    assert found[0]["outputs"]["Plus214_Output_0"]["shape"] == [1, 10]


def test_inputs_by_name_and_outputs(tmp_path: Path, run: Call) -> None:
    model = tmp_path / "two.vir"
    model.write_text(TWO)
    for name, value in (("a", 5.0), ("b", 3.0)):
        np.save(tmp_path / f"{name}.npy", np.full((2, 3), value, np.float32))
    inputs = [f"a:{tmp_path}/a.npy", f"b:{tmp_path}/b.npy"]
    shown = run(model, "-i", *inputs, "-o", tmp_path / "o.npz", "-d", "TEMPLATE")
    assert "s: float32[2,3], 8 to 8, mean 8" in shown
    with np.load(tmp_path / "o.npz") as found:
        assert set(found) == {"s", "d"}
    run(model, "-i", *inputs, "--output", "d", "-o", tmp_path / "d.npy")
    assert (np.load(tmp_path / "d.npy") == 2).all()
    assert "2 arrays cannot be one .npy" in run(model, "-i", *inputs, "-o", tmp_path / "o.npy", code=2)


def test_random_values(colors: Path, run: Call) -> None:
    shown = run(colors)
    assert "filled with random values" in shown
    assert "y: float32[1,3]" in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "o.txt"], "what results are saved as is .npz, .npy or .json"),
        (["--normalize", "unit", "--scale", "2"], "mean and scale are given twice"),
        (["--labels", "nowhere.txt"], "cannot be read as text"),
        (["-d", "GPU"], "no device 'GPU'"),
        (["--inptu", "x"], "did you mean '-input'"),
        (["-i", "z:a.png"], "no input 'z'"),
    ],
)
def test_what_is_wrong_is_told(colors: Path, run: Call, words: list[str], message: str) -> None:
    assert message in run(colors, *words, code=2)


def test_labels_of_all_kinds(tmp_path: Path) -> None:
    path = tmp_path / "l.txt"
    for text in ("cat\ndog\n", "0: cat\n1: dog\n", "n01440764 cat\nn01443537 dog\n", "0 cat\n1 dog\n"):
        path.write_text(text)
        assert read_labels(path) == ["cat", "dog"]
    path.write_text("cat 1\ndog 2\n")
    assert read_labels(path) == ["cat 1", "dog 2"]


def test_classes() -> None:
    assert rows_of_classes(np.zeros((2, 1000)), False).shape == (2, 1000)  # type: ignore[union-attr]
    assert rows_of_classes(np.zeros((1, 1000, 1, 1)), False).shape == (1, 1000)  # type: ignore[union-attr]
    assert rows_of_classes(np.zeros((1, 896, 1)), False) is None
    assert rows_of_classes(np.zeros((1, 3)), False) is None
    assert rows_of_classes(np.zeros((1, 3)), True).shape == (1, 3)  # type: ignore[union-attr]
    assert best(np.array([0.1, 0.9, 0.5]), 2, ["background", "a", "b", "c"]) == [(1, "b", 0.9), (2, "c", 0.5)]
