"""The order of dimensions at the model's ports."""

from __future__ import annotations

import numpy as np

from ..ir.builder import Builder
from ..ir.errors import UsageError
from ..ir.graph import Graph
from ..ir.types import TensorType, permute
from .base import Context, Pass, graph_pass
from .layoutless import inverse
from .layouts import order_between, parse_layout
from .ports import find_input, find_output, tensor_of


@graph_pass("layout")
class Layout(Pass):
    """An input, or an output, in another layout: `layout{input=x,source=NHWC,target=NCHW}`.

    `source` is what the model has, `target` what its users are to give or get. A Transpose stands at the door;
    `fuse` sinks it through the graph to the next one, where the two cancel.
    """

    face = True

    source: str
    target: str
    input: str = ""
    output: str = ""

    def validate(self) -> None:
        if self.input and self.output:
            raise UsageError("pass 'layout' is for an input or for an output, not for both at once")
        parse_layout(self.source)
        parse_layout(self.target)

    def run(self, graph: Graph, context: Context) -> int:
        changed = self._output(graph) if self.output else self._input(graph)
        context.matches[self.name] += changed
        return changed

    def _order(self, type: TensorType, where: str) -> tuple[int, ...] | None:
        """From `source` to `target`; None where they are the same."""
        if type.shape is None:
            raise UsageError(
                f"the rank of {where} is not known, so its layout cannot be changed", help="give it a shape"
            )
        try:
            order = order_between(parse_layout(self.source), parse_layout(self.target), len(type.shape))
        except UsageError as error:
            raise UsageError(f"{error.what} ({where} is {type})", help=error.help) from None
        return None if order == tuple(range(len(order))) else order

    def _input(self, graph: Graph) -> int:
        index = find_input(graph, self.input)
        old = graph.inputs[index]
        type = tensor_of(old)
        order = self._order(type, f"input '{old.name}'")
        if order is None or type.shape is None:
            return 0
        new = graph.swap_input(index, TensorType(type.dtype, permute(type.shape, order)))
        b = Builder(graph, before=graph.first)
        back = np.array(inverse(order), np.int64)
        graph.replace_uses(old, b.Transpose(new, back, name=f"{old.name}/layout"))
        return 1

    def _output(self, graph: Graph) -> int:
        index = find_output(graph, self.output)
        value = graph.outputs[index]
        order = self._order(value.tensor, f"output '{self.output}'")
        if order is None:
            return 0
        made = Builder(graph).Transpose(value, np.array(order, np.int64), name=f"{value.name}/layout")
        graph.set_output(index, made)
        return 1
