"""Kernels of users: numba functions in the schedule."""

from __future__ import annotations

import numpy as np
import pytest

from vinoc.backends.cpu.custom import cpu_kernel
from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.lowering.plan import Call, Island
from vinoc.ir.dtype import f16, i32
from vinoc.ir.errors import EvaluationError, UsageError
from vinoc.ir.op import Op, op
from vinoc.ir.types import TensorType

from .checked import build, check


@op(internal=True, kind="TestScan")
class Scan(Op):
    """(running sums, their last) of alpha * x, and how many sums are above 0."""

    alpha: float = 1.0
    reverse: bool = False

    def infer(self, x):
        n, _ = x.tensor.shape
        return x.type, TensorType(x.dtype, (n,)), TensorType(i32, ())

    def evaluate(self, x):
        if self.reverse:
            x = x[:, ::-1]
        sums = np.cumsum(x.dtype.type(self.alpha) * x, axis=1, dtype=x.dtype)
        return sums, sums[:, -1], np.int32((sums > 0).sum())


@cpu_kernel(Scan)
def scan(x, sums, last, above, alpha, reverse):
    count = 0
    for i in range(x.shape[0]):
        total = x.dtype.type(0)
        for j in range(x.shape[1]):
            total += x.dtype.type(alpha) * (x[i, x.shape[1] - 1 - j] if reverse else x[i, j])
            sums[i, j] = total
            count += total > 0
        last[i] = total
    above[()] = count


@op(internal=True, kind="TestRows")
class Rows(Op):
    """2 x + y"""

    fail: float = 1e30

    def infer(self, x, y):
        return x.type

    def evaluate(self, x, y):
        return 2 * x + y


@cpu_kernel(Rows, units=lambda op, x, y, out: x[0] * x[1], flops=lambda op, *shapes: 10**9)
def rows(x, y, out, fail, begin, end):
    for unit in range(begin, end):
        i, j = unit // x.shape[1], unit % x.shape[1]
        for k in range(x.shape[2]):
            if x[i, j, k] > fail:
                raise ValueError("too large")
            out[i, j, k] = 2 * x[i, j, k] + y[i, j, k]


def data(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32)


def plan_of(graph, *inputs):
    return Executable(graph, 1).program([a.shape for a in inputs]).plan


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_it_computes_what_the_operation_says(dtype: type) -> None:
    x = (10 * data(5, 7)).astype(dtype)
    check(lambda b, v: b.TestScan(v, alpha=2.0), x)
    check(lambda b, v: b.TestScan(v, alpha=3.0, reverse=True), x)


def test_units_are_shared_by_threads_and_results_lie_in_larger_ones() -> None:
    def make(b, x, y):
        first = b.TestRows(b.ReLU(x), b.Transpose(y, [0, 2, 1]))
        return b.Concat(first, b.TestRows(first, x), axis=2)

    check(make, data(3, 7, 5), data(3, 5, 7))
    check(lambda b, x, y: b.TestRows(x, y), data(0, 2, 3), data(0, 2, 3))


def test_the_plan_names_it() -> None:
    x = data(2, 3)
    plan = plan_of(build(lambda b, v: b.TestScan(v), x), x)
    assert [s.kernel.name for s in plan.steps if isinstance(s, Call)] == ["numba_scan"]


def test_an_exception_ends_the_run_and_no_more() -> None:
    x = data(2, 3, 4)
    executable = Executable(build(lambda b, v: b.TestRows(v, v, fail=5.0), x), 2)
    executable.run([x])
    wrong = x.copy()
    wrong[1, 2, 3] = 6
    with pytest.raises(EvaluationError, match=r"its kernel 'rows' .*test_custom\.py.* raised an exception"):
        executable.run([wrong])
    np.testing.assert_array_equal(executable.run([x])[0], 3 * x)


def test_types_that_numba_lacks_are_visible_islands() -> None:
    x = data(2, 3).astype(np.float16)
    check(lambda b, v: b.TestScan(v), x, islands=["TestScan"], tolerance=1e-2)
    (step,) = plan_of(build(lambda b, v: b.TestScan(v), x), x).steps
    assert isinstance(step, Island)
    assert step.why == f"numba does not compute with {f16}, so that the kernel 'scan' cannot"


@op(internal=True, kind="TestWrong")
class Wrong(Op):
    """x"""

    gain: float = 1.0

    def infer(self, x):
        return x.type

    def evaluate(self, x):
        return x


def refused(kind, function, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        cpu_kernel(kind)(function)
    assert message in str(caught.value)


def test_what_cannot_be_a_kernel() -> None:
    refused(Wrong, lambda gain, x, y: None, "inputs and outputs come first")
    refused(Wrong, lambda x, y, begin: None, "takes one of `begin` and `end`")
    refused("ReLU", lambda x, y: None, "has a CPU kernel of vinoc's own")
    refused("Convolution", lambda x, w, y: None, "has a CPU kernel of vinoc's own")
    refused("MaxPool", lambda x, y, n: None, "has a CPU kernel of vinoc's own")
    refused("Loop", lambda x, y: None, "has bodies")
    refused(Scan, lambda x, a, b, c: None, "has two CPU kernels")


def test_functions_that_do_not_fit_are_told() -> None:
    def wrong(x, gain):
        x[0] = gain

    cpu_kernel(Wrong)(wrong)
    x = data(3)
    with pytest.raises(UsageError, match="takes 1 arrays, the node has 1 inputs and 1 outputs"):
        Executable(build(lambda b, v: b.TestWrong(v), x), 1).run([x])


@op(internal=True, kind="TestUncompiled")
class Uncompiled(Wrong):
    """x"""


def test_what_numba_cannot_compile_is_told() -> None:
    @cpu_kernel(Uncompiled)
    def uncompiled(x, y):
        y[0] = x.no_such_thing

    x = data(3)
    with pytest.raises(
        UsageError, match=r"numba cannot compile the kernel 'uncompiled' of 'TestUncompiled' for f32\[\?\]"
    ):
        Executable(build(lambda b, v: b.TestUncompiled(v), x), 1).run([x])
