"""Generated NumPy modules: that they compute the same, stand alone, and read well."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vinoc.backends.numpy import NumpyBackend
from vinoc.backends.numpy.codegen import Generator
from vinoc.ir.buffer import Buffer
from vinoc.ir.builder import Builder
from vinoc.ir.constant import Constant
from vinoc.ir.dim import symbol
from vinoc.ir.dtype import bf16, f16, f32, i64, string, u4
from vinoc.ir.errors import ConversionError, UsageError, VinocError
from vinoc.ir.graph import Graph, Value
from vinoc.ir.loc import Fused, Loc
from vinoc.ir.types import TensorType

from .numpy_modules import assert_same, run_isolated


def graph_with(*types: TensorType, names: tuple[str, ...] = ("x", "y", "z")) -> tuple[Graph, Builder, list[Value]]:
    graph = Graph("g")
    inputs = [graph.add_input(t, n) for t, n in zip(types, names)]
    return graph, Builder(graph), inputs


def body_of(text: str) -> list[str]:
    """The lines of `model`, without its docstring."""
    start = text.index("\ndef model(")
    return text[start : text.index("\n\n\n", start)].strip("\n").split("\n")[2:]


def lines(graph: Graph) -> list[str]:
    return [line.strip() for line in body_of(Generator(graph, "m").render()[0])]


def test_a_module_stands_alone(tmp_path: Path) -> None:
    graph, b, (x,) = graph_with(TensorType(f32, (symbol("N"), 3)))
    weight = np.arange(30, dtype=np.float32).reshape(3, 10)[:, ::3].copy()
    y = b.ReLU(b.Add(x, b.const(weight[0:1, :3], name="bias")))
    graph.add_output(b.Convert(y, destination_type=f16), "half")
    graph.add_output(b.Subtract(y, b.const(np.linspace(0, 1, 30, dtype=np.float32).reshape(10, 3), name="w/1")), "y")
    paths = NumpyBackend().write(graph, tmp_path, "net")
    assert [p.name for p in paths] == ["net.py", "net.npz"]
    data = np.linspace(-9, 9, 30, dtype=np.float32).reshape(10, 3)
    out = run_isolated(tmp_path, {"net": {"x": data}})["net"]
    relu = np.maximum(data + weight[:1, :3], 0)
    np.testing.assert_array_equal(out["half"], relu.astype(np.float16))
    np.testing.assert_array_equal(out["y"], relu - np.linspace(0, 1, 30, dtype=np.float32).reshape(10, 3))
    assert out["half"].dtype == np.float16


def test_a_module_is_a_program(tmp_path: Path) -> None:
    graph, b, (x,) = graph_with(TensorType(f32, (2,)), names=("input",))
    graph.add_output(b.Add(x, b.const(np.arange(2000, dtype=np.float32)[:2] + 0.25)), "sum")
    NumpyBackend().write(graph, tmp_path, "prog")
    np.savez(tmp_path / "in.npz", input=np.array([1, 2], np.float32))
    command = [sys.executable, "prog.py", "in.npz", "out.npz"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "sum: float32 [2]" in done.stdout
    with np.load(tmp_path / "out.npz") as file:
        np.testing.assert_array_equal(file["sum"], [1.25, 3.25])
    wrong = subprocess.run([sys.executable, "prog.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert wrong.returncode == 1
    assert "usage: python prog.py" in wrong.stderr


def test_one_line_a_node_with_names_and_origin() -> None:
    graph, b, (x,) = graph_with(TensorType(f32, (2, 3)))
    b.loc = Loc("m.onnx", "/layer1/Relu", "Relu")
    y = b.ReLU(x, name="/layer1/Relu_output_0")
    b.loc = Fused((Loc("m.onnx", "a", "Clip"), Loc("m.onnx", "b", "Mul")), "fuse")
    z = b.Clamp(y, min=0.0, max=6.0, name="123")
    graph.add_output(z, "out")
    assert lines(graph) == [
        "layer1_relu = relu(x)  # /layer1/Relu (Relu): f32[2,3]",
        "clamp_123 = clamp(layer1_relu, low=0.0, high=6.0)  # a + b (Clip, Mul): f32[2,3]",
        "return clamp_123",
    ]


def test_names_never_collide() -> None:
    """With Python's words, builtins, functions of the module, or each other."""
    graph, b, (x,) = graph_with(TensorType(f32, (2,)), names=("lambda",))
    for name in ("max", "relu", "w", "np", "a.b", "a/b", "model", "infer", "é", "ReLU", "INPUTS", "", "x" * 300):
        x = b.ReLU(x, name=name)
    graph.add_output(x, "for")
    assert_same(graph, [np.array([-1, 1], np.float32)])


def test_small_constants_are_literals_and_equal_weights_are_stored_once(tmp_path: Path) -> None:
    graph, b, (x,) = graph_with(TensorType(f32, (50,)))
    weight = np.arange(50, dtype=np.float32)
    y = b.Add(b.Add(x, b.const(weight, name="first")), b.const(weight.copy(), name="second"))
    y = b.Add(y, np.array(0.1, np.float32))
    y = b.Add(y, np.array([np.inf], np.float32))
    y = b.Add(y, Buffer(f32, (50,), np.broadcast_to(np.float32(0.5), (50,))).array)
    graph.add_output(y, "out")
    text, weights = Generator(graph, "m").render()
    assert list(weights) == ["first"]
    for piece in ('w["first"]', "f32(0.1)", "f32([np.inf])", "np.broadcast_to(np.float32(0.5), (50,))"):
        assert piece in text
    assert text.count('w["first"]') == 2
    assert_same(graph, [np.ones(50, np.float32)])


def test_output_is_the_same_every_time(tmp_path: Path) -> None:
    graph, b, (x,) = graph_with(TensorType(f32, (50,)))
    graph.add_output(b.Add(x, b.const(np.arange(50, dtype=np.float32))), "out")
    made = []
    for name in "ab":
        NumpyBackend().write(graph, tmp_path / name, "m")
        made.append(((tmp_path / name / "m.py").read_bytes(), (tmp_path / name / "m.npz").read_bytes()))
    assert made[0] == made[1]
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["m.npz", "m.py"]


def test_weights_in_types_that_numpy_lacks_become_what_they_are_converted_to() -> None:
    graph, b, (x,) = graph_with(TensorType(f32, (40,)))
    codes = (np.arange(40) % 16).astype(u4.numpy)
    scale = b.Convert(b.const(np.linspace(0, 2, 40).astype(bf16.numpy)), destination_type=f32)
    graph.add_output(b.Multiply(b.Add(x, b.Convert(b.const(codes), destination_type=f32)), scale), "out")
    text, weights = Generator(graph, "m").render()
    assert sorted(buffer.dtype.name for buffer in weights.values()) == ["f32", "f32"]
    assert "convert" not in "".join(body_of(text)).replace("Convert", "")
    assert_same(graph, [np.ones(40, np.float32)])


def test_all_nodes_that_numpy_cannot_express_are_reported_and_nothing_is_written(tmp_path: Path) -> None:
    graph, b, (x, y) = graph_with(TensorType(f32, (2,)), TensorType(bf16, (2,)))
    half = b.Convert(x, destination_type=bf16, name="to_bf16")
    graph.add_output(b.Add(half, y, name="sum"), "out")
    with pytest.raises(ConversionError) as caught:
        NumpyBackend().write(graph, tmp_path, "net")
    assert [p.node for p in caught.value.problems] == ["to_bf16", "sum", "y"]
    assert "NumPy has no element type bf16" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> Any:
        raise OSError("disk on fire")

    graph, b, (x,) = graph_with(TensorType(f32, (50,)))
    weight = graph.insert(Constant(Buffer(f32, (50,), broken)), (), name="w")
    graph.add_output(b.Add(x, weight.output), "out")
    with pytest.raises(VinocError, match="constant 'w': cannot be read: disk on fire"):
        NumpyBackend().write(graph, tmp_path, "net")
    assert list(tmp_path.iterdir()) == []


def test_a_sequence_that_begins_empty(tmp_path: Path) -> None:
    graph, b, (x,) = graph_with(TensorType(f32, (2,)))
    grown = b.SequenceInsert(b.SequenceInsert(b.SequenceEmpty(element_type=f32), x), x)
    graph.add_output(b.ConcatFromSequence(grown, axis=0, new_axis=True), "y")
    data = np.float32([1, 2])
    NumpyBackend().write(graph, tmp_path, "net")
    out = run_isolated(tmp_path, {"net": {"x": data}})["net"]["y"]
    np.testing.assert_array_equal(out, np.stack([data, data]))


def test_strings_survive(tmp_path: Path) -> None:
    graph, b, (x,) = graph_with(TensorType(string, (2,)))
    words = np.array([f"word {i}" for i in range(30)], object)
    graph.add_output(b.const(words, name="words"), "words")
    graph.add_output(x, "same")
    assert list(Generator(graph, "m").render()[1]) == ["words"]
    NumpyBackend().write(graph, tmp_path, "m")
    out = subprocess.run(
        [
            sys.executable,
            "-c",
            "import m, numpy as np; o = m.infer({'x': ['a', 'b']}); print(o['words'][29], o['same'].dtype)",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert out.stdout == "word 29 object\n"


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "input 'x' is missing"),
        ({"x": np.ones((2, 3), np.float32), "q": 1}, "no input 'q'"),
        ({"x": np.ones((2, 3))}, "must be float32, it is float64"),
        ({"x": np.ones((2, 4), np.float32)}, r"must have shape \('N', 3\), it has \(2, 4\)"),
    ],
)
def test_inputs_are_checked(inputs: dict[str, Any], message: str) -> None:
    graph, b, (x,) = graph_with(TensorType(f32, (symbol("N"), 3)))
    graph.add_output(b.ReLU(x), "out")
    space: dict[str, Any] = {"__name__": "m"}
    exec(Generator(graph, "m").render()[0], space)
    with pytest.raises((KeyError, TypeError, ValueError), match=message):
        space["infer"](inputs)


def test_comments_and_docstrings_of_kernels_survive() -> None:
    graph, b, (x,) = graph_with(TensorType(f32, (3,)))
    graph.add_output(b.Sigmoid(x), "out")
    text = Generator(graph, "m").render()[0]
    assert '    """1 / (1 + exp(-x))' in text


def test_odd_names_do_no_harm(tmp_path: Path) -> None:
    """Quotes, backslashes, line ends and triple quotes in names of ports, nodes and weights."""
    name = 'a"b\'c\\d\n"""e'
    graph, b, (x,) = graph_with(TensorType(f32, (50,)), names=(name,))
    b.loc = Loc(name, name, name)
    graph.add_output(b.Add(x, b.const(np.arange(50, dtype=np.float32), name=name), name=name), name)
    NumpyBackend().write(graph, tmp_path, "odd")
    data = np.ones(50, np.float32)
    space: dict[str, Any] = {"__name__": "odd", "__file__": str(tmp_path / "odd.py")}
    exec((tmp_path / "odd.py").read_text(), space)
    np.testing.assert_array_equal(space["infer"]({name: data})[name], data + np.arange(50))


def test_the_backend_refuses_unknown_options(tmp_path: Path) -> None:
    graph, b, (x,) = graph_with(TensorType(i64, (3,)))
    graph.add_output(b.Add(x, 1), "out")
    backend = NumpyBackend()
    assert [p.name for p in backend.write(graph, tmp_path, "m")] == ["m.py"]
    np.testing.assert_array_equal(backend.compile(graph).run([np.arange(3)])[0], [1, 2, 3])
    with pytest.raises(UsageError, match="target numpy has no option 'speed'"):
        backend.write(graph, tmp_path, "m", speed=9)
