"""The answer of `Core.query_model`: nodes by their names."""

from __future__ import annotations

from collections.abc import Mapping

from ...backends.openvino.naming import Unique, layer_names
from ...ir.graph import Graph, Node, Value


def named_nodes(graph: Graph, devices: Mapping[Node, str]) -> dict[str, str]:
    """The device of every node that has one. An input goes with what reads it, a result with what computes it."""
    names = layer_names(graph, Unique())
    found = {names[node]: device for node, device in devices.items()}
    elsewhere = next(iter(devices.values()), None)
    for i, value in enumerate(graph.inputs):
        device = next((devices[u] for u in value.users if u in devices), elsewhere if value.is_output else None)
        if device is not None:
            found[value.name or f"input_{i}"] = device
    for i, value in enumerate(graph.outputs):
        device = _of(value, devices, elsewhere)
        if device is not None:
            name = next(iter(graph.output_names[i]), "") or value.name or f"output_{i}"
            found[f"{name}/sink_port_0"] = device
    return found


def _of(value: Value, devices: Mapping[Node, str], elsewhere: str | None) -> str | None:
    return elsewhere if value.node is None else devices.get(value.node)
