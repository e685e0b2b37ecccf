"""The engine with kernels of NEON, which qemu runs."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import Any

import llvmlite.binding as llvm
import pytest

from vinoc.backends.cpu.codegen import compile, library, parallel, target
from vinoc.backends.cpu.engine import control, pool

from .. import checked
from .process import CODE, CODE_BYTES, Process


class Placed:
    """Code that lies where the emulated process finds it."""

    def __init__(self, code: Iterable[bytes | memoryview]) -> None:
        self.functions = emulated().place(code)

    def address(self, name: str) -> int:
        return self.functions[name]


@cache
def emulated() -> Process:
    return Process()


def install(patch: pytest.MonkeyPatch, name: str = "") -> None:
    """From here on, executables for targets of ARM run; and a target is this machine's, if one is named.

    One thread does all, whatever it is planned for.
    """
    link = library.Library._link

    def linked(self: library.Library, code: Mapping[str, bytes | memoryview]) -> dict[str, int]:
        if not self.target.triple.startswith("aarch64"):
            return link(self, code)
        held: Any = Placed(code.values())
        self._held.append(held)
        return {name: held.address(name) for name in code}

    patch.setattr(library.Library, "_link", linked)
    patch.setattr(compile, "_prepare", _prepare)
    patch.setattr(parallel, "helpers", lambda: 0)
    patch.setattr(pool, "_RUN", partial(_runner, pool._RUN))
    patch.setattr(pool, "_WORK", partial(_worker, pool._WORK))
    patch.setattr(checked, "KERNEL_TYPE", lambda address: partial(emulated().call, address))
    if name:
        chosen = target.TARGETS[name]
        _replace(patch, target.host, lambda: chosen)
        _replace(patch, target._machine, lambda: (set(chosen.features.replace("+", "").split(",")), chosen.triple))


def _replace(patch: pytest.MonkeyPatch, old: Callable[..., Any], new: Callable[..., Any]) -> None:
    """A function in all modules that have it."""
    for module in [m for m in sys.modules.values() if getattr(m, old.__name__, None) is old]:
        patch.setattr(module, old.__name__, new)


@cache
def _prepare() -> None:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()


def _is_here(address: int) -> bool:
    return not CODE <= address < CODE + CODE_BYTES


def _runner(native: Any, address: int) -> Any:
    if _is_here(address):
        return native(address)

    def run(block: int, table: int) -> None:
        ctypes.c_int64.from_address(block + control.THREADS).value = 1
        emulated().call(address, block, table)

    return run


def _worker(native: Any, address: int) -> Any:
    return native(address) if _is_here(address) else lambda block, thread: None
