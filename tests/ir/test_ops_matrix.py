"""Products of matrices, Einsum, attention: inferred, computed, compared with OpenVINO and NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vinoc.ir.dim import symbol, unknown
from vinoc.ir.dtype import boolean, f16, f32, i64
from vinoc.ir.errors import InferenceError, VinocError

from .checked import make, one, random, run, same

M, K, N = symbol("M"), symbol("K"), symbol("N")
RANDOM = np.random.default_rng(0)


PRODUCTS = [
    ((3, 4), (4, 5)), ((2, 3, 4), (4, 5)), ((3, 4), (2, 4, 5)), ((2, 1, 3, 4), (6, 4, 5)), ((2, 6, 3, 4), (1, 6, 4, 5)),
    ((4,), (4, 5)), ((3, 4), (4,)), ((2, 3, 4), (4,)), ((4,), (2, 4, 5)), ((4,), (4,)), ((1, 4), (4, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b"), PRODUCTS)
@pytest.mark.parametrize("transpose", [(False, False), (True, False), (False, True), (True, True)])
def test_matmul(a: Any, b: Any, transpose: Any) -> None:
    x, y = random(*a), random(*b)
    if transpose[0] and x.ndim > 1:
        x = np.ascontiguousarray(np.swapaxes(x, -1, -2))
    if transpose[1] and y.ndim > 1:
        y = np.ascontiguousarray(np.swapaxes(y, -1, -2))
    same(make("MatMul", transpose_a=transpose[0], transpose_b=transpose[1]), x, y)


@pytest.mark.parametrize("shapes", [((2, 0, 4), (4, 5)), ((2, 3, 0), (0, 5)), ((0, 4), (4, 5))])
def test_matmul_of_nothing(shapes: Any) -> None:
    x, y = (random(*s) for s in shapes)
    np.testing.assert_array_equal(run(make("MatMul"), x, y)[0], np.matmul(x, y))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64])
def test_matmul_of_integers(dtype: Any) -> None:
    x, y = RANDOM.integers(0, 50, (3, 7)).astype(dtype), RANDOM.integers(0, 3, (7, 2)).astype(dtype)
    limits = np.iinfo(dtype)
    expected = (x.astype(int) @ y.astype(int)).clip(limits.min, limits.max)
    np.testing.assert_array_equal(run(make("MatMul"), x, y)[0], expected)


def test_matmul_of_halves_is_summed_in_single() -> None:
    assert run(make("MatMul"), np.ones((1, 4096), np.float16), np.ones((4096, 1), np.float16))[0].item() == 4096


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("bij,bjk->bik", ((2, 3, 4), (2, 4, 5))), ("ij->ji", ((3, 4),)), ("ij,j", ((3, 4), (4,))),
        ("bhqd,bhkd->bhqk", ((2, 3, 4, 5), (2, 3, 6, 5))), ("i,j->ij", ((3,), (4,))), ("ij,ij->", ((3, 4), (3, 4))),
        ("...ij,...jk->...ik", ((2, 1, 3, 4), (6, 4, 5))), ("ab,bc,cd->ad", ((2, 3), (3, 4), (4, 5))),
        ("ii->i", ((4, 4),)),
    ],
)  # fmt: skip
def test_einsum(equation: str, shapes: Any) -> None:
    same(make("Einsum", equation=equation), *[random(*s) for s in shapes])


def attention(q: Any, k: Any, v: Any, mask: Any = None, scale: Any = None) -> np.ndarray:
    scores = np.einsum("...ld,...sd->...ls", q, k).astype(np.float64) * (scale or q.shape[-1] ** -0.5)
    if mask is not None:
        scores = scores + mask
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return (weights / weights.sum(-1, keepdims=True)) @ v


def test_attention() -> None:
    q, k, v = random(2, 3, 4, 8), random(2, 3, 5, 8), random(2, 3, 5, 6)
    mask, allowed = random(4, 5), np.tri(4, 5, dtype=bool)
    op, causal = make("ScaledDotProductAttention"), make("ScaledDotProductAttention", causal=True)
    scale = np.array(0.3, np.float32)
    triangle = np.where(allowed, 0, -np.inf)
    for mine, expected in [
        (run(op, q, k, v), attention(q, k, v)),
        (run(op, q, k, v, mask), attention(q, k, v, mask)),
        (run(op, q, k, v, mask, scale), attention(q, k, v, mask, 0.3)),
        (run(op, q, k, v, allowed), attention(q, k, v, triangle)),
        (run(causal, q, k, v), attention(q, k, v, triangle)),
    ]:
        np.testing.assert_allclose(mine[0], expected, rtol=1e-4, atol=1e-5)
    same(op, q, k, v, np.broadcast_to(mask, (1, 1, 4, 5)).copy())


def test_inferred_types() -> None:
    assert str(one(make("MatMul"), (f32, (2, 1, M, K)), (f32, (6, K, N)))) == "f32[2,6,M,N]"
    assert str(one(make("MatMul", transpose_a=True, transpose_b=True), (f32, (K, M)), (f32, (N, K)))) == "f32[M,N]"
    assert str(one(make("MatMul"), (f32, (K,)), (f32, (2, unknown(), N)))) == "f32[2,N]"
    assert one(make("MatMul"), (f32, None), (f32, (3, 4))).shape is None
    assert str(one(make("Einsum", equation="bij,bjk->bik"), (f32, (2, M, K)), (f32, None))) == "f32[2,M,?]"
    assert str(one(make("Einsum", equation="...i->i..."), (f32, (2, M, K)))) == "f32[K,2,M]"
    assert one(make("Einsum", equation="...i->i..."), (f32, None)).shape is None
    sdpa = make("ScaledDotProductAttention")
    assert str(one(sdpa, (f32, (2, 8, M, 16)), (f32, (2, 8, N, 16)), (f32, (2, 8, N, 4)))) == "f32[2,8,M,4]"


ERRORS: list[tuple[Any, tuple[Any, ...], str]] = [
    (make("MatMul"), ((f32, (3, 4)), (f32, (5, 6))), "4 columns of `a` meet 5 rows of `b`"),
    (make("MatMul"), ((f32, (3, 4)), (f16, (4, 6))), "element types f32 and f16 differ"),
    (make("MatMul"), ((f32, ()), (f32, (4, 6))), "`a` is a scalar"),
    (make("MatMul"), ((f32, (2, 3, 4)), (f32, (3, 4, 6))), "do not broadcast"),
    (make("MatMul"), ((boolean, (3, 4)), (boolean, (4, 6))), "boolean, expected numbers"),
    (make("Einsum", equation="ij,jk"), ((f32, (3, 4)),), "is for 2 inputs, got 1"),
    (make("Einsum", equation="ij"), ((f32, (3, 4, 5)),), "`ij` in equation `ij` does not fit rank 3"),
    (make("Einsum", equation="ij,jk"), ((f32, (3, 4)), (f32, (5, 6))), "label `j` of equation `ij,jk` stands for 4"),
    (make("ScaledDotProductAttention"), ((f32, (4, 8)), (f32, (5, 7)), (f32, (5, 8))), "width of query and key"),
    (make("ScaledDotProductAttention"), ((f32, (4, 8)), (f32, (5, 8)), (f32, (6, 8))), "length of key and value"),
    (make("ScaledDotProductAttention"), ((f32, (4, 8)), (f32, (5, 8)), (f32, (5, 8)), (i64, (4, 5))), "mask is i64"),
]


@pytest.mark.parametrize(("op", "operands", "message"), ERRORS)
def test_errors(op: Any, operands: Any, message: str) -> None:
    with pytest.raises(InferenceError, match=message):
        one(op, *operands)


@pytest.mark.parametrize("equation", ["i1->i", "ij->k", "ij->ii", "i.j->i"])
def test_equations_that_are_none(equation: str) -> None:
    with pytest.raises(VinocError, match="Einsum: equation"):
        make("Einsum", equation=equation)
