"""Minimum cuts are those of networkx."""

from __future__ import annotations

from math import inf

import networkx
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.tools.quantize.algorithms.minimum_cut import side_of

NODES = st.integers(0, 7)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.tuples(NODES, NODES).filter(lambda pair: pair[0] != pair[1]), st.integers(0, 9)))
def test_cuts_are_those_of_networkx(edges: dict[tuple[int, int], int]) -> None:
    network: networkx.DiGraph[int] = networkx.DiGraph()
    network.add_nodes_from((0, 7))
    capacities: dict[int, dict[int, float]] = {}
    for (start, end), capacity in edges.items():
        network.add_edge(start, end, capacity=capacity)
        capacities.setdefault(start, {})[end] = float(capacity)
    value, (side, _) = networkx.minimum_cut(network, 0, 7)
    found = side_of(0, 7, capacities)
    assert found == side
    assert sum(c for (a, b), c in edges.items() if a in found and b not in found) == value


def test_what_is_infinite_stays_together() -> None:
    capacities = {"s": {"a": 5.0, "b": 1.0}, "a": {"b": inf, "t": 2.0}, "b": {"t": 9.0}}
    assert side_of("s", "t", capacities) == {"s"}
    capacities["b"]["t"] = 3.0
    assert side_of("s", "t", capacities) == {"s", "a", "b"}


def test_nothing_is_cut_where_nothing_leads() -> None:
    assert side_of("s", "t", {"s": {"a": 1.0}, "b": {"t": 1.0}}) == {"s", "a"}
