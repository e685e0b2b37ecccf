"""A plan with addresses: what runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from time import perf_counter

import numpy as np

from ...memory import check_room
from ..codegen.library import Library
from ..lowering.packed import address_of, addresses_of, aligned, fresh
from ..lowering.plan import Array, Call, Island, Plan
from .image import Base, Image
from .islands import IslandStep, Maker, State
from .locks import Lock
from .pool import Pool

MOVING = (Base.INPUT, Base.OUTPUT)
"""What lies elsewhere in every run."""


class Program:
    """An image with addresses and an arena of its own: one run at a time."""

    def __init__(self, image: Image, library: Library, pool: Pool, make_body: Maker) -> None:
        size = image.arena_size + sum(prod(shape) * dtype.itemsize for shape, dtype in image.outputs)
        check_room(size, f"'{image.name}'")
        self.image = image
        self.pool = pool
        self.outputs = image.outputs
        self.arena_size = image.arena_size
        self.alone = image.alone
        self.arena = fresh((image.arena_size + 128,), np.uint8, np.zeros)  # pages are taken when they are touched
        self.faults = [replace(f, noted=aligned(np.zeros(2, np.int64))) for f in image.faults]
        self.words = image.words.copy()
        self._lock = Lock()
        functions = library.addresses({f.name: f.build for f in image.functions})
        bases = image.relocations[:, 1]
        moves = (bases == Base.INPUT) | (bases == Base.OUTPUT)
        self._relocate(image.relocations[~moves], functions)
        self._patches: tuple[list[tuple[int, int, int]], ...] = tuple([] for _ in MOVING)
        for word, base, which, offset in image.relocations[moves].tolist():
            self._patches[MOVING.index(base)].append((word, which, offset))
        self._words = self.words.data  # takes a word in less time than the array
        self.steps = [self._step(s, functions, make_body) for s in image.steps]
        self.timed, self.runs, self._seconds = False, 0, np.zeros(len(self.steps))
        self._addresses = [0 if isinstance(s, IslandStep) else address_of(s) for s in self.steps]
        only = self.steps[0] if len(self.steps) == 1 else None
        self._only = only if isinstance(only, np.ndarray) else None

    @property
    def plan(self) -> Plan:
        """What the schedule was made of."""
        assert self.image.plan is not None
        return self.image.plan

    def _relocate(self, relocations: Array, functions: Sequence[int]) -> None:
        """Fills in the addresses that stay."""
        starts: dict[Base, Sequence[int]] = {
            Base.ARENA: [address_of(self.arena)],
            Base.CONSTANT: addresses_of(self.image.constants),
            Base.FUNCTION: functions,
            Base.FAULT: [address_of(f.noted) for f in self.faults],
        }
        flat: list[int] = []
        first = np.zeros(len(Base), np.int64)
        for of, addresses in starts.items():
            first[of] = len(flat)
            flat += addresses
        word, base, which, offset = relocations.T
        self.words[word] = np.array(flat, np.int64)[first[base] + which] + offset

    def _step(self, step: tuple[int, int] | Island, functions: Sequence[int], make_body: Maker) -> Array | IslandStep:
        """A run of calls as a table that ends in zeros; or an island."""
        if isinstance(step, Island):
            return IslandStep(step, make_body, self.arena)
        first, last = step
        table = np.zeros((last - first + 1, 4), np.int64)
        table[:-1] = self.image.calls[first:last]
        table[:-1, 0] = np.array(functions, np.int64)[table[:-1, 0]]
        table[:-1, 1] = self.words.ctypes.data + 8 * table[:-1, 1]
        return table

    def run(self, inputs: Sequence[Array], state: State) -> list[Array]:
        """The outputs for C-contiguous inputs of the plan's shapes."""
        outputs = [np.empty(shape, dtype) for shape, dtype in self.outputs]
        with self._lock:
            self._bind(inputs, outputs)
            try:
                if self._only is not None and not self.timed:  # the usual case
                    self.pool.run(self._only, self._addresses[0], self.alone)
                else:
                    self._run_steps(inputs, outputs, state)
                self.runs += 1
            finally:
                # What a kernel found wrong comes first: an island may have failed for want of what it should have made.
                if self.faults:
                    self._check_faults()
        return outputs

    def _run_steps(self, inputs: Sequence[Array], outputs: Sequence[Array], state: State) -> None:
        for k, (step, address) in enumerate(zip(self.steps, self._addresses, strict=True)):
            began = perf_counter() if self.timed else 0.0
            if isinstance(step, IslandStep):
                step.run(inputs, outputs, state)
            else:
                self.pool.run(step, address, self.alone)
            if self.timed:
                self._seconds[k] += perf_counter() - began

    def _check_faults(self) -> None:
        """Raises the first fault that was noted; none is left for the next run."""
        noted = [fault for fault in self.faults if fault.noted[0]]
        for fault in noted:
            fault.noted[0] = 0
        if noted:
            raise noted[0].error()

    def profile(self, inputs: Sequence[Array], state: State, runs: int = 10) -> list[tuple[Call | Island, float]]:
        """The mean seconds of every step over some runs."""
        self.timed = True
        self.forget_times()
        for _ in range(runs):
            self.run(inputs, state)
        return [(step, t / self.runs) for step, t in zip(self.plan.steps, self.times(), strict=True)]

    def forget_times(self) -> None:
        self.runs = 0
        self._seconds[:] = 0
        for step in self.steps:
            if isinstance(step, np.ndarray):
                step[:, 3] = 0

    def times(self) -> list[float]:
        """The seconds of every step of the plan, all runs since times were forgotten together.

        Kernels are timed inside the schedule, by the processor's clock, whose rate is taken from the runs themselves.
        """
        tables = [(s, t) for s, t in zip(self.steps, self._seconds, strict=True) if isinstance(s, np.ndarray)]
        ticks = sum(int(s[:, 3].sum()) for s, _ in tables)
        rate = sum(t for _, t in tables) / ticks if ticks else 0.0
        out: list[float] = []
        for step, t in zip(self.steps, self._seconds, strict=True):
            out += [n * rate for n in step[:-1, 3].tolist()] if isinstance(step, np.ndarray) else [float(t)]
        return out

    @property
    def is_plain(self) -> bool:
        """Whether it is one native call, whose times nobody asks for."""
        return self._only is not None and not self.timed

    def bindings(self, *arrays: Sequence[Array]) -> list[tuple[int, int]]:
        """Words of the schedule, and the addresses that these inputs and outputs have: for `again`."""
        found = []
        for some, patches in zip(arrays, self._patches, strict=True):
            addresses = addresses_of(some)
            found += [(word, addresses[which] + offset) for word, which, offset in patches]
        return found

    def again(self, bindings: Sequence[tuple[int, int]]) -> None:
        """Runs a plain schedule on arrays whose addresses were found before."""
        assert self._only is not None
        with self._lock:
            words = self._words
            for word, address in bindings:
                words[word] = address
            self.pool.run(self._only, self._addresses[0], self.alone)
            self.runs += 1
            if self.faults:
                self._check_faults()

    def _bind(self, *arrays: Sequence[Array]) -> None:
        """Fills in the addresses of inputs and outputs."""
        words = self._words
        for some, patches in zip(arrays, self._patches):
            addresses = addresses_of(some)
            for word, which, offset in patches:
                words[word] = addresses[which] + offset
