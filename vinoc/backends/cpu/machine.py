"""What this machine can do at most, measured once and kept beside the kernels."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from time import perf_counter
from typing import Any

import numpy as np

from .codegen.library import Library
from .engine.packer import Packer
from .engine.pool import Pool
from .kernels.roof import ROOF_FMA, ROOF_READ, STEPS
from .lowering.packed import fresh

SMALL, LARGE = 128 * 1024, 128 * 1024 * 1024
"""Bytes that a thread finds in its own cache, and that no cache holds."""

PART = 64 * 1024
ROUNDS = 15
"""Of which the fastest counts: the machine has other work, too."""


@dataclass(frozen=True)
class Machine:
    """Limits of so many threads together.

    flops       floating point operations a second, f32, a multiply-add being two
    memory      bytes a second, read from memory
    cache       bytes a second, read from the threads' own caches
    last_level  bytes that the last cache holds
    """

    threads: int
    flops: float
    memory: float
    cache: float
    last_level: int


@cache
def machine(library: Library, threads: int) -> Machine:
    """The limits of this machine; measured, in half a second, where they are not known."""
    import llvmlite.binding as llvm

    processor = f"{llvm.get_host_cpu_name()}-{os.cpu_count()}"
    file = library.folder / f"limits-{processor}-{library.target.name}-{threads}.json"
    with suppress(OSError, ValueError, TypeError):
        return Machine(**json.loads(file.read_text()))
    found = _measure(library, threads)
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(asdict(found)))
        temporary.replace(file)
    return found


def _measure(library: Library, threads: int) -> Machine:
    run = Packer(library, Pool(library, threads))
    target = library.target
    units = 4 * threads
    results = fresh((max(units, LARGE // PART), target.lanes))
    work = units * STEPS * target.rows * target.vectors * target.lanes * 2
    numbers = np.array([0.999, 0.001], np.float32)
    flops = work / _fastest(lambda: run(ROOF_FMA, units, numbers=numbers, results=results))
    data = fresh((LARGE // 4,))
    data.fill(1.0)
    read = {"data": data, "results": results}
    memory = LARGE / _fastest(lambda: run(ROOF_READ, LARGE // PART, part=PART, times=1, **read))
    cache = 64 * SMALL * threads / _fastest(lambda: run(ROOF_READ, threads, part=SMALL, times=64, **read))
    return Machine(threads, flops, memory, max(cache, memory), last_level())


def _fastest(run: Callable[[], Any]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = perf_counter()
        run()
        times.append(perf_counter() - began)
    return min(times)


def last_level() -> int:
    """Bytes of the last cache, or 32 MiB where the system does not say."""
    for name in ("SC_LEVEL3_CACHE_SIZE", "SC_LEVEL2_CACHE_SIZE"):
        with suppress(OSError, ValueError, AttributeError):
            size = os.sysconf(name)
            if size > 0:
                return size
    return 32 << 20
