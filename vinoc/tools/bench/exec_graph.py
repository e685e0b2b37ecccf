"""-exec_graph_path: what the device made of a model, with times, as the XML that OpenVINO's tools show.

A layer a step; its `data` has what `CompiledModel.get_runtime_model` tells of it: execOrder, execTimeMcs,
primitiveType, originalLayersNames, precisions and layouts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

from ...backends.files import written_together
from ...ir.graph import Graph, Value
from ...ir.types import TensorType, static_shape
from ...runtime.compiled import CompiledModel


def write_exec_graph(compiled: CompiledModel, path: Path) -> None:
    """Times are those of the last inference. Raises VinocError for a model that was loaded compiled."""
    tree = Xml.ElementTree(exec_graph(compiled.get_runtime_model().graph))
    Xml.indent(tree, "\t")
    with written_together([path]) as (file,):
        tree.write(file, encoding="utf-8", xml_declaration=True)


def exec_graph(graph: Graph) -> Xml.Element:
    """The element `net`."""
    net = Xml.Element("net", name=graph.name, version="11")
    layers, edges = Xml.SubElement(net, "layers"), Xml.SubElement(net, "edges")
    places: dict[Value, tuple[int, int]] = {}
    for value in graph.inputs:
        number = len(layers)
        _layer(layers, value.name, "Input", {"originalLayersNames": value.name}, [], [value])
        places[value] = number, 0
    for node in graph:
        number, operands = len(layers), [v for v in node.inputs if v is not None]
        kind = str(node.rt_info.get("layerType", node.kind))
        _layer(layers, node.outputs[0].name or node.label, kind, node.rt_info, operands, node.outputs)
        for port, operand in enumerate(operands):
            _edge(edges, places[operand], number, port)
        places.update((v, (number, len(operands) + v.index)) for v in node.outputs)
    for value, names in zip(graph.outputs, graph.output_names, strict=True):
        number = len(layers)
        _layer(layers, f"{next(iter(names), value.name)}/sink", "Output", {}, [value], [])
        _edge(edges, places[value], number, 0)
    return net


def _layer(
    layers: Xml.Element, name: str, kind: str, facts: Mapping[str, Any], operands: Sequence[Value],
    results: Sequence[Value],
) -> None:  # fmt: skip
    layer = Xml.SubElement(layers, "layer", id=str(len(layers)), name=name, type=kind)
    told = {k: str(v) for k, v in facts.items() if k != "layerType"}
    Xml.SubElement(layer, "data", {"execTimeMcs": "not_executed", "execOrder": str(len(layers) - 1), **told})
    for side, values, first in (("input", operands, 0), ("output", results, len(operands))):
        if not values:
            continue
        group = Xml.SubElement(layer, side)
        for i, value in enumerate(values, first):
            port = Xml.SubElement(group, "port", id=str(i))
            if isinstance(value.type, TensorType):
                port.set("precision", value.dtype.name.upper())
                for size in static_shape(value.shape) or [-1] * (value.rank or 0):
                    Xml.SubElement(port, "dim").text = str(size)


def _edge(edges: Xml.Element, source: tuple[int, int], target: int, port: int) -> None:
    ends = {"from-layer": source[0], "from-port": source[1], "to-layer": target, "to-port": port}
    Xml.SubElement(edges, "edge", {k: str(v) for k, v in ends.items()})
