"""Which sums and factors are quantized: those that give what is read as integers."""

from __future__ import annotations

import numpy as np
import pytest

from vinoc.ir import Builder, Value
from vinoc.passes.quantize import needed

from ...backends.ir_util import random, start

PLAIN = {"strides": (1, 1), "pads_begin": (0, 0), "pads_end": (0, 0), "dilations": (1, 1)}


def conv(b: Builder, x: Value, name: str = "") -> Value:
    made: Value = b.Convolution(x, b.const(random(2, 2, 1, 1)), name=name, **PLAIN)
    return made


def ranges_wanted(make: object) -> list[str]:
    b, (x,) = start((1, 2, 4, 4))
    b.graph.add_output(make(b, x), "y")  # type: ignore[operator]
    return list(needed(b.graph))


def residual(b: Builder, x: Value) -> Value:
    shortcut = b.ReLU(x, name="shortcut")
    made: Value = b.Add(b.ReLU(conv(b, x), name="branch"), shortcut)
    return made


def test_a_sum_that_a_product_reads_behind_an_activation() -> None:
    assert ranges_wanted(lambda b, x: conv(b, b.ReLU(residual(b, x), name="sum"))) == [
        "x0",
        "branch",
        "shortcut",
        "sum",
    ]


@pytest.mark.parametrize("kind", ["Exp", "Sqrt", "SoftMax"])
def test_a_sum_that_goes_through_a_function_stays_float(kind: str) -> None:
    """What the function gives is quantized for the product; its data gain nothing from levels."""
    options = {"axis": 1} if kind == "SoftMax" else {}
    found = ranges_wanted(lambda b, x: conv(b, getattr(b, kind)(residual(b, x), name="function", **options)))
    assert found == ["x0", "function"]


def test_a_square_stays_float() -> None:
    def make(b: Builder, x: Value) -> Value:
        value = b.ReLU(x, name="value")
        return conv(b, b.Multiply(value, value, name="square"))

    assert ranges_wanted(make) == ["square"]


def test_a_mean_whose_square_root_is_read_stays_float() -> None:
    def make(b: Builder, x: Value) -> Value:
        mean = b.ReduceMean(b.ReLU(x, name="value"), b.const(np.array([2, 3])), keep_dims=True)
        return conv(b, b.Multiply(x, b.Sqrt(mean), name="scaled"))

    assert "value" not in ranges_wanted(make)
