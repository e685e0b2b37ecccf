"""Patterns: subgraphs written as expressions, traced once; `match.py` finds them in graphs.

    def pattern(self, p, x, w: Const):
        return p.Add(p.Convolution(x, w), 3.0)

Parameters are variables: plain ones match any value, `Const` ones a constant. A repeated variable must be the
same value. A number matches a constant that holds it alone. Keywords match attributes, by value or by predicate.
Commutative operations are tried in both orders. A value inside the pattern that is read elsewhere too is refused,
unless the operation says `shared=True`. `p.one_of("A", "B", name="op")` matches either kind. `...` as the last operand
stands for any further ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from types import MethodType
from typing import Any, TypeAlias

from ..ir.buffer import Buffer
from ..ir.cached import Cached
from ..ir.constant import Constant
from ..ir.graph import Node, Value
from ..ir.op import op_class
from ..ir.order import in_order
from ..ir.record import record


class Const:
    """Annotation of a pattern variable that matches constants; the match holds the array."""


@record(frozen=True)
class Var:
    name: str
    const: bool = False


@record(frozen=True)
class Number:
    value: float


@record(frozen=True, eq=False)
class OpPattern:
    """An operation of one of `kinds`; `output` is the index of the result that the pattern follows."""

    kinds: tuple[str, ...]
    args: tuple[Pattern | None, ...]
    name: str
    shared: bool
    attributes: tuple[tuple[str, Any], ...]
    output: int = 0
    variadic: bool = False

    @Cached
    def commutative(self) -> bool:
        """Whether its two operands match in either order."""
        return len(self.args) == 2 and not self.variadic and _commutative(self.kinds)

    @Cached
    def makers(self) -> tuple[Makers, ...]:
        """What may make each operand."""
        return tuple(map(_makers, self.args))

    @Cached
    def consts(self) -> frozenset[str]:
        """The names of the variables that match constants only."""
        return frozenset(v.name for v in _variables(self) if v.const)


Makers: TypeAlias = frozenset[str | None] | None
"""The kinds of operations one of which makes an operand (None: it is left out); None where it is any value."""


def _makers(arg: Pattern | None) -> Makers:
    if isinstance(arg, OpPattern):
        return frozenset(arg.kinds)
    if isinstance(arg, Var) and not arg.const:
        return None
    return frozenset([None if arg is None else "Constant"])


def _variables(pattern: Pattern | None) -> Iterator[Var]:
    if isinstance(pattern, Var):
        yield pattern
    elif isinstance(pattern, OpPattern):
        for arg in pattern.args:
            yield from _variables(arg)


@cache
def _commutative(kinds: tuple[str, ...]) -> bool:
    return all(op_class(kind).commutative for kind in kinds)


Pattern: TypeAlias = Var | Number | OpPattern


class Tracer:
    """Stands for the builder while a pattern is traced. `known`: whether all operations of the pattern exist."""

    def __init__(self, known: bool = False) -> None:
        self._known = known

    def __getattr__(self, kind: str) -> Callable[..., OpPattern]:
        if not kind[:1].isupper():
            raise AttributeError(kind)
        return self.one_of(kind, name=kind)

    def one_of(self, *kinds: str, name: str) -> Callable[..., OpPattern]:
        """An operation of any of these kinds; the match holds it under `name`."""
        for kind in () if self._known else kinds:
            op_class(kind)  # raises, with the nearest name

        def make(*args: Any, name: str = name, shared: bool = False, output: int = 0, **attributes: Any) -> OpPattern:
            variadic = args[-1:] == (...,)
            operands = tuple(_operand(a) for a in (args[:-1] if variadic else args))
            return OpPattern(kinds, operands, name, shared, tuple(attributes.items()), output, variadic)

        return make


def _operand(value: Any) -> Pattern | None:
    if value is None or isinstance(value, Var | Number | OpPattern):
        return value
    if isinstance(value, int | float):
        return Number(float(value))
    raise TypeError(f"{value!r} cannot stand in a pattern")


def trace(method: Callable[..., Any]) -> tuple[OpPattern, ...]:
    """The alternatives of a rule's `pattern` method (it returns one expression, or a tuple of them)."""
    code, annotations = method.__code__, method.__annotations__  # `inspect.signature` takes much longer
    first = 2 if isinstance(method, MethodType) else 1
    names = code.co_varnames[first : code.co_argcount]
    known = method.__module__.startswith("vinoc.")  # of the rules of our own a test knows; many need never be imported
    result = method(Tracer(known), *(Var(n, const=annotations.get(n) in (Const, "Const")) for n in names))
    return result if isinstance(result, tuple) else (result,)


class Match:
    """What a pattern bound: `m.x` a value, `m.w` an array (Const), `m.Convolution` an operation."""

    __slots__ = ("blocked", "consts", "misses", "nodes", "root", "values")

    def __init__(self, root: Node, consts: frozenset[str], misses: list[str] | None = None) -> None:
        self.root = root
        self.consts = consts
        self.misses = misses
        self.values: dict[str, Value] = {}
        self.nodes: dict[OpPattern, Node] = {}
        self.blocked = ""

    def __getattr__(self, name: str) -> Any:
        value = self.values.get(name)
        if value is not None:
            return value.const if name in self.consts else value
        return self.node(name).op

    def node(self, name: str) -> Node:
        """The node that the operation of that name (or kind) matched."""
        for pattern, node in self.nodes.items():
            if pattern.name == name:
                return node
        raise AttributeError(f"the pattern binds no '{name}'")

    def in_order(self) -> list[Node]:
        """The matched nodes, as they stand in the graph."""
        return in_order(self.nodes.values())

    def value(self, name: str) -> Value:
        """The value of a variable, for Const ones too."""
        return self.values[name]

    def buffer(self, name: str) -> Buffer:
        """The contents of a Const variable, which need not be read yet."""
        op = self.values[name].op
        assert isinstance(op, Constant)
        return op.value

    def has(self, name: str) -> bool:
        """True when this alternative of the pattern binds the name."""
        return name in self.values or any(p.name == name for p in self.nodes)
