"""What `fp16` keeps in full precision: by name, by samples, and what becomes of the mark."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vinoc.backends.numpy import Interpreter
from vinoc.backends.openvino.writer import write_ir
from vinoc.compiler.driver import read_model
from vinoc.ir import Graph
from vinoc.ir.dtype import Array
from vinoc.ir.errors import UsageError
from vinoc.ir.graph import Node
from vinoc.ir.text import parse_graph, print_graph
from vinoc.ir.verify import verify
from vinoc.passes import PassManager
from vinoc.passes.instruments import Verify, range_error

NORM = """\
graph norm(x: f32[2,8]) -> (y) from "norm.onnx" {
  w = Constant() : f32[8,8] = random(3)
  large = MatMul(x, w)  @"large"(MatMul)
  axes = Constant() : i64[1] = [1]
  squares = Multiply(large, large)  @"squares"(Mul)
  sum = ReduceSum(squares, axes) {keep_dims=true}  @"sum"(ReduceSum)
  root = Sqrt(sum)  @"root"(Sqrt)
  unit = Divide(large, root)  @"unit"(Div)
  v = Constant() : f32[8,4] = random(4)
  y = MatMul(unit, v)  @"y"(MatMul)
}
"""
"""Vectors brought to length 1: their squares are too large for f16, while neither input nor output are."""


def sample(folder: Path, scale: float = 2000.0, **more: Array) -> str:
    x = scale * np.random.default_rng(0).standard_normal((2, 8)).astype(np.float32)
    path = folder / "sample.npz"
    np.savez(path, **(more or {"x": x}))
    return str(path)


def in_half(graph: Graph, inputs: Sequence[Array]) -> list[Array]:
    """What a device computes that stores every result in f16, but those of marked nodes."""

    def rounded(node: Node, results: Sequence[Any], seconds: float) -> None:
        if node.precise:
            return
        for i, result in enumerate(results):
            if result.dtype == np.float32:
                results[i] = result.astype(np.float16).astype(np.float32)  # type: ignore[index]  # a list

    return Interpreter(graph, rounded).run(inputs)


def test_samples_make_half_precision_right(tmp_path: Path) -> None:
    """A device that computes in f16 and heeds the marks is near f32; without them nothing is left of the output."""
    original = parse_graph(NORM)
    file = sample(tmp_path)
    inputs = [np.load(file)["x"]]
    expected = Interpreter(original).run(inputs)[0]
    plain, kept = original.clone(), original.clone()
    PassManager("fp16").run(plain)
    assert range_error(expected, in_half(plain, inputs)[0]) > 0.5
    (step,) = PassManager(f'fp16{{samples="{file}"}}', [Verify()]).run(kept)
    assert range_error(expected, in_half(kept, inputs)[0]) < 2e-3
    assert {n.label for n in kept if n.precise and n.kind != "Constant"} == {"squares", "sum", "root"}
    squares = float(np.square(inputs[0] @ original.first.op.value.array).max())  # type: ignore[union-attr]
    told = [str(note) for note in step.notes]
    assert told[0] == (
        f"norm.onnx: node 'squares' (Mul): reaches {squares:.4g}; f16 ends at 65504: it and what reads it stay f32"
    )
    assert len(told) == 2
    assert "'sum'" in told[1]


def test_samples_that_stay_small_keep_nothing(tmp_path: Path) -> None:
    graph = parse_graph(NORM)
    (step,) = PassManager(f'fp16{{samples="{sample(tmp_path, 0.5)}"}}').run(graph)
    assert not step.notes
    assert not any(n.precise for n in graph)


def test_infinity_made_of_numbers_counts_and_infinity_handed_on_does_not(tmp_path: Path) -> None:
    graph = parse_graph(
        "graph g(x: f32[2,8]) -> (y, z) {\n  e = Exp(x)\n  r = ReLU(e)\n  y = Negative(r)\n"
        "  m = Constant() : f32[8] = [0,-inf,0,0,0,0,0,0]\n  a = Add(x, m)\n  z = Negative(a)\n}\n"
    )
    file = sample(tmp_path, x=np.full((2, 8), 100, np.float32))
    (step,) = PassManager(f'fp16{{samples="{file}"}}').run(graph)
    assert [str(n) for n in step.notes] == [
        "node 'e' (Exp): makes infinity or NaN of finite numbers; f16 ends at 65504: it and what reads it stay f32"
    ]
    assert [n.outputs[0].name for n in graph if n.precise] == ["e", "r"]


def test_bodies_are_looked_into(tmp_path: Path) -> None:
    graph = parse_graph(
        "graph g(x: f32[2,8]) -> (y) {\n  c = Constant() : boolean[] = [true]\n"
        "  y = If(c, x) {then_inputs=[1], else_inputs=[1]} with\n"
        "  graph t(a: f32[2,8]) -> (r) {\n    k = Constant() : f32[1] = [1000]\n    s = Multiply(a, k)\n"
        "    r = Tanh(s)\n  }\n"
        "  graph e(a: f32[2,8]) -> (r) {\n    r = Tanh(a)\n  }\n}\n"
    )
    (step,) = PassManager(f'fp16{{samples="{sample(tmp_path)}",keep-share=0}}', [Verify()]).run(graph)
    assert len(step.notes) == 1
    then, other = next(n.bodies for n in graph if n.bodies)
    assert [n.precise for n in then] == [True, True, True]
    assert not any(n.precise for n in other)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [({"z": np.zeros(3)}, "has no array for input 'x'"), ({"x": np.zeros((2, 9), np.float32)}, "cannot be run on")],
)
def test_useless_samples_are_refused(tmp_path: Path, arrays: dict[str, Array], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        PassManager(f'fp16{{samples="{sample(tmp_path, **arrays)}"}}').run(parse_graph(NORM))


def test_the_mark_survives_text_rewrites_and_clones() -> None:
    graph = parse_graph(
        "graph g(x: f32[4]) -> (y) {\n  s = Sigmoid(x) !precise : f32[4]\n  m = Multiply(x, s)\n  y = Exp(m)\n}\n"
    )
    assert [n.precise for n in parse_graph(print_graph(graph)).clone()] == [True, False, False]
    PassManager("fuse-swish").run(graph)
    assert [(n.kind, n.precise) for n in graph] == [("Swish", True), ("Exp", False)]
    verify(graph)


def test_openvino_reads_the_mark_and_keeps_the_constants(tmp_path: Path) -> None:
    """Real OpenVINO sees the marks, and its own compression then leaves the constants behind them alone."""
    import openvino

    graph = parse_graph(NORM)
    for node in graph:
        node.precise = node.outputs[0].name in ("squares", "y", "v")
    write_ir(graph, tmp_path / "m.xml")
    model = openvino.Core().read_model(tmp_path / "m.xml")
    marked = {
        op.get_friendly_name()
        for op in model.get_ordered_ops()
        if any(k.startswith(("precise", "DisableP", "DisableF")) for k in op.get_rt_info())
    }
    assert marked == {"squares", "y", "v"}
    openvino.save_model(model, tmp_path / "half.xml", compress_to_fp16=True)
    again = read_model(tmp_path / "half.xml")
    assert {n.label for n in again if n.precise} == marked
    stored = {str(n.outputs[0].dtype) for n in again if n.kind == "Constant" and n.outputs[0].shape == (8, 4)}
    assert stored == {"f32"}
    assert "f16" in {str(n.outputs[0].dtype) for n in again if n.kind == "Constant"}
    expected = Interpreter(graph).run([np.ones((2, 8), np.float32)])[0]
    assert range_error(expected, Interpreter(again).run([np.ones((2, 8), np.float32)])[0]) < 1e-2


def test_what_reads_a_constant_that_f16_loses_is_marked() -> None:
    """log(x + 1e-10) at x = 0: -23 in f32, minus infinity where the sum is stored in f16."""
    graph = parse_graph(
        "graph g(x: f32[2]) -> (y) {\n  e = Constant() : f32[] = [1e-10]\n  a = Add(x, e)\n  l = Log(a)\n"
        "  h = Constant() : f32[2] = [0.1, 0.3]\n  y = Multiply(l, h)\n}\n"
    )
    inputs = [np.array([0, 1], np.float32)]
    expected = Interpreter(graph).run(inputs)[0]
    assert not np.isfinite(in_half(graph, inputs)[0]).all()
    PassManager("fp16{keep-share=0}", [Verify()]).run(graph)
    assert [n.outputs[0].name for n in graph if n.precise] == ["e", "a", "l"]
    assert range_error(expected, in_half(graph, inputs)[0]) < 1e-3
