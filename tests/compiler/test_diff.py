"""What `diff` calls the same and what it calls different."""

from __future__ import annotations

from pathlib import Path

import pytest

from vinoc.backends.openvino import OpenVinoBackend
from vinoc.compiler.diff import Difference, diff
from vinoc.compiler.driver import compile_model_file, read_model
from vinoc.ir.text import parse_graph
from vinoc.passes import PassManager

BASE = """
graph g(a: f32[N,4], b: f32[N,4]) -> (y) from "m.onnx" {
  k = Constant() : f32[4] = [1,2,3,4]  @"scale"(Mul)
  s = Add(a, b)  @"sum"(Add)
  m = Multiply(s, k)  @"scale"(Mul)
  y = ReLU(m)  @"relu"(Relu)
}
"""


def compare(*changes: tuple[str, str]) -> Difference:
    text = BASE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return diff(parse_graph(BASE), parse_graph(text))


@pytest.mark.parametrize(
    "changes",
    [
        (),
        (('@"scale"(Mul)', ""), ('@"sum"(Add)', ""), ('@"relu"(Relu)', "")),
        (("s = Add", "t = Add"), ("Multiply(s", "Multiply(t")),
        (("N,4", "M,4"),),
        (('from "m.onnx"', 'from "other.onnx"'),),
    ],
    ids=["nothing", "provenance", "value names", "dimension names", "file name"],
)
def test_labels_make_no_difference(changes: tuple[tuple[str, str], ...]) -> None:
    assert compare(*changes).equal


def test_order_makes_no_difference() -> None:
    lines = BASE.strip().splitlines()
    lines[1], lines[2] = lines[2], lines[1]
    assert diff(parse_graph(BASE), parse_graph("\n".join(lines))).equal


def test_an_attribute() -> None:
    old, new = (
        BASE.replace("ReLU(m)", "Clamp(m) {min=0.0, max=6.0}"),
        BASE.replace("ReLU(m)", "Clamp(m) {min=0.0, max=4.0}"),
    )
    found = diff(parse_graph(old), parse_graph(new))
    assert [c.what for c in found.changed] == [("max=6.0 -> 4.0",)]
    assert (found.added, found.removed, found.counts) == ([], [], {})


def test_a_constant() -> None:
    found = compare(("[1,2,3,4]", "[1,2,3,5]"))
    assert [c.what for c in found.changed] == [("1 of 4 elements differ, by 1 at most",)]


def test_a_constant_of_another_shape() -> None:
    found = compare(("f32[4] = [1,2,3,4]", "f32[1] = [2]"))
    assert found.changed[0].what[0] == "constant f32[4] -> f32[1]"


def test_swapped_operands() -> None:
    found = compare(("Add(a, b)", "Add(b, a)"))
    assert found.changed[0].node == "Add 'sum' : f32[N,4]"
    assert found.changed[0].what == ("`a` comes from input 'a' -> input 'b'", "`b` comes from input 'b' -> input 'a'")
    assert len(found.changed) == 1, "what reads it has not changed"


def test_added_and_removed() -> None:
    found = compare(('y = ReLU(m)  @"relu"(Relu)', "t = Tanh(m)\n  y = Sigmoid(t)"))
    assert found.removed == ["ReLU 'relu' : f32[N,4]"]
    assert found.added == ["Tanh 't' : f32[N,4]", "Sigmoid 'y' : f32[N,4]"]
    assert found.counts == {"ReLU": (1, 0), "Tanh": (0, 1), "Sigmoid": (0, 1)}
    assert found.interface == ["output 0 is computed by ReLU 'relu', then by Sigmoid 'y'"]


def test_an_inserted_node_leaves_its_neighbours_matched() -> None:
    found = compare(("m = Multiply(s, k)", "t = Tanh(s)\n  m = Multiply(t, k)"))
    assert found.added == ["Tanh 't' : f32[N,4]"]
    assert found.removed == []
    assert [c.what for c in found.changed] == [("`a` comes from Add 'sum' -> Tanh 't'",)]


def test_nodes_without_names_are_found_by_their_place() -> None:
    plain = [BASE.replace('@"scale"(Mul)', "").replace('@"sum"(Add)', "").replace('@"relu"(Relu)', "") for _ in "ab"]
    renamed = plain[1].replace("k", "kk").replace("s =", "ss =").replace("(s,", "(ss,").replace("m =", "mm =")
    renamed = renamed.replace("(m)", "(mm)").replace("[1,2,3,4]", "[1,2,3,9]")
    found = diff(parse_graph(plain[0]), parse_graph(renamed))
    assert (found.added, found.removed) == ([], [])
    assert len(found.changed) == 1


def test_inputs_and_outputs() -> None:
    found = compare(("b: f32[N,4]", "b: f32[1,4]"), ("-> (y)", '-> (y as ("z"))'))
    assert found.interface == ["input 1 f32[N,4] -> f32[1,4]", "output 0 is named 'y' -> 'z'"]


def test_inputs_are_matched_by_name() -> None:
    found = compare(("a: f32[N,4], b: f32[N,4]", "b: f32[N,4], a: f32[N,4]"))
    assert not found.changed
    assert found.interface, "their order is part of the interface"


def test_an_output_more() -> None:
    found = compare(("-> (y)", "-> (y, s)"))
    assert found.interface == ["1 outputs -> 2"]


BODY = """
graph g(c: boolean[], x: f32[2]) -> (y) {
  y = If(c, x) {then_inputs=[1], else_inputs=[1]} : f32[2] with
    graph then_(p: f32[2]) -> (q) {
      q = ReLU(p)
    }
    graph else_(p: f32[2]) -> (q) {
      q = Tanh(p)
    }
}
"""


def test_bodies_are_compared() -> None:
    one, other = parse_graph(BODY), parse_graph(BODY.replace("Tanh", "Sigmoid"))
    assert diff(one, parse_graph(BODY)).equal
    found = diff(one, other)
    assert any("Tanh" in text and "body 1" in text for text in found.removed)
    assert any("Sigmoid" in text for text in found.added)
    assert found.counts == {"Tanh": (1, 0), "Sigmoid": (0, 1)}


@pytest.mark.shared
@pytest.mark.parametrize("name", ["bert_toy", "dtln_1", "facemesh", "mnist_cntk", "silero_vad_16k"])
def test_a_model_and_its_ir_are_equal(name: str, tmp_path: Path) -> None:
    folder = Path(__file__).resolve().parents[3] / "shared" / "models" / name
    (model,) = folder.glob("*.onnx")
    compile_model_file(model, out_dir=tmp_path, model_name="m", passes="")
    graph = read_model(model)
    PassManager(OpenVinoBackend.lowering).run(graph)
    found = diff(graph, read_model(tmp_path / "m.xml"))
    assert found.equal, "\n".join(found.lines())
