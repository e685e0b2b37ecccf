"""Plans and profiles for people and programs. Nothing here depends on how long something takes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from vinoc.backends.cpu import machine as machine_module
from vinoc.backends.cpu.codegen.library import Library
from vinoc.backends.cpu.codegen.target import Target
from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.machine import Machine, machine
from vinoc.backends.cpu.report import Step, read, sentence, steps_of, table
from vinoc.backends.cpu.roofline import Traffic, limit
from vinoc.compiler.cli.show import command
from vinoc.ir.text import parse_graph

from .checked import targets

NETWORK = """
graph g(x: f32[1,8,20,20]) -> (y) {
  w = Constant() : f32[16,8,3,3] = random(1)
  c = Convolution(x, w) {strides=[2,2], pads_begin=[1,1], pads_end=[1,1], dilations=[1,1]}
  r = ReLU(c)
  shape = Constant() : i64[2] = [1,1600]
  f = Reshape(r, shape) {special_zero=false}
  v = Constant() : f32[1600,10] = random(2)
  y = MatMul(f, v)
}
"""

STAGES = """
graph g(x: f32[N,8], go: boolean[]) -> (n, z) {
  zero = Constant() : f32[] = [0.0]
  positive = Greater(x, zero)
  n = NonZero(positive) {output_type=i64}
  z = If(go, x) {then_inputs=[1], else_inputs=[1]} with
    graph twice(a: f32[N,8]) -> (b) {
      b = Add(a, a)
    }
    graph root(a: f32[N,8]) -> (b) {
      b = Abs(a)
    }
}
"""

LIMITS = Machine(threads=2, flops=1e11, memory=1e10, cache=1e11, last_level=1 << 20)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that need not be measured."""
    monkeypatch.setattr("vinoc.backends.cpu.report.machine", lambda library, threads: LIMITS)
    monkeypatch.setattr(machine_module, "machine", lambda library, threads: LIMITS)


def timed_steps(text: str, *inputs: np.ndarray, runs: int = 1) -> list[Step]:
    executable = Executable(parse_graph(text), 2, timed=True)
    assert executable.profile is not None
    executable.run(inputs)
    executable.profile.clear()
    for _ in range(runs):
        executable.run(inputs)
    return read(executable.profile, executable.library)


X = np.ones((1, 8, 20, 20), np.float32)


@pytest.mark.usefixtures("quick")
def test_every_step_says_what_it_is() -> None:
    steps = timed_steps(NETWORK, X, runs=3)
    conv = next(s for s in steps if s.kernel == "igemm")
    product = next(s for s in steps if s.kernel == "gemm")
    assert conv.kind == "conv"
    assert conv.layout == "channels last"
    assert conv.output == "float32[1, 16, 10, 10]"
    assert conv.flops == 2 * 16 * 8 * 9 * 100
    assert product.flops == 2 * 1600 * 10
    assert product.bytes >= 4 * (1600 + 1600 * 10 + 10)
    assert all(s.runs == 3 and s.seconds is not None and s.seconds >= 0 for s in steps)
    assert product.roofline is not None
    assert product.seconds is not None
    assert product.roofline == pytest.approx(3 * (product.bytes / LIMITS.cache) / product.seconds)
    assert product.bound == "cache"


@pytest.mark.usefixtures("quick")
def test_tables_have_a_row_for_each_step() -> None:
    steps = timed_steps(NETWORK, X)
    head, *rows = table(steps)
    assert len(rows) == len(steps)
    assert {len(row) for row in rows} == {len(head)}
    assert head[-1] == "roofline"
    assert "2 threads can do 100 GFLOP/s" in sentence(steps, 1, LIMITS)
    executable = Executable(parse_graph(NETWORK), 1)
    head, *rows = table(steps_of(executable.program([X.shape])))  # type: ignore[arg-type]
    assert "us" not in head


@pytest.mark.usefixtures("quick")
def test_stages_and_bodies_are_in_it() -> None:
    x = np.array([[1, -1, 0, 2, 3, -4, 5, 6]], np.float32)
    steps = timed_steps(STAGES, x, np.array(True), runs=2)
    assert [s.kind for s in steps].count("chain") == 2, "the comparison, and the branch that ran"


def test_untimed_engines_have_no_profile() -> None:
    executable = Executable(parse_graph(NETWORK), 1)
    executable.run([X])
    assert executable.profile is None
    program = executable.program([X.shape])
    assert program.runs == 1  # type: ignore[union-attr]
    assert program.times() == [0.0] * len(program.plan.steps)  # type: ignore[union-attr]


def test_limits_of_steps() -> None:
    plan = Executable(parse_graph(NETWORK), 1).program([X.shape]).plan  # type: ignore[union-attr]
    traffic = Traffic(plan)
    product = next(s for s in plan.steps if s.kernel.name == "gemm")  # type: ignore[union-attr]
    constants, computed = traffic.of(product)
    assert constants >= 4 * 1600 * 10
    assert computed == 4 * (1600 + 10)
    small = Machine(threads=1, flops=1e12, memory=1e9, cache=1e11, last_level=1 << 10)
    found = limit(product, traffic, small)
    assert found is not None
    assert (found.bound, found.seconds) == ("memory", pytest.approx((constants + computed) / 1e9))
    slow = Machine(threads=1, flops=1e6, memory=1e9, cache=1e11, last_level=1 << 30)
    assert limit(product, traffic, slow).bound == "fma"  # type: ignore[union-attr]


@pytest.mark.parametrize("target", targets(), ids=lambda t: t.name)
def test_the_machine_is_measured_once(target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_module, "LARGE", 1 << 20)
    monkeypatch.setattr(machine_module, "ROUNDS", 2)
    found = machine(Library(target, tmp_path), 2)
    assert found.threads == 2
    assert found.flops > 1e8
    assert found.cache >= found.memory > 1e7
    monkeypatch.setattr(machine_module, "_measure", lambda *args: pytest.fail("measured again"))
    assert machine(Library(target, tmp_path), 2) == found
    (file,) = tmp_path.glob("limits-*.json")
    file.write_text("{}")
    monkeypatch.setattr(machine_module, "_measure", lambda *args: LIMITS)
    assert machine(Library(target, tmp_path), 2) == LIMITS, "a file that holds something else is written anew"


@pytest.mark.usefixtures("quick")
def test_the_command_prints_json(tmp_path: Path) -> None:
    model = tmp_path / "m.vir"
    model.write_text(NETWORK)
    shown = json.loads(CliRunner().invoke(command, [str(model), "--plan", "--times", "--json"]).output)
    assert shown["runs"] == 10
    assert shown["machine"]["threads"] == 2
    assert [s["kernel"] for s in shown["steps"]].count("gemm") == 1
    assert all(s["runs"] == 10 for s in shown["steps"])
    plain = json.loads(CliRunner().invoke(command, [str(model), "--plan", "--json"]).output)
    assert plain["machine"] is None
    assert [s["kernel"] for s in plain["steps"]] == [s["kernel"] for s in shown["steps"]]
    printed = CliRunner().invoke(command, [str(model), "--plan", "--times"]).output
    assert "GFLOP/s" in printed.splitlines()[0]
