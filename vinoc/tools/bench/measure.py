"""The loop that is measured: inferences one after the other, or as many at a time as there are requests."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ...runtime.queue import AsyncInferQueue
from ..inputs.fill import Feed, Queue

Infer: TypeAlias = Callable[[dict[str, Any]], Any]
Tick: TypeAlias = Callable[[float], None]
"""Is told, now and then, which share of the measurement is done."""

TICK = 0.25
"""Seconds between two of them."""


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


def measure_sync(infer: Infer, queue: Queue, limits: Limits, refill: bool, tick: Tick) -> Measured:
    """One inference after the other. `refill`: the next inputs for each; else those of the first."""
    loop = _Loop(queue, limits, refill, tick, alone=True)
    own = queue.next()
    clock = time.perf_counter
    while (feed := loop.take(own)) is not None:
        began = clock()
        infer(feed.arrays)
        loop.found.append(((clock() - began) * 1e3, feed.group))
    return loop.end()


def measure_async(jobs: AsyncInferQueue, queue: Queue, limits: Limits, refill: bool, tick: Tick) -> Measured:
    """As many at a time as the queue has requests; a latency is what the request tells. `refill`: the next inputs for
    each; else every request keeps those that it had first."""
    loop = _Loop(queue, limits, refill, tick)
    own = [queue.next() for _ in range(len(jobs))]
    jobs.set_callback(lambda request, group: loop.found.append((request.latency, group)))
    while (feed := loop.take(own[jobs.get_idle_request_id()])) is not None:
        jobs.start_async(feed.arrays, feed.group, share_inputs=True)
    jobs.wait_all()
    return loop.end()


class _Loop:
    """Counts what has begun, and keeps what was found: milliseconds with their groups."""

    def __init__(self, queue: Queue, limits: Limits, refill: bool, tick: Tick, alone: bool = False) -> None:
        """`alone`: nothing runs between two inferences, so that the time of `tick` is none of the measurement."""
        self.queue = queue
        self.limits = limits
        self.refill = refill
        self.tick = tick
        self.alone = alone
        self.begun = 0
        self.frames = 0
        self.found: list[tuple[float, int]] = []
        self.start = self.told = time.perf_counter()

    def take(self, own: Feed) -> Feed | None:
        """Inputs for the next inference; None at the end."""
        now = time.perf_counter()
        elapsed = now - self.start
        if now - self.told > TICK:
            self.told = now
            self.tick(self.limits.share(self.begun, elapsed))
            if self.alone:
                self.start += time.perf_counter() - now
        if not self.limits.open(self.begun, elapsed):
            return None
        if self.limits.rate and (late := self.frames / self.limits.rate - elapsed) > 0:
            time.sleep(late)
        feed = self.queue.next() if self.refill else own
        self.begun += 1
        self.frames += feed.batch
        return feed

    def end(self) -> Measured:
        seconds = max(time.perf_counter() - self.start, time.get_clock_info("perf_counter").resolution)
        return Measured([ms for ms, _ in self.found], [g for _, g in self.found], seconds, self.frames)
