"""The device HETERO: one model divided between devices.

Every node has an affinity, the device that is to compute it: what a program noted in the node's rt_info under
`affinity`, else the first device of the list that can compute the node. The parts run one after the other, each
compiled by its own device; what a device lacks falls to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...ir.constant import Constant
from ...ir.errors import UsageError, VinocError, nearest
from ...ir.graph import Graph, Node
from ...ir.quiet import quiet_gc
from ...passes.manager import PassManager
from ..properties import SEVERAL
from .base import Host, Prepared
from .given import Given
from .names import Entry
from .several import Several, handed, log

PASSES = "fold,dce"
"""What a graph goes through before it is divided: arithmetic on shapes is done, and needs no device."""

AFFINITY = "affinity"


class Hetero(Several):
    """Divides: `HETERO:A,B`, on A what A can compute, the rest on B."""

    name = "HETERO"
    properties = SEVERAL
    example = "HETERO:TEMPLATE,CPU"

    def query(self, graph: Graph, settings: Mapping[str, Any], host: Host) -> dict[Node, str]:
        return affinities(graph, self.entries(settings, host), settings, host)

    def compile(self, model: Given, settings: Mapping[str, Any], host: Host) -> Prepared:
        from .divided import DividedModel

        entries = self.entries(settings, host)
        with quiet_gc():
            graph = model.graph()
            PassManager(PASSES).run(graph)
        devices = affinities(graph, entries, settings, host)
        told(graph.name, devices)
        return DividedModel(graph, devices, [e.name for e in entries], handed(settings, host), host)


def affinities(graph: Graph, entries: list[Entry], settings: Mapping[str, Any], host: Host) -> dict[Node, str]:
    """The device of every node; a constant's is that of the first node that reads it.

    Raises UsageError for an affinity to a device that is not in the list or that cannot compute the node, VinocError
    that lists the nodes which no device can compute.
    """
    below = handed(settings, host)
    can = {e.name: host.query(graph, e.name, below) for e in entries}
    found: dict[Node, str] = {}
    for node in graph:
        wanted = node.rt_info.get(AFFINITY)
        if wanted is not None:
            found[node] = _by_hand(node, str(wanted).upper(), can, host)
            continue
        device = next((name for name, nodes in can.items() if node in nodes), None)
        if device is not None:
            found[node] = device
    lost = [node for node in graph if node not in found]
    if lost:
        raise _nobody(lost, entries, host, graph.name)
    for node in reversed(graph):
        if type(node.op) is Constant and AFFINITY not in node.rt_info:
            found[node] = next((found[u] for u in node.output.users), found[node])
    return found


def _by_hand(node: Node, wanted: str, can: Mapping[str, Mapping[Node, str]], host: Host) -> str:
    if wanted not in can:
        what = f"its affinity is {wanted}, which is not one of the devices of HETERO"
        raise UsageError(what, node.where, nearest(wanted, can))
    if node not in can[wanted]:
        why = host.device(wanted).supports(node) or "it does not take the node"
        raise UsageError(f"its affinity is {wanted}, which cannot compute it: {why}", node.where)
    return wanted


def _nobody(lost: list[Node], entries: list[Entry], host: Host, where: str) -> VinocError:
    listed = []
    for node in lost[:5]:
        reasons = [f"{e.name}: {host.device(e.name).supports(node) or 'it does not take the node'}" for e in entries]
        listed.append(f"'{node.label}' ({node.kind}) [{'; '.join(reasons)}]")
    more = f" and {len(lost) - 5} more" if len(lost) > 5 else ""
    return VinocError(f"no device of HETERO can compute {', '.join(listed)}{more}", where, "add CPU to the list")


def told(name: str, devices: Mapping[Node, str]) -> None:
    """Says how many nodes each device has."""
    count: dict[str, int] = {}
    for node, device in devices.items():
        if type(node.op) is not Constant:
            count[device] = count.get(device, 0) + 1
    log.info("HETERO: %s: %s", name, ", ".join(f"{n} nodes on {d}" for d, n in count.items()))
