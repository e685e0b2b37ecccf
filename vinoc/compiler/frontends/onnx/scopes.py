"""What names stand for while a model is converted: values, and tensors that become values at their first use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from ....ir.buffer import Buffer
from ....ir.builder import Builder
from ....ir.constant import Constant
from ....ir.graph import Graph, Value
from ....ir.loc import Loc
from ....ir.op import Op


class Poison:
    """Stands for a value that could not be computed. What depends on it is skipped without a further report."""


POISON: Final = Poison()
Named = Value | Poison | None
"""What a name stands for: a value, a failure, or (None) an optional input of a function that the caller left out."""


class FoldingBuilder(Builder):
    """Folds constants, and whatever integers are known: arithmetic on static shapes leaves no trace."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph, fold=True)

    def outputs(self, op: Op, *inputs: Any, bodies: Any = (), name: str = "") -> tuple[Value, ...]:
        made = super().outputs(op, *inputs, bodies=bodies, name=name)
        for v in made:
            if v.known is not None:
                return tuple([self.settle(v) for v in made])
        return made

    def settle(self, value: Value) -> Value:
        """A constant in place of a value of which all numbers are known."""
        known = value.known
        if known is None or known.dtype == object or type(value.op) is Constant:
            return value
        return self.const(known.astype(value.dtype.numpy), value.dtype)


class Tensors:
    """The initializers of a graph of a model file, by name; `read` turns one into a Buffer."""

    def __init__(self, read: Any, protos: Mapping[str, Any], file: str) -> None:
        self._read = read
        self.protos = protos
        self.file = file

    def buffer(self, name: str) -> Buffer:
        return self._read(name, self.protos[name])


class Scope:
    """The names of one GraphProto, or of one call of a function, with those around it.

    `graph` is where its nodes go. A name of an outer scope with another graph enters this graph as an input
    (a capture); constants are made again instead.
    """

    __slots__ = (
        "attributes",
        "builder",
        "calls",
        "captures",
        "depth",
        "graph",
        "opsets",
        "parent",
        "tensors",
        "values",
    )

    def __init__(self, graph: Graph, parent: Scope | None, opsets: Mapping[str, int], tensors: Tensors) -> None:
        self.graph = graph
        self.parent = parent
        self.opsets = opsets
        self.tensors = tensors
        self.builder: FoldingBuilder = (
            parent.builder if parent is not None and parent.graph is graph else FoldingBuilder(graph)
        )
        self.values: dict[str, Named] = {}
        self.captures: dict[Value, Value] = {}  # outer -> inner
        self.attributes: Mapping[str, Any] | None = parent.attributes if parent else None
        self.calls: frozenset[tuple[str, ...]] = parent.calls if parent else frozenset()
        self.depth: int = parent.depth + 1 if parent else 0

    def find(self, name: str) -> Named:
        """What a name stands for. KeyError when nothing defines it; ModelError for a damaged initializer."""
        if name in self.values:
            return self.values[name]
        if name in self.tensors.protos:
            self.values[name] = POISON  # what it stays when reading fails
            op, loc = Constant(self.tensors.buffer(name)), Loc(self.tensors.file, name)
            value = self.graph.insert(op, (), loc=loc, name=name).output
            self.values[name] = value
            return value
        if self.parent is None:
            raise KeyError(name)
        outer = self.parent.find(name)
        inner = self._enter(outer) if isinstance(outer, Value) and self.parent.graph is not self.graph else outer
        self.values[name] = inner
        return inner

    def _enter(self, outer: Value) -> Value:
        if outer.node is not None and type(outer.op) is Constant:
            return self.graph.insert(outer.op, (), loc=outer.node.loc, name=outer.name).outputs[0]
        if outer not in self.captures:
            inner = self.graph.add_input(outer.type, outer.name)
            inner.known = outer.known
            self.captures[outer] = inner
        return self.captures[outer]

    def names(self) -> Iterator[str]:
        """All names that are defined here, the outer ones included."""
        scope: Scope | None = self
        while scope is not None:
            yield from scope.values
            yield from scope.tensors.protos
            scope = scope.parent


def sweep(graph: Graph) -> None:
    """Erases what nothing reads: the shape arithmetic that became constants. Bodies are swept when they are made."""
    for node in reversed(graph):
        if node.op.pure and not node.is_read:
            graph.erase(node)


def is_number(value: Value, number: float) -> bool:
    """True when the value is a constant of one element that equals the number."""
    array = value.const
    return array is not None and array.size == 1 and bool(np.all(array == number))
