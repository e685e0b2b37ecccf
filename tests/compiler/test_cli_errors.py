"""Bad usage, bad models, faults: exit codes, one clear message, nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from vinoc.compiler.cli import main
from vinoc.passes.dce import Dce

from .conftest import TINY, Cli

USAGE = [
    ([], "no model is given"),
    (["TINY", "--bogus"], "--bogus"),
    (["TINY", "--outputdir", "x"], "--output_dir"),
    (["TINY", "extra"], "extra"),
    (["TINY", "-m", "other.onnx"], "two models are given"),
    (["pases"], "did you mean 'passes'?"),
    (["TINY", "--passes", "fusee"], "did you mean 'fuse'?"),
    (["TINY", "--passes", "fuse{"], "--passes"),
    (["TINY", "--passes", "fold{x=1}"], "pass 'fold' has no option 'x'"),
    (["TINY", "-t", "irr"], "no target named 'irr'"),
    (["TINY", "--framework", "onx"], "did you mean 'onnx'?"),
    (["TINY", "--verify", "maybe"], "maybe"),
    (["TINY", "--data_type", "INT8"], "INT8"),
    (["TINY", "--data_type", "FP32", "--compress_to_fp16"], "contradicts"),
    (["TINY", "--compress_to_fp16=perhaps"], "perhaps"),
    (["TINY", "--model_name", "a/b"], "cannot be the name of files"),
    (["TINY", "--report", "r.txt"], ".json or .html"),
    (["TINY", "--report", "nowhere/r.json"], "there is no folder 'nowhere'"),
    (["TINY", "--dump-after", "fuse"], "--dump-dir"),
    (["TINY", "--dump-dir", "d", "--dump-after", "fusee"], "did you mean 'fuse'?"),
    (["TINY", "--explain", "clap"], "the pipeline has no pass 'clap'"),
    (["TINY", "--plugin", "gone.py"], "no such plugin file"),
    (["TINY", "-o", "TINY/below"], "is a file"),
    (["passes", "fusee"], "did you mean 'fuse'?"),
    (["opt", "TINY", "-o", "x.txt"], ".vir"),
    (["diff", "TINY"], "second"),
]


@pytest.mark.parametrize(("words", "message"), USAGE, ids=[" ".join(w) or "nothing" for w, _ in USAGE])
def test_bad_usage(
    cli: Cli, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    run = cli(*[w.replace("TINY", "tiny.vir") for w in words])
    assert run.code == 2
    assert message.lower() in run.last.lower(), run.err
    assert run.out == ""
    assert sorted(tmp_path.rglob("*")) == before, "nothing is written"


def test_a_wrong_pass_is_pointed_at(cli: Cli, tiny: Path) -> None:
    run = cli(tiny, "--passes", "fuse,fusee,dce")
    lines = run.err.splitlines()
    assert lines[1] == "  fuse,fusee,dce"
    assert lines[2] == "       ^^^^^"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tni.vir", None, "did you mean 'tiny.vir'?"),
        ("no/such.onnx", None, "there is no folder"),
        ("folder.onnx", "", "is a folder"),
        ("model.xyz", b"\0\1\2", "known extensions"),
        ("broken.onnx", b"\x08\x07\x12\xffgarbage", "broken.onnx"),
        ("empty.onnx", b"", "empty"),
        ("bad.vir", b"graph g(", "bad.vir"),
        ("late.vir", TINY.replace("ReLU(m)", "ReLU(z)").encode(), "'z' is not defined"),
        ("shapes.vir", TINY.replace("f32[4,3,3,3]", "f32[4,2,3,3]").encode(), "Convolution"),
    ],
)
def test_bad_models(
    cli: Cli, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes | str | None,
    message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    if content == "":
        Path(name).mkdir()
    elif isinstance(content, bytes):
        Path(name).write_bytes(content)
    run = cli("--input_model", name, "-o", "out")
    assert run.code == 1, run.err
    assert message in run.err
    assert Path(name).name in run.last
    assert not Path("out").exists()


def bad_onnx(path: Path) -> Path:
    """Three problems: two unknown operators, one of them twice."""
    nodes = [
        helper.make_node("Foo", ["x"], ["a"], name="first", domain="my.own"),
        helper.make_node("Foo", ["a"], ["b"], name="second", domain="my.own"),
        helper.make_node("Relu", ["b"], ["c"], name="fine"),
        helper.make_node("Bar", ["c"], ["y"], name="third", domain="my.own"),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])
    graph = helper.make_graph(nodes, "bad", [x], [y])
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("my.own", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


@pytest.mark.parametrize("verb", [[], ["check"]])
def test_all_problems_come_at_once(cli: Cli, tmp_path: Path, verb: list[str]) -> None:
    run = cli(*verb, bad_onnx(tmp_path / "bad.onnx"), *(() if verb else ("-o", tmp_path / "out")))
    assert run.code == 1
    text = run.out if verb else run.err
    assert "Foo x2" in text
    assert "nodes: first; second" in text
    assert "third" in text
    last = text.rstrip("\n").splitlines()[-1]
    assert "3 problems" in last
    assert "Foo (2)" in last
    assert "Bar" in last
    assert not (tmp_path / "out").exists()


def test_what_ir_cannot_hold_is_listed_and_nothing_is_left(cli: Cli, tmp_path: Path) -> None:
    """Complex numbers do not exist in IR."""
    model = tmp_path / "c.vir"
    model.write_text("graph g(x: c64[2]) -> (x) {\n}\n")
    run = cli(model, "-o", tmp_path / "new" / "out")
    assert run.code == 1
    assert "c64" in run.err
    assert not (tmp_path / "new").exists(), "folders that were made for the files are gone too"


def test_a_fault_of_vinoc_has_its_own_code_and_no_traceback(
    cli: Cli, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Dce, graph: object, context: object) -> int:
        node = next(n for n in graph if n.kind == "ReLU")  # type: ignore[attr-defined]
        raise ZeroDivisionError(f"stumbled over {node.kind}")

    monkeypatch.setattr(Dce, "run", fail)
    run = cli(tiny, "-o", tmp_path / "out")
    assert run.code == 70
    for part in ("running pass 'dce'", "'relu'", "ZeroDivisionError: stumbled over ReLU", "please report"):
        assert part in run.last
    assert not (tmp_path / "out").exists()
    run = cli(tiny, "-o", tmp_path / "out", "--debug")
    assert "Traceback" in run.err
    assert run.code == 70


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 1, "out of memory"),
        (RecursionError(), 70, "nests too deeply"),
    ],
)
def test_interrupts_and_limits(
    cli: Cli, tiny: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, message: str
) -> None:
    def fail(*arguments: object) -> int:
        raise error

    monkeypatch.setattr(Dce, "run", fail)
    run = cli(tiny)
    assert run.code == code
    assert message in run.last


def test_a_pass_that_breaks_the_graph_is_named(cli: Cli, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def corrupt(self: Dce, graph: object, context: object) -> int:
        for node in graph:  # type: ignore[attr-defined]
            if node.kind == "ReLU":
                node.outputs[0].type = node.inputs[0].type.__class__(node.outputs[0].dtype, (1, 2))
        return 1

    monkeypatch.setattr(Dce, "run", corrupt)
    run = cli(tiny)
    assert run.code == 70
    assert "after pass 'dce'" in run.err


def test_a_pass_that_changes_numbers_is_named(cli: Cli, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vinoc.ir.builder import Builder

    def swap(self: Dce, graph: object, context: object) -> int:
        node = next(n for n in graph if n.kind == "ReLU")  # type: ignore[attr-defined]
        graph.replace_uses(node.output, Builder(graph, before=node).Sigmoid(node.operand(0)))  # type: ignore[attr-defined,arg-type]
        return 1

    monkeypatch.setattr(Dce, "run", swap)
    run = cli(tiny, "--verify", "numeric")
    assert run.code == 70
    assert "pass 'dce'" in run.last
    assert "differs by" in run.last


def test_a_reader_that_goes_away_is_no_error(tiny: Path) -> None:
    """As in `vinoc ops | head -1`."""
    read, write = os.pipe()
    os.close(read)
    run = subprocess.run([sys.executable, "-m", "vinoc", "ops"], stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert run.returncode == 141
    assert run.stderr == ""


def test_debug_is_found_wherever_it_stands(tiny: Path) -> None:
    run = subprocess.run([sys.executable, "-m", "vinoc", "--debug", "gone.onnx"], capture_output=True, text=True)
    assert run.returncode == 1
    assert "Traceback" in run.stderr


def test_main_returns_codes_and_never_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(*arguments: object) -> int:
        raise SystemExit(3)

    monkeypatch.setattr("vinoc.compiler.cli._run", leave)
    assert main(["x"]) == 3


def test_weights_that_lie_elsewhere_and_are_gone(cli: Cli, tmp_path: Path) -> None:
    """External data that is missing is a problem of the model."""
    w = numpy_helper.from_array(np.ones((4, 4), np.float32), "w")
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])
    model = helper.make_model(helper.make_graph([node], "g", [x], [y], [w]), ir_version=8)
    path = tmp_path / "e.onnx"
    onnx.save(model, path, save_as_external_data=True, location="e.data", size_threshold=0)
    (tmp_path / "e.data").unlink()
    run = cli(path, "-o", tmp_path / "out")
    assert run.code == 1
    assert "e.data" in run.err


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A line of a shell, in which `vinoc` is the command."""
    text = command.replace("vinoc", f"{sys.executable} -m vinoc")
    return subprocess.run(["sh", "-c", text], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("words", ["passes", "show tiny.vir", "tiny.vir -o out"])
def test_what_is_printed_goes_nowhere(tiny: Path, tmp_path: Path, words: str) -> None:
    """Closed streams are no error; a full disk is one of the machine, which is told once."""
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        done = shell(f"vinoc {words} {closed}", tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), closed
    if not Path("/dev/full").is_char_device():
        pytest.skip("there is no /dev/full")
    done = shell(f"vinoc {words} >/dev/full", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: No space left on device (help: ")
    assert done.stderr.count("\n") == 1
    assert shell(f"vinoc {words} 2>/dev/full >&2", tmp_path).returncode == 1


def test_files_that_grow_too_large(tiny: Path, tmp_path: Path) -> None:
    """A limit, as of a full disk: an error, and nothing half-written."""
    model = tmp_path / "big.vir"
    lines = "".join(f"  v{i + 1} = Exp(v{i})\n" for i in range(4000))
    model.write_text(f"graph g(v0: f32[2]) -> (v4000) {{\n{lines}}}\n")
    for words in ("big.vir -o out --passes ''", "opt big.vir -o copy.vir", "big.vir --dump_dir dumps --passes dce"):
        done = shell(f"ulimit -f 8; vinoc {words}", tmp_path)
        assert done.returncode == 1, words
        assert done.stderr.splitlines()[-1].startswith("error: ")
        assert "File too large" in done.stderr
        assert "fault" not in done.stderr
        assert not [p for p in tmp_path.rglob("*") if p.is_file() and p.name not in ("big.vir", "tiny.vir")], words
