"""Another shape for an input."""

from __future__ import annotations

from ..ir.errors import UsageError
from ..ir.graph import Graph
from .base import Context, Pass, graph_pass
from .dims import read_shape
from .ports import find_input, reshape, tensor_of


@graph_pass("reshape")
class Reshape(Pass):
    """Gives an input another shape: `reshape{input=x,shape=[1,3,"?","1..8"]}`; all shapes are inferred again.

    What the model's reading has made constant stays so; a shape that does not fit it is refused. `--input_shape` does
    it before the model is converted.
    """

    face = True

    shape: tuple[str, ...]
    input: str = ""

    def run(self, graph: Graph, context: Context) -> int:
        index = find_input(graph, self.input)
        value = graph.inputs[index]
        type = tensor_of(value)
        shape = read_shape(self.shape, type.shape, value.name)
        if type.shape is not None and len(type.shape) != len(shape):
            raise UsageError(f"input '{value.name}' is {type}, of rank {len(type.shape)}; rank {len(shape)} is given")
        changed = reshape(graph, {index: shape})
        context.matches[self.name] += changed
        return changed
