"""Requests that come at about the same time, run as one batch."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

import numpy as np

from ...backends.cpu.engine.locks import watch
from ..engines import Engine

Alone = Callable[[Sequence[Any]], list[Any]]
"""Runs one request without others."""


class _Gathering:
    """Requests that will run together: inputs and, later, results or the error of each."""

    def __init__(self, timeout: int) -> None:
        self.until = monotonic() + timeout / 1000
        self.requests: list[tuple[Sequence[Any], Alone]] = []
        self.results: list[list[Any] | Exception] = []
        self.closed = False
        self.done = False


class Gatherer:
    """Requests come in threads of their own. The one that fills a batch runs it, the others wait for it.

    The first waits no longer than `timeout` milliseconds for others, and runs then what there is.
    """

    def __init__(
        self,
        start: Callable[[], Engine],
        size: int,
        input_axes: Sequence[int],
        output_axes: Sequence[int],
        timeout: int,
    ) -> None:
        self._start = start
        self._size = size
        self._axes = list(input_axes), list(output_axes)
        self.timeout = timeout
        self._engines: list[Engine] = []
        self.after_fork()
        watch(self)

    def after_fork(self) -> None:
        """The threads that had come are not in the child."""
        self._changed = threading.Condition()
        self._open: _Gathering | None = None

    def run(self, inputs: Sequence[Any], alone: Alone) -> list[Any]:
        """The results of one request. Raises what running it raises."""
        if self._size == 1:
            return alone(inputs)
        with self._changed:
            batch = self._open
            if batch is None:
                batch = self._open = _Gathering(self.timeout)
            place = len(batch.requests)
            batch.requests.append((inputs, alone))
            runs = self._is_mine(batch, place)
        if runs:
            self._run(batch)
        result = batch.results[place]
        if isinstance(result, Exception):
            raise result
        return result

    def _is_mine(self, batch: _Gathering, place: int) -> bool:
        """Whether who waits here is to run the batch; else it has been run on return."""
        if len(batch.requests) == self._size:
            self._close(batch)
            self._changed.notify_all()
            return True
        if place == 0:
            self._changed.wait_for(lambda: batch.closed, max(batch.until - monotonic(), 0))
            if not batch.closed:
                self._close(batch)
                return True
        self._changed.wait_for(lambda: batch.done)
        return False

    def _close(self, batch: _Gathering) -> None:
        batch.closed = True
        self._open = None

    def _run(self, batch: _Gathering) -> None:
        try:
            batch.results = self._computed(batch.requests)
        finally:
            with self._changed:
                batch.done = True
                self._changed.notify_all()

    def _computed(self, requests: Sequence[tuple[Sequence[Any], Alone]]) -> list[list[Any] | Exception]:
        """Results or errors. More than half a batch is filled up and runs as one; less runs one by one, and so does a
        batch that fails, for the error to be that of the request whose it is."""
        if 2 * len(requests) > self._size:
            try:
                return list(self._together([inputs for inputs, _ in requests]))
            except Exception:  # each tells its own below
                pass
        return [_outcome(inputs, alone) for inputs, alone in requests]

    def _together(self, inputs: list[Sequence[Any]]) -> list[list[Any]]:
        filled = [*inputs, *[inputs[-1]] * (self._size - len(inputs))]
        ins, outs = self._axes
        joined = [np.concatenate(column, axis) for column, axis in zip(zip(*filled, strict=True), ins, strict=True)]
        engine = self._engine()
        try:
            results = engine.run(joined)
        finally:
            self._engines.append(engine)
        columns = [np.split(r, self._size, axis) for r, axis in zip(results, outs, strict=True)]
        return [[column[i] for column in columns] for i in range(len(inputs))]

    def _engine(self) -> Engine:
        """One that is free: an engine does one run at a time."""
        try:
            return self._engines.pop()
        except IndexError:
            return self._start()


def _outcome(inputs: Sequence[Any], alone: Alone) -> list[Any] | Exception:
    try:
        return alone(inputs)
    except Exception as error:
        return error
