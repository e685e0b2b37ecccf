"""Values of a model looked at while it runs, where they lie.

Values that are results of a model are copied out of the memory that its kernels share, all of them at once. A tap is a
node that reads a value and shows it to a function: nothing is copied, and memory is used again as it is without taps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ...ir.builder import Builder
from ...ir.dtype import Array, u8
from ...ir.graph import Graph, Value
from ...ir.op import Op, Operand, Port
from ...ir.types import TensorType
from ...runtime.core import Core
from ...runtime.model import Model

Look = Callable[[Array], None]
"""Is shown a value: a view, which may have any strides, and holds until the function returns."""


class Tap(Op):
    """Shows a value to a function whenever it is computed; gives nothing [0]. It is not registered: no file has it."""

    kind, opset, internal, pure = "Tap", None, True, False
    ports, min_inputs, max_inputs = (Port("data"),), 1, 1

    def __init__(self, look: Look) -> None:
        self.look = look

    def attributes(self) -> Iterator[Any]:
        return iter(())

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def infer(self, data: Operand) -> TensorType:
        return TensorType(u8, (0,))

    def evaluate(self, data: Array) -> Array:
        self.look(data)
        return np.zeros(0, np.uint8)


def values_of(graph: Graph, copy: Graph) -> dict[Value, Value]:
    """The values of a graph in a clone of it."""
    twin = dict(zip(graph.inputs, copy.inputs, strict=True))
    for a, b in zip(graph, copy, strict=True):
        twin.update(zip(a.outputs, b.outputs, strict=True))
    return twin


class Tapped:
    """A float graph on the CPU device that shows values to functions."""

    def __init__(self, graph: Graph, looks: Mapping[Value, Sequence[Look]]) -> None:
        """`graph` stays as it is. Values may be inputs."""
        copy = graph.clone()
        twin = values_of(graph, copy)
        self.names = [next(iter(n), v.name) for v, n in zip(graph.inputs, graph.input_names, strict=True)]
        self.given = [(i, looks[v]) for i, v in enumerate(graph.inputs) if v in looks]
        while copy.outputs:
            copy.remove_output(len(copy.outputs) - 1)
        for value, functions in looks.items():
            node = twin[value].node
            if node is not None:
                taps = [Builder(copy, before=node.next).node(Tap(look), twin[value]) for look in functions]
                for tap in taps:
                    copy.add_output(tap.output)
        self.request: Any = None
        if copy.outputs:
            self.request = Core().compile_model(Model(copy), "CPU").create_infer_request()

    def __call__(self, arrays: Mapping[str, Array]) -> None:
        """Runs the model for inputs by name."""
        feeds = [arrays[n] for n in self.names]
        for i, functions in self.given:
            for look in functions:
                look(feeds[i])
        if self.request is not None:
            self.request.infer(feeds, share_inputs=True)
