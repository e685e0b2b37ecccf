"""Pipeline strings: `fuse,clamp-activations{limit=8},(fold,dce)*,fp16`.

A pipeline is passes separated by commas; options stand in braces; a group in parentheses followed by `*` is
repeated until it changes nothing, by `*3` three times at most. `str(pipeline)` parses back to an equal pipeline.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from ..ir.errors import UsageError
from ..ir.record import record
from .base import Pass, make
from .registry import known, pass_class

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

GRAMMAR = r"""
pipeline: [step ("," step)* ","?]
?step: pass_ | group
pass_: NAME ["{" [option ("," option)*] "}"]
group: "(" pipeline ")" [star]
star: "*" [INT]
option: NAME "=" value
?value: INT -> int_ | FLOAT -> float_ | STRING -> string | NAME -> word | "[" [value ("," value)*] "]" -> list_
NAME: /[A-Za-z_][A-Za-z0-9_.-]*/
INT.1: /[+-]?\d+(?![\d.eE])/
FLOAT: /[+-]?(\d+\.\d*|\.\d+|\d+)([eE][+-]?\d+)?|[+-]?inf|nan/
STRING: /"([^"\\]|\\.)*"/
%ignore /\s+/
"""
UNTIL_STABLE = 0
MAX_ROUNDS = 50
"""A group that still changes the graph after so many rounds is reported as endless."""


@record(frozen=True)
class Repeat:
    """A group of steps, repeated `times` at most (UNTIL_STABLE: until it changes nothing)."""

    steps: tuple[Step, ...]
    times: int = 1

    def __str__(self) -> str:
        stars = "" if self.times == 1 else "*" if self.times == UNTIL_STABLE else f"*{self.times}"
        return f"({','.join(map(str, self.steps))}){stars}"


Step: TypeAlias = Pass | Repeat


@record(frozen=True)
class Pipeline:
    """A sequence of steps whose order has been checked against what the passes say."""

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        _check_order(list(self.passes()))

    def passes(self) -> Iterator[Pass]:
        """All passes, in order, those of groups once."""
        stack = list(reversed(self.steps))
        while stack:
            step = stack.pop()
            if isinstance(step, Repeat):
                stack.extend(reversed(step.steps))
            else:
                yield step

    def __str__(self) -> str:
        return ",".join(map(str, self.steps))


def parse(text: str, source: str = "--passes") -> Pipeline:
    """The pipeline of a string. Raises UsageError that shows the place and the nearest name."""
    plain = _plain(text)
    if plain is not None:
        return Pipeline(plain)
    from lark.exceptions import UnexpectedInput

    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        ended = getattr(getattr(error, "token", None), "type", "") == "$END"
        column = len(text) if ended or error.column < 1 else error.column - 1
        at = f"'{text[column]}'" if column < len(text) else "the end"
        raise _at(
            text, column, 1, f"unexpected {at}", source, "write passes like fuse,fold{option=1},(cse,dce)*"
        ) from None
    return Pipeline(_steps(tree, text, source))


PLAIN = re.compile(r"([\w.-]+)(?:\{([\w-]+)=(?:([A-Za-z]\w*)|\[([A-Za-z][\w.,-]*)\])\})?(?:,|$)")
"""A pass with at most one option, a word or a list of words."""


def _plain(text: str) -> tuple[Step, ...] | None:
    """The steps of a string of plain and known passes; None for others, which the grammar judges.

    It is the usual case, and to load the parser takes longer than to compile a small model.
    """
    steps: list[Step] = []
    at, end = 0, len(text)
    while at < end:
        match = PLAIN.match(text, at)
        if match is None or match[1] not in known():
            return None
        name, key, word, item = match.groups()
        options = {key: tuple(item.split(",")) if item else WORDS.get(word, word)} if key else {}
        try:
            steps.append(make(pass_class(name), options))
        except UsageError:
            return None
        at = match.end()
    return tuple(steps) if text and not text.endswith(",") else None


WORDS: dict[str, Any] = {"true": True, "false": False, "none": None}


@cache
def _parser() -> Lark:
    from lark import Lark

    return Lark(GRAMMAR, start="pipeline", parser="lalr", propagate_positions=True, maybe_placeholders=False)


def _steps(tree: Tree[Token], text: str, source: str) -> tuple[Step, ...]:
    out: list[Step] = []
    for child in tree.children:
        assert not isinstance(child, str)
        if child.data == "pass_":
            out.append(_pass(child, text, source))
            continue
        inner, *star = child.children
        assert not isinstance(inner, str)
        times = 1
        if star:
            count = star[0].children  # type: ignore[union-attr]  # `star` is a rule, never a token
            times = int(str(count[0])) if count else UNTIL_STABLE
            if count and times < 1:
                raise _at(text, _column(count[0]), len(str(count[0])), "a group is repeated at least once", source)
        out.append(Repeat(_steps(inner, text, source), times))
    return tuple(out)


def _pass(tree: Tree[Token], text: str, source: str) -> Pass:
    name, *options = tree.children
    assert isinstance(name, str)
    column = _column(name)
    values: dict[str, Any] = {}
    for option in options:
        key, value = option.children  # type: ignore[union-attr]  # options are rules
        if str(key) in values:
            raise _at(text, _column(key), len(str(key)), f"option '{key}' is given twice", source)
        try:
            values[str(key)] = _value(value)
        except ValueError:  # Python reads no numbers of thousands of digits
            raise _at(text, _column(key), len(str(key)), f"the number of option '{key}' is too long", source) from None
    try:
        return make(pass_class(str(name)), values)
    except UsageError as error:
        raise _at(text, column, len(name), error.what, source, error.help) from None


def _column(token: Any) -> int:
    return int(token.column or 1) - 1


def _value(tree: Any) -> Any:
    if tree.data == "list_":
        return tuple(_value(c) for c in tree.children)
    text = str(tree.children[0])
    if tree.data == "int_":
        return int(text)
    if tree.data == "float_":
        return float(text)
    if tree.data == "string":
        return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return WORDS.get(text, text)


def _at(text: str, column: int, width: int, what: str, source: str, help: str | None = None) -> UsageError:
    marks = " " * column + "^" * max(width, 1)
    return UsageError(f"{what}\n  {text}\n  {marks}", source, help)


def _check_order(passes: list[Pass]) -> None:
    position = {p.name: i for i, p in reversed(list(enumerate(passes)))}
    for i, p in enumerate(passes):
        for other, reason in p.after:
            if position.get(other, -1) > i:
                raise UsageError(
                    f"pass '{p.name}' must come after '{other}': {reason}", help=f"move '{other}' to the front"
                )
