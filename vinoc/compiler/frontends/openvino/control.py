"""If, Loop and TensorIterator: the maps between a layer's ports and its bodies become fields of the operation."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Any, NamedTuple

from .attributes import Unreadable
from .document import Layer, Report

BODIES = {"if": ("then_body", "else_body"), "loop": ("body",), "tensoriterator": ("body",)}
"""The elements that hold the bodies of a layer, by its lower-case type."""


class Ends(NamedTuple):
    """The ends of a body: its Parameters and Results, in the order of its inputs and outputs."""

    parameters: list[Layer]
    results: list[Layer]


class Maps(NamedTuple):
    """What the maps of a layer say."""

    fields: dict[str, Any]
    whole: tuple[tuple[int, ...], ...]  # for each body input, the layer's input that it is without slicing, or -1


def read_maps(layer: Layer, bodies: Sequence[Ends], report: Report) -> Maps:
    """The fields of the operation. Brings the Results of an If's bodies in the order of its outputs.

    All that is wrong is reported; then raises Unreadable.
    """
    reader = _Maps(layer, report)
    maps = reader.branches(bodies) if len(bodies) == 2 else reader.iteration(bodies[0])
    if reader.failed:
        raise Unreadable
    return maps


class _Maps:
    def __init__(self, layer: Layer, report: Report) -> None:
        self.layer = layer
        self.failed = False
        self._report = report

    def fail(self, what: str) -> None:
        self.failed = True
        self._report(self.layer.problem(what))

    def branches(self, bodies: Sequence[Ends]) -> Maps:
        fields: dict[str, Any] = {}
        for tag, field, ends in zip(("then", "else"), ("then_inputs", "else_inputs"), bodies, strict=True):
            entries = self._entries(f"{tag}_port_map", ends)
            feeds = {body: port for _, port, body in entries["input"]}
            outs = {port: body for _, port, body in entries["output"]}
            fields[field] = tuple([feeds.get(i, -1) for i in range(len(ends.parameters))])
            for i, port in enumerate(fields[field]):
                if port < 0:
                    self.fail(f"{tag}_port_map feeds nothing to '{ends.parameters[i].name}'")
            missing = [k for k in range(len(self.layer.outputs)) if k not in outs]
            if missing:
                self.fail(f"{tag}_port_map has no entry for output {missing[0]}")
                continue
            ends.results[:] = [ends.results[outs[k]] for k in range(len(self.layer.outputs))]
        return Maps(fields, (fields["then_inputs"], fields["else_inputs"]))

    def iteration(self, ends: Ends) -> Maps:
        """Loop and TensorIterator."""
        n, m = len(ends.parameters), len(self.layer.outputs)
        entries = self._entries("port_map", ends)
        body_from = [-1] * n
        fed: set[int] = set()
        ins = [(-1, 0, -1, 1, 1)] * n
        for e, port, body in entries["input"]:
            fed.add(body)
            body_from[body] = port
            ins[body] = self._slices(e)
        for i in range(n):
            if i not in fed:
                self.fail(f"port_map feeds nothing to '{ends.parameters[i].name}'")
        outs: list[tuple[int, tuple[int, int, int, int, int]] | None] = [None] * m
        condition = -1
        for e, port, body in entries["output"]:
            if port >= 0:
                outs[port] = body, self._slices(e)
            elif e.get("purpose") == "execution_condition":
                condition = body
        back = self._back_edges(ends)
        if None in outs:
            self.fail(f"port_map has no entry for output {outs.index(None)}")
        looping = self.layer.type.lower() == "loop"
        if looping and condition < 0:
            self.fail("port_map has no entry with purpose execution_condition")
        mapped = [o for o in outs if o is not None]
        fields: dict[str, Any] = {"body_from": tuple(body_from), "back_edge": back}
        fields["out_from"] = tuple([source for source, _ in mapped])
        for k, part in enumerate(("axis", "start", "end", "stride", "part")):
            fields[f"slice_{part}"] = tuple([s[k] for s in ins])
            fields[f"out_{part}"] = tuple([s[k] for _, s in mapped])
        if looping:
            fields["condition_output"] = condition
        whole = [p if s[0] < 0 and e < 0 else -1 for p, s, e in zip(body_from, ins, back, strict=True)]
        return Maps(fields, (tuple(whole),))

    def _entries(self, tag: str, ends: Ends) -> dict[str, list[tuple[ET.Element, int, int]]]:
        """The entries of a map: element, position of the layer's port (-1: none), position in the body."""
        found: dict[str, list[tuple[ET.Element, int, int]]] = {"input": [], "output": []}
        element = self.layer.element.find(tag)
        if element is None:
            self.fail(f"<{tag}> is missing")
            return found
        sides = {"input": (self.layer.inputs, ends.parameters), "output": (self.layer.outputs, ends.results)}
        for e in element:
            if e.tag not in sides:
                continue
            ports, inner = sides[e.tag]
            external, internal = e.get("external_port_id", ""), e.get("internal_layer_id", "")
            position = next((i for i, x in enumerate(inner) if x.id == internal), None)
            port = -1 if external == "-1" else ports.get(external)
            if position is None:
                self.fail(f"{tag} names the layer id {internal} of the body, which is no {_SIDE[e.tag]}")
            elif port is None:
                self.fail(f"{tag} names the {e.tag} port {external}, which does not exist")
            else:
                found[e.tag].append((e, port, position))
        return found

    def _back_edges(self, ends: Ends) -> tuple[int, ...]:
        back = [-1] * len(ends.parameters)
        for e in self.layer.element.iterfind("back_edges/edge"):
            source = next((i for i, x in enumerate(ends.results) if x.id == e.get("from-layer")), None)
            target = next((i for i, x in enumerate(ends.parameters) if x.id == e.get("to-layer")), None)
            if source is None or target is None:
                self.fail(f"back edge {e.get('from-layer')} -> {e.get('to-layer')} does not join Result to Parameter")
            else:
                back[target] = source
        return tuple(back)

    def _slices(self, e: ET.Element) -> tuple[int, int, int, int, int]:
        if "axis" not in e.attrib:
            return -1, 0, -1, 1, 1
        values = []
        for name, default in (("axis", "0"), ("start", "0"), ("end", "-1"), ("stride", "1"), ("part_size", "1")):
            text = e.get(name, default)
            try:
                values.append(int(text))
            except ValueError:
                self.fail(f"`{name}` of a port map is '{text}', expected an integer")
                values.append(0)
        axis, start, end, stride, part = values
        return axis, start, end, stride, part


_SIDE = {"input": "Parameter", "output": "Result"}
