"""The device BATCH: requests gathered into batches, for a device that computes several samples sooner together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...ir.errors import UsageError
from ...ir.graph import Graph, Node
from ..properties import BATCH
from .base import Host, Prepared
from .given import Given
from .names import Entry
from .several import Several, handed


class Batch(Several):
    """Gathers: `BATCH:CPU(4)`, four requests at a time on the CPU; one that finds no three others within
    AUTO_BATCH_TIMEOUT milliseconds runs without them.

    The batch is the dimension N of an input's layout, without one the first; it has to be 1. Without a number as many
    are gathered as PERFORMANCE_HINT_NUM_REQUESTS says, else the device's OPTIMAL_BATCH_SIZE, else 1.
    """

    name = "BATCH"
    properties = BATCH
    example = "BATCH:CPU(4)"

    def query(self, graph: Graph, settings: Mapping[str, Any], host: Host) -> dict[Node, str]:
        entry = self._entry(settings, host)
        return dict.fromkeys(host.query(graph, entry.name, handed(settings, host)), self.name)

    def compile(self, model: Given, settings: Mapping[str, Any], host: Host) -> Prepared:
        entry = self._entry(settings, host)
        below = handed(settings, host)
        size = entry.number or below.get("PERFORMANCE_HINT_NUM_REQUESTS") or _best(host, entry.name)
        from .batched import made

        return made(model, entry.name, size, below, int(settings["AUTO_BATCH_TIMEOUT"]), host)

    def _entry(self, settings: Mapping[str, Any], host: Host) -> Entry:
        entries = self.entries(settings, host)
        if len(entries) != 1:
            raise UsageError(f"BATCH takes one device, {len(entries)} are given", help=f"for example {self.example}")
        return entries[0]


def _best(host: Host, name: str) -> int:
    return int(host.device(name).facts().get("OPTIMAL_BATCH_SIZE", 1))
