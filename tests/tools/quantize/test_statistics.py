"""Statistics against NumPy; runs that are stopped go on; values of the CPU device are those of the reference."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vinoc.backends.numpy import Interpreter
from vinoc.ir import Builder, Graph, TensorType
from vinoc.ir.dtype import f32
from vinoc.ir.errors import VinocError
from vinoc.passes.quantize import needed
from vinoc.tools.quantize.blas import _library, one_thread
from vinoc.tools.quantize.collect import Runner, collect
from vinoc.tools.quantize.data import open_data
from vinoc.tools.quantize.histogram import BINS, Histogram
from vinoc.tools.quantize.quantize import cleaned
from vinoc.tools.quantize.statistics import LEAST, Seen, Spec, Statistics
from vinoc.tools.quantize.watch import Watch

from .models import arrays, network, root_network

FULL = Spec(channels=True, histogram=True)
FLOATS = st.floats(-1e6, 1e6, width=32, allow_subnormal=False)


@settings(max_examples=40, deadline=None)
@given(st.lists(hnp.arrays(np.float32, (2, 3, 5), elements=FLOATS), min_size=1, max_size=4))
def test_statistics_are_those_of_numpy(samples):
    seen = Statistics("x", 1)
    for array in samples:
        seen.see(array, FULL)
    every = np.stack(samples).astype(np.float64)
    assert (seen.low, seen.high, seen.count) == (every.min(), every.max(), len(samples))
    assert seen.largest == np.abs(every).max()
    np.testing.assert_allclose(seen.mean, every.mean(), 1e-4, 1e-6 * (np.abs(every).max() + 1))
    np.testing.assert_allclose(seen.square, (every**2).mean(), 1e-4)
    channels = seen.channels
    assert channels is not None
    np.testing.assert_array_equal(channels.low, every.min((0, 1, 3)))
    np.testing.assert_array_equal(channels.high, every.max((0, 1, 3)))
    np.testing.assert_array_equal(channels.largest, np.abs(every).max((0, 1, 3)))
    assert seen.histogram is not None
    assert seen.histogram.counts.sum() == every.size


@settings(max_examples=40, deadline=None)
@given(st.lists(hnp.arrays(np.float32, 50, elements=FLOATS), min_size=1, max_size=4), st.randoms())
def test_histograms_do_not_depend_on_the_order_of_samples(samples, random):
    def of(parts):
        made = Histogram()
        for part in parts:
            made.add(part, float(np.abs(part).max()))
        return made

    one = of(samples)
    shuffled = list(samples)
    random.shuffle(shuffled)
    other = of(shuffled)
    assert one.reach == other.reach
    assert np.abs(np.cumsum(one.counts) - np.cumsum(other.counts)).max() <= 1  # on the edge of a bin, by rounding
    assert one.reach > max(np.abs(s).max() for s in samples) * (1 - 1e-6)


def test_percentiles_are_right_to_a_bin():
    values = np.random.default_rng(0).normal(0, 3, (4, 20000)).astype(np.float32)
    seen = Statistics("x")
    for row in values:
        seen.see(row, FULL)
    assert seen.histogram is not None
    width = 2 * seen.histogram.reach / BINS
    for percent in (0.0, 0.1, 1, 50, 99, 99.9, 100.0):
        found = seen.percentile(percent)
        assert np.mean(values < found - width) <= percent / 100 <= np.mean(values <= found + width)


def test_histograms_of_large_tensors_are_of_values_in_all_their_parts():
    values = np.random.default_rng(0).normal(0, 1, (1, 4, 96, 128)).astype(np.float32) + np.arange(4)[:, None, None]
    seen, whole = Statistics("x", 1), Statistics("x", 1)
    seen.see(values, Spec(histogram=True, counted=8192))
    whole.see(values, FULL)
    assert seen.histogram is not None
    assert 8192 <= seen.histogram.counts.sum() < 2 * 8192
    assert (seen.low, seen.high) == (whole.low, whole.high)
    for percent in (1, 5, 50, 95, 99):
        assert abs(seen.percentile(percent) - whole.percentile(percent)) < 0.1


def test_the_more_samples_there_are_the_fewer_elements_of_each_are_counted():
    spec = Spec(histogram=True, counted=1 << 16)
    size = 1 << 20
    assert [size // spec.step(size, n) >= max(spec.counted // n, LEAST) for n in (1, 4, 300)] == [True] * 3
    assert spec.step(size, 1) < spec.step(size, 4) < spec.step(size, 300) == spec.step(size, 3000)
    assert spec.step(100, 1) == 1
    assert Spec().step(size, 1) == 0


def test_what_statistics_serve_for():
    full, coarse, plain = FULL, Spec(histogram=True, counted=100), Spec()
    assert full.covers(coarse)
    assert not coarse.covers(full)
    assert coarse.covers(plain)
    assert not plain.covers(coarse)
    assert not Spec(channels=False).covers(plain)


def test_channels_of_convolutions_and_of_matrices():
    graph = network()
    names = needed(cleaned(graph))
    graph = cleaned(graph)
    found = collect(graph, open_data(arrays(3), graph), needed(graph), Spec())
    assert list(found) == list(names)
    axes = {n: s.axis for n, s in found.items()}
    assert axes["image"] == 1
    assert set(axes.values()) == {1}
    tokens = Graph("tokens")
    x = tokens.add_input(TensorType(f32, (1, 6, 4)), "x")
    b = Builder(tokens)
    tokens.add_output(b.MatMul(x, b.const(np.eye(4, dtype=np.float32))), "y")
    data = np.random.default_rng(0).normal(size=(2, 6, 4)).astype(np.float32)
    (seen,) = collect(tokens, open_data(data, tokens), needed(tokens), Spec()).values()
    assert seen.axis == 2
    assert seen.channels is not None
    np.testing.assert_array_equal(seen.channels.low, data.min((0, 1)))


def test_values_are_those_of_the_reference():
    graph = cleaned(network())
    wanted = needed(graph)
    data = arrays(4)
    found = collect(graph, open_data(data, graph), wanted, Spec())
    by_value = {v: n for n, v in wanted.items()}
    ends: dict[str, list[float]] = {n: [] for n in wanted}

    def see(node, outputs, seconds):
        for value, array in zip(node.outputs, outputs, strict=True):
            if value in by_value:
                ends[by_value[value]] += [array.min(), array.max()]

    for sample in data:
        Interpreter(graph, see).run([sample[None]])
    for name, seen in found.items():
        if ends[name]:
            np.testing.assert_allclose((seen.low, seen.high), (min(ends[name]), max(ends[name])), 1e-4, 1e-6)


@pytest.mark.parametrize("axis", [None, 0, 1, 2, 3])
@pytest.mark.parametrize("last", [False, True])
def test_of_all_layouts_in_memory_the_statistics_are_the_same(axis, last):
    """The CPU device has most values with channels last; few channels are taken several pixels at a time."""
    values = np.random.default_rng(0).normal(1, 3, (2, 5, 37, 11)).astype(np.float32)
    laid = np.ascontiguousarray(values.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2) if last else values
    found = Seen.of(laid, axis, 3)
    others = tuple(i for i in range(4) if i != axis) if axis is not None else None
    wide = values.astype(np.float64)
    np.testing.assert_array_equal(found.low, np.atleast_1d(values.min(others)))
    np.testing.assert_array_equal(found.high, np.atleast_1d(values.max(others)))
    np.testing.assert_allclose(found.mean, np.atleast_1d(wide.mean(others)), 1e-4, 1e-5)
    np.testing.assert_allclose(found.square, np.atleast_1d((wide**2).mean(others)), 1e-4)
    assert found.counted.size >= values.size // 5
    assert np.isin(found.counted, values).all()


def test_elements_that_are_counted_are_of_all_channels():
    """However many channels there are beside each other in memory."""
    values = np.broadcast_to(np.arange(6, dtype=np.float32), (1, 50, 50, 6)).copy().transpose(0, 3, 1, 2)
    for step in (2, 3, 9):
        assert set(Seen.of(values, 1, step).counted) == set(range(6))


def test_taps_see_what_results_would_be():
    graph = cleaned(network())
    wanted = needed(graph)
    data = arrays(3)
    seen: dict[str, list[np.ndarray]] = {name: [] for name in wanted}

    def draw(name, array):
        copy = np.array(array)
        return lambda: seen[name].append(copy)

    also = {value: partial(draw, name) for name, value in wanted.items()}
    collect(graph, open_data(data, graph), {}, Spec(), also=also)
    run = Runner(graph, list(wanted.values()))
    for k, (_, sample) in enumerate(open_data(data, graph)):
        for name, array in zip(wanted, run(sample), strict=True):
            np.testing.assert_allclose(seen[name][k], array, 1e-5, 1e-6)


def test_of_a_sample_that_is_left_out_nothing_is_taken():
    graph = root_network()
    data = np.abs(arrays(4, 3, 8)) + 0.1
    data[1, 0, 0, 0] = -1
    seen: list[int] = []
    also = {graph.inputs[0]: lambda array: lambda: seen.append(array.size)}
    collect(graph, open_data(data, graph), needed(graph), Spec(), also=also)
    assert len(seen) == 3


def test_samples_that_give_nan_are_named_and_left_out():
    graph = root_network()
    data = np.abs(arrays(6, 3, 8)) + 0.1
    data[2, 0, 0, 0] = -1
    told: list[str] = []
    watch = Watch(warn=told.append)
    (seen,) = collect(graph, open_data(data, graph), needed(graph), FULL, watch).values()
    assert watch.skipped == {"data[2]": "NaN or infinity at 'root'"}
    assert told == ["data[2] is left out: NaN or infinity at 'root'"]
    assert seen.count == 5
    assert np.isfinite(seen.highs).all()
    data[2:] = -1
    with pytest.raises(VinocError, match="4 of 6 samples cannot be used"):
        collect(graph, open_data(data, graph), needed(graph), FULL, Watch())


# Stopped runs

CHILD = """
import os, signal, sys
import numpy as np
from vinoc.compiler.driver import read_model
from vinoc.tools.quantize.options import Options
from vinoc.tools.quantize.quantize import quantize_model
from vinoc.tools.quantize.watch import Watch

def tick(title, done, total):
    if title == "statistics" and done == int(sys.argv[4]):
        os.kill(os.getpid(), signal.SIGKILL)

from pathlib import Path
watch = Watch(tick, resume=Path(sys.argv[3]))
result = quantize_model(sys.argv[1], sys.argv[2], Options(), None, watch)
print(watch.resumed)
print(result.ranges.text())
"""


def run(model: Path, data: Path, resume: Path, kill: int) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", CHILD, str(model), str(data), str(resume), str(kill)]
    return subprocess.run(words, capture_output=True, text=True, check=False, env=os.environ)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL")
def test_a_killed_calibration_goes_on_and_gives_the_same_ranges(tmp_path):
    from .models import saved

    model = saved(network(), tmp_path / "m.xml")
    data = arrays(30)
    np.save(tmp_path / "data.npy", data)
    whole = run(model, tmp_path / "data.npy", tmp_path / "whole.npz", -1)
    killed = run(model, tmp_path / "data.npy", tmp_path / "part.npz", 21)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert killed.stdout == ""
    again = run(model, tmp_path / "data.npy", tmp_path / "part.npz", -1)
    (begun, _, ranges), (resumed, _, others) = (r.stdout.partition("\n") for r in (whole, again))
    assert begun == "0"
    assert int(resumed) >= 16, again.stderr
    assert '"values"' in ranges
    assert ranges == others


@pytest.mark.parametrize("damage", [b"", b"no zip", b"PK\3\4 and no more"])
def test_a_damaged_file_of_statistics_is_written_anew(tmp_path, damage):
    graph = cleaned(network())
    samples = open_data(arrays(10), graph)
    path = tmp_path / "s.npz"
    path.write_bytes(damage)
    watch = Watch(resume=path)
    first = collect(graph, samples, needed(graph), FULL, watch)
    assert watch.resumed == 0
    second = collect(graph, samples, needed(graph), FULL, watch)
    assert watch.resumed == 10
    for name, seen in first.items():
        for field, array in seen.arrays().items():
            np.testing.assert_array_equal(array, second[name].arrays()[field])


def test_statistics_of_other_data_or_models_are_not_taken(tmp_path):
    graph, data = cleaned(network()), arrays(10)

    def resumed(graph: Graph, data: np.ndarray, what: Spec = FULL) -> int:
        watch = Watch(resume=tmp_path / "s.npz")
        collect(graph, open_data(data, graph), needed(graph), what, watch)
        return watch.resumed

    assert resumed(graph, data) == 0
    assert resumed(graph, data + 1e-7) == 0
    assert resumed(cleaned(network(seed=1)), data) == 0
    assert resumed(graph, data, Spec()) == 0
    assert resumed(graph, data) == 10  # each has its place in the file


def test_matrix_products_have_one_thread_within_and_as_many_as_before_behind():
    library, name = _library()
    if library is None:
        pytest.skip("NumPy has another BLAS than OpenBLAS")
    threads = getattr(library, name.format("get"))
    before = threads()
    with one_thread():
        assert threads() == 1
        with one_thread():
            assert threads() == 1
        assert threads() == 1
    assert threads() == before
