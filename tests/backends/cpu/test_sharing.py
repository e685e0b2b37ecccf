"""Threads share units in whatever portions: nothing is left out or done twice, and the bits are the same."""

from __future__ import annotations

import ctypes
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import SHARED
from vinoc import Core
from vinoc.backends.cpu.codegen.library import library
from vinoc.backends.cpu.engine.pool import Pool, Table

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "models"
KERNEL = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
SECONDS = 60

Work = Callable[[int, int, int], None]
"""Of an entry, from a unit to another."""


def walk(pool: Pool, units: Sequence[int], work: Work) -> None:
    """A run of entries of so many units."""
    kernel = KERNEL(work)
    address = ctypes.cast(kernel, ctypes.c_void_p).value
    rows = [[address, entry, n, 0] for entry, n in enumerate(units)]
    table = np.array([*rows, [0] * 4], np.int64)
    pool.run(table, table.ctypes.data)


@settings(max_examples=60)
@given(
    threads=st.integers(1, 6),
    runs=st.lists(
        st.lists(st.one_of(st.integers(1, 9), st.integers(1, 2000), st.just((1 << 33) + 5)), max_size=8), max_size=4
    ),
)
def test_every_unit_once_and_entries_one_after_another(threads: int, runs: list[list[int]]) -> None:
    pool = Pool(library("host"), threads)
    for units in runs:
        begun, ended = [], []

        def work(entry: int, begin: int, end: int) -> None:
            begun.append((entry, begin, end))  # noqa: B023  # the run is over before the next one
            ended.append((entry, len(begun)))  # noqa: B023

        walk(pool, units, work)
        entries = [entry for entry, *_ in begun]
        assert entries == sorted(entries)
        for entry, when in ended:
            assert max(entries[:when]) == entry, "an entry had begun before all of the one before had ended"
        for entry, n in enumerate(units):
            parts = sorted((begin, end) for e, begin, end in begun if e == entry)
            assert [parts[0][0], *(end for _, end in parts)] == [*(begin for begin, _ in parts), n]


def test_the_caller_helps_a_thread_that_is_slow() -> None:
    """The other one stands still with a part of its share until all else is done."""
    pool = Pool(library("host"), 2)
    caller, rest_is_done, done = threading.get_ident(), threading.Event(), []

    def work(entry: int, begin: int, end: int) -> None:
        if threading.get_ident() != caller:
            assert rest_is_done.wait(SECONDS)
        done.append((threading.get_ident() == caller, end - begin))
        if sum(n for _, n in done) >= 32 - 8:
            rest_is_done.set()

    for _ in range(20):
        rest_is_done.clear()
        done.clear()
        walk(pool, [32], work)
        assert sum(n for _, n in done) == 32
        assert sum(n for mine, n in done if mine) >= 24  # of the other's half, the other takes half at first


def test_a_thread_that_is_slow_does_not_keep_the_next_run_from_its_work() -> None:
    """Runs of several tables in turn, more threads than processors: who comes late finds nothing to do."""
    pool = Pool(library("host"), 8)
    for n in range(400):
        counted: list[int] = []
        walk(pool, [3, 1, 17], lambda _, begin, end: counted.append(end - begin))  # noqa: B023
        assert sum(counted) == 21, n
        assert pool._state is not None
        assert len(pool._state.tables) <= 2 + 8  # the last two, and what workers may read


@contextmanager
def in_parts(seed: int) -> Iterator[None]:
    """Every call of a schedule in portions of any size, in any order."""
    rng = random.Random(seed)

    def run(self: Pool, table: Table, address: int, alone: bool = False) -> None:
        for kernel, block, units, _ in table.reshape(-1, 4).tolist():
            if kernel:
                cuts = sorted({0, units, *(rng.randrange(units + 1) for _ in range(rng.choice([0, 1, 2, 9, 40])))})
                spans = [*pairwise(cuts)]
                rng.shuffle(spans)
                for begin, end in spans:
                    KERNEL(kernel)(block, begin, end)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pool, "run", run)
        yield


def outputs(path: Path, threads: int) -> list[bytes]:
    model = Core().compile_model(path, "CPU", {"INFERENCE_NUM_THREADS": threads})
    rng = np.random.default_rng(0)
    feeds = {}
    for port in model.inputs:
        shape = [d.get_length() if d.is_static else 3 for d in port.partial_shape]
        dtype = port.element_type.to_dtype()
        feeds[port.any_name] = (rng.random(shape) if dtype.kind == "f" else rng.integers(0, 3, shape)).astype(dtype)
    return [np.asarray(a).tobytes() for a in model(feeds).values()]


@pytest.mark.parametrize("name", ["mnist/mnist.onnx", "blazeface/blazeface.onnx"])
def test_bits_do_not_depend_on_portions(name: str) -> None:
    check_portions(EXAMPLES / name)


@pytest.mark.shared
@pytest.mark.parametrize(
    "path",
    [pytest.param(p, id=p.parent.name) for p in sorted(SHARED.glob("models/*/*.onnx")) if "silero" not in p.name],
)
def test_bits_of_real_models_do_not_depend_on_portions(path: Path) -> None:
    check_portions(path)


def check_portions(path: Path) -> None:
    for threads in (1, 2):
        wanted = outputs(path, threads)
        for seed in (1, 2):
            with in_parts(seed):
                assert outputs(path, threads) == wanted, f"{threads} threads, portions {seed}"
