"""What the devices share that hand models on to others."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from ...ir.errors import UsageError, VinocError
from ...ir.graph import Graph
from .base import Device, Host, PlainDevice
from .names import Entry, listed, split

log = logging.getLogger("vinoc.devices")


class Several(PlainDevice):
    """A device that hands models on to others. `example`: how it is asked for, where it chooses no devices itself."""

    virtual = True
    example: ClassVar[str] = ""

    def entries(self, settings: Mapping[str, Any], host: Host) -> list[Entry]:
        """The devices that a name or MULTI_DEVICE_PRIORITIES lists, the first the most wanted; without a list all that
        have a rank, but those excluded by `-`. Raises UsageError where none is left, or one is not there."""
        given = listed(str(settings.get("MULTI_DEVICE_PRIORITIES", "")))
        if self.example and not given:
            raise UsageError(f"{self.name} is given no device", help=f"as {self.example} or MULTI_DEVICE_PRIORITIES do")
        without = {split(e.name).device for e in given if e.excluded}
        wanted = [e for e in given if not e.excluded] or [Entry(n) for n in host.ranked()]
        left = [e for e in dict.fromkeys(wanted) if split(e.name).device not in without]
        if not left:
            raise UsageError(f"{self.name} has no device left to choose from", help=f"for example {self.name}:CPU")
        for entry in left:
            host.device(entry.name)
            if split(entry.name).device == self.name:
                raise UsageError(f"{self.name} cannot be one of the devices of {self.name}")
        return left


def handed(settings: Mapping[str, Any], host: Host, **more: Any) -> dict[str, Any]:
    """The settings for the devices below: `more`, and what a program said, not what is so by default."""
    keys = host.all_keys()
    said = {k: v for k, v in settings.items() if k not in keys or v != keys[k].default}
    return {**more, **{k: v for k, v in said.items() if k != "MULTI_DEVICE_PRIORITIES"}}


def lacks(device: Device, graph: Graph) -> str | None:
    """Why a device cannot compute a whole graph; None: it can."""
    for node in graph:
        if why := device.supports(node):
            return f"'{node.label}' ({node.kind}): {why}"
    return None


def suited(entries: Iterable[Entry], graph: Graph, host: Host, device: str) -> list[Entry]:
    """The devices that can compute all of a graph. Raises VinocError, with the reason of each, where none can."""
    good, reasons = [], []
    for entry in entries:
        why = lacks(host.device(entry.name), graph)
        if why is None:
            good.append(entry)
        else:
            log.info("%s passes %s over: %s", device, entry.name, why)
            reasons.append(f"{entry.name} cannot compute {why}")
    if not good:
        raise VinocError(
            f"no device of {device} can compute the model: {'; '.join(reasons)}",
            graph.name,
            "HETERO divides a model between devices",
        )
    return good


def has_variables(graph: Graph) -> bool:
    """Whether a model remembers something from run to run."""
    return any(n.kind in ("ReadValue", "Assign") for g in graph.walk() for n in g)
