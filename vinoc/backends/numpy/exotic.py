"""Element types that NumPy lacks: computed away where only constants are concerned, else refused.

Weights in bf16, f8 or four bits that a Convert brings to f32 are stored as f32.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ...ir.buffer import Buffer
from ...ir.constant import Constant
from ...ir.dtype import DType
from ...ir.errors import VinocError
from ...ir.graph import Graph, Node, Value
from ...ir.op import as_tuple
from ...ir.types import TensorType, Type
from .literals import is_portable


@dataclass
class Folded:
    """Nodes that are computed when the module is made, with their values; and what is wrong with others."""

    nodes: set[Node] = field(default_factory=set)
    values: dict[Value, Buffer] = field(default_factory=dict)
    failures: dict[Node, str] = field(default_factory=dict)

    def problem(self, node: Node) -> str | None:
        """Why a node cannot be written for NumPy's types, or None."""
        if node in self.failures:
            return self.failures[node]
        if node not in self.nodes:
            foreign = {t.name for v in [*node.inputs, *node.outputs] if v for t in _foreign(v.type)}
            return f"NumPy has no element type {', '.join(sorted(foreign))}" if foreign else None
        for out in node.outputs:
            if out.is_output and (types := list(_foreign(out.type))):
                return f"NumPy has no element type {types[0].name}, which output '{out.name}' has"
        return None


def fold_exotic(graph: Graph) -> Folded:
    """Computes every node over constants that concerns an element type that NumPy lacks."""
    folded = Folded()
    for g in graph.walk():
        for node in g:
            if any(next(_foreign(v.type), None) for v in [*node.inputs, *node.outputs] if v is not None):
                _fold(node, folded)
    return folded


def _fold(node: Node, folded: Folded) -> None:
    if not node.op.foldable or not all(isinstance(out.type, TensorType) for out in node.outputs):
        return
    arrays = []
    for value in node.inputs:
        buffer = None
        if value is not None:
            buffer = folded.values.get(value)
            if buffer is None and type(value.op) is Constant:
                buffer = value.op.value
            if buffer is None:
                return
        arrays.append(buffer and buffer.array)
    try:
        with np.errstate(all="ignore"):
            results = as_tuple(node.op.evaluate(*arrays))
    except Exception as error:
        folded.failures[node] = f"it cannot be computed: {error.what if isinstance(error, VinocError) else error}"
        return
    folded.nodes.add(node)
    for out, result in zip(node.outputs, results, strict=True):
        folded.values[out] = Buffer.of(np.asarray(result), out.dtype)


def _foreign(type: Type) -> Iterator[DType]:
    """The element type of a value, where NumPy has it not."""
    while not isinstance(type, TensorType):
        type = type.element
    if not is_portable(type.dtype):
        yield type.dtype
