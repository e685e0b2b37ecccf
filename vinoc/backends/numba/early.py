"""What a module computes when it is loaded: weights that follow from others."""

from __future__ import annotations

import re
from collections.abc import Callable

from ...ir.constant import Constant
from ...ir.graph import Graph, Node, Value
from ...ir.types import TensorType
from ..cpu.region import Region
from ..numpy.exotic import Folded
from ..numpy.layout import quoted
from ..numpy.naming import Names

_WEIGHT = re.compile(r'w\[("(?:[^"\\]|\\.)*")\]')


class Early:
    """The nodes of a graph that read constants alone, directly or through each other, and the lines for them."""

    def __init__(self, graph: Graph, folded: Folded, names: Names) -> None:
        self._known: set[Value] = set()
        self._nodes: set[Node] = set()
        self._names = names
        self._keys: dict[str, str] = {}  # what is computed, and what it is called
        for g in graph.walk():
            for node in g:
                if type(node.op) is Constant or node in folded.nodes:
                    self._known.update(node.outputs)
                elif _has_one_array(node) and node.inputs and all(v is None or v in self._known for v in node.inputs):
                    self._nodes.add(node)
                    self._known.update(node.outputs)

    def __contains__(self, node: Node) -> bool:
        return node in self._nodes

    def knows(self, value: Value) -> bool:
        """True for a value that is there when the model runs."""
        return value in self._known

    def expression(self, text: str, wanted: str) -> str:
        """The weight that the text computes; `wanted` is what it would be called."""
        if text not in self._keys:
            self._keys[text] = self._names.take(wanted)
        return f"w[{quoted(self._keys[text])}]"

    def inlined(self, value: Value, packs: Callable[[Node], int | None]) -> bool:
        """True for a value that only one other line computes something of, operands that a node `packs` included."""
        if value.n_uses != 1 or value.is_output:
            return False
        user, index = next((o, i) for o, i in value.uses if isinstance(o, Node))
        return user in self._nodes or packs(user) == index

    def lines(self, body: str) -> list[str]:
        """An assignment each. Weights that neither `body`, which is the model, nor another line reads go."""
        everything = "\n".join([body, *self._keys])

        def taken(found: re.Match[str]) -> str:
            return f"w.pop({found[1]})" if everything.count(found[0]) == 1 else found[0]

        return [f"w[{quoted(key)}] = {_WEIGHT.sub(taken, text)}" for text, key in self._keys.items()]


def _has_one_array(node: Node) -> bool:
    plain = node.op.pure and not node.bodies
    if not (plain or isinstance(node.op, Region)) or len(node.outputs) != 1:
        return False
    out = node.outputs[0]
    return isinstance(out.type, TensorType) and bool(out.rank)
