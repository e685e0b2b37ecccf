"""Models, as programs see them."""

from __future__ import annotations

from typing import Any

from ..ir.graph import Graph
from ..ir.types import TensorType
from .nodes.assemble import model_graph
from .nodes.listing import NodeLists
from .ports import Ported, ports_of


class Model(Ported, NodeLists):
    """A model that was read, or made of nodes: its ports, and the graph below them."""

    def __init__(self, *args: Any, **named: Any) -> None:
        """`Model(results, [sinks,] parameters, [variables,] name="")` of nodes; `Model(model)`: a copy.

        Results are nodes, outputs or one of them; what they depend on becomes the model's own. Raises UsageError for
        Parameters that are used and not listed. A Graph alone is taken over as it is.
        """
        first = args[0] if args else None
        if isinstance(first, Graph | Model) and len(args) == 1 and not named:
            graph = first if isinstance(first, Graph) else first.graph.clone()
        else:
            graph = model_graph(args, named)
        self.graph: Graph = graph
        self._inputs, self._outputs = ports_of(graph)

    @property
    def friendly_name(self) -> str:
        return self.graph.name

    def get_friendly_name(self) -> str:
        return self.graph.name

    def is_dynamic(self) -> bool:
        return any(not isinstance(p.type, TensorType) or not p.type.is_static for p in self._inputs)

    def clone(self) -> Model:
        """A copy that can be changed on its own."""
        return Model(self.graph.clone())

    def __repr__(self) -> str:
        sides = [f"  {p!r}" for p in (*self._inputs, *self._outputs)]
        return "\n".join([f"<Model: '{self.friendly_name}', {len(self.graph)} nodes", *sides]) + ">"
