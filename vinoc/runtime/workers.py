"""Threads that run requests."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from queue import SimpleQueue

Task = Callable[[], None]


class Workers:
    """Up to `count` threads, started as they are needed, that run tasks in the order in which they come.

    A thread lives until its `Workers` are gone. After a fork the child has none of them and starts its own.
    """

    def __init__(self, count: int) -> None:
        self.count = max(count, 1)
        self._began_anew()

    def _began_anew(self) -> None:
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._started = 0
        self._starting = threading.Lock()
        self._process = os.getpid()

    def run(self, task: Task) -> None:
        """Runs a task, soon."""
        if self._started < self.count or self._process != os.getpid():
            self._start()
        self._tasks.put(task)

    def _start(self) -> None:
        if self._process != os.getpid():
            self._began_anew()
        with self._starting:
            if self._started == self.count:  # another thread was faster
                return
            threading.Thread(target=_work, args=(self._tasks,), daemon=True, name="vinoc request").start()
            self._started += 1
            if self._started == 1:
                weakref.finalize(self, _stop, self._tasks, self.count)


def _work(tasks: SimpleQueue[Task | None]) -> None:
    while True:
        task = tasks.get()
        if task is None:
            return
        task()
        del task  # it holds a request, and that its model


def _stop(tasks: SimpleQueue[Task | None], count: int) -> None:
    for _ in range(count):
        tasks.put(None)
