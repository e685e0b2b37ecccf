"""Threads that walk schedules together."""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from ....ir.errors import EvaluationError
from ..codegen.library import Library
from . import control
from .locks import Lock

_RUN = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)
_WORK = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)

Table: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]


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

    def run(self, table: Table, address: int, alone: bool = False) -> None:
        """Walks a schedule, which lies at an address, with all threads or with the caller's alone. Returns when all is
        done."""
        if alone:
            single = self._singles.pop() if self._singles else _State(self._run, 1)
            self._run(single.address, address)
            self._singles.append(single)
            return
        with self._lock:
            state = self._state
            if state is None or state.process != os.getpid():
                state = self._start()
            if table is not state.tables[-1]:
                state.keep(table)
            self._run(state.address, address)

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
    """The control block that threads share, and the tables that workers may still read: one may be late."""

    def __init__(self, run: Any, threads: int) -> None:
        self.process = os.getpid()
        size = control.control_bytes(threads)
        raw = np.zeros(size + control.LINE, np.uint8)
        start = -raw.ctypes.data % control.LINE
        words: Table = raw[start : start + size].view(np.int64)
        self.address = words.ctypes.data
        words[control.THREADS // 8] = threads
        words[control.NEXT // 8] = 1  # the notes of a new block are of entry 0
        self._words = words
        self._reads = words[(control.TAKEN + control.READS) // 8 :: control.LINE // 8]
        self.tables: list[Table] = [np.zeros(1, np.int64)]
        self._run = run

    def keep(self, table: Table) -> None:
        """Keeps the table of the next run; lets go of those before the last one that no worker reads."""
        *old, last = self.tables
        if old:
            read = self._reads.tolist()
            old = [t for t in old if t.ctypes.data in read]
        self.tables = [*old, last, table]

    def stop(self) -> None:
        """Lets the workers return. They are woken by the beginning of a run of nothing."""
        if self.process != os.getpid():
            return
        self._words[control.STOP // 8] = 1
        nothing = np.zeros(1, np.int64)
        self.keep(nothing)
        self._run(self.address, nothing.ctypes.data)
