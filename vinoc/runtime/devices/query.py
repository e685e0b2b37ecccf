"""The answer of `Core.query_model`: nodes by their names."""

from __future__ import annotations

from collections.abc import Mapping

from ...ir.graph import Graph, Node, Value
from ..nodes.names import node_name, parameter_name, result_name


def named_nodes(graph: Graph, devices: Mapping[Node, str]) -> dict[str, str]:
    """The device of every node that has one. An input goes with what reads it, a result with what computes it."""
    found = {node_name(node): device for node, device in devices.items()}
    elsewhere = next(iter(devices.values()), None)
    for value in graph.inputs:
        device = next((devices[u] for u in value.users if u in devices), elsewhere if value.is_output else None)
        if device is not None:
            found[parameter_name(value)] = device
    for i, value in enumerate(graph.outputs):
        device = _of(value, devices, elsewhere)
        if device is not None:
            found[result_name(graph, i)] = device
    return found


def _of(value: Value, devices: Mapping[Node, str], elsewhere: str | None) -> str | None:
    return elsewhere if value.node is None else devices.get(value.node)
