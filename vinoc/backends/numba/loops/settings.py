"""What all loops are compiled with."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FunctionType

import numpy as np
from numba import get_num_threads, njit

# Compiled code is kept on disk where numba can find it again, which it does by the module's name: where that is the
# file's own.
CACHED = __name__ in ("__main__", Path(__file__).stem) and __name__ in sys.modules

# Multiplications and additions that one thread does before others would be awake.
LITTLE = 500_000

# As many as numba was told to use (NUMBA_NUM_THREADS), or one a core.
THREADS = get_num_threads()


def threads_for(operations: int) -> int:
    """How many threads a loop with so many operations has."""
    return THREADS if operations > LITTLE else 1


def tasks_of(threads: int, count: int) -> int:
    """Into how many tasks so many equal pieces of work are put: each needs some memory of its own."""
    return 1 if threads == 1 else min(count, 4 * threads)


# What only loops call: without the code that takes Python's objects.
compiled = njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
inlined = njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True)


@inlined
def share(task, tasks, count):
    """The first of `count` pieces of work that a task does, and the one behind its last."""
    return np.int64(task) * count // tasks, (np.int64(task) + 1) * count // tasks


def kept(function, parallel):
    """A compiled function, whose code is kept on disk where that may be: beside the module, or in the user's cache."""
    try:
        return njit(parallel=parallel, cache=CACHED, error_model="numpy")(function)
    except RuntimeError:  # neither can be written to, which numba says at once
        return njit(parallel=parallel, error_model="numpy")(function)


def loop(function):
    """A function with loops over tasks, compiled for several threads, and for one, without what starts others.

    It is called with the number of threads in front of its arguments.
    """
    alone = FunctionType(function.__code__, function.__globals__, f"{function.__name__}_alone")
    alone.__module__ = function.__module__
    together, alone = kept(function, True), kept(alone, False)

    def run(threads, *arguments):
        (alone if threads == 1 else together)(*arguments)

    run.compiled = alone, together  # type: ignore[attr-defined]
    return run
