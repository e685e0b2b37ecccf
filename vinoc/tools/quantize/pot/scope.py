"""What a configuration leaves float: nodes by name, and kinds of operations with attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ....ir.errors import did_you_mean
from ....ir.graph import Graph, Node
from ....passes.quantize import Ranges
from ....passes.quantize.names import Lookup
from ..options import Options
from ..watch import Watch
from .config import Scope


def ignored(options: Options, scope: Scope, graph: Graph, watch: Watch, where: str) -> Options:
    """The options with the names of these nodes of a graph; what it has not is warned of."""
    known = Lookup(graph, Ranges()).nodes
    names = list(options.ignored.names)
    for name in scope.names:
        if name in known:
            names.append(name)
        else:
            watch.warn(f"{where}: ignored node '{name}' is not in the model {did_you_mean(name, known)}".rstrip())
    for kind, attributes in scope.operations:
        found = [n.label for n in graph if n.kind == kind and has(n, attributes)]
        if not found:
            kinds = {n.kind for n in graph}
            near = "with these attributes" if kind in kinds else did_you_mean(kind, kinds)
            watch.warn(f"{where}: the model has no '{kind}' to ignore {near}".rstrip())
        names += found
    return replace(options, ignored=replace(options.ignored, names=tuple(dict.fromkeys(names))))


def has(node: Node, attributes: Mapping[str, Any]) -> bool:
    """Whether a node's attributes are these, as an IR file would write them."""
    for name, wanted in attributes.items():
        given = getattr(node.op, name.replace("-", "_"), None)
        if given is None or _text(given) != _text(wanted):
            return False
    return True


def _text(value: Any) -> str:
    listed = ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
    return listed.lower().replace(" ", "")
