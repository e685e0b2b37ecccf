"""The nodes of a model in lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..both import Both
from .kinds import Parameter, Result
from .node import Node
from .ports import view

if TYPE_CHECKING:
    from ...ir.graph import Graph


class NodeLists:
    """What has a graph, seen as nodes."""

    graph: Graph

    def get_parameters(self) -> list[Parameter]:
        return [Parameter(v) for v in self.graph.inputs]

    def get_results(self) -> list[Result]:
        return [Result.of(self.graph, i) for i in range(len(self.graph.outputs))]

    def get_sinks(self) -> list[Node]:
        """The nodes that set variables."""
        return [view(n) for n in self.graph if n.kind == "Assign"]

    parameters, results, sinks = Both(get_parameters), Both(get_results), Both(get_sinks)

    def get_ordered_ops(self) -> list[Node]:
        """All nodes, each behind what it reads: Parameters first, Results last."""
        return [*self.parameters, *(view(n) for n in self.graph), *self.results]

    get_ops = get_ordered_ops
