"""No input and no model ends or corrupts the process: what makes no sense is an error, or what ONNX says of it.

Every case runs on the engine with its arrays as inputs, then as constants, folded where they can be. Where the
reference computes something, the engine computes the same; where it refuses, so does the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vinoc.backends import memory
from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.lowering.plan import Island
from vinoc.backends.numpy import Interpreter
from vinoc.ir import Graph
from vinoc.ir import dtype as dt
from vinoc.ir.builder import Builder
from vinoc.ir.errors import EvaluationError, UsageError, VinocError
from vinoc.ir.text import parse_graph
from vinoc.passes import PassManager
from vinoc.runtime.compiled import CompiledModel
from vinoc.runtime.devices.cpu import CpuModel

from .checked import build, i64

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
HUGE = 2**62
SIGNED = (np.int8, np.int16, np.int32, np.int64)
UNSIGNED = (np.uint8, np.uint16, np.uint32, np.uint64)


def outcome(run: Callable[[], Sequence[Any]]) -> list[np.ndarray] | None:
    """The results; None for a VinocError. Anything else is a failure of the test."""
    try:
        return list(run())
    except VinocError:
        return None


def folded(make: Callable[..., Any], arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    graph = Graph("constants")
    builder = Builder(graph)
    results = make(builder, *map(builder.const, arrays))
    for i, value in enumerate(results if isinstance(results, tuple) else (results,)):
        graph.add_output(value, f"y{i}")
    PassManager("fold,dce").run(graph)
    return Executable(graph, 2).run([])


def agree(make: Callable[..., Any], *arrays: np.ndarray, close: float = 0.0) -> list[np.ndarray] | None:
    """Asserts that reference, engine and folding come to the same, or as close; returns it."""
    wanted = outcome(lambda: Interpreter(build(make, *arrays)).run(list(arrays)))
    ways = {
        "engine": outcome(lambda: Executable(build(make, *arrays), 2).run(list(arrays))),
        "folded": outcome(lambda: folded(make, arrays)),
    }
    for way, found in ways.items():
        assert (found is None) == (wanted is None), way
        for a, b in zip(found or (), wanted or (), strict=True):
            assert (a.dtype, a.shape) == (b.dtype, b.shape), way
            np.testing.assert_allclose(a, b, rtol=close, atol=close, err_msg=way)
    return wanted


def refused(make: Callable[..., Any], *arrays: np.ndarray) -> None:
    assert agree(make, *arrays) is None


# Indices


INDEXED: dict[str, Callable[..., Any]] = {
    "Gather": lambda b, k: b.Gather(b.const(X), k, b.const(np.int64(1))),
    "Gather of batches": lambda b, k: b.Gather(
        b.const(X), b.Reshape(k, i64(2, 1), special_zero=False), 1, batch_dims=1
    ),
    "GatherElements": lambda b, k: b.GatherElements(
        b.const(X[:, :, :1]), b.Reshape(k, i64(2, 1, 1), special_zero=False), axis=1
    ),
    "GatherND": lambda b, k: b.GatherND(b.const(X), b.Reshape(k, i64(1, 2), special_zero=False)),
    "ScatterUpdate": lambda b, k: b.ScatterUpdate(b.const(X), k, b.const(-X[:, :2]), b.const(np.int64(1))),
    "ScatterElementsUpdate": lambda b, k: b.ScatterElementsUpdate(
        b.const(X), b.Reshape(k, i64(2, 1, 1), special_zero=False), b.const(-X[:, :1, :1]), b.const(np.int64(1))
    ),
    "ScatterNDUpdate": lambda b, k: b.ScatterNDUpdate(
        b.const(X), b.Reshape(k, i64(1, 2), special_zero=False), b.const(-X[0, :1])
    ),
}


@pytest.mark.parametrize("kind", INDEXED)
@pytest.mark.parametrize("index", [3, -4, 2**31 - 1, -(2**31), 2**31, HUGE, 2**63 - 1, -(2**63)])
def test_indices_out_of_range_are_errors(kind: str, index: int) -> None:
    for dtype in (np.int64, np.int32):
        if np.iinfo(dtype).min <= index <= np.iinfo(dtype).max:
            refused(INDEXED[kind], np.array([0, index], dtype))


@pytest.mark.parametrize("kind", INDEXED)
def test_negative_indices_count_from_the_end(kind: str) -> None:
    assert agree(INDEXED[kind], i64(-1, -2)) is not None


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(INDEXED)), hnp.arrays(np.int64, (2,), elements=st.integers(-6, 6)))
def test_any_indices(kind: str, indices: np.ndarray) -> None:
    agree(INDEXED[kind], indices)


def test_one_hot_leaves_out_what_is_out_of_range() -> None:
    for index in (3, -4, HUGE, -(2**63)):
        found = agree(lambda b, k: b.OneHot(k, b.const(np.int64(3)), 1.0, 0.0, axis=-1), i64(0, index))
        assert found is not None
        assert found[0].sum() == 1


# Arithmetic


@pytest.mark.parametrize("dtype", SIGNED + UNSIGNED)
def test_division_of_integers(dtype: type) -> None:
    """By zero, and of the least number by -1: no trap, and what the reference says."""
    limits = np.iinfo(dtype)
    numbers = np.array([limits.min, limits.max, 5, 0, 7, 1], dtype)
    divisors = np.array([0, 1, limits.max, limits.min] + [-1] * (limits.min < 0), dtype)
    for kind, attributes in (
        ("Divide", {"m_pythondiv": True}),
        ("Divide", {"m_pythondiv": False}),
        ("Mod", {}),
        ("FloorMod", {}),
    ):
        make = lambda b, x, y, kind=kind, attributes=attributes: getattr(b, kind)(x, y, **attributes)  # noqa: E731
        assert agree(make, numbers[:, None], divisors) is not None


@pytest.mark.parametrize("dtype", SIGNED + UNSIGNED)
def test_shifts_by_too_much(dtype: type) -> None:
    limits = np.iinfo(dtype)
    by = np.array([0, 1, limits.bits - 1, limits.bits, limits.max] + [-1] * (limits.min < 0), dtype)
    numbers = np.array([limits.min, limits.max, 1, 3], dtype)
    for kind in ("BitwiseLeftShift", "BitwiseRightShift"):
        assert agree(lambda b, x, y, kind=kind: getattr(b, kind)(x, y), numbers[:, None], by) is not None


FAR = (np.nan, np.inf, -np.inf, 3e38, -3e38, 1e10, 255.9, -0.5, 2.0**31, 2.0**63, 2.0**64, -(2.0**63), 65536, 128.5)


@pytest.mark.parametrize("source", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("target", ["i4", "u4", "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "boolean"])
def test_conversion_of_what_no_integer_holds(source: type, target: str) -> None:
    with np.errstate(over="ignore"):
        numbers = np.array(FAR).astype(source)
    assert agree(lambda b, x: b.Convert(x, destination_type=getattr(dt, target)), numbers) is not None


@settings(max_examples=40, deadline=None)
@given(
    hnp.arrays(np.float32, (5,), elements=st.floats(width=32)),
    st.sampled_from(["i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64"]),
)
def test_any_float_converts(numbers: np.ndarray, target: str) -> None:
    assert agree(lambda b, x: b.Convert(x, destination_type=getattr(dt, target)), numbers) is not None


# Sizes


SIZES = ([HUGE, HUGE], [2**32, 2**32], [2**31, 2**33], [2**40], [2**63 - 1])


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_sizes_that_no_machine_holds(size: list[int]) -> None:
    one = np.ones((1, 2), np.float32)
    refused(lambda b, n, x: b.Add(b.Broadcast(x, n), x), i64(*size), np.float32(1))
    refused(lambda b, n: b.Tile(b.const(one), n), i64(*size))
    refused(lambda b, n: b.RandomUniform(n, 0.0, 1.0, output_type=dt.f32, global_seed=1), i64(*size))
    refused(lambda b, n: b.Reshape(b.const(X), n, special_zero=False), i64(*size, 1, 1))


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric"])
def test_padding_by_too_much(mode: str) -> None:
    for amount in (HUGE, 2**63 - 1, 2**40, -5, -(2**63)):
        refused(lambda b, p: b.Pad(b.const(X), p, b.const(i64(0, 0, 0)), pad_mode=mode), i64(amount, 0, 0))


@pytest.mark.parametrize(
    ("start", "stop", "step"),
    [(0, HUGE, 1), (0, 5, 0), (-(2**63), 2**63 - 1, 1), (2**63 - 1, -(2**63), -1), (0, 2**40, 1)],
)
def test_ranges_without_end(start: int, stop: int, step: int) -> None:
    refused(lambda b, *x: b.Range(*x, output_type=dt.i64), *(np.array(n) for n in (start, stop, step)))


@pytest.mark.parametrize(
    ("start", "stop", "step"), [(0, np.inf, 1), (np.nan, 5, 1), (0, 1e30, 1), (0, 1, 1e-30), (0, 5, np.nan), (0, 1, 0)]
)
def test_ranges_of_floats_without_end(start: float, stop: float, step: float) -> None:
    refused(lambda b, *x: b.Range(*x, output_type=dt.f32), *(np.array(n, np.float32) for n in (start, stop, step)))


@pytest.mark.parametrize("scale", [np.inf, np.nan, -1.0, 1e30])
def test_interpolation_to_no_size(scale: float) -> None:
    refused(
        lambda b, s: b.Interpolate(b.const(X), s, i64(1, 2), mode="nearest", shape_calculation_mode="scales"),
        np.array([scale, scale], np.float32),
    )


def test_counts_that_are_not_there() -> None:
    for k in (-1, 5, 2**40):
        refused(lambda b, k: b.TopK(b.const(X), k, axis=-1, mode="max", sort="value")[0], np.array(k))
    for depth in (-1, 2**45, HUGE):
        refused(lambda b, n: b.OneHot(b.const(i64(0, 1)), n, 1.0, 0.0, axis=-1), np.array(depth))
    for lengths in ([1, 1], [3, 3], [-1, -1], [5, -2], [HUGE, HUGE]):
        refused(lambda b, n: b.VariadicSplit(b.const(X), b.const(np.int64(1)), n), i64(*lengths))


def test_axes_that_are_not_there() -> None:
    for axis in (3, -4, HUGE):
        refused(lambda b, a: b.ReduceSum(b.const(X), a, keep_dims=True), i64(axis))
        refused(lambda b, a: b.Gather(b.const(X), b.const(i64(0)), a), np.array(axis))
        refused(lambda b, a: b.ScatterUpdate(b.const(X), b.const(i64(0)), b.const(X[:1]), a), np.array(axis))
        refused(lambda b, a: b.CumSum(b.const(X), a), np.array(axis))
        refused(lambda b, a: b.Unsqueeze(b.const(X), a), i64(axis + (1 if axis > 0 else -1)))


def test_what_is_large_is_refused_before_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine of 64 KiB."""
    monkeypatch.setattr(memory, "LARGE", 1)
    monkeypatch.setattr("vinoc.backends.numpy.again.LARGE", 1)
    monkeypatch.setattr(memory, "available", lambda: 1 << 16)
    make = lambda b, n: b.Tile(b.const(np.ones(2, np.float32)), n)  # noqa: E731
    assert agree(make, i64(100)) is not None
    refused(make, i64(10000))
    with pytest.raises(EvaluationError, match=r"would take 78\.1 KiB, 64 KiB are available"):
        Executable(build(make, i64(1)), 1).run([i64(10000)])


def test_memory_that_runs_out_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise MemoryError("Unable to allocate")

    executable = Executable(build(lambda b, x: b.Abs(x), X), 1)
    monkeypatch.setattr("vinoc.backends.cpu.engine.program.Program._bind", fail)
    with pytest.raises(EvaluationError, match="not enough memory"):
        executable.run([X])


# Arrays


MODEL = """
graph g(x: f32[N,4,H,W], k: i64[M]) -> (y, z) {
  w = Constant() : f32[6,4,3,3] = random(1)
  c = Convolution(x, w) {strides=[1,1], pads_begin=[1,1], pads_end=[1,1], dilations=[1,1]}
  y = ReLU(c)
  a = Constant() : i64[] = [1]
  z = Gather(x, k, a)
}
"""
IMAGE = np.random.default_rng(0).standard_normal((2, 4, 6, 6)).astype(np.float32)
PICKS = i64(0, 3, 1)


def unaligned(array: np.ndarray) -> np.ndarray:
    out = np.empty(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    out[...] = array
    return out


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "byte-swapped": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "column-major": np.asfortranarray,
    "reversed": lambda a: np.flip(np.flip(a).copy()),
    "spread": lambda a: np.repeat(a, 2, -1)[..., ::2],
    "unaligned": unaligned,
    "unaligned and byte-swapped": lambda a: unaligned(a.astype(a.dtype.newbyteorder(">"))),
    "masked": lambda a: np.ma.array(a, mask=a > 0),
    "read-only": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_arrays_of_any_layout(layout: str) -> None:
    graph = parse_graph(MODEL)
    change = LAYOUTS[layout]
    wanted = Executable(graph, 2).run([IMAGE, PICKS])
    model = CpuModel(graph, {"INFERENCE_NUM_THREADS": 2})  # not as many as there are cores: the same bits are asked for
    for run in (Executable(graph, 2).run, lambda a: CompiledModel(model, "CPU", {})(a).to_tuple()):
        for a, b in zip(run([change(IMAGE), change(PICKS)]), wanted, strict=True):
            np.testing.assert_array_equal(a, b)


def test_repeated_elements() -> None:
    graph = parse_graph(MODEL)
    inputs = [np.broadcast_to(np.float32(3), IMAGE.shape), np.broadcast_to(np.int64(2), (3,))]
    wanted = Executable(graph, 1).run([np.ascontiguousarray(a) for a in inputs])
    for a, b in zip(Executable(graph, 1).run(inputs), wanted, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ["f8", "f2", "i8", "u4", "?", "c8", "O", "U3", "M8[s]", "V4", [("a", "f4")]], ids=str)
def test_arrays_of_another_type_are_errors(dtype: Any) -> None:
    """The engine takes the declared types alone; what `Core` may convert, it converts before."""
    array = np.zeros(IMAGE.shape, dtype)
    with pytest.raises(UsageError, match="expected f32"):
        Executable(parse_graph(MODEL), 1).run([array, PICKS])
    outcome(lambda: CompiledModel(CpuModel(parse_graph(MODEL), {}), "CPU", {})([array, PICKS]).to_tuple())


@pytest.mark.parametrize(
    "inputs",
    [[IMAGE], [IMAGE, PICKS, PICKS], [], [IMAGE[0], PICKS], [IMAGE[None], PICKS], [IMAGE[:, :3], PICKS], [None, PICKS]],
    ids=["few", "many", "none", "low rank", "high rank", "channels", "nothing"],
)
def test_inputs_that_do_not_fit_are_errors(inputs: list[Any]) -> None:
    graph = parse_graph(MODEL)
    with pytest.raises(VinocError):
        Executable(graph, 1).run(inputs)
    with pytest.raises(UsageError):
        CompiledModel(CpuModel(graph, {}), "CPU", {})(inputs)


def test_static_shapes_are_kept_to() -> None:
    graph = build(lambda b, x: b.Reshape(x, i64(24), special_zero=False), X)
    with pytest.raises(UsageError, match=r"expected f32\[2,3,4\]"):
        Executable(graph, 1).run([X.reshape(4, 3, 2)])


# Nothing


REDUCTIONS = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2")


@pytest.mark.parametrize("kind", REDUCTIONS)
def test_reductions_of_nothing(kind: str) -> None:
    for dtype in (np.float32, np.int32):
        agree(lambda b, x: getattr(b, kind)(x, i64(1), keep_dims=False), np.zeros((3, 0), dtype))


@pytest.mark.parametrize("empty", [(0, 4, 6, 6), (0, 4, 1, 9)], ids=str)
def test_images_without_elements(empty: tuple[int, ...]) -> None:
    graph = parse_graph("""
    graph g(x: f32[N,4,H,W]) -> (y, p, s, m, n, c) {
      w = Constant() : f32[6,4,1,1] = random(1)
      v = Convolution(x, w) {strides=[1,1], pads_begin=[0,0], pads_end=[0,0], dilations=[1,1]}
      y = ReLU(v)
      p, at = MaxPool(v) {strides=[1,1], dilations=[1,1], pads_begin=[0,0], pads_end=[0,0], kernel=[1,1]}
      s = SoftMax(x) {axis=1}
      axes = Constant() : i64[2] = [2,3]
      m = ReduceMean(x, axes) {keep_dims=true}
      n = MVN(x, axes) {normalize_variance=true, eps=1e-5, eps_mode="INSIDE_SQRT"}
      c = Concat(x, v) {axis=1}
    }
    """)
    x = np.zeros(empty, np.float32)
    for a, b in zip(Executable(graph, 2).run([x]), Interpreter(graph).run([x])[:6], strict=False):
        np.testing.assert_array_equal(a, b)


def test_islands_say_that_nothing_comes_in() -> None:
    executable = Executable(
        build(lambda b, x: b.ReduceMax(x, i64(1), keep_dims=False), np.zeros((3, 0), np.float32)), 1
    )
    (step,) = executable.program([(3, 0)]).plan.steps
    assert isinstance(step, Island)
    assert step.why == "it makes something of nothing"


# Attributes


PICTURE = np.random.default_rng(0).integers(-4, 5, (1, 4, 7, 7)).astype(np.float32)
FILTERS = np.random.default_rng(1).integers(-3, 4, (6, 4, 3, 3)).astype(np.float32)
FAR_AWAY = 2**40


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["Convolution", "ConvolutionBackpropData", "MaxPool", "AvgPool"]),
    st.tuples(*[st.sampled_from([1, 2, 0, -1, FAR_AWAY])] * 2),
    st.tuples(*[st.sampled_from([1, 2, 0, -1, FAR_AWAY])] * 2),
    st.tuples(*[st.sampled_from([0, 1, -3, FAR_AWAY, HUGE])] * 2),
    st.tuples(*[st.sampled_from([3, 1, 0, -2, 8, FAR_AWAY])] * 2),
)
def test_windows_that_make_no_sense(
    kind: str, strides: tuple[int, ...], dilations: tuple[int, ...], begin: tuple[int, ...], kernel: tuple[int, ...]
) -> None:
    attributes: dict[str, Any] = {"strides": strides, "pads_begin": begin, "pads_end": (0, 0)}
    if kind != "AvgPool":
        attributes["dilations"] = dilations

    def make(b: Any, x: Any) -> Any:
        if kind == "AvgPool":
            return b.AvgPool(x, kernel=kernel, exclude_pad=True, **attributes)
        if kind == "MaxPool":
            return b.MaxPool(x, kernel=kernel, **attributes)[0]
        w = FILTERS if kind == "Convolution" else FILTERS.transpose(1, 0, 2, 3)
        return getattr(b, kind)(x, b.const(np.ascontiguousarray(w)), **attributes)

    agree(make, PICTURE, close=1e-6)


@pytest.mark.parametrize("number", [0, -1, 7, FAR_AWAY])
def test_counts_that_make_no_sense(number: int) -> None:
    """Of 4 channels of 7 x 7 pixels."""
    refused(lambda b, x: b.DepthToSpace(x, mode="blocks_first", block_size=number), PICTURE)
    refused(lambda b, x: b.ShuffleChannels(x, axis=1, group=number), PICTURE)
    refused(lambda b, x: b.Split(x, b.const(np.int64(1)), num_splits=number), PICTURE)
    ones = np.ones(4, np.float32)
    refused(lambda b, x: b.GroupNormalization(x, ones, ones, num_groups=number, epsilon=0.1), PICTURE)
    for axis in (4, -5, FAR_AWAY):
        refused(lambda b, x, axis=axis: b.SoftMax(x, axis=axis), PICTURE)
        refused(lambda b, x, axis=axis: b.Concat(x, x, axis=axis), PICTURE)
