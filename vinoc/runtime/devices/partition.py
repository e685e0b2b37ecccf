"""Dividing a graph between devices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import networkx

from ...ir.constant import Constant
from ...ir.errors import VerificationError
from ...ir.graph import Graph, Node, Value


@dataclass(frozen=True)
class Part:
    """Nodes of one device that run without a break.

    inputs   what they read of other parts and of the graph's inputs; constants are copied instead
    outputs  what others, or the graph's outputs, read of them
    """

    device: str
    nodes: tuple[Node, ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]


def partition(graph: Graph, devices: Mapping[Node, str]) -> list[Part]:
    """The parts of a graph, in an order in which they can run.

    Every node has a level: 0, or the highest of what it reads, plus 1 where that is on another device. Nodes of one
    device and one level are a part. An edge between two parts goes from a level to a higher one, so no part waits for
    another that waits for it. Constants are in no part.
    """
    levels: dict[Node, int] = {}
    members: dict[tuple[int, str], list[Node]] = {}
    for node in graph:
        if type(node.op) is Constant:
            continue
        device = devices[node]
        before = [v.node for v in node.inputs if v is not None and v.node in levels]
        levels[node] = max((levels[n] + (devices[n] != device) for n in before if n is not None), default=0)
        members.setdefault((levels[node], device), []).append(node)
    return [_part(graph, device, members[level, device]) for level, device in _ordered(graph, devices, levels)]


def _ordered(graph: Graph, devices: Mapping[Node, str], levels: Mapping[Node, int]) -> list[tuple[int, str]]:
    """The parts in topological order. Raises VerificationError where there is none, which cannot be."""
    quotient: networkx.DiGraph[tuple[int, str]] = networkx.DiGraph()
    nodes: networkx.MultiDiGraph[Any] = graph.to_networkx()
    quotient.add_nodes_from(dict.fromkeys((level, devices[n]) for n, level in levels.items()))
    for a, b in nodes.edges():
        if a in levels and b in levels:
            ends = (levels[a], devices[a]), (levels[b], devices[b])
            if ends[0] != ends[1]:
                quotient.add_edge(*ends)
    try:
        return list(networkx.lexicographical_topological_sort(quotient))
    except networkx.NetworkXUnfeasible as error:
        raise VerificationError("the parts of a divided graph wait for each other", graph.name) from error


def _part(graph: Graph, device: str, nodes: list[Node]) -> Part:
    inside = set(nodes)
    read = dict.fromkeys(v for n in nodes for v in n.inputs if v is not None)
    made = [v for n in nodes for v in n.outputs]
    return Part(
        device,
        tuple(nodes),
        tuple(v for v in read if v.node not in inside and not v.is_const),
        tuple(v for v in made if any(o is graph or o not in inside for o, _ in v.uses)),
    )
