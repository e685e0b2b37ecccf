"""Operations written as loops compute what their `evaluate` computes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.backends.numba.loops import conv, depthwise, pool, scalars, winograd
from vinoc.backends.numba.loops import settings as loop_settings
from vinoc.backends.numba.loops.memory import room
from vinoc.backends.numba.ops import (
    AttentionLoop,
    Averaged,
    AvgPoolLoops,
    BiasedConvolution,
    BiasedGroupConvolution,
    DepthwiseConvolution,
    MaxPoolValues,
    NearestImage,
    NormalizedRows,
    PaddedPlain,
    Product,
    SmoothImage,
    SoftMaximum,
    TransposedConvolution,
    WinogradConvolution,
)
from vinoc.ir.dtype import Array
from vinoc.ir.kernels import activation, arithmetic, quantize
from vinoc.ir.ops.resize import CoordinateMode, InterpolateMode


def numbers(shape: tuple[int, ...], seed: int) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def close(actual: Array, expected: Array, tolerance: float = 3e-6) -> None:
    assert actual.dtype == expected.dtype == np.float32
    assert actual.shape == expected.shape
    finite = np.abs(expected[np.isfinite(expected)])
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * max(float(finite.max(initial=0)), 1.0))


@st.composite
def windows(draw: st.DrawFn) -> dict[str, tuple[int, ...]]:
    """Attributes of two dimensions, or of one."""
    rank = draw(st.sampled_from([2, 2, 1]))
    some = lambda low, high: tuple(draw(st.integers(low, high)) for _ in range(rank))  # noqa: E731
    return {
        "strides": some(1, 3), "dilations": some(1, 3), "pads_begin": some(0, 4), "pads_end": some(0, 4),
        "kernel": some(1, 4), "spatial": some(10, 40),
    }  # fmt: skip


ONE = {"strides": (1, 1), "dilations": (1, 1), "pads_begin": (1, 1), "pads_end": (1, 1), "auto_pad": "explicit"}


def agrees(op: BiasedConvolution | DepthwiseConvolution, data: Array, filters: Array, *rest: Array | None) -> None:
    packed = op.pack(filters) if isinstance(op, BiasedConvolution | BiasedGroupConvolution) else filters
    close(op.loops(data, packed, *rest), op.evaluate(data, filters, *rest))


@settings(max_examples=40, deadline=None)
@given(windows(), st.integers(1, 4), st.integers(1, 3), st.integers(1, 9), st.integers(1, 2), st.integers(0, 3))
def test_convolutions(
    found: dict[str, tuple[int, ...]], groups: int, depth: int, channels: int, batch: int, rest: int
) -> None:
    kernel, spatial = found.pop("kernel"), found.pop("spatial")
    bias, slopes = numbers((groups * channels,), 2), numbers((groups * channels,), 3) if rest & 1 else None
    data = numbers((batch, groups * depth, *spatial), 0)
    filters = numbers((groups, channels, depth, *kernel), 1)
    grouped = BiasedGroupConvolution(**found, low=-1.0, high=2.0)
    residual = numbers(grouped.evaluate(data, filters, bias).shape, 4) if rest & 2 else None
    agrees(grouped, data, filters, bias, residual, slopes)
    agrees(DepthwiseConvolution(**found), data[:, :groups], filters[:, :, :1], bias, residual, slopes)
    residual = None if residual is None else residual[:, :channels]
    slopes = None if slopes is None else slopes[:channels]
    agrees(BiasedConvolution(**found), data[:, :depth], filters[0], bias[:channels], residual, slopes)


@pytest.mark.parametrize("shape", [(1, 70, 20, 30), (1, 300, 7, 7), (2, 8, 40, 41), (0, 8, 9, 9), (1, 3, 8, 100)])
def test_convolutions_of_several_tiles(shape: tuple[int, ...]) -> None:
    """More pixels than a vector has, parts of the channels, and nothing at all."""
    filters, single = numbers((67, shape[1], 3, 3), 1), numbers((shape[1], 1, 1, 3, 3), 1)
    agrees(BiasedConvolution(**ONE), numbers(shape, 0), filters, numbers((67,), 2))
    agrees(DepthwiseConvolution(**ONE), numbers(shape, 0), single, numbers((shape[1],), 2))


def test_several_threads_compute_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every loop, as it is compiled for several threads, where there are; little work has one otherwise."""
    data, row = numbers((2, 9, 17, 20), 0), numbers((9,), 1)
    filters, single = numbers((9, 9, 3, 3), 2), numbers((9, 1, 1, 3, 3), 3)
    sizes = {"kernel": (2, 2), "strides": (2, 2), "pads_begin": (0, 0), "pads_end": (1, 0)}
    image = NearestImage("nearest", "sizes", "half_pixel")
    larger = TransposedConvolution((2, 2), (0, 0), (0, 0), (1, 1), kernel=(3, 3))

    def results() -> list[Array]:
        convolved = [
            op.loops(data, op.pack(filters), row) for op in (BiasedConvolution(**ONE), WinogradConvolution(**ONE))
        ]
        pooled = [
            MaxPoolValues(**sizes, dilations=(1, 1)).loops(data),
            AvgPoolLoops(**sizes, exclude_pad=True).loops(data),
        ]
        others = [DepthwiseConvolution(**ONE).loops(data, single, row), larger.loops(data, larger.pack(filters), row)]
        return [*convolved, *pooled, *others, image.loops(data, np.array([40, 50]), np.array([2, 3]))]

    monkeypatch.setattr(loop_settings, "LITTLE", 1 << 60)
    alone = results()
    monkeypatch.setattr(loop_settings, "LITTLE", -1)
    for plan in (conv.planned, depthwise.planned_strips, pool.pooled, winograd.planned_tiles):
        plan.cache_clear()
    for one, several in zip(alone, results()):
        np.testing.assert_array_equal(one, several)


@pytest.mark.parametrize("shape", [(1, 20, 23, 30), (2, 17, 14, 41), (1, 16, 3, 5), (0, 16, 9, 9), (1, 3, 40, 150)])
def test_winograd(shape: tuple[int, ...]) -> None:
    """Channels and sizes that tiles and vectors do not divide, other pads, all that may follow, several images."""
    filters, row = numbers((19, shape[1], 3, 3), 1), numbers((19,), 2)
    op = WinogradConvolution((1, 1), (0, 2), (1, 1), (1, 1), low=-20.0, high=200.0)
    residual = numbers(op.evaluate(data := numbers(shape, 0), filters, row).shape, 3)
    packed = op.pack(filters)
    close(op.loops(data, packed, row), op.evaluate(data, filters, row), 1e-5)
    close(op.loops(data, packed, row, residual, row), op.evaluate(data, filters, row, residual, row), 1e-5)


@pytest.mark.parametrize("batch", [1, 2])
def test_residuals_of_fewer_channels(batch: int) -> None:
    """As if zeros were behind them; in one pass over the input channels, and in two."""
    data, row, residual = numbers((batch, 19, 17, 20), 0), numbers((19,), 1), numbers((batch, 5, 17, 20), 2)
    whole = np.pad(residual, ((0, 0), (0, 14), (0, 0), (0, 0)))
    for op in (BiasedConvolution(**ONE, low=0.0), WinogradConvolution(**ONE, low=0.0)):
        filters = numbers((19, 19, 3, 3), 3)
        close(op.loops(data, op.pack(filters), row, residual), op.evaluate(data, filters, row, whole), 1e-5)
        np.testing.assert_array_equal(op.evaluate(data, filters, row, residual), op.evaluate(data, filters, row, whole))
    deep, filters = numbers((batch, 130, 17, 20), 4), numbers((19, 130, 3, 3), 5)
    wide = BiasedConvolution(**ONE)
    close(wide.loops(deep, wide.pack(filters), row, residual), wide.evaluate(deep, filters, row, whole), 1e-5)
    each = DepthwiseConvolution(**ONE)
    agrees(each, data, numbers((19, 1, 1, 3, 3), 6), row, residual)


@settings(max_examples=30, deadline=None)
@given(windows(), st.integers(1, 3), st.integers(1, 9), st.booleans(), st.data())
def test_transposed_convolutions(
    found: dict[str, tuple[int, ...]], depth: int, channels: int, has_slopes: bool, draw: st.DataObject
) -> None:
    """Phases that no tap falls on, pads that cut into the first window, and lines that only the bias reaches."""
    spatial = found.pop("spatial")
    more = tuple(draw.draw(st.integers(0, max(s, d) - 1)) for s, d in zip(found["strides"], found["dilations"]))
    op = TransposedConvolution(**found, output_padding=more, low=-1.0, high=2.0)
    data, filters = numbers((2, depth, *spatial), 0), numbers((depth, channels, *found["kernel"]), 1)
    slopes = numbers((channels,), 3) if has_slopes else None
    bias = numbers((channels,), 2)
    close(op.loops(data, op.pack(filters), bias, slopes), op.evaluate(data, filters, bias, slopes))


@pytest.mark.parametrize("shape", [(1, 70, 20, 30), (1, 2100, 7, 7), (2, 8, 90, 41)])
def test_sums_in_parts(shape: tuple[int, ...]) -> None:
    """More input channels than are gathered at once, with all that follows the last of them."""
    op = BiasedConvolution(**ONE, low=-1.0, high=50.0)
    data, filters, row = numbers(shape, 0), numbers((19, shape[1], 3, 3), 1), numbers((19,), 2)
    residual = numbers((len(data), 19, *shape[2:]), 3)
    close(op.loops(data, op.pack(filters), row, residual, row), op.evaluate(data, filters, row, residual, row), 2e-5)


@pytest.mark.parametrize("transform", ["asymmetric", "half_pixel", "align_corners"])
def test_nearest_images(transform: str) -> None:
    image, axes = numbers((2, 3, 13, 40), 0), np.array([-1, 2])
    scaled = NearestImage("nearest", "scales", transform, "floor")
    sized = NearestImage("nearest", "sizes", transform, pads_begin=(0, 0, 1, 2), pads_end=(0, 0, 0, 3))
    for op, target in ((scaled, np.float32([2, 0.7])), (sized, np.array([33, 60]))):
        np.testing.assert_array_equal(op.loops(image, target, axes), op.evaluate(image, target, axes))
    only = op.loops(image, np.array([17]), np.array([2]))
    np.testing.assert_array_equal(only, op.evaluate(image, np.array([17]), np.array([2])))


@pytest.mark.parametrize("mode", ["linear_onnx", "linear", "cubic"])
@pytest.mark.parametrize("transform", ["asymmetric", "half_pixel", "align_corners"])
def test_smooth_images(mode: InterpolateMode, transform: CoordinateMode) -> None:
    """Growing, shrinking with and without a wider filter, one axis alone, and pads."""
    image, axes = numbers((2, 3, 13, 40), 0), np.array([-1, 2])
    scaled = SmoothImage(mode, "scales", transform, antialias=True)
    sized = SmoothImage(mode, "sizes", transform, pads_begin=(0, 0, 1, 2), pads_end=(0, 0, 0, 3))
    for op, target in ((scaled, np.float32([2, 0.4])), (sized, np.array([33, 60])), (sized, np.array([33, 5]))):
        close(op.loops(image, target, axes), op.evaluate(image, target, axes))
    close(sized.loops(image, np.array([17]), np.array([2])), sized.evaluate(image, np.array([17]), np.array([2])))


@pytest.mark.parametrize("axes", [[-1], [2, 3], [3, 1, 2]])
def test_normalization(axes: list[int]) -> None:
    data = numbers((2, 5, 7, 33), 0) * np.float32(3) + np.float32(10)
    for op in (NormalizedRows(1e-5), NormalizedRows(1e-2, eps_mode="OUTSIDE_SQRT"), NormalizedRows(0.0, False)):
        close(op.loops(data, np.array(axes)), op.evaluate(data, np.array(axes)), 1e-5)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("mask", [None, (1, 1, 7), (2, 1, 9, 7), (9, 7), (2, 3, 1, 7)])
@pytest.mark.parametrize(("seen", "depth", "wide"), [(7, 8, 5), (70, 20, 33)])
def test_attention(mask: tuple[int, ...] | None, seen: int, depth: int, wide: int) -> None:
    """Heads that are broadcast, masks that are added or that allow, and rows that see nothing, which are NaN."""
    q, k, v = numbers((2, 3, 9, depth), 0), numbers((2, 1, seen, depth), 1), numbers((1, 3, seen, wide), 2)
    if mask is None:
        for op in (AttentionLoop(), AttentionLoop(causal=True)):
            close(op.loops(q, k, v), op.evaluate(q, k, v))
        return
    added = numbers((*mask[:-1], seen), 3)
    scale = np.float32([0.3])
    close(AttentionLoop().loops(q, k, v, added, scale), AttentionLoop().evaluate(q, k, v, added, scale))
    allowed = added > -0.5
    allowed[..., 0, :] = False
    expected = AttentionLoop().evaluate(q, k, v, allowed)
    np.testing.assert_allclose(AttentionLoop().loops(q, k, v, allowed), expected, rtol=0, atol=3e-6)
    assert np.isnan(expected).any()


def test_shapes_that_do_not_go_together_are_refused() -> None:
    op = BiasedConvolution(**ONE)
    packed = op.pack(numbers((8, 3, 3, 3), 1))
    for channels, biases in ((4, 8), (3, 9)):
        with pytest.raises(ValueError, match="do not go together"):
            op.loops(numbers((1, channels, 9, 9), 0), packed, numbers((biases,), 2))


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_special_values_stay() -> None:
    """NaN and infinities of data and filters go where the formula takes them, and limits keep NaN."""
    op = BiasedConvolution(**ONE, low=0.0, high=6.0)
    data, filters, bias = numbers((1, 3, 9, 9), 0), numbers((5, 3, 3, 3), 1), numbers((5,), 2)
    data[0, 0, 2, 2], data[0, 1, 6, 6], filters[3, 0, 1, 1] = np.nan, np.inf, -np.inf
    expected = op.evaluate(data, filters, bias)
    actual = op.loops(data, op.pack(filters), bias)
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
    close(np.nan_to_num(actual), np.nan_to_num(expected))


@settings(max_examples=40, deadline=None)
@given(windows(), st.sampled_from(["floor", "ceil", "ceil_torch"]), st.booleans(), st.integers(1, 5))
def test_pooling(found: dict[str, tuple[int, ...]], rounding: str, exclude: bool, channels: int) -> None:
    kernel, spatial = found["kernel"], found.pop("spatial")
    data = numbers((2, channels, *spatial), 0)
    data[0, 0, :5], data[:, :, 7] = -np.inf, np.nan
    largest = MaxPoolValues(**found, rounding_type=rounding)
    np.testing.assert_array_equal(largest.loops(data), largest.evaluate(data))
    found.pop("dilations")
    mean = AvgPoolLoops(**found, exclude_pad=exclude, rounding_type=rounding)
    clean = np.nan_to_num(data, neginf=0)
    close(mean.loops(clean), mean.evaluate(clean))
    assert kernel == found["kernel"]


def test_padded() -> None:
    op, data = PaddedPlain(), numbers((2, 3, 50, 40), 0)
    begin, end = np.array([0, 1, 0, 2]), np.array([0, 4, 3, 0])
    for value in (None, np.array(0.5, np.float32)):
        np.testing.assert_array_equal(op.loops(data, begin, end, value), op.evaluate(data, begin, end, value))


@pytest.mark.parametrize(
    ("a", "b"), [((5, 7), (7, 3)), ((2, 5, 7), (7, 3)), ((2, 5, 7), (2, 7, 3)), ((7,), (7, 3)), ((7,), (7,))]
)
def test_products(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    left, right = numbers(a, 0), numbers(b, 1)
    plain, turned = Product(), Product(transpose_a=True, transpose_b=True)
    close(plain.loops(left, right), plain.evaluate(left, right))
    given = [np.ascontiguousarray(np.swapaxes(x, -1, -2)) if x.ndim > 1 else x for x in (left, right)]
    close(turned.loops(*given), turned.evaluate(*given))


def test_averages_and_soft_maxima() -> None:
    data = numbers((2, 30, 40, 50), 0) * np.float32(20)
    for keep_dims in (True, False):
        mean = Averaged(keep_dims=keep_dims)
        close(mean.loops(data, np.array([2, -1])), mean.evaluate(data, np.array([2, -1])))
    for axis in (1, -1):
        close(SoftMaximum(axis).loops(data), SoftMaximum(axis).evaluate(data))
    assert SoftMaximum().loops(data[:0]).shape == (0, 30, 40, 50)


def test_memory_is_taken_again_when_nobody_refers_to_it() -> None:
    first = room((100, 200))
    place, part = first.ctypes.data, first[3:5]
    del first
    other = room((100, 200))
    assert other.ctypes.data != place
    del part
    assert room((200, 100)).ctypes.data == place
    assert place % 64 == 0


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_scalars() -> None:
    x = np.array([-np.inf, -3.5, -1, -0.0, 0, 0.25, 2.5, 3, 300, np.inf, np.nan], np.float32)
    f32 = np.float32

    def each(function: object, *rest: object) -> Array:
        return np.array([function(v, *rest) for v in x], np.float32)  # type: ignore[operator]

    close(each(scalars.relu), activation.relu(x))
    close(each(scalars.clamp, f32(-1), f32(2)), arithmetic.clamp(x, -1.0, 2.0))
    close(each(scalars.prelu, f32(0.5)), activation.prelu(x, np.array([0.5], np.float32)))
    close(each(scalars.sigmoid), activation.sigmoid(x))
    close(each(scalars.tanh), np.tanh(x))
    wide = np.linspace(-86, 88, 500, dtype=np.float32)
    np.testing.assert_allclose([scalars.exp(v) for v in wide], np.exp(wide), rtol=2.5e-7)
    assert [scalars.exp(f32(v)) for v in (-np.inf, -200, 89, np.inf)] == [0, 0, np.inf, np.inf]
    near = f32([1e-6, -1e-3, 0.1, 0.5, -0.7, 3])
    np.testing.assert_allclose([scalars.tanh(v) for v in near], np.tanh(near), rtol=3e-7)
    close(each(scalars.gelu), activation.gelu(x, "ERF"))
    close(each(scalars.hsigmoid), activation.hsigmoid(x))
    close(each(scalars.hswish), activation.hswish(x))
    close(each(scalars.hard_sigmoid, f32(0.2), f32(0.5)), activation.hard_sigmoid(x, f32([0.2]), f32([0.5])))
    close(each(scalars.maximum, f32(1)), np.maximum(x, f32(1)))
    close(each(scalars.minimum, f32(1)), np.minimum(x, f32(1)))
    close(each(scalars.whole_number, f32(-128), f32(127)), np.array([-128, -3, -1, 0, 0, 0, 2, 3, 127, 127, 0], f32))
    limits = [np.array([v], np.float32) for v in (-1.5, 3.0, 0.0, 255.0)]
    expected = quantize.fake_quantize(x, *limits, 256)
    close(each(scalars.fake_quantize, *(v[0] for v in limits), 256), expected)
