"""An operation with its kernel for the CPU device. vinoc imports this module when it looks operations up."""

import numpy as np

from vinoc.backends.cpu.custom import cpu_kernel
from vinoc.ir.op import Op, op


@op(internal=True)
class Staircase(Op):
    """floor(x / step) * step"""

    step: float = 1.0

    def infer(self, x):
        return x.type

    def evaluate(self, x):
        return np.floor(x / x.dtype.type(self.step)) * x.dtype.type(self.step)


@cpu_kernel(Staircase)
def staircase(x, y, step):
    """One thread computes all: it has no `begin` and `end`."""
    for i, v in enumerate(x.flat):
        y.flat[i] = np.floor(v / step) * step
