"""Another element type for an input."""

from __future__ import annotations

from ..ir.builder import Builder
from ..ir.dtype import DType
from ..ir.errors import UsageError, did_you_mean
from ..ir.graph import Graph
from ..ir.types import TensorType
from .base import Context, Pass, graph_pass
from .ports import find_input, tensor_of


@graph_pass("input-type")
class InputType(Pass):
    """An input of another element type, converted to the model's own: `input-type{input=image,type=u8}`."""

    face = True

    type: str
    input: str = ""

    def validate(self) -> None:
        element_type(self.type)

    def run(self, graph: Graph, context: Context) -> int:
        index = find_input(graph, self.input)
        old = graph.inputs[index]
        was, wanted = tensor_of(old), element_type(self.type)
        if was.dtype is wanted:
            return 0
        if "s" in (was.dtype.kind, wanted.kind):
            raise UsageError(f"input '{old.name}' is {was}, which cannot be made of {wanted}")
        new = graph.swap_input(index, TensorType(wanted, was.shape))
        b = Builder(graph, before=graph.first)
        graph.replace_uses(old, b.Convert(new, destination_type=was.dtype, name=f"{old.name}/type"))
        context.matches[self.name] += 1
        return 1


def element_type(name: str) -> DType:
    """The type of that name. Raises UsageError with the nearest."""
    found = DType.registry.get(name.lower())
    if found is None:
        hint = did_you_mean(name, DType.registry)
        raise UsageError(f"no element type '{name}'", help=f"{hint} types: {', '.join(DType.registry)}".strip())
    return found
