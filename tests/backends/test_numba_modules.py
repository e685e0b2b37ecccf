"""Generated numba modules: they compute the same as NumPy's, stand alone, read well, and start quickly again."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vinoc.backends.numba import NumbaBackend
from vinoc.backends.numba.codegen import NumbaGenerator
from vinoc.backends.numpy import Interpreter
from vinoc.backends.numpy.codegen import Generator
from vinoc.compiler.driver import compile_model_file, read_model
from vinoc.ir.builder import Builder
from vinoc.ir.dim import symbol
from vinoc.ir.dtype import bf16, f32, i8, u8
from vinoc.ir.errors import ConversionError, UsageError
from vinoc.ir.graph import Graph
from vinoc.ir.types import TensorType
from vinoc.passes.manager import PassManager

from ..conftest import SHARED
from ..models.zoo import Model, error, onnx_models, onnxruntime_outputs
from .numpy_modules import run_isolated

NUMBA = ("numpy", "numba", "llvmlite")
ONE = {"strides": (1, 1), "dilations": (1, 1), "pads_begin": (1, 1), "pads_end": (1, 1)}


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32)


def network() -> Graph:
    """Every form of loops once, and operations that have none."""
    graph = Graph("net")
    x = graph.add_input(TensorType(f32, (symbol("N"), 3, 12, 12)), "x")
    b = Builder(graph)
    c = b.ReLU(b.Add(b.Convolution(x, b.const(numbers(8, 3, 3, 3)), **ONE), b.const(numbers(1, 8, 1, 1))))
    d = b.GroupConvolution(c, b.const(numbers(8, 1, 1, 3, 3)), **ONE)
    e = b.PReLU(b.Add(d, c), b.const(numbers(8)))
    pool = {"strides": (2, 2), "pads_begin": (0, 0), "pads_end": (0, 0), "kernel": (2, 2)}
    p = b.MaxPool(e, dilations=(1, 1), **pool)[0]
    q = b.AvgPool(e, exclude_pad=True, **pool)
    limits = [b.const(np.array(v, np.float32)) for v in (-2.0, 2.0, 0.0, 255.0)]
    coded = b.Convert(b.FakeQuantize(p, *limits, levels=256), destination_type=u8)
    back = b.Multiply(b.Subtract(b.Convert(coded, destination_type=f32), b.const(np.float32(128))), np.float32(0.1))
    last = b.Multiply(b.Add(q, b.const(numbers(6))), back)
    graph.add_output(b.Concat(last, b.Sigmoid(p), axis=1), "y")
    PassManager(NumbaBackend.lowering).run(graph)
    return graph


def test_a_module_stands_alone_and_starts_again_from_its_cache(tmp_path: Path) -> None:
    graph = network()
    assert [p.name for p in NumbaBackend().write(graph, tmp_path, "net")] == ["net.py", "net.npz"]
    data = numbers(2, 3, 12, 12)
    out = run_isolated(tmp_path, {"net": {"x": data}}, NUMBA)["net"]
    (expected,) = Interpreter(graph).run([data])
    np.testing.assert_allclose(out["y"], expected, rtol=1e-5, atol=1e-5)
    script = (
        "import net, numpy as np; net.infer({'x': np.zeros((2, 3, 12, 12), np.float32)});"
        "found = [g for f in vars(net).values() for g in (f, *getattr(f, 'compiled', ()))];"
        "loops = [f for f in found if hasattr(f, 'stats') and f.signatures];"
        "print(sum(len(f.stats.cache_misses) for f in loops), sum(len(f.stats.cache_hits) for f in loops) > 5)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "True"]


def test_a_module_runs_where_nothing_can_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = Graph("net")
    x = graph.add_input(TensorType(f32, (1, 3, 9, 9)), "x")
    b = Builder(graph)
    graph.add_output(b.Convolution(x, b.const(numbers(8, 3, 3, 3)), **ONE), "y")
    PassManager(NumbaBackend.lowering).run(graph)
    NumbaBackend().write(graph, tmp_path, "net")
    (tmp_path / "__pycache__").write_text("in the way")
    for place in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(place, str(tmp_path / "__pycache__"))
    data = numbers(1, 3, 9, 9)
    found = run_isolated(tmp_path, {"net": {"x": data}}, NUMBA)["net"]["y"]
    np.testing.assert_allclose(found, Interpreter(graph).run([data])[0], 1e-5, 1e-5)


def test_lines_and_functions_read_well() -> None:
    text, weights = NumbaGenerator(network(), "net").render()
    model = text[text.index("\ndef model(") : text.index("\ndef infer(")]
    assert re.search(r"= convolution\(\s+x, w\[[^\]]*, packed.\], w\[.*low=0\.0", model, re.DOTALL)
    assert re.search(r"= depthwise\(.*residual=\w+, slopes=w\[", model, re.DOTALL)
    assert text.count("= pack_filters(w.pop(") == 1
    assert "fake_quantize" in model
    assert "max_pool(" in model
    assert text.count("def multiply(") == 1
    assert "\nfrom numba import get_num_threads, njit, prange, types\n" in text
    assert "as NumPy and numba code; made by vinoc" in text
    assert [line for line in text.split("\n") if len(line) > 120] == []
    assert all(buffer.dtype is f32 for buffer in weights.values())


def test_types_alone_make_a_loop_too(tmp_path: Path) -> None:
    """Integers of a graph that is left so between a Convert and the next one."""
    graph = Graph("net")
    b = Builder(graph)
    x = graph.add_input(TensorType(f32, (3, 300)), "x")
    graph.add_output(b.Convert(b.Convert(b.Sigmoid(x), destination_type=u8), destination_type=f32), "y")
    graph.add_output(b.Convert(b.Convert(x, destination_type=u8), destination_type=f32), "z")
    data = np.abs(numbers(3, 300)) * 100
    before = Interpreter(graph).run([data])
    PassManager(NumbaBackend.lowering).run(graph)
    NumbaBackend().write(graph, tmp_path, "net")
    assert re.search(r"def convert\(x\):", (tmp_path / "net.py").read_text())
    found = run_isolated(tmp_path, {"net": {"x": data}}, NUMBA)["net"]
    for name, expected in zip("yz", before, strict=True):
        np.testing.assert_array_equal(found[name], expected)


def test_larger_images_are_written_as_loops() -> None:
    """A transposed convolution takes bias and activation; images that are resized, linearly too, have loops."""
    graph = Graph("net")
    b = Builder(graph)
    x = graph.add_input(TensorType(f32, (1, 3, symbol("H"), symbol("W"))), "x")
    twice = {"strides": (2, 2), "dilations": (1, 1), "pads_begin": (0, 0), "pads_end": (0, 0)}
    larger = b.ConvolutionBackpropData(x, b.const(numbers(3, 8, 2, 2)), **twice)
    larger = b.ReLU(b.Add(larger, b.const(numbers(1, 8, 1, 1))))
    scales, axes = b.const(np.float32([2, 2])), b.const(np.array([2, 3]))
    for mode in ("nearest", "linear_onnx"):
        graph.add_output(b.Interpolate(larger, scales, axes, mode=mode, shape_calculation_mode="scales"), mode)
    before = Interpreter(graph).run([data := numbers(1, 3, 9, 11)])
    PassManager(NumbaBackend.lowering).run(graph)
    for expected, actual in zip(before, Interpreter(graph).run([data])):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)
    model = NumbaGenerator(graph, "net").render()[0].partition("\ndef model(")[2]
    assert re.search(
        r"= convolution_transposed\(\s+x, w\[[^\]]*, packed.\], .*kernel=\(2, 2\).*low=0\.0", model, re.DOTALL
    )
    assert "= nearest(" in model
    assert "= smooth(" in model
    kinds = [n.kind for n in graph if n.kind != "Constant"]
    assert kinds == ["TransposedConvolution", "NearestImage", "SmoothImage"]


def test_a_residual_needs_no_channels_of_zeros() -> None:
    """A Pad of other axes, in front of the data, or with another number stays."""

    def kinds(*pad: object) -> list[str]:
        graph = Graph("net")
        b = Builder(graph)
        x = graph.add_input(TensorType(f32, (1, 3, 12, 12)), "x")
        y = b.Pad(x, *pad)
        graph.add_output(b.ReLU(b.Add(b.Convolution(x, b.const(numbers(8, 3, 3, 3)), **ONE), y)), "y")
        before = Interpreter(graph).run([data := numbers(1, 3, 12, 12)])
        PassManager(NumbaBackend.lowering).run(graph)
        np.testing.assert_allclose(Interpreter(graph).run([data])[0], before[0], rtol=1e-5, atol=1e-5)
        return [n.kind for n in graph if n.kind != "Constant"]

    none = np.zeros(4, np.int64)
    assert kinds(none, np.array([0, 5, 0, 0])) == ["BiasedConvolution"]
    assert kinds(none, np.array([0, 5, 0, 0]), np.float32(0)) == ["BiasedConvolution"]
    assert kinds(none, np.array([0, 5, 0, 0]), np.float32(1)) == ["PaddedPlain", "BiasedConvolution"]
    assert kinds(np.array([0, 5, 0, 0]), none) == ["PaddedPlain", "BiasedConvolution"]


def test_known_shapes_are_written_out() -> None:
    graph = Graph("net")
    b = Builder(graph)
    graph.add_output(
        b.Reshape(graph.add_input(TensorType(f32, (2, 6)), "x"), np.array([3, -1]), special_zero=True), "y"
    )
    graph.add_output(b.Reshape(graph.add_input(TensorType(f32, (symbol("N"), 6)), "z"), np.array([3, -1])), "v")
    PassManager("numba-loops,dce").run(graph)
    text, _ = NumbaGenerator(graph, "net").render()
    assert text.count("np.reshape(x, (3, 4))") == 1
    assert text.count("= reshape(z, ") == 1


def test_weights_that_repeat_a_number_are_filled_once() -> None:
    """Loops read whole arrays, and copying one at every call would cost more than the loop."""
    graph = Graph("net")
    x = graph.add_input(TensorType(f32, (1, 3, 12, 12)), "x")
    b = Builder(graph)
    same = np.broadcast_to(np.float32(0.5), (3, 3, 3, 3))
    graph.add_output(b.Convolution(b.Convolution(x, same, **ONE), same, **ONE), "y")
    PassManager("numba-loops,dce").run(graph)
    text, weights = NumbaGenerator(graph, "net").render()
    assert [buffer.size for buffer in weights.values()] == []
    assert text.count("np.full((3, 3, 3, 3), np.array(0.5, np.float32))") == 1
    assert text.count("= pack_filters(") == 1
    assert "\nw = {}\n" in text


def test_what_follows_from_weights_alone_is_computed_once(tmp_path: Path) -> None:
    """Weights stored as integers are so in the file, and in memory what the loops read; nothing keeps the others."""
    graph = Graph("net")
    x = graph.add_input(TensorType(f32, (1, 3, 12, 12)), "x")
    b = Builder(graph)
    stored = b.const(np.random.default_rng(0).integers(-128, 128, (8, 3, 3, 3)).astype(np.int8), name="stored")
    filters = b.Multiply(b.Convert(stored, destination_type=f32), b.const(np.float32(0.01)), name="filters")
    y = b.Convolution(x, filters, **ONE)
    graph.add_output(y, "y")
    graph.add_output(filters, "weights")
    before = Interpreter(graph).run([data := numbers(1, 3, 12, 12)])
    PassManager(NumbaBackend.lowering).run(graph)
    text, weights = NumbaGenerator(graph, "net").render()
    assert [buffer.dtype for buffer in weights.values() if buffer.size > 8] == [i8]
    model = text[text.index("\ndef model(") : text.index("\ndef infer(")]
    assert "convert" not in model
    assert re.search(r'w\["filters"\] = np.multiply\(convert\(w.pop\("stored"\)', text)
    assert 'w["filters, packed"] = pack_filters(w["filters"])' in text
    NumbaBackend().write(graph, tmp_path, "net")
    out = run_isolated(tmp_path, {"net": {"x": data}}, NUMBA)["net"]
    np.testing.assert_allclose(out["y"], before[0], rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(out["weights"], before[1])


def test_a_lowered_graph_is_still_a_numpy_module() -> None:
    """What has loops says the same with NumPy."""
    graph = Graph("net")
    x = graph.add_input(TensorType(f32, (1, 3, 12, 12)), "x")
    graph.add_output(Builder(graph).Convolution(x, numbers(8, 3, 3, 3), **ONE), "y")
    PassManager("numba-loops,dce").run(graph)
    assert [n.kind for n in graph] == ["Constant", "Constant", "BiasedConvolution"]
    assert "numba" not in Generator(graph, "net").render()[0].replace("numba-loops", "")


def test_what_cannot_be_expressed_is_said_by_node(tmp_path: Path) -> None:
    graph = Graph("g")
    b = Builder(graph)
    x = graph.add_input(TensorType(bf16, (2,)), "x")
    graph.add_output(b.ReLU(x, name="act"), "out")
    with pytest.raises(ConversionError, match="NumPy has no element type bf16") as caught:
        NumbaBackend().write(graph, tmp_path, "net")
    assert [p.node for p in caught.value.problems] == ["act", "x"]
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UsageError, match="target numba has no option 'speed'"):
        NumbaBackend().write(graph, tmp_path, "net", speed=9)


@pytest.mark.long
@pytest.mark.shared
@pytest.mark.parametrize("model", onnx_models(SHARED), ids=lambda m: m.name)
def test_shared_models(model: Model, tmp_path: Path) -> None:
    """The stored outputs, by modules in which nothing but NumPy and numba can be imported."""
    compile_model_file(model.path, target="numba", out_dir=tmp_path, model_name="net")
    case = next(model.cases())
    names = {p[0] for p in read_model(model.path).input_names}
    out = run_isolated(tmp_path, {"net": {k: v for k, v in case.inputs.items() if k in names}}, NUMBA)["net"]
    wanted = onnxruntime_outputs(model)[0] if model.saturated else case.outputs
    for name, expected in wanted.items():
        assert error(expected, out[name]) <= model.tolerance
