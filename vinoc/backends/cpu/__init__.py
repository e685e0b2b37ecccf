"""The CPU device: kernels generated for the processor at hand.

`device` keeps plans for the shapes that come: `quantized` makes integers of what is quantized, `lowering` chooses
kernels, `engine` runs them. `kernels` are emitted and compiled by `codegen`; users' own come in by `custom`. `blob` is
a plan in a file, `report` a plan for people, beside what the machine can do (`machine`, `roofline`). `coverage` lists
what has no kernel.
"""

from .backend import CpuBackend

__all__ = ["CpuBackend"]
