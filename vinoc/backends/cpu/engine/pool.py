"""Threads that walk schedules together."""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from ....ir.errors import EvaluationError
from ..codegen.library import Library
from . import control
from .locks import Lock

_RUN = ctypes.CFUNCTYPE(None, ctypes.c_int64)
_WORK = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)


def cores() -> int:
    """Processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


class Pool:
    """`threads - 1` workers and the caller. One run at a time; `run` may be called from any thread.

    Workers are daemon threads inside one native call each, which does not hold the interpreter's lock. After a fork
    the child has none of them, so it starts its own.
    """

    def __init__(self, library: Library, threads: int) -> None:
        self.library = library
        self.threads = max(threads, 1)
        self._lock = Lock()
        run = library.address("engine_run", self.builder(library))
        work = library.address_of("engine_work")
        self._run, self._work = _RUN(run), _WORK(work)
        self._state: _State | None = None
        self._singles: list[_State] = []

    @staticmethod
    def builder(library: Library) -> Callable[[Any], None]:
        """What emits the functions that walk a schedule."""

        def build(module: Any) -> None:
            from . import runner  # needs llvmlite, and the code is in the cache as a rule

            runner.build(module, library.target)

        return build

    def run(self, table: int, alone: bool = False) -> None:
        """Walks the schedule at an address, with all threads or with the caller's alone. Returns when all is done."""
        if alone:
            single = self._singles.pop() if self._singles else _State(self._run, 1)
            single.control[control.TABLE // 8] = table
            self._run(single.address)
            self._singles.append(single)
            return
        with self._lock:
            state = self._state
            if state is None or state.process != os.getpid():
                state = self._start()
            state.control[control.TABLE // 8] = table
            self._run(state.address)

    def _start(self) -> _State:
        state = _State(self._run, self.threads)
        try:
            for index in range(1, self.threads):
                # The worker holds the state, not the pool: a pool that nobody uses can go.
                threading.Thread(target=_worker, args=(self._work, state, index, self.library), daemon=True).start()
        except RuntimeError as error:
            state.stop()
            raise EvaluationError(
                f"{self.threads - 1} worker threads are needed: {error}", help="set INFERENCE_NUM_THREADS to fewer"
            ) from error
        # Not at exit: what is called there later may still run, and the process ends its workers.
        weakref.finalize(self, state.stop).atexit = False
        self._state = state
        return state


def _worker(work: Any, state: _State, index: int, library: Library) -> None:
    work(state.address, index)


class _State:
    """The control block that threads share."""

    def __init__(self, run: Any, threads: int) -> None:
        self.process = os.getpid()
        raw = np.zeros(control.CONTROL_BYTES + control.LINE, np.uint8)
        start = -raw.ctypes.data % control.LINE
        self.control = raw[start : start + control.CONTROL_BYTES].view(np.int64)
        self.address = self.control.ctypes.data
        self.control[control.THREADS // 8] = threads
        self._empty = np.zeros(4, np.int64)
        self._run = run

    def stop(self) -> None:
        """Lets the workers return. They are woken by the beginning of a run of nothing."""
        if self.process != os.getpid():
            return
        self.control[control.STOP // 8] = 1
        # The caller must not wait for workers that do not take part any more: it walks alone.
        self.control[control.TABLE // 8] = self._empty.ctypes.data
        self._run(self.address)
