"""Quantized graphs against their formula in NumPy, on random ranges, weights and data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.backends.numpy import Interpreter
from vinoc.ir import Builder, Graph, TensorType
from vinoc.ir import dtype as dt
from vinoc.passes import Context
from vinoc.passes.quantize import Quantize, Ranges

SEEDS = st.integers(0, 2**16)


def activations(x: np.ndarray, low: float, high: float, mode: str, bits: int) -> np.ndarray:
    """Steps of a range that holds zero, of which a whole number lies below it; values between two steps go to the
    nearest."""
    low, high, steps = min(low, 0.0), max(high, 0.0), 2**bits - 1
    if mode == "asymmetric":
        zero = np.rint(-low / ((high - low) / steps))
        zero = max(zero, 1) if low < 0 else 0
        zero = min(zero, steps - 1) if high > 0 else zero
        scale = max(-low / zero if zero else 0, high / (steps - zero) if steps > zero else 0)
    elif low < 0:
        zero, scale = 2 ** (bits - 1), max(-low, high) / (2 ** (bits - 1) - 1)
    else:
        zero, scale = 0, high / steps
    return np.clip(np.rint(x / scale), -zero, steps - zero) * scale


def weights(w: np.ndarray, axes: tuple[int, ...], mode: str, bits: int) -> np.ndarray:
    """Each output channel by its own largest magnitude (symmetric, 2 ** bits - 1 levels) or range."""
    others = tuple(i for i in range(w.ndim) if i not in axes)
    low, high = (np.minimum(w.min(others, keepdims=True), 0.0), np.maximum(w.max(others, keepdims=True), 0.0))
    if mode == "symmetric":
        top = 2 ** (bits - 1) - 1
        scale = np.maximum(-low, high) / top
        return np.clip(np.rint(w / scale), -top, top) * scale
    steps = 2**bits - 1
    zero = np.rint(-low / ((high - low) / steps))
    zero = np.where(low < 0, np.maximum(zero, 1), 0)
    zero = np.where(high > 0, np.minimum(zero, steps - 1), zero)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.fmax(np.where(zero > 0, -low / zero, 0), np.where(zero < steps, high / (steps - zero), 0))
    return np.clip(np.rint(w / scale) + zero, 0, steps) * scale - zero * scale


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "mode": draw(st.sampled_from(["symmetric", "asymmetric"])),
        "bits": draw(st.sampled_from([4, 8])),
        "wmode": draw(st.sampled_from(["symmetric", "asymmetric"])),
        "wbits": draw(st.sampled_from([4, 8])),
        "low": draw(st.floats(-4, 1)),
        "width": draw(st.floats(0.5, 8)),
        "form": draw(st.sampled_from(["auto", "scale", "fake-quantize"])),
        "half": draw(st.booleans()),
        "seed": draw(SEEDS),
    }


def check(case: dict[str, Any], kind: str) -> None:
    rng = np.random.default_rng(case["seed"])
    low, high = case["low"], case["low"] + case["width"]
    shape, w_shape, axes, formula, attributes = FORMS[kind]
    x = rng.uniform(low - 0.2, high + 0.2, shape).astype(np.float32)
    w = (rng.standard_normal(w_shape) * 0.3).astype(np.float32)
    graph = Graph("net")
    b = Builder(graph)
    value = graph.add_input(TensorType(dt.f32, shape), "x")
    graph.add_output(getattr(b, kind.split()[0])(value, b.const(w, name="w"), **attributes), "y")
    ranges = Ranges.of(
        {
            "defaults": {
                "activations": {"mode": case["mode"], "bits": case["bits"]},
                "weights": {"mode": case["wmode"], "bits": case["wbits"]},
            },
            "values": {"x": {"min": low, "max": high}},
        }
    )
    Quantize(ranges=ranges, form=case["form"], half=case["half"], exact=False).run(graph, Context())
    (actual,) = Interpreter(graph).run([x])
    mode = "symmetric" if "Backprop" in kind else case["mode"]  # for which OpenVINO has no zero points
    qx = activations(x.astype(np.float64), low, high, mode, case["bits"])
    qw = weights(w.astype(np.float64), axes, case["wmode"], case["wbits"])
    # Scales have 16 bits, for f16 11, so that few values come to lie at another level: the error is that of a few.
    steps = (2 ** case["bits"] - 1, 2 ** case["wbits"] - 1)
    level = (np.ptp(qx) / steps[0] * np.abs(qw).max() + np.ptp(qw) / steps[1] * np.abs(qx).max()) * 1.5
    error = np.abs(actual - formula(qx, qw))
    assert error.max() <= level * 1.001 + 1e-6
    assert np.sqrt(np.mean(error**2)) <= (0.15 if case["half"] else 0.1) * level + 1e-6
    (stored,) = [n.outputs[0].dtype.name for n in graph if n.kind == "Constant" and n.outputs[0].name.startswith("w/")]
    assert stored == ("i" if case["wmode"] == "symmetric" else "u") + str(case["wbits"])


PLAIN = {"strides": (1, 1), "pads_begin": (0, 0), "pads_end": (0, 0), "dilations": (1, 1)}


def pointwise(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    return np.einsum("nihw,oi->nohw", x, w[:, :, 0, 0])


def grouped(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    split = x.reshape(x.shape[0], w.shape[0], w.shape[2], *x.shape[2:])
    return np.einsum("ngihw,goi->ngohw", split, w[..., 0, 0]).reshape(x.shape[0], -1, *x.shape[2:])


FORMS: dict[str, Any] = {
    "MatMul": ((4, 6), (6, 5), (1,), lambda x, w: x @ w, {}),
    "MatMul transposed": ((2, 4, 6), (5, 6), (0,), lambda x, w: x @ w.T, {"transpose_b": True}),
    "MatMul of many": ((2, 4, 6), (2, 6, 5), (2,), lambda x, w: x @ w, {}),
    "Convolution": ((2, 6, 3, 3), (5, 6, 1, 1), (0,), pointwise, PLAIN),
    "GroupConvolution": ((2, 6, 3, 3), (2, 4, 3, 1, 1), (0, 1), grouped, PLAIN),
    "ConvolutionBackpropData": (
        (2, 6, 3, 3),
        (6, 5, 1, 1),
        (1,),
        lambda x, w: pointwise(x, w.swapaxes(0, 1)),
        PLAIN,
    ),
    "GroupConvolutionBackpropData": (
        (2, 6, 3, 3),
        (2, 3, 4, 1, 1),
        (0, 2),
        lambda x, w: grouped(x, w.swapaxes(1, 2)),
        PLAIN,
    ),
}


@pytest.mark.parametrize("kind", FORMS)
@settings(max_examples=25)
@given(case=cases())
def test_quantized_products(kind: str, case: dict[str, Any]) -> None:
    check(case, kind)
