"""The tensors of an ONNX model, without converting it."""

from __future__ import annotations

from os import PathLike

from ....ir.errors import ModelError
from ..outline import Outline
from .reader import read_file
from .symbols import Symbols


def outline(path: str | PathLike[str]) -> Outline:
    """Inputs, declared types, nodes and initializers. Raises ModelError for a damaged file."""
    graph = read_file(path).model.graph
    symbols, out = Symbols(), Outline()
    out.weights = {t.name for t in graph.initializer} | {t.values.name for t in graph.sparse_initializer}
    for v in graph.input:
        if v.name not in out.weights:
            out.inputs[v.name] = symbols.type(v.type, v.name)
    for v in (*graph.value_info, *graph.output):
        try:
            out.types[v.name] = symbols.type(v.type, v.name)
        except ModelError:  # a hint that says nothing: the type is inferred where it is needed
            continue
    for node in graph.node:
        reads, makes = list(node.input), list(node.output)
        out.readers.update(r for r in reads if r)
        if node.op_type == "Constant":
            out.weights.update(makes)
        if node.name:
            out.nodes.setdefault(node.name, (reads, makes))
    out.readers.update(v.name for v in graph.output)
    return out
