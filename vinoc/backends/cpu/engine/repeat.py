"""Loops whose body is one schedule: iterations take turns with two sets of buffers, whose addresses are found once.

What an iteration leaves to the next one lies in one set, and it writes into the other. So little but the call of the
schedule is left of an iteration.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ....ir.graph import Node
from ....ir.kernels.loops import slice_count, take_part
from ....ir.record import record
from ..lowering.plan import Array
from .program import Program


@record()
class _Port:
    """Where an input of the body comes from: an input of the loop, the iteration's number (-1), what an output left."""

    source: int
    axis: int
    start: int
    end: int
    stride: int
    part: int
    back: int


class Repeated:
    """A loop, and what gives the schedule of its body for arguments of given shapes."""

    def __init__(self, node: Node, program_for: Callable[[list[tuple[int, ...]]], Any]) -> None:
        op: Any = node.op
        self.is_loop = node.kind == "Loop"
        self.program_for = program_for
        inside = (op.body_from, op.slice_axis, op.slice_start, op.slice_end, op.slice_stride, op.slice_part)
        self.ports = [_Port(*port) for port in zip(*inside, op.back_edge, strict=True)]
        self.sliced = [p for p in self.ports if p.source >= 0 and p.axis >= 0]
        self.outs = list(zip(op.out_from, op.out_axis, op.out_stride, strict=True))
        self.joined = [source for source, axis, _ in self.outs if axis >= 0]
        self.stays = op.condition_output if self.is_loop else -1

    def run(self, operands: Sequence[Any]) -> list[Any] | None:
        """The results; None where the body is no single schedule, has other shapes in the next iteration, or never
        runs."""
        limit = self._limit(operands)
        if not limit:
            return None
        arguments = [_first(operands, port) for port in self.ports]
        program = self.program_for([a.shape for a in arguments])
        if type(program) is not Program or not program.is_plain or not self._keeps_types(program, arguments):
            return None
        sets = [[np.empty(shape, dtype) for shape, dtype in program.outputs] for _ in range(2)]
        program.again(program.bindings(arguments, sets[0]))
        moving = [(a, p) for a, p in zip(arguments, self.ports, strict=True) if p.source < 0 or p.axis >= 0]
        turns: list[list[tuple[int, int]]] = []
        parts: list[list[Array]] = [[] for _ in self.joined]
        made, i = sets[0], 1
        while True:
            for source, some in zip(self.joined, parts, strict=True):
                some.append(made[source].copy())
            if i == limit or (self.stays >= 0 and not made[self.stays].item()):
                return self._results(made, parts)
            for argument, port in moving:
                argument[...] = i if port.source < 0 else _part(operands, port, i)
            if len(turns) < 2:
                later = [a if p.back < 0 else made[p.back] for a, p in zip(arguments, self.ports, strict=True)]
                turns.append(program.bindings(later, sets[i % 2]))
            program.again(turns[(i - 1) % 2])
            made = sets[i % 2]
            i += 1

    def _limit(self, operands: Sequence[Any]) -> int:
        """How often it runs at most, -1 for no limit; 0 where it does not, or what it slices differs in length."""
        trips = -1
        if self.is_loop:
            trips = max(int(operands[0].item()), -1) if operands[1].item() else 0
        counts = {slice_count(operands[p.source].shape[p.axis], p.start, p.end, p.stride, p.part) for p in self.sliced}
        if len(counts) > 1:
            return 0
        return min([n for n in (trips, *counts) if n >= 0], default=-1)

    def _keeps_types(self, program: Program, arguments: Sequence[Array]) -> bool:
        """Whether all states are in the next iteration what they are in this one."""
        pairs = [(a, program.outputs[p.back]) for a, p in zip(arguments, self.ports, strict=True) if p.back >= 0]
        return all(a.shape == shape and a.dtype == dtype for a, (shape, dtype) in pairs)

    def _results(self, made: Sequence[Array], parts: Sequence[list[Array]]) -> list[Any]:
        found = iter(parts)
        return [
            made[source] if axis < 0 else np.concatenate(next(found)[:: 1 if stride > 0 else -1], axis)
            for source, axis, stride in self.outs
        ]


def _first(operands: Sequence[Any], port: _Port) -> Array:
    """What an input of the body is in the first iteration; memory of its own, where it changes from then on."""
    if port.source < 0:
        return np.zeros((), np.int64)
    if port.axis >= 0:
        return np.array(_part(operands, port, 0), order="C")
    return np.asarray(operands[port.source], order="C")


def _part(operands: Sequence[Any], port: _Port, i: int) -> Array:
    return take_part(operands[port.source], i, port.axis, port.start, port.stride, port.part)
