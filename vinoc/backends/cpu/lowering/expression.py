"""From elementwise nodes to an expression: which there is code for, and what their operands are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from typing import Any

import numpy as np

from ....ir import dtype as dt
from ....ir.dtype import DType
from ....ir.graph import Node, Value
from ....ir.record import record
from ..codegen.operations import COSTLY, OPERATIONS, POWERS, Step, supported
from ..kernels.chain import Expression

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "Divide": ("m_pythondiv",),
    "Round": ("mode",),
    "Clamp": ("min", "max"),
    "Elu": ("alpha",),
    "Gelu": ("approximation_mode",),
    "IsInf": ("detect_negative", "detect_positive"),
    "FakeQuantize": ("levels",),
    "Quantize": ("low", "high"),
}
"""Those that decide the code of a step."""

WITH_SCALARS = frozenset({"Swish", "HardSigmoid", "Selu"})
"""Nodes whose operands but the first hold one element, whatever their rank."""


def is_elementwise(node: Node) -> bool:
    """Whether a chain can compute a node."""
    kind = "Convert" if node.kind == "ConvertLike" else node.kind
    if kind not in OPERATIONS or len(node.outputs) != 1 or None in node.inputs:
        return False
    if not supported(kind, source_of(node), node.outputs[0].dtype):
        return False
    if not all(v.tensor.is_static for v in (*node.inputs, *node.outputs) if v is not None):
        return False
    return kind != "Clamp" or not (np.isnan(node.op.min) or np.isnan(node.op.max))  # type: ignore[attr-defined]


def source_of(node: Node) -> DType:
    """The element type that a node computes with."""
    return node.operand(1 if node.kind == "Select" else 0).dtype


def is_costly(node: Node) -> bool:
    return node.kind in COSTLY and not (node.kind == "Power" and exponent_of(node, node.operand(1)) is not None)


def exponent_of(node: Node, exponent: Value) -> float | None:
    """The constant exponent of a Power, if it has code of its own."""
    array = exponent.const
    if node.outputs[0].dtype is not dt.f32 or array is None or array.size != 1:
        return None
    found = float(array.reshape(-1)[0])
    return found if found in POWERS else None


@record(frozen=True)
class Operand:
    """A value that a chain reads, under a shape of as many elements."""

    value: Value
    shape: tuple[int, ...]


@record()
class Reading:
    """An expression under construction, over nodes in order. `outer` says what values of a body are outside of it."""

    outer: dict[Value, Value]
    operands: list[Operand] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    _numbers: dict[Operand, int] = field(default_factory=dict)
    _results: dict[Value, int] = field(default_factory=dict)

    def read(self, nodes: Iterable[Node]) -> Expression:
        listed = list(nodes)
        for node in listed:
            self._add(node)
        # Operands come before results: the numbers of these were negative until all were known.
        shift = len(self.operands)
        steps = [
            Step(s.kind, s.source, s.type, tuple(k if k >= 0 else shift - 1 - k for k in s.args), s.params)
            for s in self.steps
        ]
        return Expression(tuple(o.value.dtype for o in self.operands), tuple(steps))

    def _add(self, node: Node) -> None:
        kind, op = node.kind, node.op
        inputs = [v for v in node.inputs if v is not None]
        params = tuple(getattr(op, name) for name in ATTRIBUTES.get(kind, ()))
        if kind == "ConvertLike":
            kind, inputs = "Convert", inputs[:1]
        elif kind == "Power" and (exponent := exponent_of(node, self.outer.get(inputs[1], inputs[1]))) is not None:
            kind, inputs, params = "PowerOf", inputs[:1], (exponent,)
        args = tuple(self._number(v, self._shape(node, i, v)) for i, v in enumerate(inputs))
        self.steps.append(Step(kind, source_of(node), node.outputs[0].dtype, args, params))
        self._results[node.outputs[0]] = -len(self.steps)

    def _number(self, value: Value, shape: tuple[int, ...]) -> int:
        found = self._results.get(value)
        if found is not None:
            return found
        operand = Operand(self.outer.get(value, value), shape)
        if operand not in self._numbers:
            self._numbers[operand] = len(self.operands)
            self.operands.append(operand)
        return self._numbers[operand]

    @staticmethod
    def _shape(node: Node, index: int, value: Value) -> tuple[int, ...]:
        """The shape under which a node reads an operand: slopes of channels lie along axis 1."""
        shape: Any = value.shape
        data: Any = node.operand(0).shape
        if index and node.kind in WITH_SCALARS:
            return ()
        if index and node.kind == "PReLU" and len(shape) == 1 and len(data) > 1 and shape[0] == data[1]:
            return (*shape, *(1,) * (len(data) - 2))
        return tuple(shape)
