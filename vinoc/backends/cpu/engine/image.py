"""A plan as data: a table of calls, one run of argument words, and the addresses that are filled in when it is loaded.

It is what all streams of a model share, and what a blob file holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from functools import partial
from typing import Any

import numpy as np

from ....ir.record import record
from ..lowering.place import Buffer, Kind, Place
from ..lowering.plan import Address, Argument, Array, Call, Fault, Island, Plan, dtype_of, shape_of

FEW_FLOPS = 5_000_000
"""Schedules of less work run in the caller's thread: waking others takes as long."""


class Base(IntEnum):
    """What an argument points into."""

    ARENA = 0
    CONSTANT = 1
    INPUT = 2
    OUTPUT = 3
    FUNCTION = 4
    FAULT = 5


BASES = {Kind.ARENA: Base.ARENA, Kind.CONSTANT: Base.CONSTANT, Kind.INPUT: Base.INPUT, Kind.OUTPUT: Base.OUTPUT}


@record()
class Image:
    """A schedule without addresses.

    calls        [calls, 4]: function, first argument word, units of work, 0
    words        the arguments of all calls
    relocations  [n, 4]: word, a Base, which one of those, offset in bytes; the word becomes the address of the two
    functions    the generated functions that `calls` and relocations count
    constants    the arrays that relocations count
    faults       places that kernels note a fault of the data in
    steps        (first, last) call of a run of calls, or an island between two of them
    outputs      shapes and dtypes
    alone        whether there is too little work for several threads
    name         of the model
    plan         what the image was made of, for reports; None where it was read from a file
    """

    calls: Array
    words: Array
    relocations: Array
    functions: list[Address]
    constants: list[Array]
    faults: list[Fault]
    steps: list[tuple[int, int] | Island]
    arena_size: int
    outputs: list[tuple[tuple[int, ...], np.dtype[Any]]]
    alone: bool
    name: str
    plan: Plan | None = None

    @staticmethod
    def of(plan: Plan) -> Image:
        """The image of a plan."""
        return _Maker(plan).image()


class _Maker:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.calls: list[tuple[int, int, int, int]] = []
        self.words: list[Any] = []
        self.relocations: list[tuple[int, int, int, int]] = []
        self.functions: dict[str, tuple[int, Address]] = {}
        self.constants: dict[int, tuple[int, Array]] = {}
        self.faults = {id(f.noted): i for i, f in enumerate(plan.faults)}

    def image(self) -> Image:
        plan = self.plan
        steps = list(self.steps())
        calls = [s for s in plan.steps if isinstance(s, Call)]
        return Image(
            np.array(self.calls, np.int64).reshape(-1, 4),
            np.array(self.words, np.int64),
            np.array(self.relocations, np.int64).reshape(-1, 4),
            [f for _, f in self.functions.values()],
            [c for _, c in self.constants.values()],
            plan.faults,
            steps,
            plan.arena_size,
            [(shape_of(v), dtype_of(v)) for v in plan.graph.outputs],
            sum(c.flops or c.cost for c in calls) < FEW_FLOPS or all(c.units == 1 for c in calls),
            plan.graph.name,
            plan,
        )

    def steps(self) -> Iterator[tuple[int, int] | Island]:
        first = 0
        for step in self.plan.steps:
            if isinstance(step, Call):
                self.call(step)
                continue
            if first < len(self.calls):
                yield first, len(self.calls)
            yield step
            first = len(self.calls)
        if first < len(self.calls):
            yield first, len(self.calls)

    def call(self, call: Call) -> None:
        kernel, args = call.kernel, call.args
        if len(args) != len(kernel.args) or not all(map(args.__contains__, kernel.args)):
            wrong = args.keys() ^ kernel.args
            raise TypeError(f"{kernel.name}: arguments {sorted(wrong)} are missing, or not its own")
        if kernel.name not in self.functions:
            self.function(Address(kernel.name, partial(_build, kernel, self.plan.target)))
        first = len(self.words)
        self.calls.append((self.functions[kernel.name][0], first, call.units, 0))
        self.words += map(args.__getitem__, kernel.args)
        for name in sorted(call.addresses, key=kernel.args.index):
            word = first + kernel.args.index(name)
            self.words[word] = self.word(word, call.addresses[name])

    def word(self, word: int, value: Argument) -> int:
        """What stands in a word until it becomes an address; a number, where it is one of NumPy's."""
        if isinstance(value, Place):
            where = (BASES[value.buffer.kind], *self.located(value.buffer, value.offset))
        elif isinstance(value, Address):
            where = (Base.FUNCTION, self.function(value), 0)
        elif not isinstance(value, np.ndarray):
            return int(value)
        elif id(value) in self.faults:
            where = (Base.FAULT, self.faults[id(value)], 0)
        else:
            where = (Base.CONSTANT, self.constant(value), 0)
        self.relocations.append((word, *where))
        return 0

    def located(self, buffer: Buffer, offset: int) -> tuple[int, int]:
        """Which of what its base counts, and the offset in that."""
        if buffer.kind is Kind.ARENA:
            return 0, buffer.start + offset
        if buffer.kind is Kind.CONSTANT:
            assert buffer.array is not None
            return self.constant(buffer.array), offset
        return buffer.index, offset

    def function(self, address: Address) -> int:
        return self.functions.setdefault(address.name, (len(self.functions), address))[0]

    def constant(self, array: Array) -> int:
        return self.constants.setdefault(id(array), (len(self.constants), array))[0]


def _build(kernel: Any, target: Any, module: Any) -> None:
    kernel.build(module, target)
