"""Rounding to half precision: what holds for each element, for the sums, and for arrays of all layouts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.ir.dtype import Array
from vinoc.ir.text import parse_graph
from vinoc.passes.compensated import Filters, compensated, compensated_together
from vinoc.passes.filters import filters_of
from vinoc.passes.half import BLOCK, MAX, is_uniform, losses, nearest

KERNELS: list[tuple[int, ...]] = [(), (1, 1), (3,), (3, 3), (2, 5), (7, 7), (3, 39), (1, 70), (33,)]


@st.composite
def weights(draw: st.DrawFn) -> tuple[Array, Filters]:
    kernel = draw(st.sampled_from(KERNELS))
    summed = draw(st.integers(1, 9)) * math.prod(kernel)
    trailing = 1 if kernel else draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (draw(st.integers(1, 5)), summed, trailing)
    spread = draw(st.sampled_from([0.0, 1.0, 4.0]))
    array = (
        rng.standard_normal(shape)
        * np.exp(spread * rng.standard_normal(shape))
        * draw(st.sampled_from([1e-7, 1e-5, 1e-2, 1.0, 1e3]))
    )
    if draw(st.booleans()):  # equal values tie
        array = np.round(array, 2) + array.flat[0]
    return array.astype(draw(st.sampled_from([np.float32, np.float64]))), Filters(summed, trailing, kernel)


def bounds(array: Array) -> tuple[Array, Array]:
    """The f16 neighbours below and above, in f64; both the value itself where f16 has it."""
    near = nearest(array)
    wide, exact = near.astype(np.float64), array.astype(np.float64)
    low = np.where(wide > exact, np.nextafter(near, np.float16(-np.inf)), near)
    high = np.where(wide < exact, np.nextafter(near, np.float16(np.inf)), near)
    return low.astype(np.float64), high.astype(np.float64)


@settings(max_examples=300, deadline=None)
@given(weights())
def test_each_is_a_neighbour_and_the_sums_are_small(case: tuple[Array, Filters]) -> None:
    array, filters = case
    array = np.clip(array, -6e4, 6e4)
    half = compensated(array, filters)
    assert half.dtype == np.float16
    assert half.shape == array.shape
    low, high = bounds(array)
    wide = half.astype(np.float64)
    assert ((wide == low) | (wide == high)).all()
    step = np.spacing(np.abs(half).max(axis=1)).astype(np.float64)
    assert (np.abs((array.astype(np.float64) - wide).sum(axis=1)) <= step * (1 + 1e-5)).all()


@settings(max_examples=100, deadline=None)
@given(weights(), st.integers(0, 2**32 - 1))
def test_what_f16_holds_stays(case: tuple[Array, Filters], seed: int) -> None:
    array, filters = case
    rng = np.random.default_rng(seed)
    special = np.array([np.inf, -np.inf, np.nan, 1e6, -3e38, 65510, -65519, 65504, 0.0, -0.0, 0.5, 2.0**-24])
    chosen = rng.random(array.shape) < 0.3
    mixed = np.where(chosen, rng.choice(special, array.shape), array).astype(array.dtype)
    half = compensated(mixed, filters)
    exact = np.isnan(mixed) | np.isinf(mixed) | (nearest(mixed).astype(mixed.dtype) == mixed)
    np.testing.assert_array_equal(half[exact], nearest(mixed)[exact])
    beyond = np.isfinite(mixed) & (np.abs(mixed) >= MAX)
    np.testing.assert_array_equal(half[beyond], np.copysign(MAX, mixed[beyond]))


def test_blocks_and_companions_change_nothing() -> None:
    rng = np.random.default_rng(0)
    filters = Filters(36, kernel=(3, 3))
    large = rng.standard_normal((BLOCK // 18, 4, 3, 3)).astype(np.float32)
    whole = compensated(large, filters)
    parts = [large[:7], large[7:1000], large[1000:]]
    np.testing.assert_array_equal(whole, np.concatenate([compensated(p, filters) for p in parts]))
    np.testing.assert_array_equal(whole, np.concatenate(list(compensated_together(parts, filters))))


def test_sums_along_a_middle_axis() -> None:
    array = np.random.default_rng(0).standard_normal((3, 40, 50)).astype(np.float32)
    columns = compensated(array, Filters(40, trailing=50))
    rows = compensated(np.ascontiguousarray(array.transpose(0, 2, 1)), Filters(40))
    np.testing.assert_array_equal(columns, rows.transpose(0, 2, 1))


def test_the_expected_error_of_a_layer_falls() -> None:
    """On inputs such as the module's docstring describes: positive, neighbours alike."""
    rng = np.random.default_rng(0)
    w = rng.standard_normal((64, 32, 3, 3)).astype(np.float32)
    noise = rng.standard_normal((32, 130, 130))
    x = sum(np.roll(noise, (i, j), (1, 2)) for i in range(3) for j in range(3))
    x = np.maximum(np.asarray(x), 0)
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (1, 2))[:, ::5, ::5]
    flat = windows.transpose(1, 2, 0, 3, 4).reshape(-1, 288)

    def error(half: Array) -> float:
        return float(np.square(flat @ (w.astype(np.float64) - half).reshape(64, -1).T).mean())

    assert error(compensated(w, Filters(288, kernel=(3, 3)))) < 0.5 * error(nearest(w))


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([], ""), ([0.0], ""), ([1.0], ""), ([np.inf], ""), ([np.nan], ""), ([0.0, -np.inf], ""), ([65504.0], ""),
        ([1e-10], "all its values are below"), ([0.0, 1e-5], "all its values are below 2^-14, 1e-05 at most"),
        ([2.0**-14], ""), ([-1e-7, 1.0], ""), ([1e6, np.inf], "1 of its 2 values are beyond 65504, up to 1e+06"),
        ([0.0, -3e38], "1 of its 2 values are beyond"), ([1.0, 1e-10, 1e-9, -1e-8, 1e-12], "80% of its values"),
        ([1.0, 1e-10, 1e-9, 0.0], ""), ([np.nan, 7e4], "1 of its 2 values are beyond"),
    ],
)  # fmt: skip
def test_what_f16_cannot_hold(values: list[float], why: str) -> None:
    told = losses(np.array(values, np.float32)).why(0.75)
    assert told.startswith(why)
    assert bool(told) == bool(why)


def test_losses_are_counted_in_all_blocks() -> None:
    array = np.ones(3 * BLOCK, np.float32)
    array[[0, BLOCK, -1]] = 1e5, -1e6, 1e-9
    found = losses(array.reshape(3, -1))
    assert (found.size, found.beyond, found.vanish, found.largest) == (3 * BLOCK, 2, 1, 1e6)


def test_repeated_values_stay_one() -> None:
    repeated = np.broadcast_to(np.float32(0.1), (100, 100))
    assert nearest(repeated).strides == (0, 0)
    assert is_uniform(repeated)
    assert is_uniform(np.full((4, 4), 0.1))
    assert is_uniform(np.zeros((0, 4)))
    assert nearest(np.zeros((0, 4))).shape == (0, 4)
    assert not is_uniform(np.array([1.0, 2.0, 1.0, 1.0]))
    assert losses(repeated).size == 10000
    assert losses(np.broadcast_to(np.float32(1e6), (3, 4))).beyond == 12


@pytest.mark.parametrize(
    ("shape", "line", "expected"),
    [
        ("8,4,3,3", "Convolution(x, w) {strides=[1,1],pads_begin=[0,0],pads_end=[0,0],dilations=[1,1]}",
         Filters(36, kernel=(3, 3))),
        ("4,2,1,3,3", "GroupConvolution(x, w) {strides=[1,1],pads_begin=[0,0],pads_end=[0,0],dilations=[1,1]}",
         Filters(9, kernel=(3, 3))),
        ("4,6,2,2", "ConvolutionBackpropData(x, w) {strides=[2,2],pads_begin=[0,0],pads_end=[0,0],dilations=[1,1]}",
         Filters(4, trailing=24)),
        ("9,5", "MatMul(x, w)", Filters(9, trailing=5)),
        ("5,9", "MatMul(x, w) {transpose_b=true}", Filters(9)),
        ("9", "MatMul(x, w)", Filters(9)),
        ("6,9", "MatMul(w, x)", Filters(9)),
        ("9,6", "MatMul(w, x) {transpose_a=true}", Filters(9, trailing=6)),
        ("1,4,9,9", "Multiply(x, w)", None),
    ],
)  # fmt: skip
def test_which_weights_are_summed(shape: str, line: str, expected: Filters | None) -> None:
    size = math.prod(map(int, shape.split(",")))
    values = ",".join(["0.1"] * size)
    graph = parse_graph(
        f"graph g(x: f32[1,4,9,9]) -> (y) {{\n w = Constant() : f32[{shape}] = [{values}]\n y = {line}\n}}"
    )
    constant = next(iter(graph)).outputs[0]
    assert constant.const is not None
    assert filters_of(constant, constant.const.shape) == expected


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_below_the_normal_range(dtype: type) -> None:
    """All of them, halfway between two included, as NumPy rounds them."""
    steps = np.arange(-2047, 2048)
    values = np.concatenate([steps * 2.0**-25, [0.0, -0.0, 1e-39, -1e-12]]).astype(dtype)
    np.testing.assert_array_equal(nearest(values).view(np.uint16), values.astype(np.float16).view(np.uint16))
