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


def repeated(node: Node, operands: Sequence[Any], program_for: Callable[..., Any]) -> list[Any] | None:
    """The results of a loop; None where its body is no single schedule, has other shapes in the next iteration, or
    never runs."""
    op: Any = node.op
    ports = [
        _Port(*port)
        for port in zip(
            op.body_from, op.slice_axis, op.slice_start, op.slice_end, op.slice_stride, op.slice_part, op.back_edge,
            strict=True,
        )
    ]  # fmt: skip
    limit = _limit(node, operands, ports)
    if not limit:
        return None
    arguments = [_first(operands, port) for port in ports]
    program = program_for([a.shape for a in arguments])
    if type(program) is not Program or not program.is_plain or not _stays(program, arguments, ports):
        return None
    sets = [[np.empty(shape, dtype) for shape, dtype in program.outputs] for _ in range(2)]
    later = [[a if p.back < 0 else made[p.back] for a, p in zip(arguments, ports, strict=True)] for made in sets]
    first, *turns = [program.bindings(arguments, sets[0])] + [program.bindings(later[i], sets[1 - i]) for i in (0, 1)]
    joined = [(s, axis, stride) for s, axis, stride in zip(op.out_from, op.out_axis, op.out_stride, strict=True)]
    parts: list[list[Array]] = [[] for _ in joined]
    stays = op.condition_output if node.kind == "Loop" else -1
    moving = [(a, p) for a, p in zip(arguments, ports, strict=True) if p.source < 0 or p.axis >= 0]
    made, i = sets[0], 0
    program.again(first)
    while True:
        for (source, axis, _), some in zip(joined, parts, strict=True):
            if axis >= 0:
                some.append(made[source].copy())
        i += 1
        if i == limit or (stays >= 0 and not made[stays].item()):
            break
        for argument, port in moving:
            argument[...] = i if port.source < 0 else _part(operands, port, i)
        program.again(turns[(i - 1) % 2])
        made = sets[i % 2]
    return [
        made[source] if axis < 0 else np.concatenate(some if stride > 0 else some[::-1], axis)
        for (source, axis, stride), some in zip(joined, parts, strict=True)
    ]


def _limit(node: Node, operands: Sequence[Any], ports: Sequence[_Port]) -> int:
    """How often the loop runs at most, -1 for no limit; 0 where it does not, or what it slices differs in length."""
    trips = -1
    if node.kind == "Loop":
        trips = max(int(operands[0].item()), -1) if operands[1].item() else 0
    sliced = [p for p in ports if p.source >= 0 and p.axis >= 0]
    counts = {slice_count(operands[p.source].shape[p.axis], p.start, p.end, p.stride, p.part) for p in sliced}
    if len(counts) > 1:
        return 0
    return min([n for n in (trips, *counts) if n >= 0], default=-1)


def _first(operands: Sequence[Any], port: _Port) -> Array:
    """What an input of the body is in the first iteration; memory of its own, where it changes from then on."""
    if port.source < 0:
        return np.zeros((), np.int64)
    if port.axis >= 0:
        return np.array(_part(operands, port, 0), order="C")
    return np.asarray(operands[port.source], order="C")


def _part(operands: Sequence[Any], port: _Port, i: int) -> Array:
    return take_part(operands[port.source], i, port.axis, port.start, port.stride, port.part)


def _stays(program: Program, arguments: Sequence[Array], ports: Sequence[_Port]) -> bool:
    """Whether all states keep their types."""
    pairs = [(a, program.outputs[p.back]) for a, p in zip(arguments, ports, strict=True) if p.back >= 0]
    return all(a.shape == shape and a.dtype == dtype for a, (shape, dtype) in pairs)
