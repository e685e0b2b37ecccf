"""How many processors there are for this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from math import ceil
from pathlib import Path

SYSTEM = Path("/sys/devices/system/cpu")
GROUPS = Path("/sys/fs/cgroup")
MEMBER = Path("/proc/self/cgroup")


def processors() -> set[int]:
    """Those that this process is bound to."""
    try:
        return os.sched_getaffinity(0)
    except AttributeError:  # not on every system
        return set(range(os.cpu_count() or 1))


def cores() -> int:
    """How many threads compute at a time: one a core, and no more than the control group has time for.

    Hyper-threads share the units that multiply, and the caches: two of one core are no faster than one. A container is
    often given the time of a few processors of all that it sees; more threads than these would be stopped for a while
    again and again, each time with others waiting.
    """
    mine = processors()
    found = len({_core(n) for n in mine})
    return max(min([found, *(ceil(n) for n in _quotas())]), 1)


def _core(processor: int) -> str:
    """The processors of one core, as text; the same for all of them."""
    try:
        return (SYSTEM / f"cpu{processor}" / "topology" / "thread_siblings_list").read_text()
    except OSError:  # no Linux, or no such folder in a sandbox
        return str(processor)


def _quotas() -> Iterator[float]:
    """Processors' worth of time that control groups around this process allow."""
    with suppress(OSError, ValueError):
        for line in MEMBER.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                yield from _limits(GROUPS, path, _second)
            elif "cpu" in controllers.split(","):
                yield from _limits(GROUPS / controllers, path, _first)
                yield from _limits(GROUPS / "cpu", path, _first)


def _limits(root: Path, path: str, read: Callable[[Path], float | None]) -> Iterator[float]:
    """The limits of a group and of those above it. A container may be told a path that only its host has."""
    inside = [p for p in Path(path.lstrip("/")).parts if p != ".."]
    for depth in range(len(inside), -1, -1):
        with suppress(OSError, ValueError):
            limit = read(root.joinpath(*inside[:depth]))
            if limit:
                yield limit


def _second(folder: Path) -> float | None:
    """Of a group of version 2."""
    quota, period = (folder / "cpu.max").read_text().split()
    return None if quota == "max" else int(quota) / int(period)


def _first(folder: Path) -> float | None:
    """Of a group of version 1."""
    quota = int((folder / "cpu.cfs_quota_us").read_text())
    return None if quota <= 0 else quota / int((folder / "cpu.cfs_period_us").read_text())
