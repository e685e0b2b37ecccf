"""Types of products of integers; what they compute is in tests/backends/cpu/test_integer_sums.py."""

from __future__ import annotations

import pytest

from vinoc.ir.errors import VinocError
from vinoc.ir.text import parse_graph

MATRICES = "graph g(a: {a}, b: {b}, p: {p}, q: {q}) -> (y) {{ y = IntegerMatMul(a, b, p, q) }}"
WINDOWS = (
    "graph g(x: {x}, w: {w}, p: {p}, q: i8[]) -> (y) {{ y = IntegerConvolution(x, w, p, q) "
    "{{strides=[1], pads_begin=[0], pads_end=[0], dilations=[1], groups={groups}}} }}"
)


def test_shapes() -> None:
    graph = parse_graph(MATRICES.format(a="u8[N,2,M,3]", b="i8[3,K]", p="u8[M,1]", q="i8[K]"))
    assert str(graph.outputs[0].type) == "i32[N,2,M,K]"
    graph = parse_graph(WINDOWS.format(x="u8[N,4,9]", w="i8[6,2,3]", p="u8[]", groups=2))
    assert str(graph.outputs[0].type) == "i32[N,6,7]"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (MATRICES.format(a="f32[2,3]", b="i8[3,4]", p="u8[]", q="i8[]"), "`a` is f32"),
        (MATRICES.format(a="u8[2,3]", b="i8[3,4]", p="i8[]", q="i8[]"), "zero point of `a` is i8"),
        (MATRICES.format(a="u8[2,3]", b="i8[3,4]", p="u8[5,2,1]", q="i8[]"), "more dimensions"),
        (MATRICES.format(a="u8[2,3]", b="i8[4,4]", p="u8[]", q="i8[]"), "3 columns of `a` meet 4 rows"),
        (WINDOWS.format(x="u8[1,4,9]", w="i8[6,4,3]", p="u8[4]", groups=1), "expected a scalar"),
        (WINDOWS.format(x="u8[1,4,9]", w="i8[5,2,3]", p="u8[]", groups=2), "5 filters do not divide"),
        (WINDOWS.format(x="u8[1,3,9]", w="i8[6,2,3]", p="u8[]", groups=2), "3 channels of data"),
        (WINDOWS.format(x="u8[1,3,9]", w="i8[6,2,3]", p="u8[]", groups=0), "0 groups"),
    ],
)
def test_errors(text: str, what: str) -> None:
    with pytest.raises(VinocError, match=what):
        parse_graph(text)
