"""Nodes before there is a model: operations over what has no graph yet.

A node is free until a model takes it. It knows its operands, and its types are inferred at once; free operands know
who reads them. Each free Parameter is the only input of a graph of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...ir.buffer import Buffer
from ...ir.builder import Builder
from ...ir.constant import Constant
from ...ir.dtype import Array, DType
from ...ir.errors import UsageError
from ...ir.graph import Graph, Node, Value
from ...ir.inference import detached
from ...ir.loc import Loc
from ...ir.op import Op
from ...ir.types import TensorType
from .names import fresh_name, type_name


class Loose(Graph):
    """Holds a Parameter that no model has."""


def is_free(value: Value) -> bool:
    """Whether a value belongs to no model."""
    owner = value.owner
    return owner.graph is None if isinstance(owner, Node) else isinstance(owner, Loose)


def make(op: Op, inputs: Sequence[Value | None], bodies: Sequence[Graph] = (), name: str | None = None) -> Node:
    """A free node. Raises InferenceError, naming it, when the operation cannot take the operands."""
    kind = type_name(op)
    node = detached(op, inputs, bodies=bodies, loc=Loc("", name or fresh_name(kind), kind))
    for i, value in enumerate(node.inputs):
        if value is not None and is_free(value):
            value._uses[node, i] = None
    return node


class FreeBuilder(Builder):
    """Builds free nodes; `label` is the name of the last of them."""

    def __init__(self, label: str | None = None) -> None:
        super().__init__(Graph())
        self.label = label

    def _insert(self, op: Op, inputs: Sequence[Value | None], bodies: Sequence[Graph], name: str) -> Node:
        return make(op, inputs, bodies, self.label if name and name == self.label else None)


def make_parameter(type: TensorType, name: str | None = None) -> Value:
    """A free input."""
    home = Loose("parameter")
    return home.add_input(type, name or fresh_name("Parameter"), ())


def make_constant(value: Any, dtype: DType | None = None, name: str | None = None) -> Node:
    """A free constant. Raises UsageError for what is no array of numbers, booleans or texts."""
    return make(Constant(buffer_of(value, dtype)), (), (), name)


def buffer_of(value: Any, dtype: DType | None = None) -> Buffer:
    """What a program gives as a constant, as one. Numbers of another element type are converted.

    Raises UsageError for what is no array.
    """
    array: Array = np.asarray(value)
    if array.dtype.kind == "O" and not all(isinstance(v, str | bytes) for v in array.flat):
        raise UsageError(f"expected a node, a number or an array, got {type(value).__name__}")
    if dtype is not None and dtype.kind != "s" and array.dtype != dtype.numpy:
        if array.dtype.kind in "OSU":
            raise UsageError(f"a constant of texts cannot be {dtype}", help="leave the element type out")
        array = array.astype(dtype.numpy)
    return Buffer.of(array, dtype)
