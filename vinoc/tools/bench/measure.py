"""The loop that is measured: inferences one after the other, or as many at a time as there are requests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..inputs.fill import Feed, Queue

Request: TypeAlias = Callable[[dict[str, Any]], Any]
Tick: TypeAlias = Callable[[float], None]
"""Is told, now and then, which share of the measurement is done."""


@dataclass(frozen=True)
class Limits:
    """When to stop: after so many seconds, so many iterations, whatever comes last; multiples of `whole` are ended.

    `rate`: samples a second at most, 0 for no limit.
    """

    seconds: float = 0.0
    iterations: int = 0
    whole: int = 1
    rate: float = 0.0

    def open(self, count: int, elapsed: float) -> bool:
        """Whether another inference is to begin."""
        return bool(count < self.iterations or elapsed < self.seconds or count % self.whole)

    def share(self, count: int, elapsed: float) -> float:
        parts = [count / self.iterations] if self.iterations else []
        parts += [elapsed / self.seconds] if self.seconds else []
        return min([1.0, *parts])


@dataclass
class Measured:
    """What was found: milliseconds of every inference with its group of data shapes, and seconds of all together."""

    latencies: list[float] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    seconds: float = 0.0
    frames: int = 0

    @property
    def count(self) -> int:
        return len(self.latencies)

    @property
    def throughput(self) -> float:
        """Samples a second."""
        return self.frames / self.seconds if self.seconds else 0.0


def aligned(iterations: int, requests: int, shapes: int, asynchronous: bool) -> int:
    """Iterations rounded up, so that every request, or every shape where those are more, runs as often."""
    if not asynchronous or not iterations:
        return iterations
    step = shapes if shapes > requests else requests
    return -(-iterations // step) * step


def measure(requests: Sequence[Request], queue: Queue, limits: Limits, refill: bool, tick: Tick) -> Measured:
    """Runs the requests. `refill`: the next inputs for each inference; else each request keeps those it had first."""
    fixed = [queue.next() for _ in requests]
    loop = _Loop(queue, limits, refill)
    if len(requests) == 1:
        loop.run(requests[0], fixed[0], tick)
    else:
        _together(loop, requests, fixed, tick)
    return loop.end()


class _Loop:
    """What the threads share: how many inferences have begun, and what they took."""

    def __init__(self, queue: Queue, limits: Limits, refill: bool) -> None:
        self.queue = queue
        self.limits = limits
        self.refill = refill
        self.lock = threading.Lock()
        self.begun = 0
        self.frames = 0
        self.found: list[tuple[float, int]] = []
        self.failure: BaseException | None = None
        self.start = time.perf_counter()

    def take(self, own: Feed) -> Feed | None:
        """Inputs for the next inference; None at the end."""
        with self.lock:
            elapsed = time.perf_counter() - self.start
            if self.failure is not None or not self.limits.open(self.begun, elapsed):
                return None
            self.begun += 1
            feed = self.queue.next() if self.refill else own
            self.frames += feed.batch
            due = self.frames / self.limits.rate if self.limits.rate else 0.0
        if due > elapsed:
            time.sleep(due - elapsed)
        return feed

    def run(self, request: Request, own: Feed, tick: Tick | None = None) -> None:
        """One thread's share."""
        clock, told = time.perf_counter, self.start
        found: list[tuple[float, int]] = []
        try:
            while (feed := self.take(own)) is not None:
                began = clock()
                request(feed.arrays)
                now = clock()
                found.append(((now - began) * 1e3, feed.group))
                if tick is not None and now - told > 0.1:
                    told = now
                    tick(self.limits.share(self.begun, now - self.start))
        except BaseException as error:
            self.failure = error
        self.found += found

    def end(self) -> Measured:
        seconds = max(time.perf_counter() - self.start, time.get_clock_info("perf_counter").resolution)
        if self.failure is not None:
            raise self.failure
        return Measured([ms for ms, _ in self.found], [g for _, g in self.found], seconds, self.frames)


def _together(loop: _Loop, requests: Sequence[Request], fixed: Sequence[Feed], tick: Tick) -> None:
    """A thread for each request."""
    workers = [threading.Thread(target=loop.run, args=pair, daemon=True) for pair in zip(requests, fixed, strict=True)]
    for worker in workers:
        worker.start()
    try:
        while any(w.is_alive() for w in workers):
            workers[0].join(0.1)
            tick(loop.limits.share(loop.begun, time.perf_counter() - loop.start))
            for worker in workers[1:]:
                worker.join(0 if workers[0].is_alive() else None)
    except BaseException as error:  # an interrupt comes to this thread
        loop.failure = error
        raise
