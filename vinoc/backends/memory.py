"""How much memory there is, asked before a great deal of it is taken.

A system that promises more than it has ends the process when the promise falls due. So whatever is large is compared
with what is available, and refused with an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from math import prod
from pathlib import Path

from ..ir.errors import EvaluationError
from ..ir.types import TensorType, Type, static_shape

LARGE = 1 << 28
"""Bytes. Less than that is not looked at: to ask takes longer than to compute many an operation."""

_MEMORY = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")


def available() -> int | None:
    """Bytes that this process may still take; None where the system does not say."""
    found = [n for n in (_of_machine(), _of_group()) if n is not None]
    return min(found, default=None)


def check_room(size: int, what: str) -> None:
    """Raises EvaluationError where so many bytes are more than there are."""
    if size < LARGE:
        return
    room = available()
    if room is not None and size > room:
        raise EvaluationError(
            f"{what} would take {_text(size)}, {_text(room)} are available",
            help="check the numbers that sizes are computed from, and the shapes of the inputs",
        )


def bytes_of(types: Iterable[Type]) -> int:
    """What tensors of static types take together; others count nothing."""
    total = 0
    for t in types:
        shape = static_shape(t.shape) if isinstance(t, TensorType) else None
        if shape is not None:
            total += prod(shape) * t.dtype.numpy.itemsize  # type: ignore[union-attr]  # it is a tensor's
    return total


def _of_machine() -> int | None:
    with suppress(OSError, ValueError):
        for line in _MEMORY.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _of_group() -> int | None:
    """What is left of the limit of the control group: files that are only cached are given up when need be."""
    with suppress(OSError, ValueError):
        limit = (_GROUP / "memory.max").read_text().strip()
        if limit == "max":
            return None
        used = int((_GROUP / "memory.current").read_text())
        stat = dict(line.split() for line in (_GROUP / "memory.stat").read_text().splitlines())
        return max(int(limit) - used + int(stat.get("inactive_file", 0)), 0)
    return None


def _text(size: int) -> str:
    number = float(size)
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if number < 1024 or unit == "PiB":
            break
        number /= 1024
    return f"{number:.3g} {unit}"
