"""An operation of one's own: what it means, how ONNX spells it, and its kernel for the CPU device."""

import numpy as np

from vinoc.backends.cpu.custom import cpu_kernel
from vinoc.compiler.frontends.onnx.registry import converter
from vinoc.ir.op import Op, op


@op(internal=True)
class RunningMax(Op):
    """y[i, j] = max(low, x[i, 0], ..., x[i, j])"""

    low: float = 0.0

    def infer(self, x):
        return x.type

    def evaluate(self, x):
        return np.maximum(np.maximum.accumulate(x, axis=1), x.dtype.type(self.low))


@converter("RunningMax", domain="org.example")
def running_max_of_onnx(ctx):
    """The operation of that name."""
    return ctx.b.RunningMax(ctx.input(0), low=ctx.attr("low", 0.0))


@cpu_kernel(RunningMax)
def running_max(x, y, low, begin, end):
    """Compiled by numba; threads share the rows of y."""
    for i in range(begin, end):
        best = low
        for j in range(x.shape[1]):
            best = np.maximum(best, x[i, j])
            y[i, j] = best
