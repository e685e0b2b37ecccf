"""The division of a network in two that cuts the least capacity (Dinic 1970)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from itertools import pairwise
from typing import TypeVar

N = TypeVar("N", bound=Hashable)


def side_of(source: N, sink: N, capacities: Mapping[N, Mapping[N, float]]) -> set[N]:
    """The nodes on the side of the source, as many as can be on it. Capacities may be infinite, but no way is so from
    end to end."""
    rest: dict[N, dict[N, float]] = {source: {}, sink: {}}
    for start, ends in capacities.items():
        for end, capacity in ends.items():
            rest.setdefault(start, {}).setdefault(end, 0.0)
            rest.setdefault(end, {}).setdefault(start, 0.0)
            rest[start][end] += capacity
    while source in (steps := _steps_to(sink, rest)):
        _fill(source, sink, rest, steps)
    return rest.keys() - steps.keys()


def _steps_to(sink: N, rest: Mapping[N, Mapping[N, float]]) -> dict[N, int]:
    """How many steps each node that has a way to the sink is away from it."""
    found, front = {sink: 0}, [sink]
    for here in front:
        for start in rest[here]:
            if start not in found and rest[start][here] > 0:
                found[start] = found[here] + 1
                front.append(start)
    return found


def _fill(source: N, sink: N, rest: dict[N, dict[N, float]], steps: Mapping[N, int]) -> None:
    """Sends all that shortest ways hold."""
    ways = {n: [end for end in rest[n] if steps.get(end) == steps[n] - 1] for n in steps}
    path = [source]
    while path:
        here = path[-1]
        if here == sink:
            amount = min(rest[a][b] for a, b in pairwise(path))
            for a, b in pairwise(path):
                rest[a][b] -= amount
                rest[b][a] += amount
            full = next(i for i, (a, b) in enumerate(pairwise(path)) if rest[a][b] <= 0)
            del path[full + 1 :]
            continue
        while ways[here] and rest[here][ways[here][-1]] <= 0:
            ways[here].pop()
        if ways[here]:
            path.append(ways[here][-1])
        else:
            path.pop()
            if path:
                ways[path[-1]].pop()
