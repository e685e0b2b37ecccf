"""A constant in place of an input."""

from __future__ import annotations

import numpy as np

from ..ir.buffer import Buffer
from ..ir.builder import Builder
from ..ir.errors import UsageError
from ..ir.graph import Graph
from ..ir.types import TensorType, static_shape
from .base import Context, Pass, graph_pass
from .ports import find_input, tensor_of


@graph_pass("freeze")
class Freeze(Pass):
    """An input becomes a constant: `freeze{input=training,values=[0]}`; values in the order of memory."""

    face = True

    values: tuple[float, ...]
    input: str = ""

    def run(self, graph: Graph, context: Context) -> int:
        index = find_input(graph, self.input)
        value = graph.inputs[index]
        made = Builder(graph, before=graph.first).const(frozen(tensor_of(value), self.values, value.name))
        made.name = value.name
        graph.replace_uses(value, made)
        graph.remove_input(index)
        context.matches[self.name] += 1
        return 1


def frozen(type: TensorType, values: tuple[float | int | bool, ...], name: str) -> Buffer:
    """Numbers as an array of a type: as many as it has elements. An open vector takes any number of them.

    Raises UsageError where the shape is open, the number is another or the type cannot hold one of them.
    """
    shape = static_shape(type.shape)
    if shape is None and (type.rank in (None, 1)):
        shape = (len(values),)
    if shape is None:
        raise UsageError(f"input '{name}' is {type}: its sizes are open", help=f"give them: {name}[...]->...")
    if int(np.prod(shape)) != len(values):
        raise UsageError(f"{len(values)} values are given for input '{name}', which has {int(np.prod(shape))}: {type}")
    dtype = type.dtype
    for v in values:
        if dtype.is_integer:
            low = -(1 << (dtype.bits - 1)) if dtype.kind == "i" else 0
            if not np.isfinite(v) or v != int(v) or not low <= int(v) < low + (1 << dtype.bits):
                raise UsageError(f"{v} is given for input '{name}', but {dtype} cannot hold it")
        elif dtype.kind == "b" and v not in (0, 1):
            raise UsageError(f"{v} is given for input '{name}', which takes true and false")
        elif dtype.kind not in "fb":
            raise UsageError(f"input '{name}' is {type}, for which numbers cannot be given")
    whole = [int(v) for v in values] if dtype.is_integer else [float(v) for v in values]
    return Buffer.of(np.array(whole, dtype.numpy).reshape(shape), dtype)
