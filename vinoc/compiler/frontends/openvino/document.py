"""The XML of an IR file as plain records: layers, ports, edges. Nothing is interpreted yet."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Any

from ....ir.cached import Cached
from ....ir.errors import ModelError, Problem, VinocError
from ....ir.record import record

VERSIONS = ("10", "11")
_COMMA = re.compile(r"(?<!\\),")

Report = Callable[[Problem], None]


@record(eq=False)
class Layer:
    """A layer as the file has it. Ports are kept by number, `port id -> position among the inputs or outputs`."""

    id: str
    name: str
    type: str
    version: str
    data: dict[str, str]
    inputs: dict[str, int]
    outputs: dict[str, int]
    names: list[tuple[str, ...]]  # tensor names, by output
    element: ET.Element
    sources: list[tuple[Layer, int] | None] = field(default_factory=list)  # producer and output position, by input

    def __repr__(self) -> str:
        return f"<{self.type} {self.name}>"

    def problem(self, what: str, help: str | None = None) -> Problem:
        return Problem(self.type or "layer", self.name, what, help=help)

    def required(self, name: str) -> str:
        """The text of an attribute. Raises VinocError when it is missing."""
        if name not in self.data:
            raise VinocError(f"attribute `{name}` is missing")
        return self.data[name]

    @Cached
    def rt_info(self) -> dict[str, str]:
        """Runtime information of the layer: name -> value."""
        info = self.element.find("rt_info")
        if info is None:
            return {}
        return {a.get("name", "").removesuffix("_0"): a.get("value", "") for a in info.iter("attribute")}


def parse(path: Path) -> ET.Element:
    """The `<net>` of an IR file. Raises ModelError for what is no IR of a version that is read."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror}", str(path)) from error
    except UnicodeDecodeError as error:
        raise ModelError("is not UTF-8 text", str(path), "IR files are UTF-8; is this another format?") from error
    if "\0" in text:  # UTF-16 without a mark, which the parser would recognise and decode
        raise ModelError("is not UTF-8 text", str(path), "IR files are UTF-8; is this another format?")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ModelError("declares a document type or entities", str(path), "IR has neither; remove the declaration")
    try:
        net = ET.fromstring(text)
    except ET.ParseError as error:
        raise ModelError(f"is not well-formed XML: {error}", str(path), "the file may be cut off") from error
    if net.tag != "net" or net.find("layers") is None:
        what = f"is XML, but no OpenVINO IR: its root is <{net.tag}>" if net.tag != "net" else "has no <layers>"
        raise ModelError(what, str(path))
    version = net.get("version", "")
    if version not in VERSIONS:
        raise ModelError(
            f"is IR version {version or '(none)'}; versions 10 and 11 are read",
            str(path),
            "convert the original model again with a current tool",
        )
    return net


def model_info(net: ET.Element) -> dict[str, Any]:
    """What is noted at the model: texts by name, nested as they are in the file."""
    info = net.find("rt_info")
    return {} if info is None else _notes(info)


def _notes(element: ET.Element) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in element:
        value = child.get("value")
        found[child.get("name", child.tag) if child.tag == "info" else child.tag] = (
            _notes(child) if value is None else value
        )
    return found


def read_body(element: ET.Element, report: Report) -> list[Layer]:
    """The layers below `<net>`, `<body>`, `<then_body>` or `<else_body>`, in the order of the file, connected."""
    layers: list[Layer] = []
    by_id: dict[str, Layer] = {}
    for e in element.iterfind("layers/layer"):
        layer = _layer(e, report)
        other = by_id.setdefault(layer.id, layer)
        if other is not layer:
            report(layer.problem(f"its id {layer.id} is that of layer '{other.name}' too", "ids must be unique"))
            continue
        layers.append(layer)
    for e in element.iterfind("edges/edge"):
        _connect(by_id, e, report)
    return layers


def _layer(e: ET.Element, report: Report) -> Layer:
    attributes = e.attrib
    data = e.find("data")
    layer = Layer(
        attributes.get("id", ""),
        attributes.get("name", ""),
        attributes.get("type", ""),
        attributes.get("version", ""),
        data.attrib if data is not None else {},
        {},
        {},
        [],
        e,
    )
    for what in ("id", "type", "version"):
        if what not in attributes:
            report(layer.problem(f"attribute `{what}` of the layer is missing"))
    for i, port in enumerate(e.iterfind("input/port")):
        layer.inputs[port.get("id", "")] = i
        layer.sources.append(None)
    for i, port in enumerate(e.iterfind("output/port")):
        layer.outputs[port.get("id", "")] = i
        layer.names.append(split_names(port.get("names", "")))
    for ports, count in ((layer.inputs, len(layer.sources)), (layer.outputs, len(layer.names))):
        if len(ports) != count:
            report(layer.problem(f"two of its {'input' if ports is layer.inputs else 'output'} ports have one id"))
    return layer


def split_names(text: str) -> tuple[str, ...]:
    """Tensor names from a list that escapes the commas inside of names."""
    if not text:
        return ()
    if "\\" not in text:
        return tuple(text.split(","))
    return tuple(n.replace("\\,", ",") for n in _COMMA.split(text))


def _connect(by_id: dict[str, Layer], edge: ET.Element, report: Report) -> None:
    a = edge.attrib
    source, target = by_id.get(a.get("from-layer", "")), by_id.get(a.get("to-layer", ""))
    text = f"{a.get('from-layer')}:{a.get('from-port')} -> {a.get('to-layer')}:{a.get('to-port')}"
    if source is None or target is None:
        known = source or target
        missing = a.get("to-layer" if source else "from-layer")
        what = f"edge {text} names the layer id {missing}, which does not exist"
        report(known.problem(what) if known else Problem("edge", "", what))
        return
    output = source.outputs.get(a.get("from-port", ""))
    position = target.inputs.get(a.get("to-port", ""))
    if output is None:
        report(source.problem(f"edge {text} names its output port {a.get('from-port')}, which does not exist"))
    elif position is None:
        report(target.problem(f"edge {text} names its input port {a.get('to-port')}, which does not exist"))
    elif target.sources[position] is not None:
        report(target.problem(f"two edges lead to its input port {a.get('to-port')}"))
    else:
        target.sources[position] = source, output


def in_order(layers: list[Layer], report: Report) -> list[Layer]:
    """The layers so that producers come first, otherwise in the order of the file. Reports a cycle."""
    done: dict[Layer, bool] = {}  # False: its producers are being visited
    out: list[Layer] = []
    for root in layers:
        stack = [root]
        while stack:
            layer = stack[-1]
            if done.get(layer):
                stack.pop()
                continue
            done[layer] = False
            waiting = None
            for source in layer.sources:
                if source is not None and not done.get(source[0]):
                    waiting = source[0]
                    break
            if waiting is None:
                done[layer] = True
                out.append(layer)
                stack.pop()
            elif waiting in done:
                cycle = [x.name for x in stack[stack.index(waiting) :]]
                report(layer.problem(f"layers form a cycle: {' -> '.join([*cycle, waiting.name])}"))
                return out
            else:
                stack.append(waiting)
    return out
