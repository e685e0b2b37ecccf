"""A kernel whose machine code comes from elsewhere: its address is the first argument.

It is called with the same block and range of units as any kernel.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..codegen.emit import KERNEL, Emitter
from .base import Arguments, Kernel

FUNCTION, NOTED = "function", "noted"
FIRST = 2
"""What stands in the block before the arguments of the function: its address, and where it notes a fault."""


def _emit(e: Emitter, a: Arguments) -> None:
    e.b.call(e.b.inttoptr(a.function, KERNEL.as_pointer()), list(e.function.args))


def foreign(name: str, args: Sequence[str]) -> Kernel:
    """A kernel under a name of its own, for plans and profiles."""
    return Kernel(name, (FUNCTION, NOTED, *args), _emit)
