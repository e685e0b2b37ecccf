from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vinoc.ir import Builder, Fused, Graph, Loc, ModelError, TensorType, VinocError, symbol, verify
from vinoc.ir.buffer import Buffer
from vinoc.ir.dim import unknown
from vinoc.ir.dtype import DType, boolean, f32, string
from vinoc.ir.text import parse_graph, print_graph, read_text, write_text

GRAPH = """graph g(x: f32[N,3], "odd/n:0": f32[2*N+1,?,1..4]) -> (y, z as ("out", "z2")) from "m.onnx" where N in 1..8 {
  w = Constant() : f32[3] = [1.0, 2.5, -0.03]  @"w"
  y = Add(x, w) : f32[N,3]  @"add1"(Add)
  z = Divide(y, w) {m_pythondiv=false} : f32[N,3]  @"fold-x"["a"(Add), "q.onnx"::"b"]
  %0 = Add(z, z) : f32[N,3]
  z#2 = Add(z, %0) : f32[N,3]
}
"""


def test_prints_what_it_parses() -> None:
    assert print_graph(parse_graph(GRAPH)) == GRAPH


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("N,3]  @", "N,4]  @", ":3:7", "declared f32[N,4], inference gives f32[N,3]"),
        ("Divide", "Divid", ":4:7", "did you mean 'Divide'"),
        ("(y, w)", "(y, ww)", ":4:7", "'ww' is not defined"),
        ("-> (y", "-> y", ":1:55", "cannot be parsed"),
        ("z = Div", "y = Div", ":4:7", "'y' is defined twice"),
        ("m_pythondiv", "m_div", ":4:7", "no attribute 'm_div'"),
        ("[1.0, 2.5, -0.03]", "[1.0, 2.5]", ":2:7", "2 elements are given for 3"),
        ("-> (y", "-> (yy", "", "output 'yy' is not defined"),
        ("f32[3]", "f33[3]", "", "no element type 'f33'"),
        ("[1.0, 2.5, -0.03]", "...", ":2:7", "left out"),
        ("[1.0, 2.5, -0.03]", "bin[0:12]", ":2:7", "side file"),
    ],
)
def test_errors_have_line_and_column(old: str, new: str, place: str, message: str) -> None:
    with pytest.raises(VinocError) as info:
        parse_graph(GRAPH.replace(old, new, 1), "g.vir")
    assert message in str(info.value)
    assert f"g.vir{place}" in str(info.value)


def test_slashes_divide_or_begin_a_comment() -> None:
    text = """// a comment
graph g(x: f32[N//2,(H+1)//3*N]) -> (x) { // another: f32[N]
  //y = Odd()
} // the end"""
    assert str(parse_graph(text).inputs[0].type) == "f32[N//2,((H+1)//3)*N]"


def test_a_name_like_that_of_a_nameless_value() -> None:
    graph = Graph("g")
    for name in ("", "%0", "a", "a", "a#2", "%", "_"):
        graph.add_input(TensorType(f32, ()), name)
    copy = parse_graph(print_graph(graph))
    assert [v.name for v in copy.inputs] == ["", "%0", "a", "a", "a#2", "%", "_"]


def test_symbols_in_attributes() -> None:
    graph = Graph("g")
    n = symbol("N", 1, 8)
    for i, shape in enumerate([(n, 2 * n + 1, 3, unknown(), unknown(2, 4), (n + 1) // 2), (), None]):
        Builder(graph).ReadValue(variable_id=f"v{i}", variable_type=f32, variable_shape=shape)
    text = print_graph(graph)
    assert 'variable_shape=[N,"2*N+1",3,"?","2..4","(N+1)//2"]' in text
    copy = parse_graph(text)
    assert [node.op for node in copy] == [node.op for node in graph]
    with pytest.raises(ModelError, match=r"'2\*' is no dimension"):
        parse_graph(text.replace('"2*N+1"', '"2*"'))


def test_truncated_text_is_refused() -> None:
    for end in range(0, len(GRAPH) - 3, 7):
        with pytest.raises(ModelError):
            parse_graph(GRAPH[:end])


names = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=8)
ODD = ("u3", "u6", "nf4", "u1")
floats = st.sampled_from([d for d in DType.registry.values() if d.kind in "fiub" and d.name not in ODD])


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    graph = Graph(draw(names))
    dims = [symbol("N", 1, draw(st.integers(1, 9))), symbol("L"), 3, unknown(2, 7), unknown()]
    b = Builder(graph)
    pool = [
        graph.add_input(
            TensorType(f32, tuple(draw(st.lists(st.sampled_from(dims), max_size=3)))),
            draw(names),
            draw(st.lists(names, max_size=2)),
        )
        for _ in range(draw(st.integers(1, 3)))
    ]
    pool.append(graph.add_input(TensorType(f32, None), draw(names)))
    for _ in range(draw(st.integers(0, 8))):
        both = Fused((Loc("a", "n1", ""), Loc("b", 'q"', "")), "r")
        b.loc = draw(st.sampled_from([Loc("", "", ""), Loc("a", "n" + draw(names), "T"), both]))
        kind = draw(st.sampled_from(["ReLU", "Clamp", "const", "Tanh"]))
        if kind == "const":
            d = draw(floats)
            shape = tuple(draw(st.lists(st.integers(0, 6), max_size=3)))
            rng = np.random.default_rng(draw(st.integers(0, 99)))
            lowest = -8 if d.kind == "i" else 0
            array = rng.standard_normal(shape) * 100 if d.is_float else rng.integers(lowest, 2, shape)
            if d.kind == "u":
                array = np.abs(array)
            if draw(st.booleans()) and array.size:
                array = np.broadcast_to(array.reshape(-1)[0], shape)
            if d.name in ("i2", "f8e8m0"):
                array = np.ones(shape)
            b.const(Buffer.of(array.astype(d.numpy), d), name=draw(names))
        elif kind == "Clamp":
            pool.append(b.Clamp(draw(st.sampled_from(pool)), min=draw(st.floats(-5, 0)), max=draw(st.floats(0, 1e30))))
        else:
            pool.append(getattr(b, kind)(draw(st.sampled_from(pool)), name=draw(names)))
    for value in draw(st.lists(st.sampled_from(pool), max_size=3)):
        graph.add_output(value, draw(st.lists(names, max_size=2)))
    return graph


@given(graph=graphs())
def test_round_trip_through_a_file(tmp_path_factory: pytest.TempPathFactory, graph: Graph) -> None:
    folder = tmp_path_factory.mktemp("text")
    write_text(graph, folder / "g.vir")
    copy = read_text(folder / "g.vir")
    verify(copy)
    write_text(copy, folder / "h.vir")
    assert (folder / "g.vir").read_text() == (folder / "h.vir").read_text()
    for a, b in zip(graph, copy, strict=True):
        assert a.op == b.op
        assert a.loc == b.loc
        assert [v.type for v in a.outputs] == [v.type for v in b.outputs]
        assert [v.name for v in a.outputs] == [v.name for v in b.outputs]
    assert [v.type for v in graph.inputs] == [v.type for v in copy.inputs]
    assert graph.input_names == copy.input_names
    assert graph.output_names == copy.output_names


def test_special_elements(tmp_path: Path) -> None:
    graph = Graph("g")
    b = Builder(graph)
    text = np.empty(2, object)
    text[:] = ['a "quoted" \\ text\nof two lines', "ü"]
    b.const(Buffer(string, (2,), text), name="s")
    b.const(np.array([np.inf, -np.inf, -0.0], np.float32), name="i")
    nan = np.array([0x7FC00001], np.uint32).view(np.float32)
    b.const(nan, name="n")
    b.const(Buffer(boolean, (2,), np.array([True, False])), name="b")
    b.const(np.array([1 + 2j], np.complex64), name="c")
    write_text(graph, tmp_path / "g.vir")
    for a, c in zip(graph, read_text(tmp_path / "g.vir"), strict=True):
        assert a.op == c.op
