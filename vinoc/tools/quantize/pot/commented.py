"""JSON with comments, as POT's configuration files have it: `//` and `/* */`, and commas before a closing bracket.

Blocks and lists know in which line and column each of their entries stands.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ....compiler.paths import read_text
from ....ir.errors import UsageError, VinocError
from ...accuracy.problems import check

if TYPE_CHECKING:
    from lark import Lark, Token

GRAMMAR = r"""
start: value
?value: object | array | STRING | NUMBER | WORD
object: OPEN [pair ("," pair)* ","?] "}"
pair: STRING ":" value
array: LIST [value ("," value)* ","?] "]"
OPEN: "{"
LIST: "["
STRING: /"(\\.|[^"\\\n])*"/
NUMBER: /-?\d+(\.\d+)?([eE][+-]?\d+)?/
WORD: /true|false|null|NaN|-?Infinity/
%ignore /[ \t\r\n\ufeff]+/
%ignore /\/\/[^\n]*/
%ignore /\/\*(.|\n)*?\*\//
"""

SAID = {
    "STRING": "a text in quotes", "NUMBER": "a number", "WORD": "true, false or null", "OPEN": "'{'", "LIST": "'['",
    "COMMA": "','", "COLON": "':'", "RBRACE": "'}'", "RSQB": "']'", "$END": "the end",
}  # fmt: skip

Where: TypeAlias = tuple[int, int]
"""Line and column, counted from 1."""


class Block(dict[str, Any]):
    """Names and values of `{...}`."""

    def __init__(self, file: str, at: Where) -> None:
        super().__init__()
        self.file = file
        self.at = at
        self.places: dict[str, Where] = {}

    def where(self, key: str | None = None) -> str:
        """`config.json:12:5`, of a name or of the block."""
        return _shown(self.file, self.places.get(key or "", self.at))


class Items(list[Any]):
    """Values of `[...]`."""

    def __init__(self, values: Sequence[Any], file: str, places: Sequence[Where]) -> None:
        super().__init__(values)
        self.file = file
        self.places = places

    def where(self, index: int) -> str:
        return _shown(self.file, self.places[index])


def read_commented(path: Path) -> Block:
    """The block that a file consists of. Raises a UsageError with what is wrong with its form."""
    return parse_commented(read_text(path), str(path))


def parse_commented(text: str, file: str) -> Block:
    """The block that a text consists of. Raises a UsageError with what is wrong with its form."""
    from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        wanted = error.expected if isinstance(error, UnexpectedToken) else getattr(error, "allowed", None)
        if isinstance(error, UnexpectedToken) and error.token.type == "$END":
            found, where = "it ends too early", _shown(file, _end(text))
        else:
            piece = text[error.pos_in_stream or 0 :].split("\n")[0][:20]
            unclosed = isinstance(error, UnexpectedCharacters) and piece.startswith(("/*", '"'))
            found = f"{piece!r} is not closed" if unclosed else f"{piece!r} cannot stand here"
            where = _shown(file, (error.line, error.column))
        listed = sorted(SAID[w] for w in wanted or () if w in SAID)
        raise UsageError(f"is no JSON: {found}", where, f"expected {' or '.join(listed)}" if listed else None) from None
    reader = _Reader(file)
    made, at = reader.value(tree.children[0])
    check(reader.problems, file)
    if not isinstance(made, Block):
        raise UsageError("is no block of names and values", _shown(file, at), "a configuration begins with {")
    return made


@cache
def _parser() -> Lark:
    from lark import Lark

    return Lark(GRAMMAR, parser="lalr", maybe_placeholders=False)


def _shown(file: str, at: Where) -> str:
    return f"{file}:{at[0]}:{at[1]}"


def _end(text: str) -> Where:
    lines = text.split("\n")
    return len(lines), len(lines[-1]) + 1


class _Reader:
    """Trees become blocks; a name that stands twice in one is a problem."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[VinocError] = []

    def value(self, tree: Any) -> tuple[Any, Where]:
        if not hasattr(tree, "children"):
            return self.scalar(tree), (tree.line, tree.column)
        opening, *rest = tree.children
        at = (opening.line, opening.column)
        return (self.block(rest, at) if tree.data == "object" else self.items(rest)), at

    def block(self, pairs: Sequence[Any], at: Where) -> Block:
        made = Block(self.file, at)
        for pair in pairs:
            name, value = pair.children
            key = self.scalar(name)
            place = (name.line, name.column)
            if key in made:
                before = made.places[key][0]
                self.problems.append(
                    UsageError(f"'{key}' stands in line {before} already", _shown(self.file, place), "take one out")
                )
            made[key] = self.value(value)[0]
            made.places[key] = place
        return made

    def items(self, values: Sequence[Any]) -> Items:
        read = [self.value(v) for v in values]
        return Items([value for value, _ in read], self.file, [at for _, at in read])

    def scalar(self, token: Token) -> Any:
        try:
            return json.loads(token, strict=False)
        except ValueError as error:
            place = _shown(self.file, (token.line or 0, token.column or 0))
            self.problems.append(UsageError(f"{token[:40]} cannot be read: {error}", place))
            return ""
