"""Changes of a graph that can be taken back."""

from __future__ import annotations

from types import TracebackType

from ...ir.errors import InferenceError, UsageError
from ...ir.graph import Graph, Node, Value
from ...ir.types import TensorType


class Journal:
    """Notes what is done to a graph; where that ends in an error, the graph becomes what it was."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._nodes: list[Node] = []
        self._swaps: list[tuple[Value, Value]] = []
        self._outputs: list[tuple[int, Value]] = []
        self._inputs: dict[int, list[Value]] = {}

    def __enter__(self) -> Journal:
        self._listener, self._graph.listener = self._graph.listener, self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._graph.listener = self._listener
        if error is not None:
            self._undo()

    # The graph tells

    def inserted(self, node: Node) -> None:
        self._nodes.append(node)

    def changed(self, node: Node) -> None:
        pass

    def erased(self, node: Node) -> None:
        pass

    # Changes

    def add_input(self, index: int, type: TensorType, name: str, names: tuple[str, ...]) -> Value:
        """A new input that is to take the place of another, behind those that do so already."""
        value = self._graph.add_input(type, name, names)
        self._inputs.setdefault(index, []).append(value)
        return value

    def replace_uses(self, old: Value, new: Value, where: str) -> None:
        """What read one value reads another. Raises UsageError where a node cannot take it."""
        self._swaps.append((old, new))
        try:
            self._graph.replace_uses(old, new)
        except InferenceError as error:
            raise UsageError(
                f"the model cannot take {new.type} in place of {old.type}: {error.what}", where, error.help
            ) from None

    def set_output(self, index: int, value: Value) -> None:
        self._outputs.append((index, self._graph.outputs[index]))
        self._graph.set_output(index, value)

    def place_inputs(self) -> None:
        """Puts the new inputs where the old ones were, which go."""
        graph, gone = self._graph, list(self._inputs)
        places = {i: [v.index for v in values] for i, values in self._inputs.items()}
        kept = len(graph.inputs) - sum(map(len, places.values()))
        order = [j for i in range(kept) for j in places.get(i, [i])]
        graph.order_inputs([*order, *gone])
        for _ in gone:
            graph.remove_input(len(graph.inputs) - 1)

    def _undo(self) -> None:
        graph = self._graph
        for index, value in reversed(self._outputs):
            graph.set_output(index, value)
        for old, new in reversed(self._swaps):
            graph.replace_uses(new, old)
        for node in reversed(self._nodes):
            graph.erase(node)
        for values in self._inputs.values():
            for value in values:
                graph.remove_input(value.index)
