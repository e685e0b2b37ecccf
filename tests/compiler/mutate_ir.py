"""Damage to OpenVINO IR: to what the XML says, or to its text. Every function draws from the Random it is given."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from copy import deepcopy
from random import Random

TEXTS = (
    "", "0", "1", "-1", "2", "7", "x", "1,2", "-1,-1,-1", "?", "1..4", "1.5", "nan", "inf", "true", "f32", "i64",
    "u4", "string", "opset1", "opset16", "opset99", "Add", "Convolution", "If", "Loop", "Const", "Parameter",
    "Result", "\u00fc", str(1 << 31), str(1 << 62), str(1 << 70), "9" * 5000, ",", "1,", "...", "explicit",
    "same_upper", "numpy",
)  # fmt: skip


def mutate_xml(xml: str, r: Random) -> str:
    """The text with one to three things changed."""
    net = ET.fromstring(xml)
    for _ in range(r.choice((1, 1, 1, 2, 3))):
        r.choice(MUTATIONS)(net, r)
    return '<?xml version="1.0"?>\n' + ET.tostring(net, "unicode")


def _one(net: ET.Element, tags: tuple[str, ...], r: Random) -> ET.Element | None:
    found = [e for e in net.iter() if e.tag in tags]
    return r.choice(found) if found else None


def _attribute(element: ET.Element | None, r: Random, net: ET.Element) -> None:
    if element is None or not element.attrib:
        return
    key = r.choice(list(element.attrib))
    how = r.randrange(5)
    if how == 0:
        del element.attrib[key]
    elif how == 1:
        others = [e.attrib[key] for e in net.iter(element.tag) if key in e.attrib]
        element.attrib[key] = r.choice(others)
    else:
        element.attrib[key] = r.choice(TEXTS)


def data(net: ET.Element, r: Random) -> None:
    _attribute(_one(net, ("data",), r), r, net)


def data_added(net: ET.Element, r: Random) -> None:
    a, b = _one(net, ("data",), r), _one(net, ("data",), r)
    if a is not None and b is not None and b.attrib:
        key = r.choice(list(b.attrib))
        a.attrib[key] = b.attrib[key]


def layer(net: ET.Element, r: Random) -> None:
    _attribute(_one(net, ("layer",), r), r, net)


def wiring(net: ET.Element, r: Random) -> None:
    """Edges, ports, and the maps of bodies."""
    _attribute(_one(net, ("edge", "port", "input", "output") if r.random() < 0.5 else ("edge",), r), r, net)


def anything(net: ET.Element, r: Random) -> None:
    elements = [e for e in net.iter() if e.attrib]
    _attribute(r.choice(elements), r, net)


def removed(net: ET.Element, r: Random) -> None:
    parent = r.choice([e for e in net.iter() if len(e)])
    parent.remove(r.choice(list(parent)))


def doubled(net: ET.Element, r: Random) -> None:
    parents = [e for e in net.iter() if len(e)]
    child = r.choice(list(r.choice(parents)))
    r.choice(parents).append(deepcopy(child))


def moved(net: ET.Element, r: Random) -> None:
    parent = r.choice([e for e in net.iter() if len(e)])
    children = list(parent)
    r.shuffle(children)
    parent[:] = children


def renamed(net: ET.Element, r: Random) -> None:
    elements = list(net.iter())
    r.choice(elements).tag = r.choice(elements).tag


def content(net: ET.Element, r: Random) -> None:
    """The text of a dimension."""
    element = _one(net, ("dim",), r)
    if element is not None:
        element.text = r.choice(TEXTS)


MUTATIONS: tuple[Callable[[ET.Element, Random], None], ...] = (
    data, data, data, data_added, layer, layer, wiring, wiring, anything, removed, doubled, moved, renamed, content,
)  # fmt: skip
