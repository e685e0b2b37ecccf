"""Models, as programs see them."""

from __future__ import annotations

from ..ir.graph import Graph
from ..ir.types import TensorType
from .ports import Ported, ports_of


class Model(Ported):
    """A model that was read: its ports, and the graph below them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
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
