"""`vinoc quantize`: from files to files."""

from __future__ import annotations

import json
import os
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from tests.passes.quantize.util import FLOAT, compiled, infer, precisions, relative
from vinoc.backends.numpy import Interpreter
from vinoc.compiler.driver import read_model
from vinoc.ir import Graph
from vinoc.ir.text import write_text
from vinoc.passes import PassManager, Pipeline
from vinoc.passes.quantize import Quantize, Ranges
from vinoc.tools.quantize.data import Preparation
from vinoc.tools.quantize.options import Options
from vinoc.tools.quantize.pareto import Run, best
from vinoc.tools.quantize.quantize import cleaned, quantize, quantize_model

from ..calls import Call, caller
from .models import arrays, network, pictures, root_network, saved

EXAMPLES = Path(__file__).parents[3] / "examples" / "models"


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    return caller(capsys, "quantize")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return saved(network(), tmp_path / "net.xml")


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def evaluated(graph: Graph, array: np.ndarray) -> np.ndarray:
    return np.asarray(Interpreter(graph).run([array])[0])


def test_images_become_an_integer_model_and_its_report(call, model, tmp_path):
    pictures(tmp_path / "photos", 12)
    (tmp_path / "photos" / "bad.jpg").write_bytes(b"no image")
    reports = [tmp_path / f"r{s}" for s in (".json", ".html", ".txt")]
    shown = call(model, "--data", tmp_path / "photos", "--normalize", "signed", "-o", tmp_path / "out", "--report",
                 *reports, "--save-ranges", tmp_path / "ranges.json")  # fmt: skip
    assert "warning: bad.jpg is left out: cannot be" in shown
    assert "4 of 4 products" in shown
    assert names(tmp_path / "out") == ["net_int8.bin", "net_int8.xml"]
    told = json.loads(reports[0].read_text())
    assert (told["samples"], list(told["skipped"])) == (12, ["bad.jpg"])
    assert [row["integers"] for row in told["layers"]] == [True] * 4
    assert all(row["weight_bits"] == 8 and row["weight_sqnr"] > 30 for row in told["layers"])
    assert all(0 < row["own"] < 0.1 and row["cost"] is not None for row in told["layers"])
    assert all(row["milliseconds"][0] > 0 for row in told["layers"])
    assert all(row["sqnr"] > 20 and row["recipe"] for row in told["values"])
    assert all(v["range"][0] <= v["seen"][0] * 0.9 and v["seen"][1] * 0.9 <= v["range"][1] for v in told["values"])
    assert told["sizes"]["bin"] == (tmp_path / "out" / "net_int8.bin").stat().st_size
    assert told["sizes"]["float_bin"] == (tmp_path / "net.bin").stat().st_size
    assert 0 < told["outputs"][0]["error"] < 0.1
    text = reports[2].read_text()
    assert text.startswith("net.xml, calibrated on 12 samples\n.bin: ")
    assert "left out: bad.jpg: cannot be" in text
    page = reports[1].read_text()
    HTMLParser().feed(page)
    assert page.count("<svg") >= 1
    assert "net.xml, quantized" in page
    graph = cleaned(read_model(model))
    PassManager(Pipeline((Quantize(ranges=Ranges.load(tmp_path / "ranges.json")),))).run(graph)
    assert [n.kind for n in graph].count("FakeQuantize") == len(told["values"])


def test_openvino_computes_the_file_in_integers_and_to_the_same_numbers(call, model, tmp_path):
    data = arrays(16)
    np.save(tmp_path / "data.npy", data)
    call(model, "--data", tmp_path / "data.npy", "-o", tmp_path)
    made = tmp_path / "net_int8.xml"
    assert precisions(compiled(made), "Convolution") == {("Convolution", "u8"): 3}
    graph, before = read_model(made), read_model(model)
    for sample in data[:4]:
        expected = evaluated(graph, sample[None])
        assert relative(expected, infer(compiled(made, FLOAT), [sample[None]])[0]) < 1e-3
        assert relative(evaluated(before, sample[None]), expected) < 0.1


def test_sizes_of_a_face_detector(call, tmp_path):
    """What the article had: 404 kB in 130; and its XML, which grows as layers are added."""
    model = EXAMPLES / "blazeface" / "blazeface.onnx"
    rng = np.random.default_rng(0)
    shape = read_model(model).inputs[0].shape
    np.save(tmp_path / "d.npy", rng.uniform(-1, 1, (10, *shape[1:])).astype(np.float32))
    call(model, "--data", tmp_path / "d.npy", "-o", tmp_path, "--report", tmp_path / "r.json")
    told = json.loads((tmp_path / "r.json").read_text())["sizes"]
    assert told["bin"] <= 0.27 * told["float_bin"]
    assert told["xml"] <= 1.5 * told["float_xml"]


def test_labels_judge_the_float_model_first(call, tmp_path):
    data = arrays(60)
    graph = network(shift=-np.mean([evaluated(network(), d[None]) for d in data], axis=0))
    model = saved(graph, tmp_path / "net.xml")
    labels = np.array([evaluated(graph, d[None]).argmax() for d in data])
    np.savez(tmp_path / "right.npz", image=data, labels=labels)
    shown = call(model, "--data", tmp_path / "right.npz", "-o", tmp_path)
    assert "float model: right in 100.0% of 60 labelled samples" in shown
    assert "quantized model: right in " in shown
    np.savez(tmp_path / "wrong.npz", image=data, labels=(labels + 1) % 5)
    shown = call(model, "--data", tmp_path / "wrong.npz", "-o", tmp_path)
    assert "warning: the float model is right in 0.0% of the samples, and always saying" in shown
    np.savez(tmp_path / "boxes.npz", image=data, labels=np.zeros((60, 4)))
    assert "the labels cannot be used to validate the model" in call(
        model, "--data", tmp_path / "boxes.npz", "-o", tmp_path
    )


def test_weights_alone_need_no_data(call, model, tmp_path):
    shown = call(model, "--weights_only", "--bits", "4", "-o", tmp_path / "out", "-n", "small")
    assert names(tmp_path / "out") == ["small.bin", "small.xml"]
    assert "0 of 4 products" in shown
    graph = read_model(tmp_path / "out" / "small.xml")
    assert not any(n.kind == "FakeQuantize" for n in graph)
    x = arrays(1)
    assert relative(evaluated(read_model(model), x), evaluated(graph, x)) < 0.5


def test_files_that_cannot_be_written_are_told_before_any_work(call, model, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("keep me")
    for out in ("file", "file/out", "file/a/b.xml"):
        shown = call(model, "--weights_only", "-o", tmp_path / out, code=2)
        assert f"'{tmp_path / 'file'}' is no folder" in shown
    (tmp_path / "d.xml").mkdir()
    assert "there is a folder of that name" in call(model, "--weights_only", "-o", tmp_path / "d.xml", code=2)
    np.savez(tmp_path / "data.npz", image=arrays(12))
    for foreign in ("file", "data.npz"):
        words = ("--data", tmp_path / "data.npz", "-o", tmp_path / "new", "--resume", tmp_path / foreign)
        assert "is no file of statistics, and would be overwritten" in call(model, *words, code=2)
    (tmp_path / "damaged.npz").write_bytes((tmp_path / "data.npz").read_bytes()[:300])
    call(model, "--data", tmp_path / "data.npz", "-o", tmp_path / "new", "--resume", tmp_path / "damaged.npz")
    monkeypatch.setattr("os.access", lambda path, mode, **_: not mode & os.W_OK)
    for option, name in (("-o", "n"), ("--report", "r.html"), ("--save_ranges", "r.json"), ("--resume", "s.npz")):
        words = ("-o", tmp_path / "out", option, tmp_path / name)
        assert f"folder '{tmp_path}' cannot be written to" in call(model, "--weights_only", *words, code=2)
    assert [n for n in names(tmp_path) if not n.startswith("net.")] == [
        "d.xml",
        "damaged.npz",
        "data.npz",
        "file",
        "new",
    ]
    assert (tmp_path / "file").read_text() == "keep me"


def test_layers_stay_float_by_name_kind_and_pattern(call, model, tmp_path):
    np.save(tmp_path / "d.npy", arrays(12))
    report = tmp_path / "r.json"
    words = (model, "--data", tmp_path / "d.npy", "-o", tmp_path, "--report", report, "--integers", "always")

    def floats() -> list[bool]:
        return [not row["integers"] for row in json.loads(report.read_text())["layers"]]

    call(*words, "--ignore", "layer1.conv", "--ignore_type", "MatMul")
    assert floats() == [False, True, False, True]
    call(*words, "--ignore_pattern", "layer[01]")
    assert floats() == [True, True, False, False]
    assert "did you mean 'layer1.conv'" in call(*words, "--ignore", "layer1.con", code=1)


def test_nothing_is_written_when_something_fails(call, model, tmp_path):
    (tmp_path / "empty").mkdir()
    out = tmp_path / "out"
    shown = call(model, "--data", tmp_path / "empty", "-o", out, "--report", tmp_path / "r.json", code=2)
    assert "is empty" in shown
    bad = arrays(4)
    bad[:3] = np.nan
    np.save(tmp_path / "nan.npy", bad)
    shown = call(model, "--data", tmp_path / "nan.npy", "-o", out, "--report", tmp_path / "r.json", code=1)
    assert "3 of 4 samples cannot be used" in shown
    assert not out.exists()
    assert not (tmp_path / "r.json").exists()
    out.mkdir()
    (out / "net_int8.xml").mkdir()  # in the place of a file
    np.save(tmp_path / "good.npy", arrays(12))
    shown = call(model, "--data", tmp_path / "good.npy", "-o", out, "--report", tmp_path / "r.json", code=2)
    assert "there is a folder of that name" in shown
    assert names(out) == ["net_int8.xml"]
    assert not (tmp_path / "r.json").exists()


def test_samples_that_give_nan_in_the_model_are_named(call, tmp_path):
    model = saved(root_network(), tmp_path / "root.xml")
    data = np.abs(arrays(24, 3, 8)) + 0.1
    data[[2, 9], 0, 0, 0] = -1
    np.save(tmp_path / "d.npy", data)
    shown = call(model, "--data", tmp_path / "d.npy", "-o", tmp_path, "--report", tmp_path / "r.json")
    assert "warning: d.npy[9] is left out: NaN or infinity" in shown
    told = json.loads((tmp_path / "r.json").read_text())
    assert set(told["skipped"]) == {"d.npy[2]", "d.npy[9]"}
    assert told["samples"] == 22
    assert 0 < told["outputs"][0]["error"] < 0.1
    assert all(row["sqnr"] > 20 for row in told["values"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--data"], "no data are given"),
        (["--data", "none"], "there is no file or folder 'none'"),
        (["--data", "d.npy", "--presett", "mixed"], "did you mean '-preset'"),
        (["--data", "d.npy", "--report", "r.pdf"], "a report is .html, .json or .txt"),
        (["--data", "d.npy", "--algorithm", "min-maxx"], "did you mean 'min-max'"),
        (["--data", "d.npy", "-o", "net.xml"], "the model itself would be overwritten"),
        (["--data", "d.npy", "--normalize", "unit", "--scale", "2"], "mean and scale are given twice"),
        (["--data", "d.npy", "--mean_values", "[1,2]"], "2 values for 3 channels of 'image'"),
        (["--data", "d.npy", "--mean_values", "[a]"], "is no list of numbers"),
        (["--data", "imag:d.npy"], "did you mean 'image'"),
    ],
)
def test_wrong_options(call, model, tmp_path, monkeypatch, words, said):
    np.save(tmp_path / "d.npy", arrays(12))
    monkeypatch.chdir(tmp_path)
    before = names(tmp_path)
    assert said in call("net.xml", *(words if words != ["--data"] else []), code=2)
    assert names(tmp_path) == before


def test_text_of_graphs_can_be_quantized_as_well(call, tmp_path):
    write_text(network(), tmp_path / "net.vir")
    np.save(tmp_path / "d.npy", arrays(12))
    call(tmp_path / "net.vir", "--data", tmp_path / "d.npy", "-o", tmp_path)
    assert (tmp_path / "net_int8.xml").exists()


def test_from_python(tmp_path):
    data = arrays(12)
    result = quantize(network(), list(data), preset="mixed")
    assert result.ranges.values
    options = Options(preset="mixed")
    again = quantize_model(network(), data, options, Preparation())
    assert again.ranges.text() == result.ranges.text()
    expected = evaluated(network(), data[:1])
    assert 0 < relative(expected, evaluated(result.graph, data[:1])) < 0.1


def test_all_presets_are_tried_and_drawn_beside_runs_whose_reports_were_kept(call, model, tmp_path):
    np.save(tmp_path / "d.npy", arrays(12))
    words = (model, "--data", tmp_path / "d.npy", "-o", tmp_path)
    call(*words, "--activation_bits", "4", "--report", tmp_path / "four.json")
    shown = call(*words, "--algorithm", "min-max", "--pareto", tmp_path / "p.html", "--runs", tmp_path / "four.json")
    rows = {line.split("  ")[0]: line.split("  ", 1)[-1].split() for line in shown.splitlines()}
    for name in ("float", "performance", "mixed", "accuracy", "weights of 8 bits", "weights of 4 bits", "four"):
        assert name in rows
    assert float(rows["float"][0]) == 0 < float(rows["mixed"][0]) < float(rows["four"][0])
    page = (tmp_path / "p.html").read_text()
    HTMLParser().feed(page)
    assert page.count("<svg") == 2
    assert "is no report of vinoc quantize" in call(
        *words, "--pareto", tmp_path / "p.html", "--runs", tmp_path / "d.npy", code=2
    )
    assert "a chart is .svg, .png or .html" in call(*words, "--pareto", tmp_path / "p.pdf", code=2)


def test_the_best_runs_are_those_that_none_beats():
    runs = [
        Run("float", 0.0, 1.0, 100, 1.0),
        Run("slow", 0.1, 0.9, 60, 0.6),
        Run("good", 0.1, 0.5, 50, 0.5),
        Run("small", 0.3, 0.6, 30, 0.3),
        Run("old", 0.2, None, 50, 0.5),
    ]
    assert best(runs) == {"float", "good", "small"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--keep_float", "conw"), "what is to stay float: 'conw': the model has no such node"),
        (("--keep_float", "auto", "conw"), "what is to stay float: 'conw'"),
        (("--ignore", "scorez"), "(did you mean 'scores'?)"),
        (("--ignore_type", "Convolutoin"), "did you mean 'Convolution'?"),
        (("--ignore_pattern", "conw"), "the name of no node begins with this pattern"),
        (("--algorithm", "min-maxx"), "did you mean 'min-max'?"),
    ],
)
def test_mistyped_names_are_told_before_data_are_read(call, model, tmp_path, words, told):
    np.save(tmp_path / "empty.npy", np.zeros((0, 3, 16, 16), np.float32))  # which would be told otherwise
    shown = call(
        model,
        "--data",
        tmp_path / "empty.npy",
        *words,
        "-o",
        tmp_path / "out",
        code=2 if words[0] == "--algorithm" else 1,
    )
    assert told in shown
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--ignore_pattern", "(fold"), "pattern '(fold' is no regular expression"),
        (("--runs", "r.json"), "goes with --pareto"),
        (("--mean_values", "[1,2,3],[4]"), "2 lists of numbers are given for input"),
        (("--scale", "1e400"), "no finite number"),
        (("--scale_values", "[inf]"), "no finite numbers"),
    ],
)
def test_options_that_cannot_be_meant(call, model, tmp_path, words, told):
    pictures(tmp_path / "photos", 2)
    assert told in call(model, "--data", tmp_path / "photos", *words, "-o", tmp_path / "out", code=2)
    assert not (tmp_path / "out").exists()
