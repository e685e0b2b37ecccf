"""Drawn sequences of calls on one request: vinoc's gives what OpenVINO's gives after each of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest

import vinoc

Step = Callable[[Any, Any], Any]
KEPT: list[Any] = []
"""What is given stays: OpenVINO reads arrays that it was lent after they are gone."""


def drawn(rng: np.random.Generator) -> tuple[str, Step]:
    """A step: what it is called, and what it does to a request of a module. `x` has rows of three, `b` is one row."""
    rows = int(rng.integers(1, 4))
    x, b = rng.integers(-9, 9, (rows, 3)).astype(np.float32), rng.integers(-9, 9, 3).astype(np.float32)
    KEPT.extend((x, b))
    share = bool(rng.integers(2))
    steps: list[tuple[str, Step]] = [
        ("infer both", lambda r, ov: r.infer({"x": x, "b": b}, share_inputs=share)["y"]),
        ("infer list", lambda r, ov: r.infer([x, b], share_inputs=share)[0]),
        ("infer x", lambda r, ov: r.infer({"x": x}, share_inputs=share)[0]),
        ("infer b", lambda r, ov: r.infer({1: b}, share_inputs=share)[0]),
        ("infer tensors", lambda r, ov: r.infer({0: ov.Tensor(x), "b": ov.Tensor(b)}, share_inputs=share)[0]),
        ("infer again", lambda r, ov: r.infer()[0]),
        ("infer integers", lambda r, ov: r.infer({"x": x.astype(np.int32), "b": b})[0]),
        ("set tensor", lambda r, ov: r.set_tensor("x", ov.Tensor(x))),
        ("set input tensor", lambda r, ov: r.set_input_tensor(1, ov.Tensor(b))),
        ("write input", lambda r, ov: r.get_tensor("b").data.__setitem__(slice(None), b)),
        ("read input", lambda r, ov: r.get_input_tensor(0).data.copy()),
        ("read output", lambda r, ov: r.get_output_tensor(0).data.copy()),
        ("set output", lambda r, ov: r.set_output_tensor(ov.Tensor(np.zeros((4, 3), np.float32)))),
        (
            "background",
            lambda r, ov: (r.start_async({"x": x, "b": b}), r.wait(), r.get_tensor("y").data.copy())[2],
        ),
        ("shared result", lambda r, ov: r.infer({"x": x, "b": b}, share_outputs=True)[0].copy()),
    ]
    return steps[int(rng.integers(len(steps)))]


@pytest.mark.parametrize("seed", range(40))
def test_requests_stand_as_openvinos(model_files: dict[str, Path], seed: int) -> None:
    requests = {
        m: m.Core().compile_model(str(model_files["add"]), "CPU").create_infer_request() for m in (openvino, vinoc)
    }
    rng = np.random.default_rng(seed)
    first = np.ones((1, 3), np.float32), np.zeros(3, np.float32)
    for module, request in requests.items():
        np.testing.assert_array_equal(request.infer(list(first))[0], first[0], module.__name__)
    done = []
    for _ in range(25):
        name, step = drawn(rng)
        done.append(name)
        try:
            theirs = step(requests[openvino], openvino)
        except RuntimeError:  # its tensors on shared memory cannot grow
            return
        mine = step(requests[vinoc], vinoc)
        if theirs is not None:
            np.testing.assert_array_equal(mine, theirs, ", ".join(done))
