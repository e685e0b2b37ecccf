"""`vinoc explain` and `vinoc bisect`, on real models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vinoc.compiler.driver import read_model

from .conftest import Cli

EXAMPLES = Path(__file__).parents[2] / "examples" / "models"
BLAZEFACE = EXAMPLES / "blazeface" / "blazeface.onnx"
MNIST = EXAMPLES / "mnist" / "mnist.onnx"

BROKEN = '''
"""A fusion that is right but for the seventh node that it meets."""
import numpy as np
from vinoc.passes import Rewrite, rewrite

met = {}


@rewrite
class ScaleTwice(Rewrite):
    """Conv(x, w) = Conv(2 x, w / 2), and once Conv(2 x, w)."""

    def pattern(self, p, x, w):
        return p.Convolution(x, w)

    def replace(self, b, m):
        node = m.root
        if node.inputs[0].node is not None and node.inputs[0].node.kind == "Multiply":
            return None
        name = node.label
        scale = 1.0 if name == WRONG else 0.5
        weights = b.const(node.inputs[1].const * np.float32(scale))
        return b.build(node.op, b.Multiply(m.x, np.float32(2)), weights)
'''


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A plugin with a broken rule, and the node that it breaks."""
    convolutions = [
        n for n in read_model(BLAZEFACE) if n.kind == "Convolution" and n.inputs[1] and n.inputs[1].is_const
    ]
    wrong = convolutions[6].label
    plugin = tmp_path_factory.mktemp("plugin") / "broken.py"
    plugin.write_text(BROKEN.replace("WRONG", repr(wrong)))
    return plugin, wrong


@pytest.mark.parametrize("passes", ["scale-twice", "fold,dropout,scale-twice,cse,dce"])
def test_bisect_names_the_rule_and_the_node(cli: Cli, broken: tuple[Path, str], passes: str) -> None:
    plugin, wrong = broken
    run = cli("bisect", BLAZEFACE, "--plugin", plugin, "--passes", passes)
    assert run.code == 1
    assert "pass 'scale-twice'" in run.out
    assert f"rule 'scale-twice' at {BLAZEFACE.name}: node '{wrong}' (Conv), rewrite 7 of " in run.out
    assert "rule 'scale-twice' makes the model wrong" in run.err


def test_bisect_finds_nothing_in_the_default_passes(cli: Cli) -> None:
    for device in ("TEMPLATE", "CPU"):
        run = cli("bisect", MNIST, "--device", device)
        assert (run.code, run.out) == (0, "every pass keeps the outputs\n")


def test_bisect_takes_inputs_and_right_outputs(cli: Cli, tmp_path: Path) -> None:
    x = np.zeros((1, 1, 28, 28), np.float32)
    np.savez(tmp_path / "x.npz", Input3=x)
    np.savez(tmp_path / "y.npz", Plus214_Output_0=np.zeros((1, 10), np.float32))
    run = cli("bisect", MNIST, "--inputs", tmp_path / "x.npz", "--expected", tmp_path / "y.npz", "--passes", "fuse,dce")
    assert run.code in (0, 1)  # `fuse` may find nothing in the model; what it finds is wrong against zeros
    assert ("makes the outputs wrong" in run.out) == bool(run.code)
    run = cli("bisect", MNIST, "--inputs", tmp_path / "y.npz")
    assert run.code == 2
    assert "has no array for input 'Input3'" in run.err
    (tmp_path / "bad.npz").write_text("no")
    run = cli("bisect", MNIST, "--inputs", tmp_path / "bad.npz")
    assert run.code == 2
    assert "cannot be read as .npz" in run.err


def test_a_pass_that_is_no_rule(cli: Cli, tmp_path: Path) -> None:
    plugin = tmp_path / "p.py"
    plugin.write_text(
        "from vinoc.passes import Pass, graph_pass\n\n\n"
        "@graph_pass('swap')\nclass Swap(Pass):\n    '''Makes the first ReLU an Abs.'''\n\n"
        "    def run(self, graph, context):\n"
        "        from vinoc.ir.op import op_class\n\n"
        "        node = next(n for n in graph if n.kind == 'ReLU')\n"
        "        graph.set_op(node, op_class('Abs')())\n"
        "        return 1\n"
    )
    run = cli("bisect", MNIST, "--plugin", plugin, "--passes", "fold,swap,dce")
    assert run.code == 1
    assert "pass 'swap' (step 1) is the first that makes the outputs wrong" in run.out
    assert "rule" not in run.out


GROUP = '''
"""A group whose rule is right and whose pass is not."""
from vinoc.ir.op import op_class
from vinoc.passes import Group, Pass, Rewrite, graph_pass, rewrite


@rewrite
class ReluTwice(Rewrite):
    """ReLU(x) = ReLU(ReLU(x))."""

    def pattern(self, p, x):
        return p.ReLU(x)

    def replace(self, b, m):
        if any(n.kind == "ReLU" for n in (m.x.node, *m.root.output.users) if n is not None):
            return None
        return b.ReLU(b.ReLU(m.x))


@graph_pass("swap-relu")
class SwapRelu(Pass):
    """Makes one ReLU an Abs."""

    def run(self, graph, context):
        node = next((n for n in graph if n.kind == "ReLU" and n.label == "ReLU114"), None)
        if node is None or any(n.kind == "Abs" for n in graph) or (COUNTED and context.is_spent):
            return 0
        if COUNTED:
            context.rewrote(self.name, node.loc, [node.label], ["Abs"])
        graph.set_op(node, op_class("Abs")())
        return 1


@graph_pass("mixed")
class Mixed(Group):
    """Both."""

    def rules(self):
        return (ReluTwice(),)

    def passes(self):
        return (SwapRelu(),)
'''


@pytest.mark.parametrize("counted", [True, False])
def test_a_pass_within_a_group(cli: Cli, tmp_path: Path, counted: bool) -> None:
    """It is named as a rule is where it tells what it rewrites; else the rules are cleared."""
    plugin = tmp_path / "group.py"
    text = GROUP.replace("COUNTED", str(counted))
    if not counted:  # two plugins of one process may not have the same names
        text = text.replace("ReluTwice", "ReluAgain").replace("swap-relu", "turn-relu").replace('"mixed"', '"blended"')
    plugin.write_text(text)
    run = cli("bisect", MNIST, "--plugin", plugin, "--passes", "fold,mixed" if counted else "fold,blended")
    assert run.code == 1
    assert f"pass '{'mixed' if counted else 'blended'}' (step 1) is the first" in run.out
    assert ("rule 'swap-relu' at mnist.onnx: node 'ReLU114'" in run.out) == counted
    assert ("none of its rules" in run.out) != counted
    assert "relu-twice" not in run.out


def test_explain_lists_framework_nodes_and_passes(cli: Cli) -> None:
    graph = read_model(BLAZEFACE)
    first = next(n.label for n in graph if n.kind == "Convolution")
    run = cli("explain", BLAZEFACE, first)
    assert run.code == 0
    lines = run.out.splitlines()
    assert lines[0] == f"blazeface.onnx: node '{first}' (Conv)"
    assert "read as" in lines
    assert any(line.startswith("fuse (step ") for line in lines)
    assert any("pad-into-convolution: /Pad + " in line for line in lines)
    assert any(line.startswith("  together with '/Pad'") for line in lines)


def test_explain_tells_what_is_gone(cli: Cli, tmp_path: Path) -> None:
    model = tmp_path / "m.vir"
    model.write_text(
        'graph g(x: f32[4]) -> (y) {\n  a = Exp(x)  @"a"(Exp)\n  b = Negative(x)\n'
        "  z = Constant() : f32[4] = [1, 1, 1, 1]\n"
        "  y = Multiply(b, z)\n}\n"
    )
    run = cli("explain", model, "a", "--passes", "dce")
    assert "dce (step 0)\n  gone: Exp 'a'" in run.out
    assert run.out.endswith("in the end: gone; nothing of it is left in the graph\n")
    assert "no pass touched it" in cli("explain", model, "a", "--passes", "cse").out
    run = cli("explain", model, "b")
    assert run.code == 1
    assert "'b' comes from no framework node" in run.err
    run = cli("explain", model, "nothing")
    assert run.code == 1
    assert "no node named 'nothing'" in run.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--inputs", "gone.npz"], "gone.npz: cannot be read as .npz: No such file"),
        (["--inputs", "one.npy"], "one.npy: cannot be read as .npz: it is one array without a name"),
        (["--expected", "cut.npz"], "cut.npz: cannot be read as .npz: File is not a zip file"),
        (["--expected", "other.npz"], "has no array for output"),
        (["--tolerance", "nan"], "nan is no finite number. (help: `vinoc bisect --help` lists all options)"),
    ],
)
def test_bisect_of_bad_files(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("one.npy", np.zeros(3))
    np.savez("other.npz", other=np.zeros(3))
    Path("cut.npz").write_bytes(b"PK\3\4 and no more")
    run = cli("bisect", MNIST, *words)
    assert run.code == 2
    assert told in run.last
