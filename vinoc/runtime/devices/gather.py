"""Requests that come at about the same time, run as one batch."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

import numpy as np

from ...backends.cpu.engine.locks import watch
from ..engines import End, Engine
from ..workers import Workers

Alone = Callable[[Sequence[Any]], list[Any]]
"""Runs one request without others."""

Result = list[Any] | Exception


class _Request:
    """What a request brings: inputs, how it runs alone, and who is told of its end."""

    __slots__ = ("alone", "end", "inputs")

    def __init__(self, inputs: Sequence[Any], alone: Alone, end: End) -> None:
        self.inputs, self.alone, self.end = inputs, alone, end


class _Gathering:
    """Requests that will run together."""

    def __init__(self, timeout: int) -> None:
        self.until = monotonic() + timeout / 1000
        self.requests: list[_Request] = []
        self.full = threading.Event()


class Gatherer:
    """A batch has a thread, from its first request on: it waits until the batch is full, or for `timeout` milliseconds,
    runs it, and tells every request of its end."""

    def __init__(
        self,
        start: Callable[[], Engine],
        size: int,
        input_axes: Sequence[int],
        output_axes: Sequence[int],
        timeout: int,
        at_once: int = 1,
    ) -> None:
        """`at_once`: how many batches the device computes at a time."""
        self._start = start
        self._size = size
        self._axes = list(input_axes), list(output_axes)
        self.timeout = timeout
        self._engines: list[Engine] = []
        self._workers = Workers(at_once)
        self.after_fork()
        watch(self)

    def after_fork(self) -> None:
        """The threads that had come are not in the child."""
        self._lock = threading.Lock()
        self._open: _Gathering | None = None

    def submit(self, inputs: Sequence[Any], alone: Alone, end: End) -> None:
        """Adds a request; `end` gets its results, or what went wrong."""
        with self._lock:
            batch = self._open
            is_first = batch is None
            if batch is None:
                batch = self._open = _Gathering(self.timeout)
            batch.requests.append(_Request(inputs, alone, end))
            is_full = len(batch.requests) == self._size
            if is_full:
                self._open = None
        if is_full:
            batch.full.set()
        if is_first:
            self._workers.run(lambda: self._lead(batch))

    def run(self, inputs: Sequence[Any], alone: Alone) -> list[Any]:
        """The results of one request. Raises what running it raises."""
        ended = threading.Event()
        found: list[tuple[list[Any], BaseException | None]] = []

        def end(results: list[Any], error: BaseException | None) -> None:
            found.append((results, error))
            ended.set()

        self.submit(inputs, alone, end)
        ended.wait()
        (results, error), *_ = found
        if error is not None:
            raise error
        return results

    def _lead(self, batch: _Gathering) -> None:
        """Waits for others, closes the batch and runs it."""
        if not batch.full.wait(max(batch.until - monotonic(), 0)):
            with self._lock:
                if self._open is batch:
                    self._open = None
        for request, result in zip(batch.requests, self._computed(batch.requests), strict=True):
            if isinstance(result, Exception):
                request.end([], result)
            else:
                request.end(result, None)

    def _computed(self, requests: Sequence[_Request]) -> list[Result]:
        """Results or errors. More than half a batch is filled up and runs as one; less runs one by one, and so does a
        batch that fails, for the error to be that of the request whose it is."""
        if 2 * len(requests) > self._size:
            try:
                return list(self._together([r.inputs for r in requests]))
            except Exception:  # each tells its own below
                pass
        return [_outcome(r) for r in requests]

    def _together(self, inputs: list[Sequence[Any]]) -> list[list[Any]]:
        filled = [*inputs, *[inputs[-1]] * (self._size - len(inputs))]
        ins, outs = self._axes
        joined = [np.concatenate(column, axis) for column, axis in zip(zip(*filled, strict=True), ins, strict=True)]
        engine = self._engine()
        try:
            results = engine.run(joined)
        finally:
            self._engines.append(engine)
        columns = [_cut(r, self._size, axis) for r, axis in zip(results, outs, strict=True)]
        return [[column[i] for column in columns] for i in range(len(inputs))]

    def _engine(self) -> Engine:
        """One that is free: an engine does one run at a time."""
        try:
            return self._engines.pop()
        except IndexError:
            return self._start()


def _cut(array: Any, count: int, axis: int) -> list[Any]:
    """The samples of a batch: views, that have nothing in common."""
    if axis == 0 and len(array) == count:
        return [array[i : i + 1] for i in range(count)]
    return np.split(array, count, axis)


def _outcome(request: _Request) -> Result:
    try:
        return request.alone(request.inputs)
    except Exception as error:
        return error
