"""Kernels of users: a numba function that computes an operation on the CPU device.

    @cpu_kernel(Bump)
    def bump(x, y, alpha, begin, end):
        for i in range(begin, end):
            ...

The first parameters are the inputs and then the outputs of a node, as row-major arrays; outputs are written in place.
Parameters behind them are named: attributes of the operation come as constants, and `begin` and `end` are the range of
units that a thread computes. Without these two a node is computed by one thread.

Such a kernel is a step of the schedule like any other: the engine calls its machine code, no Python runs. This module
declares; numba is imported when a model has the operation (`numba_ops.py`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from ...ir.errors import UsageError
from ...ir.fields import attributes_of
from ...ir.op import Op, op_class
from .coverage import has_kernel

RANGE = ("begin", "end")

F = TypeVar("F", bound=Callable[..., Any])
Units = Callable[..., int]

_KERNELS: dict[str, UserKernel] = {}


@dataclass(frozen=True)
class UserKernel:
    """A function for a kind of nodes.

    arrays      how many parameters are arrays
    names       the parameters behind: attributes, `begin`, `end`
    units       units of work of a node: units(op, *shapes of inputs and outputs); None: rows of the first output
    flops       floating point operations of a node, likewise; small models run in one thread
    """

    kind: str
    function: Callable[..., Any]
    arrays: int
    names: tuple[str, ...]
    units: Units | None
    flops: Units | None

    @property
    def plain(self) -> Callable[..., Any]:
        """The Python function, where numba has compiled it already."""
        return getattr(self.function, "py_func", self.function)

    @property
    def name(self) -> str:
        return self.plain.__name__

    @property
    def origin(self) -> str:
        code = self.plain.__code__
        return f"{code.co_filename}:{code.co_firstlineno}"


def cpu_kernel(operation: type[Op] | str, units: Units | None = None, flops: Units | None = None) -> Callable[[F], F]:
    """Declares a function the CPU kernel of an operation: its class, or its name.

    Raises UsageError for parameters that say nothing, and for operations that have a kernel.
    """
    cls = op_class(operation) if isinstance(operation, str) else operation

    def declare(function: F) -> F:
        _enter(_kernel(cls, function, units, flops))
        return function

    return declare


def _kernel(cls: type[Op], function: Callable[..., Any], units: Units | None, flops: Units | None) -> UserKernel:
    parameters = list(inspect.signature(getattr(function, "py_func", function)).parameters)
    if cls.n_bodies:
        raise UsageError(f"operation '{cls.kind}' has bodies: a CPU kernel takes arrays alone")
    known = {*RANGE, *(a.name for a in attributes_of(cls))}
    named = [p for p in parameters if p in known]
    if parameters[len(parameters) - len(named) :] != named:
        raise UsageError(
            f"the kernel '{function.__name__}' of '{cls.kind}' takes ({', '.join(parameters)})",
            help="inputs and outputs come first, then attributes of the operation, `begin` and `end`",
        )
    if len({*RANGE} & {*named}) == 1:
        raise UsageError(f"the kernel '{function.__name__}' of '{cls.kind}' takes one of `begin` and `end`, not both")
    return UserKernel(cls.kind, function, len(parameters) - len(named), tuple(named), units, flops)


def _enter(made: UserKernel) -> None:
    other = _KERNELS.get(made.kind)
    if other is None:
        if has_kernel(made.kind):
            raise UsageError(
                f"operation '{made.kind}' has a CPU kernel of vinoc's own",
                made.origin,
                "declare an operation under another name",
            )
        from .lowering.plan import lowers
        from .numba_ops import lower

        lowers(made.kind)(lower)
    elif other.origin != made.origin:
        raise UsageError(
            f"operation '{made.kind}' has two CPU kernels: {other.origin} and {made.origin}", help="drop one of the two"
        )
    _KERNELS[made.kind] = made


def user_kernel(kind: str) -> UserKernel | None:
    """The kernel that users have declared for a kind of nodes."""
    return _KERNELS.get(kind)


def declared_in(module: str) -> list[str]:
    """The operations for which a module has declared a kernel."""
    return sorted(kind for kind, kernel in _KERNELS.items() if kernel.plain.__module__ == module)
