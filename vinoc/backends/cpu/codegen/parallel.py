"""Compiling several modules at once, by processes: LLVM's Python binding lets one thread in at a time.

This process writes the modules as text, and compiles as well. Helpers start where there is enough to do, take what
takes longest first, and end with the call; where none can be started this process does all of it.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Condition, Thread
from typing import TYPE_CHECKING

from ..cores import cores
from .compile import emitted, text_of
from .target import Target

if TYPE_CHECKING:
    from llvmlite import ir

ENOUGH = 1 << 19
"""Characters of modules that take longer to compile than a helper to start."""

MOST = 3
"""Helpers, at most."""

SERVE = f"from {__name__} import serve; serve()"


def object_codes(builds: Mapping[str, Callable[[ir.Module], None]], target: Target) -> dict[str, bytes]:
    """The object code of modules, by the names of their functions."""
    work = _Work(target)
    try:
        for name, build in builds.items():
            work.add(name, text_of(name, build, target))
        work.complete()
        while (job := work.take()) is not None:
            work.found[job[0]] = emitted(job[1], target)
    except BaseException:
        work.drop()
        raise
    finally:
        work.end()
    return work.found


class _Work:
    """Modules that wait, and the threads that give them to helpers, one each."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.found: dict[str, bytes] = {}
        self.waiting: list[tuple[str, str]] = []
        self.changed = Condition()
        self.is_complete = False
        self.seen = 0
        self.threads: list[Thread] = []

    def add(self, name: str, text: str) -> None:
        with self.changed:
            self.waiting.append((name, text))
            self.waiting.sort(key=lambda job: len(job[1]))
            self.changed.notify()
        self.seen += len(text)
        if self.seen >= ENOUGH * (len(self.threads) + 1) and len(self.threads) < helpers():
            self.threads.append(Thread(target=self.help, daemon=True))
            self.threads[-1].start()

    def take(self) -> tuple[str, str] | None:
        """The longest module that waits, or that comes; None where no more will."""
        with self.changed:
            self.changed.wait_for(lambda: self.waiting or self.is_complete)
            return self.waiting.pop() if self.waiting else None

    def complete(self) -> None:
        """No more modules come."""
        with self.changed:
            self.is_complete = True
            self.changed.notify_all()

    def drop(self) -> None:
        """What waits is not wanted any more."""
        with self.changed:
            self.waiting.clear()

    def end(self) -> None:
        """Waits for the helpers, which finish what they have; then for nothing that they gave back is left."""
        self.complete()
        for thread in self.threads:
            thread.join()
        for name, text in self.waiting:
            self.found[name] = emitted(text, self.target)
        self.waiting = []

    def help(self) -> None:
        """Gives modules to a helper of its own. A helper that fails gives its module back."""
        job = None
        with suppress(OSError, EOFError, pickle.UnpicklingError):
            environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            process = subprocess.Popen(
                [sys.executable, "-c", SERVE],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
            )  # fmt: skip
            with process:
                assert process.stdin is not None
                assert process.stdout is not None
                while (job := self.take()) is not None:
                    pickle.dump((job[1], self.target), process.stdin)
                    process.stdin.flush()
                    self.found[job[0]] = pickle.load(process.stdout)
                    job = None
        if job is not None:
            with self.changed:
                self.waiting.append(job)


def helpers() -> int:
    """How many processors this process may use beside the one that it has, up to MOST."""
    if not sys.executable or getattr(sys, "frozen", False):  # no Python that could be started
        return 0
    return min(cores() - 1, MOST)


def serve() -> None:
    """A helper: compiles the modules that come over its standard input until that ends."""
    out = sys.stdout.buffer
    with suppress(EOFError):
        while True:
            text, target = pickle.load(sys.stdin.buffer)
            pickle.dump(emitted(text, target), out)
            out.flush()
