"""A plan with addresses: what runs."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from math import prod
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np

from ...memory import check_room
from ..codegen.library import Library
from ..lowering.place import Buffer, Kind, Place
from ..lowering.plan import Address, Argument, Array, Call, Island, Plan, aligned, dtype_of, shape_of
from .islands import BodyMaker, IslandStep, State
from .pool import Pool

Patch: TypeAlias = "tuple[Array, int, int]"
"""(argument block, entry, offset): takes the address of an input or output, anew for every run."""


FEW_FLOPS = 5_000_000
"""Schedules of less work run in the caller's thread: waking others takes as long."""


class Program:
    """A schedule in native form, with its own arena: one run at a time."""

    def __init__(self, plan: Plan, library: Library, pool: Pool, make_body: BodyMaker) -> None:
        self.graph = plan.graph
        self.library = library
        self.pool = pool
        self.plan = plan
        self.make_body = make_body
        self.keep: list[Any] = []
        self.patches: dict[tuple[Kind, int], list[Patch]] = {}
        self.outputs = [(shape_of(v), dtype_of(v)) for v in plan.graph.outputs]
        calls = [s for s in plan.steps if isinstance(s, Call)]
        self.alone = sum(c.flops for c in calls) < FEW_FLOPS or all(c.units == 1 for c in calls)
        self._lock = threading.Lock()
        size = plan.arena_size + sum(prod(shape) * dtype.itemsize for shape, dtype in self.outputs)
        check_room(size, f"'{plan.graph.name}'")
        self.arena = aligned(np.zeros(plan.arena_size + 64, np.uint8))
        self.faults = [replace(f, noted=aligned(f.noted.copy())) for f in plan.faults]
        self._own = {id(f.noted): mine.noted for f, mine in zip(plan.faults, self.faults, strict=True)}
        self.steps = self._link(plan)

    def _link(self, plan: Plan) -> list[Array | IslandStep]:
        """Runs of kernel calls become tables; islands stand between them."""
        steps: list[Array | IslandStep] = []
        rows: list[tuple[int, int, int, int]] = []

        def close() -> None:
            if rows:
                steps.append(np.array([*rows, (0, 0, 0, 0)], np.int64))
                rows.clear()

        for step in plan.steps:
            if isinstance(step, Island):
                close()
                steps.append(IslandStep(step, self.make_body, self.arena))
            else:
                rows.append(self._entry(step))
        close()
        return steps

    def _entry(self, call: Call) -> tuple[int, int, int, int]:
        kernel = call.kernel
        address = self.library.address(kernel.name, lambda m: kernel.build(m, self.library.target))
        block = kernel.block(**{name: self._value(v) for name, v in call.args.items()})
        self.keep.append(block)
        for name, value in call.args.items():
            if isinstance(value, Place) and value.buffer.kind in (Kind.INPUT, Kind.OUTPUT):
                key = (value.buffer.kind, value.buffer.index)
                self.patches.setdefault(key, []).append((block, kernel.args.index(name), value.offset))
        return address, block.ctypes.data, call.units, 0

    def _value(self, value: Argument) -> int:
        if isinstance(value, Place):
            return self._address(value.buffer) + value.offset
        if isinstance(value, Address):
            return self.library.address(value.name, value.build)
        if isinstance(value, np.ndarray):
            value = self._own.get(id(value), value)
            self.keep.append(value)
            return value.ctypes.data
        return int(value)

    def _address(self, buffer: Buffer) -> int:
        """Where a buffer begins; 0 for those that every run brings anew."""
        if buffer.kind is Kind.ARENA:
            return self.arena.ctypes.data + buffer.start
        if buffer.kind is Kind.CONSTANT:
            assert buffer.array is not None
            self.keep.append(buffer.array)
            return buffer.array.ctypes.data
        return 0

    def run(self, inputs: Sequence[Array], state: State) -> list[Array]:
        """The outputs for C-contiguous inputs of the plan's shapes."""
        outputs = [np.empty(shape, dtype) for shape, dtype in self.outputs]
        with self._lock:
            self._bind(Kind.INPUT, inputs)
            self._bind(Kind.OUTPUT, outputs)
            try:
                for step in self.steps:
                    if isinstance(step, np.ndarray):
                        self.pool.run(step.ctypes.data, self.alone)
                    else:
                        step.run(inputs, outputs, state)
            finally:
                # What a kernel found wrong comes first: an island may have failed for want of what it should have made.
                self._check_faults()
        return outputs

    def _check_faults(self) -> None:
        """Raises the first fault that was noted; none is left for the next run."""
        noted = [fault for fault in self.faults if fault.noted[0]]
        for fault in noted:
            fault.noted[0] = 0
        if noted:
            raise noted[0].error()

    def profile(self, inputs: Sequence[Array], state: State, runs: int = 10) -> list[tuple[Call | Island, float]]:
        """The mean seconds of every step over some runs.

        Kernels are timed inside the schedule, by the processor's clock, whose rate is taken from the runs themselves.
        """
        outputs = [np.empty(shape, dtype) for shape, dtype in self.outputs]
        seconds = np.zeros(len(self.steps))
        self._clear()
        with self._lock:
            self._bind(Kind.INPUT, inputs)
            self._bind(Kind.OUTPUT, outputs)
            for _ in range(runs):
                for k, step in enumerate(self.steps):
                    began = perf_counter()
                    if isinstance(step, np.ndarray):
                        self.pool.run(step.ctypes.data, self.alone)
                    else:
                        step.run(inputs, outputs, state)
                    seconds[k] += perf_counter() - began
        return list(zip(self.plan.steps, self._spread(seconds / runs), strict=True))

    def _clear(self) -> None:
        for step in self.steps:
            if isinstance(step, np.ndarray):
                step[:, 3] = 0

    def _spread(self, seconds: Array) -> list[float]:
        """The time of each step of the plan, from that of the tables and the ticks within."""
        tables = [(s, t) for s, t in zip(self.steps, seconds, strict=True) if isinstance(s, np.ndarray)]
        ticks = sum(int(s[:, 3].sum()) for s, _ in tables)
        rate = sum(t for _, t in tables) / ticks if ticks else 0.0
        out: list[float] = []
        for step, t in zip(self.steps, seconds, strict=True):
            out += [n * rate for n in step[:-1, 3].tolist()] if isinstance(step, np.ndarray) else [float(t)]
        return out

    def _bind(self, kind: Kind, arrays: Sequence[Array]) -> None:
        for i, array in enumerate(arrays):
            for block, entry, offset in self.patches.get((kind, i), ()):
                block[entry] = array.ctypes.data + offset
