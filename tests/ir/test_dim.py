from __future__ import annotations

import operator
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vinoc.ir.dim import Dim, Sym, broadcast_dim, ceildiv, dim_max, dim_min, known_equal, merge_dim, symbol, unknown
from vinoc.ir.errors import InferenceError
from vinoc.ir.text import parse_graph

N, H = symbol("N"), symbol("H", 1, 8)


@pytest.mark.parametrize(
    ("dim", "text"),
    [
        (N + 1 - 1, "N"),
        (2 * N + 1, "2*N+1"),
        ((4 * N + 2) // 4, "N"),
        (ceildiv(H, 2), "(H+1)//2"),
        ((N * H * 32) // (N * 32), "H"),
        (N * 6 // (N * 2), "3"),
        (dim_max(N, N + 1), "N+1"),
        (dim_min(N, N + 1), "N"),
        (dim_max(N, H), "max(H,N)"),
        (N - N, "0"),
        (N % 1, "0"),
        (6 * N // 4, "(3*N)//2"),
        (unknown(), "?"),
        (unknown(2, 5) + 1, "3..6"),
        (N * unknown(), "?"),
    ],
)
def test_normal_form(dim: Dim, text: str) -> None:
    assert str(dim) == text


STEPS = {
    "+": (operator.add, operator.add),
    "-": (operator.sub, operator.sub),
    "*": (operator.mul, operator.mul),
    "//": (operator.floordiv, operator.floordiv),
    "max": (dim_max, max),
    "min": (dim_min, min),
    "ceil": (ceildiv, lambda a, b: -(-a // b)),
}
"""What is done to dimensions, and the same to numbers."""


def _number(k: int, n: int, h: int) -> int:
    return k


def _apply(step, f, g, n: int, h: int) -> int:
    return step(f(n, h), g(n, h))


@st.composite
def dims(draw: st.DrawFn) -> tuple[Dim, object]:
    """A dimension, and the same expression over numbers as a function of (N, H)."""
    d: Dim
    d, f = draw(st.sampled_from([(N, lambda n, h: n), (H, lambda n, h: h), (3, lambda n, h: 3)]))
    for _ in range(draw(st.integers(0, 4))):
        kind, k = draw(st.sampled_from(list(STEPS))), draw(st.integers(1, 7))
        if kind in ("max", "min") and draw(st.booleans()):
            other, g = draw(st.sampled_from([(N, lambda n, h: n), (H, lambda n, h: h)]))
        else:
            other, g = k, partial(_number, k)
        on_dims, on_numbers = STEPS[kind]
        d, f = on_dims(d, other), partial(_apply, on_numbers, f, g)
    return d, f


@given(dims(), st.integers(0, 40), st.integers(1, 8))
def test_arithmetic_holds_for_numbers(pair: tuple[Dim, object], n: int, h: int) -> None:
    """The text of a dimension, evaluated with numbers for the symbols, is the number that was meant."""
    d, f = pair
    value = f(n, h)  # type: ignore[operator]
    assert eval(str(d), {"N": n, "H": h, "max": max, "min": min}) == value
    if isinstance(d, Sym):
        assert d.lo <= value <= d.hi


@given(dims())
def test_text_parses_back(pair: tuple[Dim, object]) -> None:
    d, _ = pair
    text = str(d)
    graph = parse_graph(f"graph g(x: f32[{text}]) -> (x) where H in 1..8 {{ }}")
    assert graph.inputs[0].shape == (d,)


def test_broadcast_and_merge() -> None:
    assert broadcast_dim(1, N) == N
    assert broadcast_dim(N, 5) == 5
    assert broadcast_dim(N, N) == N
    assert str(broadcast_dim(N, H)) == "?"
    assert merge_dim(N, 4) == 4
    with pytest.raises(InferenceError, match="do not broadcast"):
        broadcast_dim(2, 3)
    with pytest.raises(InferenceError, match="outside"):
        merge_dim(H, 9)
    assert not known_equal(unknown(), unknown())


def test_order_is_decided_by_bounds_or_refused() -> None:
    assert N < N + 1
    assert H <= 8
    assert not H > 8
    assert H >= 1
    with pytest.raises(InferenceError, match="not known"):
        _ = N < H
