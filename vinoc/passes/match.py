"""Whether a pattern matches at a node: fully, or but for one constant or attribute; and which can match at all."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TypeAlias, Union

import numpy as np

from ..ir.graph import Node, Value
from .pattern import Match, Number, OpPattern, Pattern, Var

# Goals are a linked list (pattern, value, rest), so that a choice can be undone by keeping a reference.
Goals: TypeAlias = Union["tuple[Pattern | None, Value | None, Goals]", None]


def match(pattern: OpPattern, node: Node) -> Match | None:
    """Matches at a node. A match whose `blocked` is not empty must not be applied: it says why."""
    found = Match(node)
    root = node.outputs[pattern.output] if pattern.output < len(node.outputs) else None
    if root is None or not _solve((pattern, root, None), found):
        return None
    found.blocked = _read_elsewhere(found)
    found.consts = _constants(pattern)
    return found


def near_match(pattern: OpPattern, node: Node) -> str:
    """What alone keeps a pattern of several operations from matching: a constant or an attribute. Empty for others."""
    if pattern.output >= len(node.outputs):
        return ""
    found = Match(node, misses=[])
    if not _solve((pattern, node.outputs[pattern.output], None), found) or len(found.nodes) < 2:
        return ""
    assert found.misses is not None
    return found.misses[0] if len(found.misses) == 1 else ""


def _solve(goals: Goals, m: Match) -> bool:
    while goals is not None:
        pattern, value, goals = goals
        if type(pattern) is Var:
            if value is None or not _bind(pattern, value, m):
                return False
        elif type(pattern) is Number:
            if value is None or not (_holds(value, pattern.value) or _near(value, pattern.value, m)):
                return False
        elif pattern is None:
            if value is not None:
                return False
        else:
            assert isinstance(pattern, OpPattern)
            node = value.node if value is not None else None
            if node is None or value is None or not _enter(pattern, value, node, m):
                return False
            if not pattern.commutative:
                for p, v in zip(reversed(pattern.args), reversed(node.inputs[: len(pattern.args)])):
                    goals = (p, v, goals)
                continue
            (p0, p1), (v0, v1) = pattern.args, node.inputs
            values, nodes, misses = dict(m.values), dict(m.nodes), None if m.misses is None else list(m.misses)
            if _solve((p0, v0, (p1, v1, goals)), m):
                return True
            m.values, m.nodes, m.misses = values, nodes, misses
            goals = (p0, v1, (p1, v0, goals))
    return True


def _read_elsewhere(m: Match) -> str:
    """Why an inner value of the match must stay, or an empty string."""
    inside = set(m.nodes.values())
    for pattern, node in m.nodes.items():
        if node is m.root or pattern.shared:
            continue
        for out in node.outputs:
            for owner, _ in out.uses:
                if owner not in inside:
                    reader = f"'{owner.label}' ({owner.kind})" if isinstance(owner, Node) else "the graph's outputs"
                    return f"the result of '{node.label}' ({node.kind}) is also read by {reader}"
    return ""


def _bind(variable: Var, value: Value, m: Match) -> bool:
    bound = m.values.get(variable.name)
    if bound is None:
        if variable.const and not value.is_const:
            return False
        m.values[variable.name] = value
        return True
    return bound is value or (value.is_const and bound.is_const and bound.op == value.op)


def _enter(pattern: OpPattern, value: Value, node: Node, m: Match) -> bool:
    op = node.op
    if op.kind not in pattern.kinds or value.index != pattern.output or not _takes(pattern, len(node.inputs)):
        return False
    if m.nodes.get(pattern, node) is not node:
        return False
    for name, wanted in pattern.attributes:
        actual = getattr(op, name)
        if not (wanted(actual) if callable(wanted) else actual == wanted):
            if m.misses is None or callable(wanted):
                return False
            m.misses.append(f"`{name}` of '{node.label}' ({node.kind}) is {actual}, not {wanted}")
    m.nodes[pattern] = node
    return True


def _near(value: Value, number: float, m: Match) -> bool:
    """Where misses are collected: whether it is another number than the one that is meant."""
    if m.misses is None or value.const is None or value.const.size != 1 or value.const.dtype.kind not in "fiu":
        return False
    m.misses.append(f"a constant is {float(value.const.reshape(-1)[0]):.6g}, not {number:.6g}")
    return True


def _takes(pattern: OpPattern, inputs: int) -> bool:
    return inputs >= len(pattern.args) if pattern.variadic else inputs == len(pattern.args)


LOOKED_AT = 4
"""Operands whose producers tell which patterns can match at a node at all."""

Signature: TypeAlias = tuple["str | int | None", ...]


def signature(node: Node) -> Signature:
    """The kind of a node, the number of its operands, and the kinds of those that make the first of them.

    A graph's input is made by the kind "", an operand that is left out is None.
    """
    inputs = node.inputs
    found: list[str | int | None] = [node.op.kind, len(inputs)]
    for value in inputs[:LOOKED_AT]:
        if value is None:
            found.append(None)
        else:
            op = value.op
            found.append("" if op is None else op.kind)
    return tuple(found)


def can_match(pattern: OpPattern, s: Signature) -> bool:
    """False where no node of that signature can match."""
    kind, count, *made_by = s
    if kind not in pattern.kinds or not _takes(pattern, int(count or 0)):
        return False
    straight = all(map(_made_by, pattern.args, made_by))
    return straight or (pattern.commutative and all(map(_made_by, pattern.args, reversed(made_by))))


def _made_by(arg: Pattern | None, kind: str | int | None) -> bool:
    if arg is None or kind is None:
        return arg is None and kind is None
    if type(arg) is OpPattern:
        return kind in arg.kinds
    return kind == "Constant" or (type(arg) is Var and not arg.const)


def _holds(value: Value, number: float) -> bool:
    op = value.op
    if op is None or op.kind != "Constant":
        return False
    array = value.const
    assert array is not None
    if array.dtype.kind not in "fiu" or array.size == 0:
        return False
    if array.size > 1 and array.reshape(-1)[0] != array.reshape(-1)[-1]:
        return False
    if number == 0:
        return not array.any()  # a tiny epsilon is not nothing
    tolerance = 1e-3 if array.dtype.itemsize <= 2 else 1e-6
    return bool(np.all(np.abs(array.astype(np.float64) - number) <= tolerance * abs(number)))


@cache
def _constants(pattern: OpPattern) -> frozenset[str]:
    """The names of the variables that match constants only."""
    return frozenset(v.name for v in _variables(pattern) if v.const)


def _variables(pattern: Pattern | None) -> Iterator[Var]:
    if isinstance(pattern, Var):
        yield pattern
    elif isinstance(pattern, OpPattern):
        for arg in pattern.args:
            yield from _variables(arg)
