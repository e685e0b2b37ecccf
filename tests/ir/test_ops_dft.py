"""Fourier transforms: as NumPy computes them, and as OpenVINO does from the IR that is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backends.ir_util import interpret, roundtrip, start
from vinoc.compiler.driver import read_model
from vinoc.ir.dim import symbol, unknown
from vinoc.ir.dtype import boolean, f16, f32, f64
from vinoc.ir.dtype import i64 as t64
from vinoc.ir.errors import InferenceError
from vinoc.ir.verify import verify

from .checked import i32, i64, infer, make, one, run

N, M = symbol("N", 1), symbol("M", 1)
COMPLEX = ("DFT", "IDFT", "IRDFT")
KINDS = (*COMPLEX, "RDFT")


def pairs(x: np.ndarray) -> np.ndarray:
    return np.stack([x.real, x.imag], -1)


def expected(kind: str, data: np.ndarray, axes: list[int], sizes: list[int]) -> np.ndarray:
    """What NumPy makes of it; `axes` count from the front, every size is given."""
    if kind == "RDFT":
        return pairs(np.fft.rfftn(data, sizes, axes))
    x = data[..., 0] + 1j * data[..., 1]
    if kind == "IRDFT":
        return np.fft.irfftn(x, sizes, axes)
    return pairs((np.fft.fftn if kind == "DFT" else np.fft.ifftn)(x, sizes, axes))


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, np.ndarray, list[int], list[int]]:
    """A kind, its data, axes in any order, and a size or -1 for each."""
    kind = draw(st.sampled_from(KINDS))
    shape = draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    if kind == "IRDFT":
        shape = [n + 1 for n in shape]
    axes = draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, max_size=3, unique=True))
    sizes = [draw(st.sampled_from([-1, -1, 1, 2, 5, 8])) for _ in axes]
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    return kind, rng.standard_normal((*shape, *([2] if kind in COMPLEX else []))), axes, sizes


@settings(max_examples=150)
@given(cases(), st.booleans(), st.sampled_from([np.float16, np.float32, np.float64]))
def test_as_numpy(case: tuple[str, np.ndarray, list[int], list[int]], negative: bool, dtype: Any) -> None:
    kind, data, axes, sizes = case
    data = data.astype(dtype)
    rank = data.ndim - (kind in COMPLEX)
    whole = [data.shape[a] if n == -1 else n for a, n in zip(axes, sizes, strict=True)]
    if kind == "IRDFT" and sizes[-1] == -1:
        whole[-1] = 2 * (data.shape[axes[-1]] - 1)
    want = expected(kind, data.astype(np.float64), axes, whole)
    given = i64(*[a - rank if negative else a for a in axes])
    tolerance = 1e-2 if dtype is np.float16 else 1e-5
    (got,) = run(make(kind), data, given, i32(*sizes))
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)
    if all(n == -1 for n in sizes):
        np.testing.assert_array_equal(run(make(kind), data, given)[0], got)


def test_there_and_back() -> None:
    x = np.random.default_rng(1).standard_normal((3, 8, 5))
    (half,) = run(make("RDFT"), x, i64(2, 1))
    assert half.shape == (3, 5, 5, 2)
    np.testing.assert_allclose(run(make("IRDFT"), half, i64(2, 1))[0], x, atol=1e-12)
    (spectrum,) = run(make("DFT"), half, i64(-1))
    np.testing.assert_allclose(run(make("IDFT"), spectrum, i64(-1))[0], half, atol=1e-12)


def test_symbolic_shapes() -> None:
    for kind in ("DFT", "IDFT"):
        op = make(kind)
        assert one(op, (f32, (N, M, 2)), i64(-1)).shape == (N, M, 2)
        assert one(op, (f32, (N, M, unknown())), i64(0)).shape == (N, M, 2)
        assert one(op, (f32, (N, M, 2)), i64(0, 1), i64(-1, 7)).shape == (N, 7, 2)
        assert one(op, (f32, (N, M, 2)), i64(1), (t64, (1,))).shape == (N, unknown(), 2)
        assert one(op, (f32, (N, M, 2)), (t64, (1,))).shape == (N, M, 2)
        assert one(op, (f32, (N, M, 2)), (t64, (1,)), i64(3)).shape == (unknown(), unknown(), 2)
        assert one(op, (f32, None), i64(0)).shape is None
    op = make("RDFT")
    assert one(op, (f16, (N, M)), i64(1, 0)) == one(make("RDFT"), (f16, (N, M)), i64(-1, -2))
    assert one(op, (f64, (N, M)), i64(1, 0)).shape == (N // 2 + 1, M, 2)
    assert one(op, (f32, (N, M)), i64(1), i64(9)).shape == (N, 5, 2)
    assert one(op, (f32, (N, 4)), (t64, (1,))).shape == (unknown(), unknown(), 2)
    assert one(op, (f32, None), i64(0)).shape is None
    op = make("IRDFT")
    assert one(op, (f32, (N, N // 2 + 1, 2)), i64(1)).shape == (N, 2 * (N // 2))
    assert one(op, (f32, (N, M, 2)), i64(1), i64(9)).shape == (N, 9)
    assert one(op, (f32, (N, M, 2)), (t64, (1,))).shape == (unknown(), unknown())
    assert one(op, (f32, None), i64(0)).shape is None


def test_a_known_size_may_be_a_dimension() -> None:
    b, (x, y) = start(("N", 8), ("L",))
    out = b.RDFT(x, [1], b.ShapeOf(y))
    assert str(out.type) == "f32[N,(L//2)+1,2]"


@pytest.mark.parametrize(
    ("kind", "operands", "message"),
    [
        ("DFT", ((f32, (4, 3)), i64(0)), "last dimension must be 2"),
        ("IRDFT", ((f32, ()), i64(0)), "last dimension must be 2"),
        ("DFT", ((boolean, (4, 2)), i64(0)), "expected floating-point"),
        ("RDFT", ((t64, (4,)), i64(0)), "expected floating-point"),
        ("DFT", ((f32, (4, 2)), i64(1)), "axes 1 is out of range for rank 1"),
        ("RDFT", ((f32, (4, 2)), i64(-3)), "axes -3 is out of range"),
        ("DFT", ((f32, (4, 4, 2)), i64(0, -2)), "names a dimension twice"),
        ("DFT", ((f32, (4, 2)), (f32, (1,))), "expected integers"),
        ("DFT", ((f32, (4, 2)), (t64, (1, 1))), "expected one dimension"),
        ("DFT", ((f32, (4, 2)), (t64, (2,))), "2 axes are transformed, there are 1"),
        ("RDFT", ((f32, (4, 2)), (t64, (0,))), "`axes` is empty"),
        ("DFT", ((f32, (4, 2)), i64(0), i64(1, 2)), "2 entries for 1 axes"),
        ("DFT", ((f32, (4, 2)), i64(0), i64(0)), "has the entry 0"),
        ("IRDFT", ((f32, (4, 2)), i64(0), i64(-2)), "has the entry -2"),
        ("RDFT", ((f32, (0,)), i64(0)), "has 0 points"),
        ("IRDFT", ((f32, (1, 2)), i64(0)), "has 0 points"),
    ],
)
def test_refused(kind: str, operands: tuple[Any, ...], message: str) -> None:
    with pytest.raises(InferenceError, match=message):
        infer(make(kind), *operands)


def test_empty_batches_are_fine() -> None:
    assert run(make("DFT"), np.zeros((0, 4, 2), np.float32), i64(1))[0].shape == (0, 4, 2)


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [
        *[(kind, sizes) for kind in KINDS for sizes in (None, (5, 6))],
        *[(kind, (7, 11)) for kind in COMPLEX],  # OpenVINO's CPU device cannot fill up the input of RDFT
        *[(kind, (-1, 9)) for kind in ("DFT", "IDFT")],  # and fails on -1 where numbers are real
    ],
)
def test_openvino_computes_the_same(kind: str, sizes: tuple[int, ...] | None, tmp_path: Path) -> None:
    """Written, it runs in OpenVINO; read back, it is what was written."""
    shape = (2, 7, 8, *([2] if kind in COMPLEX else []))
    b, (x,) = start(shape)
    out = getattr(b, kind)(x, [-2, -1], *([] if sizes is None else [list(sizes)]))
    b.graph.add_output(out, "y")
    data = np.random.default_rng(3).standard_normal(shape).astype(np.float32)
    roundtrip(b.graph, tmp_path, [data], 1e-4)
    again = read_model(tmp_path / "net.xml")
    verify(again)
    assert again.outputs[0].type == out.type
    np.testing.assert_array_equal(interpret(again, [data])[0], interpret(b.graph, [data])[0])
