"""The device TEMPLATE: the reference interpreter, as in OpenVINO."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...compiler.config import RUNTIME_PASSES
from ...ir.quiet import quiet_gc
from ...passes.manager import PassManager
from ..engines import Reference
from .base import Capabilities, Host, OfGraph, PlainDevice, Prepared
from .given import Given


class Template(PlainDevice):
    """Every operation by its definition, in NumPy. Its settings are the CPU's, and change nothing."""

    name = "TEMPLATE"
    full_name = "vinoc reference interpreter"
    capabilities = Capabilities(optimizations=("FP32", "FP16", "BF16", "INT8"), layouts=("rows",))

    def facts(self) -> Mapping[str, Any]:
        return {"DEVICE_ARCHITECTURE": "TEMPLATE", "EXECUTION_DEVICES": [self.name]}

    def compile(self, model: Given, settings: Mapping[str, Any], host: Host) -> Prepared:
        with quiet_gc():
            graph = model.graph()
            PassManager(RUNTIME_PASSES).run(graph)
        return OfGraph(graph, self.name, lambda: Reference(graph))
