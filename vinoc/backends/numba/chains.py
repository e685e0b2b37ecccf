"""Which elementwise nodes are computed in one loop, and how each is written for one number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from math import prod
from typing import Any

import numpy as np

from ...ir.dtype import DType, f32, i8, u8
from ...ir.graph import Graph, Node, Value
from ...ir.types import Shape

PLAIN = frozenset({"Add", "Subtract", "Multiply", "Divide", "ReLU", "Maximum", "Minimum"})
"""One of these alone is left to NumPy, which computes it in one pass too."""

OPERATORS = {"Add": "+", "Subtract": "-", "Multiply": "*", "Divide": "/"}

FUNCTIONS: dict[str, Callable[[Any], str]] = {
    "ReLU": lambda op: "relu({0})",
    "Clamp": lambda op: f"clamp({{0}}, {number(op.min)}, {number(op.max)})",
    "PReLU": lambda op: "prelu({0}, {1})",
    "HardSigmoid": lambda op: "hard_sigmoid({0}, {1}, {2})",
    "Sigmoid": lambda op: "sigmoid({0})",
    "Tanh": lambda op: "tanh({0})",
    "Exp": lambda op: "exp({0})",
    "Gelu": lambda op: "gelu({0})",
    "HSigmoid": lambda op: "hsigmoid({0})",
    "HSwish": lambda op: "hswish({0})",
    "Maximum": lambda op: "maximum({0}, {1})",
    "Minimum": lambda op: "minimum({0}, {1})",
    "FakeQuantize": lambda op: f"fake_quantize({{0}}, {{1}}, {{2}}, {{3}}, {{4}}, {op.levels})",
}
"""What calls a function of `loops.scalars`, {k} being operand k."""


class Along(Enum):
    """How an operand is read."""

    ALL = "all"  # an element for each of the result
    CHANNEL = "channel"  # one for each place along axis 1
    LAST = "last"  # one for each place along the last axis
    ONE = "one"  # a single number


def number(value: float) -> str:
    """A number of f32 as an expression."""
    return f"np.float32({'np.inf' if value == np.inf else '-np.inf' if value == -np.inf else repr(float(value))})"


def along(value: Value, shape: Shape) -> Along | None:
    """How a value is read beside a result of that shape; None where it is read in another way."""
    if value.dtype is not f32 or value.shape is None:
        return None
    if value.shape == shape:
        return Along.ALL
    sizes = value.shape
    if len(sizes) > len(shape) or not all(isinstance(d, int) for d in sizes):
        return None
    if prod(int(str(d)) for d in sizes) == 1:
        return Along.ONE
    places = [i for i, d in enumerate(sizes, len(shape) - len(sizes)) if d != 1]
    if len(places) != 1 or shape[places[0]] != sizes[places[0] - len(shape)]:
        return None
    if places[0] == len(shape) - 1:
        return Along.LAST
    return Along.CHANNEL if places[0] == 1 else None


def operand_along(node: Node, index: int) -> Along | None:
    """The same for operand `index` of a node. A slope of as many numbers as there are channels is one for each."""
    value, shape = node.operand(index), node.outputs[0].shape
    if shape is None:
        return None
    if node.kind == "PReLU" and index == 1 and value.rank == 1 and len(shape) > 1 and value.shape == (shape[1],):
        return Along.CHANNEL if len(shape) > 2 else Along.LAST
    return along(value, shape)


def narrowed(node: Node) -> Node | None:
    """The Convert back to f32 behind a Convert of f32 to u8 or i8 that nothing else reads."""
    if node.kind != "Convert" or node.operand(0).dtype is not f32 or node.outputs[0].dtype not in (u8, i8):
        return None
    back = only_user(node)
    return back if back is not None and back.kind == "Convert" and back.outputs[0].dtype is f32 else None


def only_user(node: Node) -> Node | None:
    """The node that alone reads a node's only output."""
    if len(node.outputs) != 1 or node.outputs[0].n_uses != 1 or node.outputs[0].is_output:
        return None
    return next(node.outputs[0].users, None)


def is_elementwise(node: Node) -> bool:
    """True for an operation on f32 that a chain can take."""
    if node.kind not in OPERATORS and node.kind not in FUNCTIONS:
        return False
    if getattr(node.op, "approximation_mode", "ERF") != "ERF":
        return False
    out = node.outputs[0]
    if out.dtype is not f32 or out.shape is None or getattr(node.op, "auto_broadcast", "numpy") != "numpy":
        return False
    found = [operand_along(node, i) for i in range(len(node.inputs))]
    if None in found or Along.ALL not in found:
        return False
    settings = {"HardSigmoid": 1, "FakeQuantize": 1}.get(node.kind, len(found))
    return all(a is Along.ONE for a in found[settings:])


def chains(graph: Graph) -> list[list[Node]]:
    """Elementwise nodes, each read by the next alone, in the order of the graph."""
    found: list[list[Node]] = []
    taken: set[Node] = set()
    for node in graph:
        if node in taken or not (is_elementwise(node) or narrowed(node)):
            continue
        chain = _grown(node, taken)
        while chain and narrowed(chain[-1]):
            chain.pop()  # nothing is left in u8
        if chain and _pays(chain):
            taken.update(chain)
            found.append(chain)
    return found


def _grown(node: Node, taken: set[Node]) -> list[Node]:
    chain: list[Node] = []
    layouts: set[Along] = set()
    current: Node | None = node
    while current is not None and current not in taken and (not chain or _continues(chain[-1], current)):
        if narrowed(current) is None and not (chain and narrowed(chain[-1])):
            if not is_elementwise(current):
                break
            more = {a for i in range(len(current.inputs)) if (a := operand_along(current, i))} - {Along.ALL, Along.ONE}
            if len(layouts | more) > 1:
                break
            layouts |= more
        chain.append(current)
        current = only_user(current)
    return chain


def _continues(last: Node, node: Node) -> bool:
    return node.outputs[0].shape == last.outputs[0].shape


def _pays(chain: Sequence[Node]) -> bool:
    return len(chain) > 1 or chain[0].kind not in PLAIN


def limits_of(dtype: DType) -> tuple[float, float]:
    """The range of an integer type."""
    info = np.iinfo(dtype.numpy)
    return float(info.min), float(info.max)
