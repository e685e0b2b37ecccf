"""Another batch for the model."""

from __future__ import annotations

from ..ir.dim import Sym
from ..ir.errors import UsageError
from ..ir.graph import Graph
from ..ir.types import Shape, TensorType
from .base import Context, Pass, graph_pass
from .ports import chosen, reshape, tensor_of


@graph_pass("batch")
class Batch(Pass):
    """Sets the batch of an input, or of all inputs: `batch{size=8}`; all shapes are inferred again.

    `axis` says where it is; without it, the first dimension is taken for the batch where it is open, 0 or 1.
    """

    face = True

    size: int
    input: str = ""
    axis: int | None = None

    def validate(self) -> None:
        if self.size < 1:
            raise UsageError(f"a batch of {self.size} is asked for, expected 1 or more")

    def run(self, graph: Graph, context: Context) -> int:
        inputs = {i: graph.inputs[i] for i in chosen(graph, self.input)}
        changed = reshape(graph, {i: batched(tensor_of(v), self.size, self.axis, v.name) for i, v in inputs.items()})
        context.matches[self.name] += changed
        return changed


def batched(type: TensorType, size: int, axis: int | None, name: str) -> Shape:
    """The shape with another batch. Raises UsageError where it is not clear which dimension that is."""
    shape = type.shape
    help = "give the layout of the input, for example --layout nchw, or its shape"
    if not shape:
        raise UsageError(f"input '{name}' is {type}: it has no batch", help=help)
    if axis is None:
        axis = 0
        if not isinstance(shape[0], Sym) and shape[0] not in (0, 1):
            raise UsageError(
                f"the first dimension of input '{name}' {type} is {shape[0]}: it may not be a batch", help=help
            )
    if not -len(shape) <= axis < len(shape):
        raise UsageError(f"input '{name}' is {type}: it has no axis {axis}")
    axis %= len(shape)
    return (*shape[:axis], size, *shape[axis + 1 :])
