"""What a kernel is: a name, the names of its arguments, and the code that emits it."""

from __future__ import annotations

from collections.abc import Callable
from ctypes import c_float, c_int32
from dataclasses import field
from typing import TYPE_CHECKING, Any

import numpy as np

from ....ir.record import record

if TYPE_CHECKING:
    from llvmlite import ir

    from ..codegen.emit import Emitter
    from ..codegen.target import Target


class Arguments:
    """The argument block inside a kernel: each entry is loaded where it is first asked for."""

    def __init__(self, e: Emitter, names: tuple[str, ...]) -> None:
        self._e = e
        self._values = {name: e.arg(i) for i, name in enumerate(names)}

    def __getattr__(self, name: str) -> Any:
        return self._values[name]


@record(frozen=True)
class Kernel:
    """A generated function `void name(i64* args, i64 begin, i64 end)`.

    args       what stands in the argument block, in order: addresses, sizes, strides in bytes
    emit       writes the body
    """

    name: str
    args: tuple[str, ...]
    emit: Callable[[Emitter, Arguments], None] = field(compare=False)

    def build(self, module: ir.Module, target: Target) -> None:
        """Emits the function into a module."""
        from ..codegen.emit import Emitter

        e = Emitter(module, self.name, target)
        self.emit(e, Arguments(e, self.args))
        e.finish()

    def block(self, **values: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        """An argument block. Raises KeyError for a missing argument, TypeError for one too many."""
        if len(values) > len(self.args):
            raise TypeError(f"{self.name} has no argument {sorted(set(values) - set(self.args))}")
        return np.array([values[name] for name in self.args], np.int64)


def f32_bits(x: float) -> int:
    """A float as it stands in an argument block."""
    return c_int32.from_buffer(c_float(x)).value
