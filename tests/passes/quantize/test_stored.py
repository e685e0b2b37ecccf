"""Integers of four and eight bits on their way through files, modules and devices; the pass on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import vinoc
from vinoc.backends.numpy import Interpreter
from vinoc.compiler.cli import main
from vinoc.compiler.driver import read_model
from vinoc.ir import Graph
from vinoc.ir import dtype as dt
from vinoc.ir.buffer import Buffer
from vinoc.passes import Context, PassManager
from vinoc.passes.quantize import Quantize, Ranges, needed

from ...backends.ir_util import random, start
from ...backends.numpy_modules import run_isolated
from .util import compiled, infer, quantized, written


@pytest.mark.parametrize("name", ["i4", "u4", "i8", "u8"])
@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (5, 1, 3), (8, 4)])
def test_constants_through_ir(name: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    """Odd numbers of elements, scalars; OpenVINO reads the same numbers."""
    type = dt.dtype(name)
    low = -(1 << (type.bits - 1)) if type.kind == "i" else 0
    numbers = np.random.default_rng(3).integers(low, low + (1 << type.bits), shape)
    b, (x,) = start((1,))
    q = b.const(Buffer.of(np.asarray(numbers).astype(type.numpy), type))
    wide = b.Convert(q, destination_type=dt.f32, decompression=True)
    b.graph.add_output(b.Add(wide, x), "y")
    path = written(b.graph, tmp_path / "net.xml")
    zero = [np.zeros(1, np.float32)]
    back = read_model(str(path))
    (constant,) = [n for n in back if n.kind == "Constant"]
    assert constant.outputs[0].dtype is type
    np.testing.assert_array_equal(constant.outputs[0].const.astype(np.int64), numbers)
    expected = np.broadcast_to(np.asarray(numbers, np.float32), np.broadcast_shapes(shape, (1,)))
    np.testing.assert_array_equal(Interpreter(back).run(zero)[0], expected)
    np.testing.assert_array_equal(infer(compiled(path), zero)[0], expected)


def test_integers_stay_integers_through_ir_and_folding(tmp_path: Path) -> None:
    graph, inputs = network()
    made = quantized(graph, [inputs], weight_bits=4)
    path = written(made, tmp_path / "a.xml")
    back = read_model(str(path))
    PassManager("fold,fuse,cse,dce").run(back)
    again = written(back, tmp_path / "b.xml")
    assert again.with_suffix(".bin").stat().st_size <= path.with_suffix(".bin").stat().st_size
    np.testing.assert_allclose(Interpreter(back).run(inputs)[0], Interpreter(made).run(inputs)[0], rtol=1e-5, atol=1e-6)


def network() -> tuple[Graph, list[np.ndarray]]:
    b, (x,) = start(("N", 6), element="f32")
    y = b.ReLU(b.MatMul(x, random(6, 5, seed=2), name="first"), name="relu")
    b.graph.add_output(b.MatMul(y, random(3, 5, seed=3), transpose_b=True, name="second"), "y")
    return b.graph, [random(4, 6)]


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("form", ["scale", "fake-quantize"])
@pytest.mark.parametrize("mode", ["symmetric", "asymmetric"])
def test_modules_and_devices_agree(bits: int, form: str, mode: str, tmp_path: Path) -> None:
    graph, inputs = network()
    made = quantized(graph, [inputs], {"defaults": {"weights": {"mode": mode}}}, weight_bits=bits, form=form)
    (expected,) = Interpreter(made).run(inputs)
    path = written(made, tmp_path / "net.xml")
    for device in ("CPU", "TEMPLATE"):
        (actual,) = vinoc.Core().compile_model(path, device)(inputs).values()
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)
    assert main([str(path), "-t", "numpy", "-o", str(tmp_path), "--passes", "dce", "--silent"]) == 0
    (actual,) = run_isolated(tmp_path, {"net": {"x0": inputs[0]}})["net"].values()
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


def test_needed_names_every_value() -> None:
    b, (x,) = start((1, 4, 2, 2))
    first, second = b.Split(x, np.int64(1), num_splits=2)
    one = {"strides": (1, 1), "pads_begin": (0, 0), "pads_end": (0, 0), "dilations": (1, 1)}
    y, z = (b.Convolution(b.ReLU(v), random(2, 2, 1, 1), **one) for v in (first, second))
    b.graph.add_output(b.Add(y, z), "y")
    names = needed(b.graph)
    assert len(names) == 2
    ranges = Ranges.of({"values": {name: {"min": 0, "max": 1} for name in names}})
    assert needed(b.graph) == names
    assert Quantize(ranges=ranges).run(b.graph, Context()) == 4


def test_on_the_command_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    graph, _ = network()
    path = written(graph, tmp_path / "net.xml")
    ranges = tmp_path / "ranges.json"
    ranges.write_text(json.dumps({"values": {"x0": {"min": -3, "max": 3}, "relu": {"min": 0, "max": 9}}}))
    words = [str(path), "-o", str(tmp_path / "out"), "--passes", f'quantize{{ranges="{ranges}"}}']
    assert main(words) == 0
    assert {n.outputs[0].dtype.name for n in read_model(str(tmp_path / "out" / "net.xml"))} >= {"i8"}
    ranges.write_text(json.dumps({"values": {"x0": {"min": -3, "max": 3}, "rely": {"min": 0, "max": 9}}}))
    capfd.readouterr()
    assert main(words) == 1
    told = capfd.readouterr().err
    assert f"{ranges}: 2 problems" in told
    assert "'rely': the model has no such value (did you mean 'relu'?)" in told
    assert "'relu': has no range (f32[x0_d0,5], read by 'second' (MatMul))" in told, told
