"""The order of colors, put into the model."""

from __future__ import annotations

import numpy as np

from ..ir.builder import Builder
from ..ir.errors import UsageError
from ..ir.graph import Graph, Value
from .base import Context, Pass, graph_pass
from .channels import COLORS, channel_axis, color_axis
from .ports import find_input, put_behind, tensor_of


@graph_pass("reverse-channels")
class ReverseChannels(Pass):
    """The model takes BGR where it took RGB: channels 2, 1, 0 of its input in place of 0, 1, 2.

    Without `input`, of every input that is an image of three channels; without `axis`, those are axis 1 or 3 of four.
    `fuse` puts the order into the weights of a convolution.
    """

    face = True

    input: str = ""
    axis: int | None = None

    def run(self, graph: Graph, context: Context) -> int:
        found = self._images(graph)
        for value, axis in found:

            def made(b: Builder, x: Value, axis: int = axis, name: str = value.name) -> Value:
                order = np.arange(COLORS - 1, -1, -1)
                return b.Gather(x, order, np.array(axis, np.int64), name=f"{name}/reversed")

            put_behind(graph, value, made)
        context.matches[self.name] += len(found)
        return len(found)

    def _images(self, graph: Graph) -> list[tuple[Value, int]]:
        if self.input or self.axis is not None:
            value = graph.inputs[find_input(graph, self.input)]
            type = tensor_of(value)
            axis = self.axis if self.axis is not None else color_axis(type)
            if axis is None:
                raise UsageError(f"input '{value.name}' is {type}, no image of three channels", help="give its layout")
            return [(value, channel_axis(type, COLORS, axis, value.name))]
        axes = [(v, color_axis(tensor_of(v))) for v in graph.inputs]
        found = [(v, axis) for v, axis in axes if axis is not None]
        if not found:
            listed = ", ".join(f"'{v.name}' {v.type}" for v in graph.inputs)
            raise UsageError(f"no input is an image of three channels: {listed}", help="give its layout")
        return found
