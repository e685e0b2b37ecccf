"""`vinoc crosscheck`: tensors found again in other runs, the first that diverges, and who made it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from vinoc.compiler.cli import main
from vinoc.compiler.driver import read_model
from vinoc.tools.crosscheck.compare import compare, difference
from vinoc.tools.crosscheck.run import crosscheck, make_inputs, tolerance_of
from vinoc.tools.crosscheck.sides import read_side
from vinoc.tools.crosscheck.trace import Layer, Trace

from .calls import Call, caller

ROOT = Path(__file__).resolve().parents[2]
FACE = ROOT / "examples" / "models" / "blazeface" / "blazeface.onnx"

NET = """graph net(x: f32[1,4,8,8]) -> (y) {{
  w1 = Constant() : f32[4,4,1,1] = [{w1}]
  c1 = Convolution(x, w1) {{strides=[1,1], pads_begin=[0,0], pads_end=[0,0], dilations=[1,1]}} : f32[1,4,8,8]
  r1 = ReLU(c1) : f32[1,4,8,8]
  w2 = Constant() : f32[4,4,1,1] = [{w2}]
  c2 = Convolution(r1, w2) {{strides=[1,1], pads_begin=[0,0], pads_end=[0,0], dilations=[1,1]}} : f32[1,4,8,8]
  s = Sigmoid(c2) : f32[1,4,8,8]
  y = Multiply(s, r1) : f32[1,4,8,8]
}}
"""

WRONG = '''
from vinoc.passes import *


@rewrite
class HalveRelu(Rewrite):
    """max(x, 0) = max(x, 0) / 2 it is not; of one node only."""

    def pattern(self, p, x):
        return p.ReLU(x)

    def replace(self, b, m):
        if "backbone1.6" not in m.root.label:
            return None
        return b.Multiply(b.HSwish(m.x), b.const(0.5, m.x.dtype))
'''

KERNEL = """
from vinoc.backends.cpu.custom import cpu_kernel
from vinoc.ir.op import Op, op


@op(internal=True)
class Doubled(Op):
    def infer(self, x):
        return x.type

    def evaluate(self, x):
        return 2 * x


@cpu_kernel(Doubled)
def doubled(x, y, begin, end):
    for i in range(begin, end):
        for j in range(x.shape[1]):
            y[i, j] = x[i, j] * (3 if i == 2 and j == 5 else 2)
"""


def weights(seed: int, scale: float = 1.0) -> str:
    return ", ".join(f"{v:.4f}" for v in np.random.default_rng(seed).standard_normal(16) * scale)


def net(path: Path, scale: float = 1.0) -> Path:
    path.write_text(NET.format(w1=weights(1, scale), w2=weights(2)))
    return path


@pytest.fixture
def vinoc(capsys: pytest.CaptureFixture[str]) -> Call:
    return caller(capsys, "crosscheck")


@pytest.mark.parametrize("engine", ["cpu", "onnxruntime", "openvino"])
def test_engines_agree_on_a_model(engine: str) -> None:
    """Tensors of engines that fuse, found in the reference's run by name; all of them as near as noise."""
    a, b = read_side(str(FACE)), read_side(f"{FACE}@{engine}")
    check = crosscheck(a, b, make_inputs([a, b], [], 0, print))
    assert check.first is None
    assert not check.found.only_b
    assert not check.found.reshaped
    assert len(check.found.pairs) == len(check.b.layers) >= 40
    assert max(p.difference.of_range for p in check.found.pairs) < 1e-5
    assert sum(p.b.seconds is not None for p in check.found.pairs) > len(check.found.pairs) / 2
    if engine != "onnxruntime":  # it fuses little of this model
        assert len(check.b.layers) < len(check.a.layers) / 2


def test_fusion_is_not_hindered_unless_asked(tmp_path: Path) -> None:
    path = net(tmp_path / "net.vir")
    inputs = make_inputs([read_side(str(path))], [], 0, print)
    few = crosscheck(read_side(str(path)), read_side(f"{path}@cpu"), inputs)
    every = crosscheck(read_side(str(path)), read_side(f"{path}@cpu", every=True), inputs)
    assert list(few.b.layers) == ["r1", "s", "y"]
    assert list(every.b.layers) == ["c1", "r1", "c2", "s", "y"]


def test_a_wrong_rule_is_found(tmp_path: Path, vinoc: Call) -> None:
    """The node, the pass and the rewrite, in a whole model."""
    plugin = tmp_path / "wrong.py"
    plugin.write_text(WRONG)
    shown = vinoc(FACE, "--passes", "halve-relu", "--plugin", plugin, "--worst", 1, code=1)
    assert "first diverging layer: '/backbone1/backbone1.6/act/Relu_output_0' (ReLU)" in shown
    assert "made by pass 'halve-relu', rule 'halve-relu'" in shown
    assert "node '/backbone1/backbone1.6/act/Relu' (Relu), rewrite 1 of 1" in shown
    assert "the last one before it that agrees: '/backbone1/backbone1.6/convs/convs.0/Conv_output_0'" in shown
    turned = vinoc(f"{FACE}@cpu", f"{FACE}@onnxruntime", "--passes_a", "halve-relu", "--worst", 1, code=1)
    assert "made by pass 'halve-relu', rule 'halve-relu'" in turned


def test_a_wrong_kernel_is_found(tmp_path: Path, vinoc: Call) -> None:
    """Of a plugin: the operation says 2 x, its kernel computes 3 x of one element."""
    plugin, model = tmp_path / "kernel.py", tmp_path / "m.vir"
    plugin.write_text(KERNEL)
    model.write_text(
        "graph g(x: f32[4,8]) -> (y) {\n  a = Sigmoid(x) : f32[4,8]\n  b = Doubled(a) : f32[4,8]\n"
        "  y = ReLU(b) : f32[4,8]\n}\n"
    )
    shown = vinoc(model, "--plugin", plugin, code=1)
    assert "first diverging layer: 'b' (Doubled)" in shown
    assert "made by the CPU's kernel 'Doubled'" in shown
    assert "[2,5]:" in shown
    assert "made by the CPU's kernel 'Doubled'" in vinoc(f"{model}@cpu", model, "--plugin", plugin, code=1)
    assert "tensors of m.vir" in vinoc(model, "--dump", tmp_path / "m.npz")
    assert "made by the CPU's kernel 'Doubled'" in vinoc(tmp_path / "m.npz", f"{model}@cpu", code=1)


def test_a_wrong_weight_in_one_ir_is_found(tmp_path: Path, vinoc: Call) -> None:
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    for folder in (right, wrong):
        assert main([str(net(tmp_path / "net.vir")), "-o", str(folder), "--silent"]) == 0
    data = np.fromfile(wrong / "net.bin", np.float32)
    second = np.array([float(v) for v in weights(2).split(",")], np.float32)
    place = next(i for i in range(len(data)) if np.array_equal(data[i : i + 16], second))
    data[place + 5] += 3
    data.tofile(wrong / "net.bin")
    shown = vinoc(right / "net.xml", wrong / "net.xml", "--html", tmp_path / "p.html", code=1)
    assert "first diverging layer: 'c2' (Convolution)" in shown
    assert "Constant 'w2' differs between the files" in shown
    assert "1 of 16 elements differ, by 3 at most" in shown
    shown = vinoc(right / "net.xml", f"{wrong / 'net.xml'}@openvino", "--layers", "c2,y", code=1)
    assert "Constant 'w2' differs between the files" in shown


@pytest.mark.parametrize("engine", ["cpu", "openvino"])
def test_a_wrong_weight_is_found_across_formats(tmp_path: Path, vinoc: Call, engine: str) -> None:
    """ONNX beside IR, in which other nodes compute the same, and the weight lies somewhere else."""
    assert main([str(FACE), "-o", str(tmp_path), "--silent"]) == 0
    weights = next(n.outputs[0].const for n in read_model(FACE) if n.label == "backbone2.2.convs.1.weight")
    data = bytearray((tmp_path / "blazeface.bin").read_bytes())
    place = data.find(weights.tobytes())
    data[place + 400 : place + 404] = (weights.reshape(-1)[100:101] + np.float32(2.5)).tobytes()
    (tmp_path / "blazeface.bin").write_bytes(data)
    shown = vinoc(FACE, f"{tmp_path / 'blazeface.xml'}@{engine}", "--worst", 0, code=1)
    assert "first diverging layer: '/backbone2/backbone2.2/act/Relu_output_0'" in shown
    assert "made by Constant 'backbone2.2.convs.1.weight' differs between the files" in shown
    assert "1 of 9216 elements differ, by 2.5 at most" in shown


def test_a_step_of_a_quantized_model_is_no_divergence() -> None:
    a, b = Trace("a"), Trace("b")
    levels = np.round(np.random.default_rng(0).uniform(-1, 1, 1000) * 30)
    moved = levels.copy()
    moved[::50] += 1
    a.add(Layer("q", levels / 30, "FakeQuantize"))
    b.add(Layer("q", moved / 30, "FakeQuantize"))
    (pair,) = compare(a, b).pairs
    assert pair.difference.of_range == pytest.approx(1 / 30)
    assert not pair.diverges(tolerance_of(read_side(str(FACE)), read_side(str(FACE)), a, b))
    b.add(Layer("q", moved / 20, "FakeQuantize"))
    assert compare(a, b).pairs[0].diverges(3e-2)


def test_an_overflow_of_half_precision_is_found(tmp_path: Path, vinoc: Call) -> None:
    """Values beyond 65504 in the middle of a model whose inputs and outputs are small."""
    path = net(tmp_path / "net.vir", scale=60000)
    shown = vinoc(path, f"{path}@reference:f16", "--html", tmp_path / "p.html", code=1)
    assert "first diverging layer: 'c1' (Convolution)" in shown
    assert "made by overflow: values reach" in shown
    assert "f16 holds 65504" in shown
    assert "e7" in (tmp_path / "p.html").read_text()


def test_dump_and_load(tmp_path: Path, vinoc: Call) -> None:
    path = net(tmp_path / "net.vir")
    assert "5 tensors" in vinoc(path, "--seed", 7, "--dump", tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as stored:
        assert set(stored) == {"@input:x", "c1", "r1", "c2", "s", "y"}
    shown = vinoc(tmp_path / "a.npz", f"{path}@cpu")
    assert "A and B agree" in shown
    assert "3 tensors compared" in shown
    vinoc(path, path, "--dump", tmp_path / "b.npz", "--dump_b", tmp_path / "c.npz", "--layers", "none")
    assert (tmp_path / "b.npz").exists()
    assert (tmp_path / "c.npz").exists()


def test_options_of_openvinos_tool(tmp_path: Path, vinoc: Call) -> None:
    path = net(tmp_path / "net.vir")
    shown = vinoc("-m", path, "-ref_m", path, "-d", "cpu", "-ref_d", "TEMPLATE", "-layers", "None")
    assert "A: net.vir@reference" in shown
    assert "B: net.vir@cpu" in shown
    assert "1 tensors compared" in shown


def test_page_and_json(tmp_path: Path, vinoc: Call) -> None:
    path = net(tmp_path / "net.vir")
    vinoc(path, "--html", tmp_path / "p.html", "--json", tmp_path / "p.json")
    page = (tmp_path / "p.html").read_text()
    assert page.count("<svg") == 2
    assert 'class="card plain e' in page
    found = json.loads((tmp_path / "p.json").read_text())
    assert [layer["tensor"] for layer in found["layers"]] == ["r1", "s", "y"]
    assert found["first_diverging"] is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "nothing is given"),
        (["nowhere.onnx"], "there is no such file"),
        (["{net}@gpu"], "no engine 'gpu'"),
        (["{net}@cpu:f8"], "no precision 'f8'"),
        (["{net}@onnxruntime:f16"], "in the model's own precision"),
        (["{net}", "{net}@onnxruntime"], "onnxruntime reads .onnx"),
        (["{net}", "{net}@openvino", "--passes", "fuse"], "does not run vinoc's passes"),
        (["{net}", "--layers", "r2"], "no tensor 'r2'"),
        (["{net}", "--html", "nowhere/p.html"], "there is no folder 'nowhere'"),
        (["{net}", "-m", "{net}"], "as arguments and by -m"),
        (["{net}", "-d", "openvino"], "-d: goes with -m"),
        (["{net}", "-ref_m", "{net}"], "-ref_m: goes with -m"),
        (["{net}", "--seed", "-1"], "-1 is not in the range x>=0"),
        (["{net}", "--tolerance", "nan"], "nan is no finite number"),
        (["{net}", "--tolerance", "-1"], "-1.0 is not in the range x>=0"),
        (["{net}", "--json", ""], "there is a folder of that name"),
        (["{folder}/cut.npz"], "cut.npz: cannot be read as .npz: File is not a zip file"),
        (["{net}", "{folder}/empty.npz"], "empty.npz: cannot be read as .npz: No data left"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, vinoc: Call, words: list[str], message: str) -> None:
    path = net(tmp_path / "net.vir")
    (tmp_path / "cut.npz").write_bytes(b"PK\3\4 and no more")
    (tmp_path / "empty.npz").write_bytes(b"")
    assert message in vinoc(*(w.format(net=path, folder=tmp_path) for w in words), code=2)


def test_difference() -> None:
    a = np.array([1.0, -2.0, 0.0, np.nan, np.inf])
    same = difference(a, a)
    assert (same.max_abs, same.of_range, same.snr, same.a_bad) == (0, 0, np.inf, (1, 1))
    assert not same.broke
    d = difference(np.array([1.0, -2.0]), np.array([1.5, -2.0]))
    assert (d.max_abs, d.mean_abs, d.max_rel, d.of_range) == (0.5, 0.25, 0.5, 0.25)
    assert d.snr == pytest.approx(10 * np.log10(5 / 0.25))
    assert difference(np.array([1.0]), np.array([np.inf])).broke
    assert difference(np.array([1, 2, 3, 4]), np.array([1, 2, 3, 9])).of_range == 0.25
    assert difference(np.array([1, 2, 4], np.uint8), np.array([1, 2, 3], np.uint8)).of_range == 0.25
    assert d.rms == pytest.approx(np.sqrt(0.125) / 2)
    assert difference(np.zeros((0, 3)), np.zeros((0, 3))).of_range == 0


def test_tensors_without_names_are_matched_by_provenance() -> None:
    """A group stands for the last of its nodes whose tensor has its shape."""
    a, b = Trace("a"), Trace("b")
    for name, node, size in (("t1", "conv", 3), ("t2", "relu", 3), ("t3", "pool", 1)):
        a.add(Layer(name, np.ones(size), "X", (node,)))
    b.add(Layer("other", np.ones(3), "Y", ("conv", "relu")))
    found = compare(a, b)
    assert [(p.a.name, p.b.name) for p in found.pairs] == [("t2", "other")]
    assert found.only_a == ["t1", "t3"]
    assert found.only_b == []
