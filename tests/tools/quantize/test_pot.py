"""Configuration files of POT, run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vinoc.backends.numpy import Interpreter
from vinoc.compiler.driver import read_model
from vinoc.tools.quantize.algorithms.named_ranges import ends, hodges_lehmann, joined, seen
from vinoc.tools.quantize.schemes import Bound
from vinoc.tools.quantize.synthetic import leaves

from ..calls import Call, caller
from .nets import classifier, clear, features, picture_files, pictures_net


@pytest.fixture
def quantize(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.chdir(tmp_path)
    return caller(capsys, "quantize")


def config(
    path: Path, model: str, engine: dict[str, Any], params: dict[str, Any] | None = None,
    algorithm: str = "DefaultQuantization", **more: Any,
) -> Path:  # fmt: skip
    """A file with a comment and a comma too many."""
    body = {
        "model": {"model_name": "net", "model": model, "weights": model.replace(".onnx", ".bin"), **more},
        "engine": engine,
        "compression": {"algorithms": [{"name": algorithm, "params": params or {}}]},
    }
    path.write_text("/* made by a test */ " + json.dumps(body, indent=2)[:-1].rstrip() + ", // last\n}")
    return path


def quantized(path: Path) -> list[str]:
    """The nodes that read what a FakeQuantize gives."""
    graph = read_model(path)
    readers = [user for n in graph if n.kind == "FakeQuantize" for user in n.output.users]
    return [user.label.partition("/")[0] for user in readers]


@pytest.fixture
def nets(tmp_path: Path) -> Path:
    pictures_net(tmp_path / "net.onnx")
    picture_files(tmp_path / "images")
    return tmp_path


def test_simplified_mode(quantize: Call, nets: Path) -> None:
    path = config(nets / "c.json", "net.onnx", {"type": "simplified", "data_source": "images"}, {"stat_subset_size": 8})
    told = quantize("-c", path)
    out = nets / "results/net_DefaultQuantization/optimized/net.xml"
    assert str(out.relative_to(nets)) in told
    assert "blue first" in told
    graph = read_model(out)
    assert sum(n.kind == "FakeQuantize" for n in graph) >= 2
    image = np.random.default_rng(0).uniform(0, 255, (1, 3, 16, 16)).astype(np.float32)
    a, b = (np.asarray(Interpreter(read_model(p)).run([image])[0]) for p in (nets / "net.onnx", out))
    assert np.linalg.norm(a - b) < 0.1 * np.linalg.norm(a)


def test_the_command_line_goes_first(quantize: Call, nets: Path) -> None:
    path = config(nets / "c.json", "<MODEL_PATH>", {"type": "simplified", "data_source": "PATH_TO_SOURCE"})
    assert "the model is a placeholder" in quantize("-c", path, code=2)
    assert "the data is a placeholder" in quantize("net.onnx", "-c", path, code=2)
    told = quantize("net.onnx", "-c", path, "--data", "images", "-o", "out", "--subset", 5)
    assert "blue first" not in told
    assert (nets / "out/net.xml").exists()


def test_patterns_and_output_folders(quantize: Call, nets: Path) -> None:
    engine = {"type": "simplified", "data_source": "images/a*.png"}
    quantize("-c", config(nets / "c.json", "net.onnx", engine, output_dir="there", direct_dump=True))
    assert (nets / "there/optimized/net.xml").exists()
    engine["data_source"] = "images/z*.png"
    assert "no file of 'images' is called 'z*.png'" in quantize(
        "-c", config(nets / "d.json", "net.onnx", engine), code=2
    )
    assert not (nets / "results").exists()


def test_ignored_nodes_stay_float(quantize: Call, nets: Path) -> None:
    engine = {"type": "simplified", "data_source": "images"}
    scope = {"scope": ["conv1", "konv0"], "operations": [{"type": "MatMul", "attributes": {"transpose_b": "false"}}]}
    told = quantize("-c", config(nets / "c.json", "net.onnx", engine, {"ignored": scope}), "-o", "a.xml")
    assert "'konv0' is not in the model did you mean 'conv0'?" in told
    assert "conv0" in quantized(nets / "a.xml")
    assert not {"conv1", "product"} & set(quantized(nets / "a.xml"))
    scope["operations"] = [{"type": "Convolution", "attributes": {"strides": "2, 2"}}, {"type": "Tile"}]
    told = quantize("-c", config(nets / "c.json", "net.onnx", engine, {"ignored": scope}), "-o", "b.xml")
    assert "no 'Tile' to ignore" in told
    assert "product" in quantized(nets / "b.xml")
    assert not {"conv0", "conv1"} & set(quantized(nets / "b.xml"))


def test_ranges_by_estimators(quantize: Call, nets: Path) -> None:
    engine = {"type": "simplified", "data_source": "images"}
    params = {"activations": {"mode": "asymmetric", "range_estimator": {"max": {"type": "max", "aggregator": "min",
              "clipping_value": 100}, "min": {"type": "min", "aggregator": "max"}}}}  # fmt: skip
    path = config(nets / "c.json", "net.onnx", engine, params, "MinMaxQuantization")
    quantize("-c", path, "-o", "a.xml", "--save_ranges", "r.json")
    ranges = json.loads((nets / "r.json").read_text())
    assert ranges["values"]["image"]["max"] == 100
    assert ranges["defaults"]["activations"]["mode"] == "asymmetric"


def test_data_free(quantize: Call, nets: Path) -> None:
    engine = {"type": "data_free", "generate_data": "True", "layout": "NCHW", "data_type": "image",
              "shape": "[None, None, None, None]"}  # fmt: skip
    told = quantize("-c", config(nets / "c.json", "net.onnx", engine, {"stat_subset_size": 12}), "-o", "a.xml")
    assert "pictures that are made up" in told
    assert quantized(nets / "a.xml")


def labelled_file(folder: Path, count: int = 300) -> Path:
    """Inputs of which the classifier is sure, with what it makes of them."""
    graph = read_model(folder / "fc.onnx")
    inputs = features(2 * count)
    rows = np.stack([np.asarray(Interpreter(graph).run([x])[0]).reshape(-1) for x in inputs])
    kept = clear(rows, count)
    np.savez(folder / "data.npz", x=inputs[kept], labels=rows[kept].argmax(axis=1))
    return folder / "data.npz"


def test_accuracy_aware_on_labels_of_a_file(quantize: Call, tmp_path: Path) -> None:
    classifier(tmp_path / "fc.onnx", huge=2000)
    labelled_file(tmp_path)
    engine = {"type": "simplified", "data_source": "data.npz"}
    params = {"maximal_drop": 0.01, "base_algorithm": "MinMaxQuantization", "stat_subset_size": 100}
    path = config(tmp_path / "c.json", "fc.onnx", engine, params, "AccuracyAwareQuantization")
    told = quantize("-c", path, "-o", "a.xml", "--report", "r.json")
    facts = json.loads((tmp_path / "r.json").read_text())["facts"]["accuracy"]
    assert facts["reverted"] == ["fc1"]
    assert facts["drop"] <= 0.01
    assert "too few to tell" in told
    assert "fc1" not in quantized(tmp_path / "a.xml")


def test_accuracy_aware_needs_labels(quantize: Call, nets: Path) -> None:
    engine = {"type": "simplified", "data_source": "images"}
    path = config(nets / "c.json", "net.onnx", engine, {}, "AccuracyAwareQuantization")
    assert "no labels" in quantize("-c", path, code=2)
    path = config(nets / "c.json", "net.onnx", engine, {"annotation_free": True}, "AccuracyAwareQuantization")
    quantize("-c", path, "-o", "a.xml", "--report", "r.json")
    assert json.loads((nets / "r.json").read_text())["facts"]["accuracy"]["float"] == 1.0


def checked(nets: Path) -> dict[str, Any]:
    """An engine with a data set of Accuracy Checker's, whose labels are what the model finds."""
    graph = read_model(nets / "net.onnx")
    from PIL import Image

    rows = []
    for file in sorted((nets / "images").iterdir()):
        pixels = np.asarray(Image.open(file).convert("RGB").resize((16, 16), Image.Resampling.BILINEAR), np.float32)
        found = Interpreter(graph).run([np.ascontiguousarray(pixels.transpose(2, 0, 1)[None, ::-1])])[0]
        rows.append(f"{file.name} {int(np.argmax(found))}")
    (nets / "labels.txt").write_text("\n".join(rows))
    return {
        "launchers": [{"framework": "dlsdk", "device": "CPU", "adapter": "classification"}],
        "datasets": [{
            "name": "set", "data_source": "images", "reader": "pillow_imread",
            "annotation_conversion": {"converter": "imagenet", "annotation_file": "labels.txt"},
            "preprocessing": [{"type": "resize", "size": 16, "use_pillow": True}, {"type": "rgb_to_bgr"}],
            "metrics": [{"type": "accuracy", "top_k": 1}],
        }],
    }  # fmt: skip


def test_accuracy_checker_in_the_engine(quantize: Call, nets: Path) -> None:
    path = config(nets / "c.json", "net.onnx", checked(nets), {"maximal_drop": 0.2}, "AccuracyAwareQuantization")
    quantize("-c", path, "-o", "a.xml", "--report", "r.json")
    facts = json.loads((nets / "r.json").read_text())["facts"]["accuracy"]
    assert facts["float"] >= 0.9
    assert facts["samples"] == 12
    assert facts["drop"] <= 0.2
    assert quantized(nets / "a.xml")


def test_faults_in_the_data_set_are_told_with_their_lines(quantize: Call, nets: Path) -> None:
    engine = checked(nets)
    engine["datasets"][0]["annotation_conversion"]["converter"] = "imagenett"
    engine["datasets"][0]["metrics"][0]["topk"] = 1
    path = config(nets / "c.json", "net.onnx", engine)
    lines = path.read_text().splitlines()
    told = quantize("-c", path, "-o", "a.xml", code=2)
    for word, near in (('"converter"', "imagenet"), ('"topk"', "top_k")):
        line = next(i for i, text in enumerate(lines, 1) if word in text)
        assert f"c.json:{line}" in told
        assert f"did you mean '{near}'?" in told
    assert not (nets / "a.xml").exists()


def test_data_sets_for_calibration_and_judgement(quantize: Call, nets: Path) -> None:
    engine = checked(nets)
    one = engine["datasets"][0]
    steps = one.pop("preprocessing")
    engine["datasets"] = {
        "preprocessing": steps,
        "optimization": {"name": "a", "data_source": "images"},
        "evaluation": one,
    }
    quantize("-c", config(nets / "c.json", "net.onnx", engine), "-o", "a.xml")
    assert quantized(nets / "a.xml")


def test_estimators_by_hand() -> None:
    array = np.array([-4.0, 1.0, 2.0, 3.0])
    assert seen(Bound("abs_max"), array, False) == 4.0
    assert seen(Bound("quantile", outliers=0.25), array, False) == pytest.approx(2.25)
    assert seen(Bound("quantile", outliers=0.25), array, True) == pytest.approx(-0.25)
    assert seen(Bound("abs_quantile", outliers=0.0), array, False) == 4.0
    numbers = np.array([1.0, 2.0, 6.0])
    assert joined(Bound("max", "mean"), numbers, False) == 3.0
    assert joined(Bound("max", "median"), numbers, False) == 2.0
    assert joined(Bound("max", "max", clip=5.0), numbers, False) == 5.0
    assert joined(Bound("abs_max", "min"), numbers, True) == -1.0
    assert ends(-1.0, 3.0, True, True, False) == (-3.0, 3.0)
    assert ends(-5.0, 3.0, True, True, True) == (-3.0, 3.0)
    assert ends(-5.0, 3.0, True, False, True) == (-5.0, 3.0)
    assert ends(0.5, 3.0, False, True, True) == (0.0, 3.0)
    assert hodges_lehmann(numbers) == pytest.approx(2.75)  # of 1, 1.5, 3.5, 2, 4, 6


def test_pictures_that_are_made_up_differ_and_fill_the_range() -> None:
    a, b = leaves(40, 56, 0), leaves(40, 56, 1)
    assert a.shape == (40, 56, 3)
    assert (a == leaves(40, 56, 0)).all()
    assert (a != b).mean() > 0.5
    assert 60 < a.mean() < 195
    assert a.std() > 30
