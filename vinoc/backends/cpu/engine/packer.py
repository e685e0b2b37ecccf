"""Runs kernels at once, while a plan is made: constants are packed by generated code."""

from __future__ import annotations

import numpy as np

from ..codegen.library import Library
from ..kernels.base import Kernel
from ..lowering.packed import Array, address_of
from .pool import Pool

FEW_BYTES = 1 << 20
"""Of constants and what is made of them: the caller packs so few alone, since to wake other threads takes as long."""


class Packer:
    """Calls one kernel over all of its units, as a schedule of one entry.

    few   bytes of its arrays below which the caller's thread runs it alone
    """

    def __init__(self, library: Library, pool: Pool, few: int = 0) -> None:
        self.library = library
        self.pool = pool
        self.few = few

    def __call__(self, kernel: Kernel, units: int, **args: int | Array) -> None:
        """Arrays stand for their addresses."""
        if units <= 0:
            return
        address = self.library.address(kernel.name, lambda m: kernel.build(m, self.library.target))
        values = {k: address_of(v) if isinstance(v, np.ndarray) else v for k, v in args.items()}
        block = kernel.block(**values)
        table = np.array([address, address_of(block), units, 0, 0, 0, 0, 0], np.int64)
        size = sum([v.nbytes for v in args.values() if isinstance(v, np.ndarray)])
        self.pool.run(table, address_of(table), alone=size < self.few)
