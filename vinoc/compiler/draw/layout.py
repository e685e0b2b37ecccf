"""Where the boxes of a picture stand: layer by layer, as data flows, with few crossings.

The steps are those of Sugiyama, Tagawa & Toda, "Methods for visual understanding of hierarchical system structures"
(IEEE Trans. SMC 11, 1981): layers by the longest path, a chain of bends for an edge that passes layers, orders by
barycentres in sweeps down and up, places by averages of neighbours that keep the order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

import networkx

Box: TypeAlias = int
Point: TypeAlias = tuple[float, float]

GAP_X, GAP_Y = 26.0, 38.0
BEND = 14.0
"""The width that a passing edge takes."""

SWEEPS = 10


@dataclass(slots=True)
class Layout:
    """The centre of each box, the points of each edge from its first box to its last, and the size of the whole."""

    centre: dict[Box, Point] = field(default_factory=dict)
    path: dict[tuple[Box, Box], list[Point]] = field(default_factory=dict)
    width: float = 0.0
    height: float = 0.0


def layered(size: Mapping[Box, tuple[float, float]], edges: Iterable[tuple[Box, Box]]) -> Layout:
    """Places boxes of given width and height, from top to bottom. Edges must not form a cycle."""
    if not size:
        return Layout()
    graph: networkx.DiGraph[Box] = networkx.DiGraph()
    graph.add_nodes_from(size)
    graph.add_edges_from(edges)
    return _Layers(graph, dict(size)).layout()


class _Layers:
    def __init__(self, graph: networkx.DiGraph[Box], size: dict[Box, tuple[float, float]]) -> None:
        self.size = size
        self.graph = graph
        self.chains: dict[tuple[Box, Box], list[Box]] = {}
        self.level = _levels(graph)
        self.links: networkx.DiGraph[Box] = networkx.DiGraph()
        self._bend()
        self.rows: list[list[Box]] = [[] for _ in range(1 + max(self.level.values()))]
        for box in networkx.lexicographical_topological_sort(self.links, key=lambda b: (self.level[b], b)):
            self.rows[self.level[box]].append(box)

    def _bend(self) -> None:
        """Cuts edges that pass layers into links from one layer to the next; bends have numbers below zero."""
        self.links.add_nodes_from(self.graph)
        bends = -1
        for a, b in self.graph.edges:
            chain = [a]
            for level in range(self.level[a] + 1, self.level[b]):
                self.level[bends] = level
                self.size[bends] = BEND, 0.0
                chain.append(bends)
                bends -= 1
            chain.append(b)
            self.chains[a, b] = chain
            self.links.add_edges_from(pairwise(chain))

    def layout(self) -> Layout:
        self._order()
        x = self._columns()
        out = Layout()
        y = 0.0
        middle: dict[Box, float] = {}
        top: dict[Box, float] = {}
        for row in self.rows:
            height = max(self.size[b][1] for b in row)
            for box in row:
                top[box] = y
                middle[box] = y + height - self.size[box][1] / 2  # what leaves them is told in the gap below
            y += height + GAP_Y
        left = min(x[b] - self.size[b][0] / 2 for b in x)
        out.centre = {b: (x[b] - left, middle[b]) for b in self.graph}
        out.width = max(x[b] + self.size[b][0] / 2 for b in x) - left
        out.height = y - GAP_Y
        for (a, b), chain in self.chains.items():
            passed = [(x[c] - left, y) for c in chain[1:-1] for y in (top[c], middle[c])]  # straight through a row
            out.path[a, b] = [out.centre[a], *passed, out.centre[b]]
        return out

    def _order(self) -> None:
        """Sweeps down and up; the order with the fewest crossings that was seen stays."""
        best, fewest = [list(r) for r in self.rows], self._crossings()
        for sweep in range(SWEEPS):
            if not fewest:
                break
            down = sweep % 2 == 0
            rows = self.rows[1:] if down else self.rows[-2::-1]
            near = self.links.predecessors if down else self.links.successors
            for row in rows:
                at = {b: i for r in self.rows for i, b in enumerate(r)}
                if sweep % 4 > 1:
                    row.reverse()  # those with equal means change places
                row.sort(key=lambda b: _mean([at[n] for n in near(b)], at[b]))
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(r) for r in self.rows], crossings
        self.rows = best

    def _crossings(self) -> int:
        count = 0
        for upper, lower in pairwise(self.rows):
            at = {b: i for i, b in enumerate(lower)}
            ends = [at[n] for b in upper for n in sorted(self.links.successors(b), key=at.__getitem__)]
            count += sum(a > b for i, a in enumerate(ends) for b in ends[i + 1 :])
        return count

    def _columns(self) -> dict[Box, float]:
        """Horizontal centres: each row packed, then drawn towards its neighbours in turn."""
        x: dict[Box, float] = {}
        for row in self.rows:
            right = 0.0
            for box in row:
                x[box] = right + self.size[box][0] / 2
                right += self.size[box][0] + GAP_X
        for sweep in range(2 * SWEEPS):
            down = sweep % 2 == 0
            near = self.links.predecessors if down else self.links.successors
            for row in self.rows if down else reversed(self.rows):
                wish = [_mean([x[n] for n in near(b)], x[b]) for b in row]
                x.update(zip(row, self._spread(row, wish)))
        return x

    def _spread(self, row: Sequence[Box], wish: Sequence[float]) -> list[float]:
        """The places nearest to the wishes that keep the order and the gaps: pooling of adjacent violators.

        With o_i the least distance of box i from the first, places are o_i plus a rising sequence, and the rising
        sequence nearest to wish_i - o_i by squares has the mean of each run of violators (Barlow et al., "Statistical
        inference under order restrictions", 1972).
        """
        offset = [0.0]
        for a, b in pairwise(row):
            offset.append(offset[-1] + (self.size[a][0] + self.size[b][0]) / 2 + GAP_X)
        runs: list[tuple[float, int]] = []  # mean, count
        for w, o in zip(wish, offset):
            mean, count = w - o, 1
            while runs and runs[-1][0] > mean:
                m, n = runs.pop()
                mean, count = (mean * count + m * n) / (count + n), count + n
            runs.append((mean, count))
        flat = [mean for mean, count in runs for _ in range(count)]
        return [f + o for f, o in zip(flat, offset)]


def _levels(graph: networkx.DiGraph[Box]) -> dict[Box, int]:
    """The layer of each box: the longest path to it; what nothing leads to stands just above its first reader."""
    level = {b: i for i, boxes in enumerate(networkx.topological_generations(graph)) for b in boxes}
    for box in graph:
        readers = [level[n] for n in graph.successors(box)]
        if readers and not graph.in_degree(box):
            level[box] = min(readers) - 1
    return level


def _mean(numbers: Sequence[float], otherwise: float) -> float:
    return sum(numbers) / len(numbers) if numbers else otherwise
