"""Targets of ARM: their code, run by qemu on any machine, computes what the reference and this machine's does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import pytest

import vinoc
from vinoc.backends.cpu.codegen import compile
from vinoc.backends.cpu.codegen.emit import Emitter
from vinoc.backends.cpu.codegen.library import Library
from vinoc.backends.cpu.codegen.target import TARGETS, Target
from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.kernels import attention, gemm, igemm, strassen
from vinoc.backends.cpu.kernels.base import Arguments, Kernel
from vinoc.backends.cpu.kernels.igemm_bytes import igemm_bytes
from vinoc.backends.cpu.quantized.ops import ByteMatMul
from vinoc.backends.numpy import Interpreter
from vinoc.compiler.config import CPU_PASSES
from vinoc.ir import Value
from vinoc.ir.text import parse_graph
from vinoc.passes.manager import PassManager

from . import checked
from .checked import assert_close, build, data, levels
from .emulated.process import EmulatedFaultError, missing

ROOT = Path(__file__).parents[3]
EXAMPLES, SHARED = ROOT / "examples/models", ROOT.parent / "shared/models"
NEON = ["neon", "neondot"]
COLLECTION = [
    "basic_pitch",
    "bert_toy",
    "facemesh",
    "fastestdet",
    "light_squeezenet",
    "mobilenetv2_qdq_int8",
    "silero_vad_16k",
]

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
    model = EXAMPLES / name / f"{name}.onnx"
    compare(model, target, 1e-5)


def compare(model: Path, target: str, tolerance: float) -> None:
    """The outputs of a model, with those of this machine's processor."""
    graph = vinoc.Core().read_model(model).graph.clone()
    PassManager(CPU_PASSES).run(graph)
    inputs = [some(value) for value in graph.inputs]
    wanted, found = (Executable(graph.clone(), 1, t).run(inputs) for t in (None, TARGETS[target]))
    for want, got in zip(wanted, found, strict=True):
        assert_close(want, got, tolerance, f"{model.name}, {target}")


def some(value: Value) -> np.ndarray:
    """Data for an input; open dimensions are 1."""
    shape = tuple(n if isinstance(n, int) else 1 for n in value.tensor.shape)
    made = np.random.default_rng(0).uniform(0, 1, shape)
    return np.asarray(made * 255 if value.dtype.numpy == np.uint8 else made, value.dtype.numpy)


@installed
def test_a_fault_is_told(emulated: None) -> None:
    def emit(e: Emitter, a: Arguments) -> None:
        e.store(e.load(a.source), a.target)

    kernel, library = Kernel("astray", ("source", "target"), emit), Library(TARGETS["neon"])
    address = library.address(kernel.name, lambda module: kernel.build(module, library.target))
    block = kernel.block(source=0x123000, target=0)
    with pytest.raises(EmulatedFaultError, match="SIGSEGV at 0x123000"):
        checked.KERNEL_TYPE(address)(block.ctypes.data, 0, 1)


@pytest.mark.parametrize(
    ("kernel", "target", "least"),
    [
        (igemm.IGEMM, "neon", 48),
        (gemm.GEMM, "neon", 96),
        (attention.ATTENTION, "neon", 96),
        (strassen.STRASSEN, "neon", 96),
        (igemm_bytes("dot"), "neondot", 64),
    ],
)
def test_whole_tiles_stay_in_registers(kernel: Kernel, target: str, least: int) -> None:
    """The innermost loops of full tiles neither load from the stack nor load one factor into all lanes."""
    loops = [loop for loop in innermost(assembly(kernel, TARGETS[target])) if multiplies(loop) >= least]
    assert loops
    for loop in loops:
        assert not [line for line in loop if "[sp" in line and re.match(r"(ld|st)\w+\s+[qds]\d", line)]
        assert not [line for line in loop if line.startswith(("ld1r", "dup"))]


def assembly(kernel: Kernel, target: Target) -> list[str]:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    text = compile.text_of(kernel.name, lambda module: kernel.build(module, target), target)
    machine = compile.target_machine(target)
    lines = machine.emit_assembly(compile._optimized(text, machine)).splitlines()
    return [line.strip() for line in lines if not re.match(r"\s+(\.|//)", line)]


def innermost(lines: list[str]) -> Iterator[list[str]]:
    """Blocks that end with a jump to their own beginning."""
    start, label = 0, ""
    for i, line in enumerate(lines):
        if line.endswith(":"):
            start, label = i + 1, line[:-1]
        elif label and re.fullmatch(rf"b(\.\w+)?\s+{re.escape(label)}", line):
            yield lines[start:i]


def multiplies(loop: list[str]) -> int:
    return sum(line.startswith(("fmla", "sdot")) for line in loop)


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
@pytest.mark.parametrize("name", COLLECTION)
def test_models_of_the_collection(emulated: None, name: str, target: str) -> None:
    for model in sorted((SHARED / name).rglob("*.onnx")):
        compare(model, target, 2e-5)
