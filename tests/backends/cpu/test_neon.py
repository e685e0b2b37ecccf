"""Targets of ARM: their code, run by qemu on any machine, computes what the reference and this machine's does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

import vinoc
from vinoc.backends.cpu.codegen.emit import Emitter
from vinoc.backends.cpu.codegen.library import Library
from vinoc.backends.cpu.codegen.target import TARGETS
from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.kernels.base import Arguments, Kernel
from vinoc.backends.cpu.quantized.ops import ByteMatMul
from vinoc.backends.numpy import Interpreter
from vinoc.compiler.config import CPU_PASSES
from vinoc.ir.text import parse_graph
from vinoc.passes.manager import PassManager

from ...conftest import SHARED
from ...models import zoo
from . import checked
from .checked import assert_close, build, data, levels
from .emulated.loops import WHOLE, loops, on_stack
from .emulated.process import EmulatedFaultError, missing

ROOT = Path(__file__).parents[3]
NEON = ["neon", "neondot"]

installed = pytest.mark.skipif(bool(missing()), reason=missing())


@pytest.fixture
def emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    from .emulated.engine import install

    install(monkeypatch)


GRAPHS = {
    "convolutions": """
graph g(x: f32[1,3,17,19]) -> (y) {
  a = Constant() : f32[24,3,3,3] = random(1)
  b = Constant() : f32[40,24,3,3] = random(2)
  c = Constant() : f32[40,1,1,3,3] = random(3)
  d = Constant() : f32[21,40,1,1] = random(4)
  first = Convolution(x, a) {strides=[2,2], pads_begin=[1,1], pads_end=[1,1], dilations=[1,1]}
  relu = ReLU(first)
  plain = Convolution(relu, b) {strides=[1,1], pads_begin=[1,1], pads_end=[1,1], dilations=[1,1]}
  swish = Swish(plain)
  each = GroupConvolution(swish, c) {strides=[1,1], pads_begin=[1,1], pads_end=[1,1], dilations=[1,1]}
  y = Convolution(each, d) {strides=[1,1], pads_begin=[0,0], pads_end=[0,0], dilations=[1,1]}
}
""",
    "products": """
graph g(x: f32[2,33,40]) -> (y, z) {
  w = Constant() : f32[40,29] = random(1)
  v = Constant() : f32[29] = random(2)
  order = Constant() : i64[3] = [0,2,1]
  axes = Constant() : i64[1] = [2]
  turned = Transpose(x, order)
  scores = MatMul(x, turned)
  soft = SoftMax(scores) {axis=-1}
  mixed = MatMul(soft, x)
  a = MatMul(mixed, w)
  b = Add(a, v)
  y = Gelu(b)
  z = ReduceMean(b, axes) {keep_dims=false}
}
""",
}


@installed
@pytest.mark.parametrize("target", NEON)
@pytest.mark.parametrize("name", GRAPHS)
def test_graphs(emulated: None, name: str, target: str) -> None:
    graph = parse_graph(GRAPHS[name])
    x = data(0, *graph.inputs[0].shape)
    executable = Executable(graph, 1, TARGETS[target])
    for want, got in zip(Interpreter(graph).run([x]), executable.run([x]), strict=True):
        assert_close(want, got, 2e-6, target)


@installed
@pytest.mark.parametrize("target", NEON)
def test_sums_of_bytes_are_exact(emulated: None, target: str) -> None:
    """Also of the greatest numbers, and with a zero point."""
    x, w = levels((37, 70), 0), (levels((70, 21), 1) ^ 128).view(np.int8)
    x[:3], w[:, :2] = 255, [-128, 127]
    graph = build(lambda b, v: b.build(ByteMatMul(), v, np.float32(3), w), x)
    (got,) = Executable(graph, 1, TARGETS[target]).run([x])
    np.testing.assert_array_equal(got, (x.astype(np.int32) - 3) @ w.astype(np.int32))


@installed
@pytest.mark.parametrize("target", NEON)
@pytest.mark.parametrize("name", ["mnist", "blazeface"])
def test_example_models(emulated: None, name: str, target: str) -> None:
    model = ROOT / f"examples/models/{name}/{name}.onnx"
    graph = vinoc.Core().read_model(model).graph
    (value,), (names,) = graph.inputs, graph.input_names
    compare(model, target, 1e-5, dict.fromkeys(names, data(0, *value.shape)))


def compare(model: Path, target: str, tolerance: float, inputs: Mapping[str, np.ndarray]) -> None:
    """The outputs of a model, with those of this machine's kernels."""
    graph = vinoc.Core().read_model(model).graph.clone()
    PassManager(CPU_PASSES).run(graph)
    given = [next(inputs[name] for name in names if name in inputs) for names in graph.input_names]
    wanted, found = (Executable(graph.clone(), 1, t).run(given) for t in (None, TARGETS[target]))
    for want, got in zip(wanted, found, strict=True):
        assert zoo.error(np.asarray(want), np.asarray(got)) <= tolerance


@installed
def test_a_fault_is_told(emulated: None) -> None:
    def emit(e: Emitter, a: Arguments) -> None:
        e.store(e.load(a.source), a.target)

    kernel, library = Kernel("astray", ("source", "target"), emit), Library(TARGETS["neon"])
    address = library.address(kernel.name, lambda module: kernel.build(module, library.target))
    block = kernel.block(source=0x123000, target=0)
    with pytest.raises(EmulatedFaultError, match="SIGSEGV at 0x123000"):
        checked.KERNEL_TYPE(address)(block.ctypes.data, 0, 1)


@pytest.mark.parametrize(("kernel", "target", "least"), WHOLE, ids=lambda value: getattr(value, "name", None))
def test_whole_tiles_stay_in_registers(kernel: Kernel, target: str, least: int) -> None:
    """The innermost loops of full tiles neither use the stack nor load one factor into all lanes."""
    found = loops(kernel, TARGETS[target], least)
    assert found
    for loop in found:
        assert not on_stack(loop)
        assert not [line for line in loop if line.startswith(("ld1r", "dup"))]


@installed
@pytest.mark.long
@pytest.mark.parametrize("target", NEON)
def test_all_of_this_folder(target: str) -> None:
    environment = os.environ | {"VINOC_EMULATED": target}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "-m",
        "not long",
        str(Path(__file__).parent),
    ]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:]


@installed
@pytest.mark.long
@pytest.mark.shared
@pytest.mark.parametrize("target", NEON)
@pytest.mark.parametrize("model", zoo.onnx_models(SHARED), ids=lambda model: model.name)
def test_models_of_the_collection(emulated: None, model: zoo.Model, target: str) -> None:
    compare(model.path, target, 1e-4, next(model.cases()).inputs)
