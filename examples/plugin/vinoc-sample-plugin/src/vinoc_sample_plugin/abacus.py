"""A device that adds and multiplies. Once the package is installed, AUTO, MULTI, HETERO and BATCH can use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vinoc.runtime.devices.base import Capabilities, Host, OfGraph, PlainDevice, Prepared
from vinoc.runtime.devices.given import Given
from vinoc.runtime.engines import Reference
from vinoc.runtime.properties import Property


class Abacus(PlainDevice):
    """Integers and floats of 32 bits, by definition. It has no rank: AUTO takes it only where it is named."""

    name = "ABACUS"
    full_name = "An abacus"
    capabilities = Capabilities(
        precisions=frozenset({"f32", "i32"}), ops=frozenset({"Add", "Multiply"}), layouts=("rows of beads",)
    )
    properties: Mapping[str, Property] = {"BEADS": Property(10, int, about="beads on each wire")}

    def facts(self) -> Mapping[str, Any]:
        return {"DEVICE_ARCHITECTURE": "wood"}

    def compile(self, model: Given, settings: Mapping[str, Any], host: Host) -> Prepared:
        graph = model.graph()
        self.check(graph)
        return OfGraph(graph, self.name, lambda: Reference(graph))
