"""Winograd's form of 3x3 and 5x5 convolutions against the reference, for all sizes of tile."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.lowering import conv_choice, winograd
from vinoc.backends.cpu.lowering.winograd import chunks
from vinoc.backends.numpy import Interpreter

from .checked import build, check

EXACT = {(2, 3): 3e-6, (4, 3): 1e-5, (2, 5): 2e-5}
"""Errors relative to the largest output: products of tiles and taps with up to 256 input channels."""


@pytest.fixture(params=list(EXACT), ids=str)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """All that can be done in Winograd's form is."""
    size, taps = request.param
    monkeypatch.setattr(conv_choice, "best_tile", lambda plan, conv, exact=False: size if conv_choice.fits(conv) else 0)
    return size, taps


def convolve(b: Any, x: Any, w: Any, top: int = 1, left: int = 1, bottom: int = 1, right: int = 1) -> Any:
    kind = b.GroupConvolution if np.ndim(w) == 5 else b.Convolution
    return kind(x, w, strides=[1, 1], dilations=[1, 1], pads_begin=[top, left], pads_end=[bottom, right])


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batch=st.integers(1, 3),
    groups=st.sampled_from([1, 1, 2, 3]),
    depth=st.integers(1, 70),
    channels=st.integers(1, 35),
    size=st.tuples(st.integers(1, 15), st.integers(1, 15)),
    pads=st.tuples(*[st.integers(0, 3)] * 4),
    end=st.sampled_from(["", "bias", "relu", "residual", "all"]),
    parts=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_shapes(form: tuple[int, int], batch, groups, depth, channels, size, pads, end, parts, seed) -> None:
    """Odd sizes, tiles at borders, padding larger than the image, channels that are no whole vectors, groups."""
    top, left, bottom, right = pads
    taps = form[1]
    size = (max(size[0], taps - top - bottom), max(size[1], taps - left - right))
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((batch, groups * channels, *size)).astype(np.float32)
    shape = (depth, channels, taps, taps)
    w = rng.standard_normal((groups, *shape) if groups > 1 or depth == 2 else shape).astype(np.float32)
    bias = rng.standard_normal((groups * depth, 1, 1)).astype(np.float32)

    def make(b, value):
        y = convolve(b, value, w, *pads)
        if end in ("bias", "all"):
            y = b.Add(y, bias)
        if end in ("residual", "all"):
            y = b.Add(y, convolve(b, value, w * 2, *pads))
        return b.ReLU(y) if end in ("relu", "all") else y

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(winograd, "CHUNK_BYTES", winograd.CHUNK_BYTES if parts == 1 else (30_000 * parts, 40_000 * parts))
        check(make, x, tolerance=EXACT[form], threads=(1, 3))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
def test_values_that_are_not_finite_do_not_spread(form: tuple[int, int], value: float) -> None:
    """They reach the outputs whose windows hold them, and no others; nor do intermediate overflows."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 5, 11, 10)).astype(np.float32)
    x[0, 2, 4, 5] = x[1, 1, 0, 9] = value
    w = rng.uniform(0.1, 0.3, (21, 5, form[1], form[1])).astype(np.float32)
    bias = rng.standard_normal((21, 1, 1)).astype(np.float32)
    check(lambda b, v: b.ReLU(b.Add(b.Add(convolve(b, v, w), bias), convolve(b, v, w * 2))), x, tolerance=EXACT[form])


def test_weights_that_are_not_finite_are_left_to_the_direct_form(form: tuple[int, int]) -> None:
    x = np.ones((1, 3, 6, 6), np.float32)
    for value in (np.nan, np.inf, 1e30):
        w = np.ones((4, 3, form[1], form[1]), np.float32)
        w[1, 1, 1, 1] = value
        check(lambda b, v, w=w: convolve(b, v, w), x, threads=(1,))


@pytest.mark.parametrize("channels", [16, 256])
def test_errors_are_those_that_the_documents_state(form: tuple[int, int], channels: int) -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((1, channels, 20, 20)).astype(np.float32)
    taps = form[1]
    w = (rng.standard_normal((32, channels, taps, taps)) * np.sqrt(2 / (taps**2 * channels))).astype(np.float32)
    graph = build(lambda b, v: convolve(b, v, w), x)
    (want,) = Interpreter(build(lambda b, v: convolve(b, v, w.astype(np.float64)), x.astype(np.float64))).run(
        [x.astype(np.float64)]
    )
    (got,) = Executable(graph, 1).run([x])
    error = np.abs(got - want) / np.abs(want).max()
    assert error.max() < {(2, 3): 1.5e-6, (4, 3): 4e-6, (2, 5): 4e-6}[form]
    assert np.sqrt((error**2).mean()) < {(2, 3): 3e-7, (4, 3): 8e-7, (2, 5): 8e-7}[form]


def test_chunks_are_equal() -> None:
    for tiles in (1, 5, 49, 196, 3136):
        for threads in (1, 2, 4):
            found = chunks(tiles, 1 << 17, 1 << 20, threads)
            assert found.size * found.parallel * found.steps >= tiles
            assert found.size * found.parallel * (found.steps - 1) < tiles
