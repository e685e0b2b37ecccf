"""Locks that a fork leaves open in the child.

Only the thread that forks lives on in the child. What others held would stay locked there for ever, so the child gets
new locks: what they guard is made anew by the next run.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, Protocol


class Forked(Protocol):
    """What has to be put right in the child of a fork."""

    def after_fork(self) -> None: ...


_known: weakref.WeakSet[Any] = weakref.WeakSet()
_registry = threading.Lock()


def watch(found: Forked) -> None:
    """`found.after_fork()` is called in the child of a fork, for as long as `found` lives."""
    with _registry:
        _known.add(found)


class Lock:
    """threading.Lock, or RLock where `again`: the thread that has it may take it once more."""

    def __init__(self, again: bool = False) -> None:
        self._make: Callable[[], Any] = threading.RLock if again else threading.Lock
        self._lock = self._make()
        watch(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        try:  # noqa: SIM105  # `suppress` takes longer than the rest of it
            self._lock.release()
        except RuntimeError:  # the thread that held it has forked, and this is the child, where it is open
            pass

    def after_fork(self) -> None:
        self._lock = self._make()


def _in_child() -> None:
    _registry.release()
    for found in list(_known):
        found.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_registry.acquire, after_in_parent=_registry.release, after_in_child=_in_child)
