"""Values that depthwise convolutions alone read have ranges for each channel, where these differ much."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tools.quantize.made import Net, pictures, work_of
from vinoc.backends.cpu.device import Executable
from vinoc.backends.numpy import Interpreter
from vinoc.compiler.config import CPU_PASSES
from vinoc.ir.graph import Graph
from vinoc.ir.ops.activation import HSwish
from vinoc.passes import PassManager
from vinoc.tools.quantize.algorithms.judge import Judge
from vinoc.tools.quantize.algorithms.recipes import best_recipe
from vinoc.tools.quantize.algorithms.spans import ESTIMATORS, ranges_of
from vinoc.tools.quantize.data import open_data


def separable(uneven: float, also_read: bool = False) -> Graph:
    """A depthwise convolution behind HSwish, which no factors go through. Channel 0 reaches `uneven` times as far."""
    net = Net()
    first = net.weights(8, 4, 3)
    first[0] *= uneven
    x = net.b.node(HSwish(), net.conv(net.x, first, np.zeros(8), name="first"), name="wide").output
    y = net.depthwise(x, net.draw.standard_normal((8, 3, 3)), name="depthwise")
    z = net.conv(net.relu(y), net.weights(4, 8), np.zeros(4), name="last")
    return net.done(z, *([net.conv(x, net.weights(4, 8), np.zeros(4), name="beside")] if also_read else []))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_channels_that_differ_have_ranges_of_their_own(estimator: str) -> None:
    found = ranges_of(work_of(separable(30.0)), estimator)
    assert found["wide"].channels == 8
    assert found["wide"].high is not None
    assert found["wide"].high[0] > 10 * found["wide"].high[1:].max()
    assert found["x"].channels is None


def test_channels_that_are_alike_have_one() -> None:
    assert ranges_of(work_of(separable(1.0)), "min-max")["wide"].channels is None


def test_others_that_read_them_want_one_range() -> None:
    assert ranges_of(work_of(separable(30.0, also_read=True)), "min-max")["wide"].channels is None


def test_the_outputs_gain_and_kernels_agree() -> None:
    """Where another product reads the value, too, its narrow channels have few levels."""
    errors = []
    for also_read in (False, True):
        work = work_of(separable(30.0, also_read))
        best_recipe(work)
        made = work.quantized()
        errors.append(Judge(work.original, open_data(pictures(8, seed=9), work.original)).errors(made)[0])
    assert errors[0] < 0.6 * errors[1]
    work = work_of(separable(30.0))
    best_recipe(work)
    graph = work.quantized()
    (x,) = pictures(1, seed=9)
    (want,) = Interpreter(graph).run([x])
    PassManager(CPU_PASSES).run(graph)
    (found,) = Executable(graph, 1).run([x])
    assert np.linalg.norm(found - want) <= 1e-5 * np.linalg.norm(want)
