"""Running bodies: branches and loops. A body is a callable, a list of arrays -> a list of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .array import Array

Body = Callable[[list[Any]], list[Any]]


def branch(
    inputs: Sequence[Any], bodies: Sequence[Body], then_inputs: Sequence[int], else_inputs: Sequence[int]
) -> tuple[Any, ...]:
    """The outputs of the first body where inputs[0] is true, else of the second."""
    taken = bool(inputs[0].item())
    body, chosen = (bodies[0], then_inputs) if taken else (bodies[1], else_inputs)
    return tuple(body([inputs[i] for i in chosen]))


def slice_count(size: Any, start: int, end: int, stride: int, part: int) -> Any:
    """How many parts a dimension is cut into. Both ends belong to the range, negative ones count from the back."""
    first = start if start >= 0 else size + start
    last = end if end >= 0 else size + end
    length = last - first + 1 if stride > 0 else first - last + 1
    if abs(stride) == part:
        return length // part
    return (length - part) // abs(stride) + 1


def take_part(data: Array, i: int, axis: int, start: int, stride: int, part: int) -> Array:
    """The part of iteration i; with a negative stride parts are taken from the back, their elements in order."""
    first = start if start >= 0 else data.shape[axis] + start
    low = first + i * stride if stride > 0 else first + i * stride - part + 1
    return data[(slice(None),) * (axis % data.ndim) + (slice(low, low + part),)]


def loop(
    inputs: Sequence[Any],
    body: Body,
    trips: int,
    go_on: bool,
    condition_output: int,
    ports: Sequence[Sequence[int]],
    outputs: Sequence[Sequence[int]],
) -> tuple[Any, ...]:
    """Runs a body again and again.

    trips: how often at most, -1 for no limit; sliced inputs are a limit too. condition_output: which output of the
    body says whether to go on, -1 for none. ports, one for each input of the body: (node input or -1 for the number
    of the iteration, slice axis or -1, start, end, stride, part, output of the body that feeds it from the second
    iteration on or -1). outputs, one for each result: (output of the body, axis to concatenate along or -1, stride).
    """
    limit = _limit(inputs, trips, ports)
    state = [None if port[0] < 0 else inputs[port[0]] for port in ports]
    collected: list[list[Any]] = [[] for _ in outputs]
    results: list[Any] | None = None
    i = 0
    while go_on and i != limit:
        results = body(_arguments(state, i, ports))
        for parts, (source, axis, _) in zip(collected, outputs):
            if axis >= 0:
                parts.append(results[source])
        for k, port in enumerate(ports):
            if port[-1] >= 0:
                state[k] = results[port[-1]]
        if condition_output >= 0:
            go_on = bool(results[condition_output].item())
        i += 1
    if results is None:
        return _never_ran(state, body, ports, outputs)
    out = []
    for parts, (source, axis, stride) in zip(collected, outputs):
        if axis < 0:
            out.append(results[source])
        else:
            out.append(np.concatenate(parts if stride > 0 else parts[::-1], axis))
    return tuple(out)


def _limit(inputs: Sequence[Any], trips: int, ports: Sequence[Sequence[int]]) -> int:
    """How often a loop runs at most, -1 for no limit."""
    counts = [
        slice_count(inputs[source].shape[axis], start, end, stride, part)
        for source, axis, start, end, stride, part, _ in ports
        if axis >= 0
    ]
    if len(set(counts)) > 1:
        raise ValueError(f"the sliced inputs of a loop have {counts} parts")
    if not counts:
        return max(trips, -1)
    return int(counts[0] if trips < 0 else min(trips, counts[0]))


def _arguments(state: Sequence[Any], i: int, ports: Sequence[Sequence[int]]) -> list[Any]:
    out = []
    for value, (source, axis, start, _, stride, part, _) in zip(state, ports):
        if source < 0:
            out.append(np.array(i, np.int64))
        elif axis >= 0:
            out.append(take_part(value, i, axis, start, stride, part))
        else:
            out.append(value)
    return out


def _never_ran(
    state: Sequence[Any], body: Body, ports: Sequence[Sequence[int]], outputs: Sequence[Sequence[int]]
) -> tuple[Any, ...]:
    """The results of a loop without iterations: initial values of what it carries, concatenations of nothing.

    For the types of what is concatenated the body runs once, on the initial values and zeros for slices. What is
    neither carried nor concatenated has no value of its own: it is that run's.
    """
    carried = {port[-1]: value for port, value in zip(ports, state) if port[-1] >= 0}
    sample: list[Any] = []
    if not all(source in carried and axis < 0 for source, axis, _ in outputs):
        arguments = []
        for value, (source, axis, _, _, _, part, _) in zip(state, ports):
            if source < 0:
                arguments.append(np.array(0, np.int64))
            elif axis >= 0:
                arguments.append(np.zeros((*value.shape[:axis], part, *value.shape[axis + 1 :]), value.dtype))
            else:
                arguments.append(value)
        sample = body(arguments)
    out = []
    for source, axis, _ in outputs:
        if axis >= 0:
            out.append(np.take(sample[source], np.zeros(0, np.int64), axis))
        else:
            out.append(carried[source] if source in carried else sample[source])
    return tuple(out)
