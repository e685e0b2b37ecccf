"""Plugins: a file given on the command line, and an installed package. Each in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

PLUGINS = Path(__file__).resolve().parents[2] / "examples" / "plugin"
CLAMP = PLUGINS / "clamp_activations.py"
TAKEN = "from vinoc.passes.base import *\n@graph_pass('{}')\nclass D(Pass):\n    'Mine.'\n"


def vinoc(*words: object, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **({"PYTHONPATH": str(path)} if path else {})}
    command = [sys.executable, "-m", "vinoc", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_a_pass_from_a_file_runs_with_its_options(tiny: Path) -> None:
    run = vinoc("opt", tiny, "--plugin", CLAMP, "--passes", "clamp-activations{limit=4}")
    assert run.returncode == 0, run.stderr
    assert "ReLU" not in run.stdout
    assert re.search(r"y = Clamp\(m\) \{min=0.0, max=4.0\}", run.stdout)


def test_it_appears_in_the_summary_and_in_the_list(tiny: Path, tmp_path: Path) -> None:
    run = vinoc(tiny, "--plugin", CLAMP, "--passes", "clamp-activations", "-o", tmp_path)
    assert re.search(r"clamp-activations +1 matches", run.stdout), run.stderr
    listed = vinoc("passes", "--plugin", CLAMP, "clamp-activations").stdout
    assert listed.startswith(f"clamp-activations  ({CLAMP})")
    assert "option limit: float, default 6.0" in listed


@pytest.mark.parametrize(
    ("passes", "message"),
    [
        ("clamp-activations{limit=0}", "it must be positive"),
        ("clamp-activations{limt=3}", "did you mean 'limit'?"),
        ("clamp-activation", "did you mean 'clamp-activations'?"),
    ],
)
def test_its_options_are_checked(tiny: Path, passes: str, message: str) -> None:
    run = vinoc("opt", tiny, "--plugin", CLAMP, "--passes", passes)
    assert run.returncode == 2
    assert message in run.stderr


@pytest.mark.parametrize(
    ("source", "code", "message"),
    [
        ("x = 1\n", 2, "declares no pass, no operation, no converter and no kernel"),
        ("import nothing_like_this\n", 1, "p.py:1: the plugin fails: ModuleNotFoundError"),
        ("\n\ndef f(:\n", 1, "p.py:3: the plugin fails: SyntaxError"),
        (TAKEN.format("dce"), 1, "two passes are named 'dce'"),
    ],
    ids=["empty", "import", "syntax", "taken"],
)  # fmt: skip
def test_bad_plugins(tiny: Path, tmp_path: Path, source: str, code: int, message: str) -> None:
    plugin = tmp_path / "p.py"
    plugin.write_text(source)
    run = vinoc("opt", tiny, "--plugin", plugin)
    assert run.returncode == code
    assert message in run.stderr.splitlines()[-1]
    assert "Traceback" not in run.stderr


def test_an_operation_from_a_file(tmp_path: Path) -> None:
    plugin = tmp_path / "ops.py"
    plugin.write_text(
        "from vinoc.ir.op import Op, op\n"
        "@op(internal=True)\n"
        "class Twice(Op):\n"
        "    'x + x.'\n"
        "    def infer(self, x):\n"
        "        return x.type\n"
        "    def evaluate(self, x):\n"
        "        return x + x\n"
    )
    model = tmp_path / "m.vir"
    model.write_text("graph g(x: f32[2]) -> (y) {\n  y = Twice(x)\n}\n")
    assert "f32[2]" in vinoc("opt", model, "--plugin", plugin).stdout
    run = vinoc(model, "--plugin", plugin, "-o", tmp_path)
    assert run.returncode == 1, "IR cannot hold it"
    assert "Twice" in run.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample package, installed into a folder of its own."""
    target = tmp_path_factory.mktemp("site")
    source = PLUGINS / "vinoc-sample-plugin"
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    run = subprocess.run([*command, "--target", str(target), str(source)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return target


def test_a_package_brings_its_rule(installed: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.vir"
    model.write_text("graph g(x: f32[2]) -> (y) {\n  c = Clamp(x) {min=-1.0, max=4.0}\n  y = ReLU(c)\n}\n")
    run = vinoc("opt", model, "--passes", "relu-of-clamp", path=installed)
    assert run.returncode == 0, run.stderr
    assert "y = Clamp(x) {min=0.0, max=4.0}" in run.stdout
    assert "ReLU" not in run.stdout
    listed = vinoc("passes", "relu-of-clamp", path=installed).stdout
    assert listed.startswith("relu-of-clamp  (vinoc-sample-plugin (vinoc_sample_plugin:ReluOfClamp))")


def test_a_package_brings_its_target(installed: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.vir"
    model.write_text("graph g(x: f32[2]) -> (y) {\n  c = Clamp(x) {min=-1.0, max=4.0}\n  y = ReLU(c)\n}\n")
    run = vinoc(model, "-t", "dot", "--passes", "dce", "-o", tmp_path / "out", path=installed)
    assert run.returncode == 0, run.stderr
    text = (tmp_path / "out" / "m.dot").read_text()
    assert "in0 -> n0" in text
    assert 'n1 [label="ReLU"' in text
    assert "n0 -> n1" in text
    refused = tmp_path / "if.vir"
    refused.write_text(
        "graph g(p: boolean[], x: f32[2]) -> (y) {\n  y = If(p, x) {then_inputs=[1], else_inputs=[1]} with\n"
        "  graph a(t: f32[2]) -> (r) {\n    r = ReLU(t)\n  }\n"
        "  graph b(t: f32[2]) -> (r) {\n    r = Tanh(t)\n  }\n}\n"
    )
    run = vinoc(refused, "-t", "dot", "--passes", "dce", "-o", tmp_path / "none", path=installed)
    assert run.returncode == 1, run.stderr
    assert "(If)" in run.stderr
    assert not list((tmp_path / "none").glob("*"))


def test_a_name_that_two_claim_is_an_error_naming_both(installed: Path, tiny: Path, tmp_path: Path) -> None:
    plugin = tmp_path / "p.py"
    plugin.write_text(TAKEN.format("relu-of-clamp"))
    run = vinoc("opt", tiny, "--plugin", plugin, path=installed)
    assert run.returncode == 1
    assert "vinoc-sample-plugin" in run.stderr
    assert str(plugin) in run.stderr


def test_a_converter_from_a_file(tmp_path: Path) -> None:
    node = helper.make_node("Twice", ["x"], ["y"], domain="mine")
    ports = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2]) for n in "xy"]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
    model = helper.make_model(helper.make_graph([node], "g", ports[:1], ports[1:]), opset_imports=opsets)
    onnx.save(model, tmp_path / "m.onnx")
    (tmp_path / "twice.py").write_text(
        "from vinoc.compiler.frontends.onnx.registry import converter\n"
        "@converter('Twice', domain='mine')\n"
        "def twice(ctx):\n"
        "    return ctx.b.Add(ctx.input(0), ctx.input(0))\n"
    )
    assert vinoc("opt", tmp_path / "m.onnx", "--passes", "").returncode == 1
    run = vinoc("opt", tmp_path / "m.onnx", "--passes", "", "--plugin", tmp_path / "twice.py")
    assert run.returncode == 0, run.stderr
    assert "Add(x, x)" in run.stdout


def test_a_kernel_from_a_file(tmp_path: Path) -> None:
    """The operation, its ONNX converter and its kernel come together: no island, and the plan names it."""
    node = helper.make_node("RunningMax", ["x"], ["y"], domain="org.example", low=-1.0)
    ports = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", 5]) for n in "xy"]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("org.example", 1)]
    onnx.save(
        helper.make_model(helper.make_graph([node], "g", ports[:1], ports[1:]), opset_imports=opsets),
        tmp_path / "m.onnx",
    )
    plugin = PLUGINS / "running_max.py"
    shown = vinoc("show", tmp_path / "m.onnx", "--plan", "--plugin", plugin)
    assert shown.returncode == 0, shown.stderr
    assert "numba_running_max" in shown.stdout
    assert "island" not in shown.stdout
    code = (
        "import sys, numpy as np, vinoc\n"
        "core = vinoc.Core()\n"
        "core.add_extension(sys.argv[1])\n"
        "x = np.float32([[-3, 2, 1, 4, 0]])\n"
        "print(core.compile_model(sys.argv[2])([x])['y'].tolist())\n"
    )
    run = subprocess.run([sys.executable, "-c", code, plugin, tmp_path / "m.onnx"], capture_output=True, text=True)
    assert run.stdout == "[[-1.0, 2.0, 2.0, 4.0, 4.0]]\n", run.stderr


def test_a_package_brings_an_operation_and_its_kernel(installed: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.vir"
    model.write_text("graph g(x: f32[2]) -> (y) {\n  y = Staircase(x) {step=0.5}\n}\n")
    shown = vinoc("show", model, "--plan", path=installed)
    assert shown.returncode == 0, shown.stderr
    assert "numba_staircase" in shown.stdout


def test_a_package_that_fails_is_named(tmp_path: Path, tiny: Path) -> None:
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[vinoc.ops]\nbroken = nothing_like_this\n")
    run = vinoc("ops", path=tmp_path)
    assert run.returncode == 1
    assert "package broken (nothing_like_this) fails: ModuleNotFoundError" in run.stderr
