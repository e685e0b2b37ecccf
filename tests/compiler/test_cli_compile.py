"""`vinoc MODEL`: files, summary, options."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from vinoc.backends.openvino import OpenVinoBackend

from .conftest import Cli

LOWERING = OpenVinoBackend.lowering.split(",")
"""Behind the passes that are asked for, those of the target."""


def small_onnx(path: Path) -> Path:
    """y = relu(conv(x, w) * s + b), with an unused name or two."""
    rng = np.random.default_rng(0)
    weights = {
        "w": rng.standard_normal((4, 3, 3, 3)).astype(np.float32),
        "s": rng.standard_normal((4, 1, 1)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Mul", ["c", "s"], ["m"], name="scale"),
        helper.make_node("Dropout", ["m"], ["d"], name="drop"),
        helper.make_node("Relu", ["d"], ["y"], name="relu"),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 4, 8, 8])],
        [numpy_helper.from_array(a, n) for n, a in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return small_onnx(tmp_path / "small.onnx")


def test_an_onnx_model_becomes_ir_with_a_summary(cli: Cli, small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run = cli(small, "-o", out)
    assert run.code == 0, run.err
    assert sorted(p.name for p in out.iterdir()) == ["small.bin", "small.mapping", "small.xml"]
    assert re.search(r"small\.onnx: \d+ -> \d+ nodes, \d+ -> \d+ edges", run.out)
    assert re.search(r"multiply-into-convolution +1\n", run.out), "matches are told by rule"
    assert re.search(rf"\[ SUCCESS \] XML file: {re.escape(str(out))}/small\.xml \([\d.]+ k?B\)", run.out)
    assert re.search(r"\[ SUCCESS \] Total execution time: [\d.]+ seconds", run.out)
    assert "Peak memory" in run.out
    assert run.err == ""


def test_what_is_written_is_what_openvino_reads(cli: Cli, small: Path, tmp_path: Path) -> None:
    openvino = pytest.importorskip("openvino")
    ort = pytest.importorskip("onnxruntime")
    assert cli(small, "-o", tmp_path).code == 0
    x = np.random.default_rng(1).standard_normal((2, 3, 8, 8)).astype(np.float32)
    config = {"INFERENCE_PRECISION_HINT": "f32"}
    got = openvino.Core().compile_model(tmp_path / "small.xml", "CPU", config)({"x": x})["y"]
    expected = ort.InferenceSession(small, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("spelling", ["--output_dir", "--output-dir", "-o"])
def test_dashes_and_underscores_are_the_same(cli: Cli, tiny: Path, tmp_path: Path, spelling: str) -> None:
    assert cli("--input-model", tiny, spelling, tmp_path / "o", "--model-name", "net").code == 0
    assert (tmp_path / "o" / "net.xml").exists()


def test_the_model_may_follow_a_verb_or_an_option(cli: Cli, tiny: Path, tmp_path: Path) -> None:
    assert cli("compile", tiny, "-o", tmp_path / "a").code == 0
    assert cli("-m", tiny, "--output_dir", tmp_path / "b").code == 0
    assert (tmp_path / "a" / "tiny.xml").read_bytes() == (tmp_path / "b" / "tiny.xml").read_bytes()


def test_silent_prints_nothing(cli: Cli, tiny: Path, tmp_path: Path) -> None:
    run = cli(tiny, "-o", tmp_path, "--silent")
    assert (run.code, run.out, run.err) == (0, "", "")


def test_no_passes_leave_the_graph_alone(cli: Cli, tiny: Path, tmp_path: Path) -> None:
    run = cli(tiny, "-o", tmp_path, "--passes", "")
    assert "7 -> 7 nodes" not in run.out
    assert re.search(r"6 -> 6 nodes, \d+ -> \d+ edges", run.out), run.out


@pytest.mark.parametrize(
    "options", [["--compress_to_fp16"], ["--compress-to-fp16", "True"], ["--data_type", "FP16"], ["--data-type=half"]]
)
def test_weights_in_half_precision(cli: Cli, tiny: Path, tmp_path: Path, options: list[str]) -> None:
    assert cli(tiny, "-o", tmp_path / "full", "--compress_to_fp16=False").code == 0
    assert cli(*options, tiny, "-o", tmp_path / "half").code == 0
    sizes = {f: (tmp_path / f / "tiny.bin").stat().st_size for f in ("full", "half")}
    assert sizes["half"] < sizes["full"]


def test_the_numpy_target_makes_a_module(cli: Cli, tiny: Path, tmp_path: Path) -> None:
    assert cli(tiny, "-t", "numpy", "-o", tmp_path / "n").code == 0
    assert (tmp_path / "n" / "tiny.py").exists()


def test_dumps_lie_in_their_folder(cli: Cli, tiny: Path, tmp_path: Path) -> None:
    def dumped(folder: str, *options: str) -> list[str]:
        run = cli(tiny, "-o", tmp_path, "--passes", "dce,fuse,cse", "--dump-dir", tmp_path / folder, *options)
        assert run.code == 0, run.err
        return sorted(p.name for p in (tmp_path / folder).glob("*.vir"))

    assert dumped("d") == ["00-input.vir", "01-dce.vir", "02-fuse.vir"], "only where something changed"
    assert dumped("e", "--dump-after", "cse") == ["00-input.vir", "03-cse.vir"]


def test_times_of_passes(cli: Cli, tiny: Path, tmp_path: Path) -> None:
    run = cli(tiny, "-o", tmp_path, "--time-passes", "--passes", "(dce,cse)*", "--silent")
    rows = [line.split()[1] for line in run.out.splitlines() if line[:1].isdigit()]
    assert rows == ["dce", "cse", "dce", "cse", *LOWERING], "every execution of a repeated pass is told"


def test_a_refusal_is_explained_with_the_framework_node(cli: Cli, tiny: Path, tmp_path: Path) -> None:
    run = cli(tiny, "-o", tmp_path, "--explain", "multiply-into-convolution", "--silent")
    assert run.out.startswith("multiply-into-convolution: applied 0 times, declined 1 times\n  tiny.onnx: node 'scale'")


def test_numeric_verification_tells_the_error_of_every_pass(cli: Cli, small: Path, tmp_path: Path) -> None:
    run = cli(small, "-o", tmp_path, "--verify", "numeric")
    assert run.code == 0, run.err
    assert re.search(r"after fuse: outputs differ by \d\.\de-\d\d of their range", run.out)


@pytest.mark.parametrize("form", ["json", "html"])
def test_reports_tell_every_pass(cli: Cli, small: Path, tmp_path: Path, form: str) -> None:
    report = tmp_path / f"report.{form}"
    assert cli(small, "-o", tmp_path / "out", "--report", report, "--passes", "fuse,dce").code == 0
    text = report.read_text()
    assert "multiply-into-convolution" in text
    if form == "html":
        assert text.startswith("<!doctype html>")
        assert "://" not in text, "the page stands alone"
        return
    data = json.loads(text)
    assert [s["pass"] for s in data["steps"]] == ["fuse", "dce", *LOWERING]
    assert data["before"]["nodes"] > data["after"]["nodes"]
    assert data["steps"][0]["matches"]["multiply-into-convolution"] == 1
    rewritten = next(r for r in data["steps"][0]["rewritten"] if r["rule"] == "multiply-into-convolution")
    assert "scale" in rewritten["replaced"]
    assert {Path(f["path"]).name for f in data["files"]} == {"small.xml", "small.bin", "small.mapping"}
    assert all(Path(f["path"]).stat().st_size == f["bytes"] for f in data["files"])
    assert data["seconds"]["total"] == pytest.approx(
        sum(v for k, v in data["seconds"].items() if k != "total"), abs=1e-4
    )


def test_help_lists_the_commands(cli: Cli) -> None:
    run = cli("--help")
    assert run.code == 0
    assert re.search(r"^  check +\S", run.out, re.M)
    assert re.search(r"^  opt +\S", run.out, re.M)


def test_version(cli: Cli) -> None:
    import vinoc

    assert cli("--version").out == f"vinoc {vinoc.__version__}\n"


def test_a_model_is_cut_at_an_output(cli: Cli, small: Path, tmp_path: Path) -> None:
    assert cli(small, "-o", tmp_path, "--output", "scale", "--model_name", "cut").code == 0
    shown = cli("show", tmp_path / "cut.xml")
    assert "ReLU" not in shown.out
    assert "Convolution" in shown.out
    assert cli(small, "--output", "scal").last.count("did you mean 'scale'?")
