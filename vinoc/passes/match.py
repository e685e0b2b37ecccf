"""Whether a pattern matches at a node: fully, or but for one constant or attribute; and which can match at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, Union

import numpy as np

from ..ir.graph import Node, Value
from .pattern import Makers, Match, Number, OpPattern, Pattern, Var

# Operations that remain to be found: a linked list (pattern, value, rest), so that a choice can be undone by keeping a
# reference.
Goals: TypeAlias = Union["tuple[OpPattern, Value, Goals]", None]


def match(pattern: OpPattern, node: Node) -> Match | None:
    """Matches at a node. A match whose `blocked` is not empty must not be applied: it says why."""
    found = Match(node, pattern.consts)
    if pattern.output >= len(node.outputs) or not _solve((pattern, node.outputs[pattern.output], None), found):
        return None
    if len(found.nodes) > 1:
        found.blocked = _read_elsewhere(found)
    return found


def near_match(pattern: OpPattern, node: Node) -> str:
    """What alone keeps a pattern of several operations from matching: a constant or an attribute. Empty for others."""
    if pattern.output >= len(node.outputs):
        return ""
    found = Match(node, pattern.consts, misses=[])
    if not _solve((pattern, node.outputs[pattern.output], None), found) or len(found.nodes) < 2:
        return ""
    assert found.misses is not None
    return found.misses[0] if len(found.misses) == 1 else ""


def _solve(goals: Goals, m: Match) -> bool:
    while goals is not None:
        pattern, value, goals = goals
        node = value.node
        if node is None or not _enter(pattern, value, node, m):
            return False
        inputs = node.inputs
        if pattern.commutative:
            values, nodes, misses = dict(m.values), dict(m.nodes), None if m.misses is None else list(m.misses)
            straight = _operands(pattern.args, inputs, goals, m)
            if straight is not False and _solve(straight, m):
                return True
            m.values, m.nodes, m.misses = values, nodes, misses
            inputs = inputs[::-1]
        rest = _operands(pattern.args, inputs, goals, m)
        if rest is False:
            return False
        goals = rest
    return True


def _operands(
    args: Sequence[Pattern | None], inputs: Sequence[Value | None], goals: Goals, m: Match
) -> Goals | Literal[False]:
    """The goals, and those of the operands that are operations; False where another operand does not match."""
    for i in range(len(args) - 1, -1, -1):
        arg, value = args[i], inputs[i]
        if value is None:
            if arg is not None:
                return False
        elif type(arg) is OpPattern:
            op = value.owner.op
            if op is None or op.kind not in arg.kinds:
                return False
            goals = (arg, value, goals)
        elif type(arg) is Var:
            if not _bind(arg, value, m):
                return False
        elif type(arg) is not Number or not (_holds(value, arg.value) or _near(value, arg.value, m)):
            return False
    return goals


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
    if m.nodes.setdefault(pattern, node) is not node:
        return False
    for name, wanted in pattern.attributes:
        actual = getattr(op, name)
        if not (wanted(actual) if callable(wanted) else actual == wanted):
            if m.misses is None or callable(wanted):
                return False
            m.misses.append(f"`{name}` of '{node.label}' ({node.kind}) is {actual}, not {wanted}")
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

Signature: TypeAlias = tuple[str, int, tuple[str | None, ...]]
"""The kind of a node, the number of its operands, and the kinds of those that make the first of them."""


def signature(node: Node) -> Signature:
    """Equal for nodes at which the same patterns can match."""
    inputs = node.inputs
    return node.op.kind, len(inputs), made_by(inputs[:LOOKED_AT])


def made_by(values: Sequence[Value | None]) -> tuple[str | None, ...]:
    """The kinds of the nodes that make values: "" for an input of the graph, None for what is left out."""
    return tuple([None if v is None else "" if v.owner.op is None else v.owner.op.kind for v in values])


def can_match(pattern: OpPattern, s: Signature) -> bool:
    """False where no node of that signature can match."""
    kind, count, kinds = s
    if kind not in pattern.kinds or not _takes(pattern, count):
        return False
    return _fits(pattern.makers, kinds) or (pattern.commutative and _fits(pattern.makers, kinds[::-1]))


def _fits(makers: Sequence[Makers], kinds: Sequence[str | None]) -> bool:
    for allowed, kind in zip(makers, kinds):
        if allowed is None:
            continue
        if kind not in allowed:
            return False
    return True


def _holds(value: Value, number: float) -> bool:
    op = value.op
    if op is None or op.kind != "Constant":
        return False
    array = value.const
    assert array is not None
    if array.dtype.kind not in "fiu" or array.size == 0:
        return False
    if array.size > 1 and array.item(0) != array.item(-1):
        return False
    if number == 0:
        return not array.any()  # a tiny epsilon is not nothing
    tolerance = (1e-3 if array.dtype.itemsize <= 2 else 1e-6) * abs(number)
    if array.size == 1:
        return abs(float(array.item()) - number) <= tolerance
    return bool(np.all(np.abs(array.astype(np.float64) - number) <= tolerance))
