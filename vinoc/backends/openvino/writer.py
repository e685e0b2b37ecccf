"""Writes OpenVINO IR version 11: `name.xml`, `name.bin` and `name.mapping`.

The text is put together from strings: a layer costs a few microseconds, and models have tens of thousands.
Operations bring all that is needed with their classes: type, version and attributes derive from them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...ir.constant import Constant
from ...ir.dim import Sym
from ...ir.errors import ConversionError, UsageError
from ...ir.graph import Graph, Node, Value
from ...ir.loc import UNKNOWN
from ...ir.types import TensorType, Type
from ..files import written_together
from .attributes import data, dim, escape, name_list, shape
from .bin import Weights
from .bodies import write_bodies, write_maps
from .check import check, filled_inputs
from .compact import compact
from .mapping import Mapping as TensorMapping
from .marks import is_marked
from .naming import Unique, fused_names, layer_names, origin, port_names


@dataclass(frozen=True)
class WrittenFiles:
    """The files of a model, and what is in them."""

    xml: Path
    bin: Path
    mapping: Path | None
    layers: int
    edges: int

    def __iter__(self) -> Iterator[Path]:
        return iter([p for p in (self.xml, self.bin, self.mapping) if p])


def write_ir(
    graph: Graph,
    xml_path: str | Path,
    *,
    rt_info: Mapping[str, Any] | None = None,
    version: str | None = None,
    short: bool = False,
) -> WrittenFiles:
    """Writes a graph to `xml_path` and, beside it, `.bin` and `.mapping`; all three or nothing.

    The model's `rt_info` is written with it (nested mappings become nested elements), the version of vinoc, and what
    the argument has besides. `short`: the XML in its compact form, and no `.mapping`. Raises ConversionError with
    everything in the graph that IR cannot hold, UsageError for a path that does not end in `.xml`, VinocError when the
    files cannot be written.
    """
    xml = Path(xml_path)
    if xml.suffix != ".xml":
        raise UsageError(f"'{xml}' does not end in .xml", help="the .bin and .mapping files are named after it")
    problems = check(graph)
    if problems:
        raise ConversionError(graph.name, problems)
    binary, mapped = xml.with_suffix(".bin"), None if short else xml.with_suffix(".mapping")
    with written_together([p for p in (binary, mapped, xml) if p]) as files:
        bin_file, xml_file = files[0], files[-1]
        mapping = TensorMapping()
        weights = Weights(bin_file)
        body = BodyWriter(graph, weights, 0, mapping, short)
        out = ['<?xml version="1.0"?>\n', f'<net name="{escape(graph.name)}" version="11">\n']
        body.write(out)
        weights.finish()
        info = {**graph.rt_info, "vinoc_version": version or _version(), **(rt_info or {})}
        out += ["\t<rt_info>\n", *_rt_info(info, 2), "\t</rt_info>\n</net>\n"]
        text = "".join(out)
        xml_file.write((compact(text) if short else text).encode())
        if mapped:
            files[1].write("".join(mapping.text()).encode())
    return WrittenFiles(xml, binary, mapped, body.n_layers, len(body.edges))


class BodyWriter:
    """Writes one graph: the model's, or a body with its own layer numbers. Bodies share the weights file."""

    def __init__(
        self, graph: Graph, weights: Weights, depth: int, mapping: TensorMapping | None = None, short: bool = False
    ) -> None:
        self.graph = graph
        self.short = short
        self.weights = weights
        self.depth = depth
        self.mapping = mapping
        self.edges: list[str] = []
        self.n_layers = 0
        self.parameters: list[int] = []  # layer numbers, by input
        self.results: list[int] = []
        self._names, _ = port_names(graph)
        self._sources: dict[Value, tuple[int, int]] = {}
        self._ports: dict[Type, tuple[str, str]] = {}
        self._tabs = ["\t" * (depth + i) for i in range(6)]
        self._floats = depth > 0 and all(node.kind != "FakeQuantize" for node in graph)

    def write(self, out: list[str]) -> None:
        """Adds `<layers>` and `<edges>`."""
        t = self._tabs
        out.append(f"{t[1]}<layers>\n")
        unique = Unique()
        for value, names in zip(self.graph.inputs, self.graph.input_names, strict=True):
            self._parameter(out, value, unique((names[0] if names else value.name) or f"input_{value.index}"))
        labels = layer_names(self.graph, unique)
        for node in self.graph:
            self._node(out, node, labels[node])
        for value, given in zip(self.graph.outputs, self.graph.output_names, strict=True):
            self._result(out, value, given, unique)
        out.append(f"{t[1]}</layers>\n")
        out.append(f"{t[1]}<edges>\n")
        out += self.edges
        out.append(f"{t[1]}</edges>\n")

    def _parameter(self, out: list[str], value: Value, name: str) -> None:
        layer = self._number()
        self.parameters.append(layer)
        type_ = value.tensor
        attributes = f' shape="{shape(type_.shape)}" element_type="{type_.dtype.name}"'
        out.append(self._head(layer, name, ' type="Parameter" version="opset1"', attributes))
        self._outputs(out, (value,), layer, 0, name, name)
        out.append(f"{self._tabs[2]}</layer>\n")

    def _node(self, out: list[str], node: Node, name: str) -> None:
        op = node.op
        inputs, made = filled_inputs(node)
        for i, buffer in made:
            inputs[i] = self._constant(out, Constant(buffer), f"{name}/{i}")
        layer = self._number()
        if type(op) is Constant:
            offset, size = self.weights.add(op.value)
            dims = ", ".join(map(str, op.value.shape))
            attributes = f' element_type="{op.value.dtype}" shape="{dims}" offset="{offset}" size="{size}"'
            out.append(self._head(layer, name, ' type="Const" version="opset1"', attributes))
        else:
            out.append(self._head(layer, name, f' type="{op.kind}" version="opset{op.opset}"', data(op)))
        bodies = write_bodies(self, node) if node.bodies else None
        if bodies:
            out.append(write_maps(node, bodies, self.depth + 3))
        self._layer_info(out, node)
        self._inputs(out, inputs, layer)
        if node.outputs:
            self._outputs(out, node.outputs, layer, len(inputs), name, origin(node))
        if bodies:
            out += bodies.text
        out.append(f"{self._tabs[2]}</layer>\n")

    def _constant(self, out: list[str], op: Constant, name: str) -> Value:
        """An extra layer for a default that IR must have spelled out."""
        node = Node(op, (), (), UNKNOWN)
        node.outputs = (Value(op.infer(), node, 0),)
        self._node(out, node, name)
        return node.outputs[0]

    def _result(self, out: list[str], value: Value, given: Sequence[str], unique: Unique) -> None:
        """An output. It lists all names of its tensor, its own first: where the tensor is also an input, or another
        output, OpenVINO lets the names of one Result stand for all of them."""
        layer = self._number()
        self.results.append(layer)
        first = given[0] if given else value.name or f"output_{len(self.results) - 1}"
        names = name_list(dict.fromkeys((*given, *self._names.get(value, ()))))
        extra = f' output_names="{names}"' if names else ""
        name = unique(f"{first}/sink_port_0")
        out.append(self._head(layer, name, f' type="Result" version="opset1"{extra}', ""))
        self._inputs(out, (value,), layer)
        out.append(f"{self._tabs[2]}</layer>\n")

    # Pieces of a layer

    def _number(self) -> int:
        self.n_layers += 1
        return self.n_layers - 1

    def _head(self, layer: int, name: str, kind: str, attributes: str) -> str:
        t = self._tabs
        head = f'{t[2]}<layer id="{layer}" name="{escape(name)}"{kind}>\n'
        return f"{head}{t[3]}<data{attributes} />\n" if attributes else head

    def _layer_info(self, out: list[str], node: Node) -> None:
        """What OpenVINO calls rt_info."""
        fused = fused_names(node)
        decompression = is_marked(node, self.short, self._floats)
        if not fused and not decompression and not node.precise:
            return
        t = self._tabs
        out.append(f"{t[3]}<rt_info>\n")
        if fused:
            out.append(f'{t[4]}<attribute name="fused_names" version="0" value="{name_list(fused)}" />\n')
        if decompression:
            out.append(f'{t[4]}<attribute name="decompression" version="0" />\n')
        if node.precise:
            out.append(f'{t[4]}<attribute name="precise" version="0" />\n')
        out.append(f"{t[3]}</rt_info>\n")

    def _inputs(self, out: list[str], inputs: Sequence[Value | None], layer: int) -> None:
        if not inputs:
            return
        t3, t4, t2 = self._tabs[3], self._tabs[4], self._tabs[2]
        out.append(f"{t3}<input>\n")
        for i, value in enumerate(inputs):
            assert value is not None
            precision, dims = self._port(value.type)
            out.append(f'{t4}<port id="{i}"{precision}{dims}')
            source, port = self._sources[value]
            edge = f'{t2}<edge from-layer="{source}" from-port="{port}" to-layer="{layer}" to-port="{i}" />\n'
            self.edges.append(edge)
        out.append(f"{t3}</input>\n")

    def _outputs(
        self, out: list[str], outputs: Sequence[Value], layer: int, first: int, name: str, framework: str
    ) -> None:
        t3, t4 = self._tabs[3], self._tabs[4]
        out.append(f"{t3}<output>\n")
        for i, value in enumerate(outputs, first):
            precision, dims = self._port(value.type)
            tensors = self._names.get(value)
            listed = ""
            if tensors:
                listed = f' names="{name_list(tensors)}"'
                if self.mapping:
                    self.mapping.add(framework, tensors, name, i)
            out.append(f'{t4}<port id="{i}"{precision}{listed}{dims}')
            self._sources[value] = layer, i
        out.append(f"{t3}</output>\n")

    def _port(self, type_: Type) -> tuple[str, str]:
        """Precision and dimensions of a port, as text around the place of its names."""
        found = self._ports.get(type_)
        if found is None:
            assert isinstance(type_, TensorType)
            t4, t5 = self._tabs[4], self._tabs[5]
            dims = "".join(f"{t5}<dim>{-1 if isinstance(d, Sym) else dim(d)}</dim>\n" for d in type_.shape or ())
            text = f">\n{dims}{t4}</port>\n" if dims else " />\n"
            found = self._ports[type_] = f' precision="{type_.dtype.ir}"', text
        return found


_ELEMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def _rt_info(info: Mapping[str, Any], depth: int) -> Iterator[str]:
    tabs = "\t" * depth
    for key, value in info.items():
        tag = key if _ELEMENT.fullmatch(key) else f'info name="{escape(key)}"'
        if isinstance(value, Mapping):
            yield f"{tabs}<{tag}>\n"
            yield from _rt_info(value, depth + 1)
            yield f"{tabs}</{tag.split(' ')[0]}>\n"
        else:
            text = " ".join(map(_plain, value)) if isinstance(value, list | tuple) else _plain(value)
            yield f'{tabs}<{tag} value="{escape(text)}" />\n'


def _plain(value: Any) -> str:
    return {True: "YES", False: "NO"}[value] if isinstance(value, bool) else str(value)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("vinoc")
    except PackageNotFoundError:
        return "unknown"
