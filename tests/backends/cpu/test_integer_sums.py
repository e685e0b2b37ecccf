"""Products of integers whose sums are the result, against sums in i64: on all targets, beyond f32, wrapping."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vinoc
from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.lowering.plan import Island
from vinoc.backends.numpy import Interpreter
from vinoc.ir import Builder, Graph, TensorType, symbol
from vinoc.ir import dtype as dt
from vinoc.ir.ops.integer import IntegerConvolution

from .checked import build, integer_targets

TYPES = st.sampled_from([np.uint8, np.int8])


def numbers(seed: int, dtype: Any, *shape: int) -> np.ndarray:
    """All of the range, the ends more often than the rest."""
    ends, rng = np.iinfo(dtype), np.random.default_rng(seed)
    found = rng.integers(ends.min, ends.max, shape, dtype, endpoint=True)
    return np.where(rng.random(shape) < 0.3, dtype(ends.max), found).astype(dtype)


def sums(graph: Graph, inputs: list[np.ndarray], wanted: np.ndarray, islands: int = 0) -> None:
    """Asserts that reference and kernels give these bits."""
    np.testing.assert_array_equal(Interpreter(graph).run(inputs)[0], wanted)
    for target in integer_targets():
        for threads in (1, 2):
            executable = Executable(graph, threads, target)
            found = executable.run(inputs)[0]
            np.testing.assert_array_equal(found, wanted, f"{target.name}, {threads} threads")
            plan = executable.program([a.shape for a in inputs]).plan  # type: ignore[union-attr]
            assert len([s for s in plan.steps if isinstance(s, Island)]) == islands


@settings(deadline=None, max_examples=25)
@given(
    st.integers(1, 30), st.sampled_from([1, 3, 64, 259, 600]), st.integers(1, 40), TYPES, TYPES, st.booleans(),
    st.sampled_from(["none", "known", "computed", "rows"]), st.sampled_from(["none", "one", "columns", "middle"]),
    st.integers(0, 99),
)  # fmt: skip
def test_matrices(
    m: int, k: int, n: int, of: Any, weights: Any, constant: bool, a_zero: str, b_zero: str, seed: int
) -> None:
    a, b = numbers(seed, of, 2, m, k), numbers(seed + 1, weights, k, n)
    za = numbers(seed + 2, of, m, 1) if a_zero == "rows" else np.array(0 if a_zero == "none" else 77, of)
    zb = {"columns": numbers(seed + 3, weights, n), "middle": weights(128 if weights is np.uint8 else 0)}.get(
        b_zero, np.array(0 if b_zero == "none" else 5, weights)
    )
    inputs = [a, *([] if constant else [b]), *([za] if a_zero in ("computed", "rows") else [])]

    def product(builder: Any, x: Any, *rest: Any) -> Any:
        values = list(rest)
        w = builder.const(b) if constant else values.pop(0)
        zero = values.pop(0) if values else builder.const(za)
        return builder.IntegerMatMul(x, w, zero, builder.const(zb))

    wide = a.astype(np.int64) - za.astype(np.int64), b.astype(np.int64) - zb.astype(np.int64)
    sums(build(product, *inputs), inputs, (wide[0] @ wide[1]).astype(np.int32))


@st.composite
def convolutions(draw: st.DrawFn) -> dict[str, Any]:
    rank = draw(st.integers(1, 2))
    groups = draw(st.sampled_from([1, 1, 2, 5]))
    return {
        "of": draw(TYPES), "weights": draw(TYPES), "groups": groups, "spatial": [draw(st.integers(3, 9))] * rank,
        "channels": draw(st.integers(1, 9)), "out": draw(st.integers(1, 9)), "kernel": [draw(st.integers(1, 3))] * rank,
        "stride": draw(st.integers(1, 2)), "pads": draw(st.integers(0, 2)), "known": draw(st.booleans()),
        "zero": draw(st.sampled_from(["none", "one", "channels"])), "seed": draw(st.integers(0, 99)),
    }  # fmt: skip


@settings(deadline=None, max_examples=25)
@given(convolutions())
def test_convolutions(c: dict[str, Any]) -> None:
    rank, groups = len(c["kernel"]), c["groups"]
    x = numbers(c["seed"], c["of"], 2, groups * c["channels"], *c["spatial"])
    w = numbers(c["seed"] + 1, c["weights"], groups * c["out"], c["channels"], *c["kernel"])
    zx, zw = np.array(99, c["of"]), np.array(0 if c["zero"] == "none" else 3, c["weights"])
    if c["zero"] == "channels":
        zw = numbers(c["seed"] + 2, c["weights"], len(w), 1, *[1] * rank)
    pads, strides = (c["pads"],) * rank, (c["stride"],) * rank
    op = IntegerConvolution(strides, pads, pads, (1,) * rank, groups=groups)
    graph = build(
        lambda b, x, *zero: b.build(op, x, b.const(w), *zero or [b.const(zx)], b.const(zw)),
        x, *([] if c["known"] else [zx]),
    )  # fmt: skip
    sums(graph, [x, *([] if c["known"] else [zx])], convolved(x, w, zx, zw, strides, pads, groups))


def convolved(x: Any, w: Any, zx: Any, zw: Any, strides: Any, pads: Any, groups: int) -> np.ndarray:
    """By windows, in i64."""
    wide = np.pad(x.astype(np.int64) - int(zx), [(0, 0), (0, 0), *((p, p) for p in pads)])
    rank, filters = len(strides), w.astype(np.int64) - zw.astype(np.int64)
    view = np.lib.stride_tricks.sliding_window_view(wide, w.shape[2:], tuple(range(2, 2 + rank)))
    view = view[(slice(None), slice(None), *(slice(None, None, s) for s in strides))]
    parts = zip(np.split(view, groups, 1), np.split(filters, groups), strict=True)
    spatial, window = "xy"[:rank], "uv"[:rank]
    found = [np.einsum(f"nc{spatial}{window},oc{window}->no{spatial}", v, f) for v, f in parts]
    return np.concatenate(found, 1).astype(np.int32)


@pytest.mark.parametrize("constant", [True, False])
def test_sums_beyond_f32_and_beyond_i32(constant: bool) -> None:
    """40000 products of 255 and 255 are more than 2^31 and wrap; the next sum differs by less than f32 would tell."""
    a, b = np.full((1, 40000), 255, np.uint8), np.full((40000, 2), 255, np.uint8)
    b[0, 1] = 254

    def product(builder: Any, x: Any, *w: Any) -> Any:
        zero = builder.const(np.uint8(0))
        return builder.IntegerMatMul(x, w[0] if w else builder.const(b), zero, zero)

    inputs = [a] if constant else [a, b]
    wanted = (a.astype(np.int64) @ b.astype(np.int64)).astype(np.int32)
    assert wanted[0, 0] < 0
    assert wanted[0, 0] - wanted[0, 1] == 255
    sums(build(product, *inputs), inputs, wanted)


def test_a_convolution_with_computed_filters_is_an_island() -> None:
    x, w = numbers(0, np.uint8, 1, 3, 5, 5), numbers(1, np.int8, 4, 3, 3, 3)
    op = IntegerConvolution((1, 1), (1, 1), (1, 1), (1, 1))
    graph = build(lambda b, x, w: b.build(op, x, w, b.const(np.uint8(7)), b.const(np.int8(0))), x, w)
    sums(graph, [x, w], convolved(x, w, np.uint8(7), np.int8(0), (1, 1), (1, 1), 1), islands=1)


def test_all_shapes_share_the_weights() -> None:
    """Weights become i8 once a model, not once for every set of input shapes."""
    graph = Graph("open")
    a = graph.add_input(TensorType(dt.u8, (symbol("N"), 300)), "a")
    zero = graph.add_input(TensorType(dt.u8, ()), "zero")
    w = numbers(0, np.uint8, 300, 40)
    b = Builder(graph)
    graph.add_output(b.IntegerMatMul(a, b.const(w), zero, b.const(np.uint8(120))), "y")
    compiled = vinoc.compile_model(vinoc.Model(graph), "CPU")
    packed = compiled.prepared._streams.all[0].packed  # type: ignore[attr-defined]
    counts = []
    for rows in (20, 30, 40):
        x = numbers(rows, np.uint8, rows, 300)
        wanted = (x.astype(np.int64) - 7) @ (w.astype(np.int64) - 120)
        np.testing.assert_array_equal(compiled([x, np.uint8(7)])["y"], wanted)
        counts.append(sum(array.nbytes >= w.nbytes for array in packed.arrays.values()))
    assert counts == [1, 1, 1]
