"""State that programs carry from one inference to the next, kept in the model."""

from __future__ import annotations

import numpy as np

from ..ir.builder import Builder
from ..ir.errors import UsageError
from ..ir.graph import Graph
from .base import Context, Pass, graph_pass
from .ports import find_input, find_output, tensor_of


@graph_pass("make-stateful")
class MakeStateful(Pass):
    """Pairs of an input and the output that a program feeds to it next time become variables, which begin with zeros.

    `make-stateful{inputs=[h_in,c_in],outputs=[h_out,c_out]}`, as OpenVINO's MakeStateful: ReadValue and Assign of the
    variable `h_inh_out`. Shapes must be known.
    """

    face = True

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def validate(self) -> None:
        if len(self.inputs) != len(self.outputs) or not self.inputs:
            raise UsageError(
                f"{len(self.inputs)} inputs and {len(self.outputs)} outputs are to be paired",
                help="make-stateful{inputs=[h_in],outputs=[h_out]}",
            )
        for names in (self.inputs, self.outputs):
            twice = next((n for n in names if names.count(n) > 1), None)
            if twice is not None:
                raise UsageError(f"'{twice}' is paired twice")

    def run(self, graph: Graph, context: Context) -> int:
        for source, sink in zip(self.inputs, self.outputs, strict=True):
            find_input(graph, source)
            find_output(graph, sink)
        for source, sink in zip(self.inputs, self.outputs, strict=True):
            _pair(graph, source, sink)
        context.matches[self.name] += len(self.inputs)
        return len(self.inputs)


def _pair(graph: Graph, source: str, sink: str) -> None:
    index = find_input(graph, source)
    value = graph.inputs[index]
    type, given = tensor_of(value), graph.outputs[find_output(graph, sink)]
    if not type.is_static or type.shape is None:
        raise UsageError(
            f"input '{source}' is {type}: a variable needs sizes",
            help=f"give them, for example --input '{source}[1,128]'",
        )
    if given.type != type:
        raise UsageError(f"input '{source}' is {type}, output '{sink}' {given.type}: no state can be both")
    variable = source + sink
    b = Builder(graph, before=graph.first)
    zeros = b.const(np.zeros(type.shape, type.dtype.numpy), type.dtype)
    read = b.ReadValue(
        zeros, variable_id=variable, variable_type=type.dtype, variable_shape=type.shape, name=value.name
    )
    graph.replace_uses(value, read)
    at = find_output(graph, sink)
    Builder(graph).Assign(graph.outputs[at], variable_id=variable, name=f"{sink}/assign")
    graph.remove_output(at)
    graph.remove_input(index)
