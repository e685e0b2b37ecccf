"""JSON with comments, as POT's configuration files have it: `//` and `/* */`, and commas before a closing bracket.

Blocks and lists know in which line and column each of their entries stands.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....compiler.paths import read_text
from ....ir.errors import UsageError, VinocError
from ...marked import Map, Place, Seq
from ...problems import check

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


def read_commented(path: Path) -> Map:
    """The block that a file consists of. Raises a UsageError with what is wrong with its form."""
    return parse_commented(read_text(path), str(path))


def parse_commented(text: str, file: str) -> Map:
    """The block that a text consists of. Raises a UsageError with what is wrong with its form."""
    from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        wanted = error.expected if isinstance(error, UnexpectedToken) else getattr(error, "allowed", None)
        if isinstance(error, UnexpectedToken) and error.token.type == "$END":
            found, where = "it ends too early", _end(file, text)
        else:
            piece = text[error.pos_in_stream or 0 :].split("\n")[0][:20]
            unclosed = isinstance(error, UnexpectedCharacters) and piece.startswith(("/*", '"'))
            found = f"{piece!r} is not closed" if unclosed else f"{piece!r} cannot stand here"
            where = Place(file, error.line, error.column)
        listed = sorted(SAID[w] for w in wanted or () if w in SAID)
        raise UsageError(
            f"is no JSON: {found}", str(where), f"expected {' or '.join(listed)}" if listed else None
        ) from None
    reader = _Reader(file)
    made, at = reader.value(tree.children[0])
    check(reader.problems, file)
    if not isinstance(made, Map):
        raise UsageError("is no block of names and values", str(at), "a configuration begins with {")
    return made


@cache
def _parser() -> Lark:
    from lark import Lark

    return Lark(GRAMMAR, parser="lalr", maybe_placeholders=False)


def _end(file: str, text: str) -> Place:
    lines = text.split("\n")
    return Place(file, len(lines), len(lines[-1]) + 1)


class _Reader:
    """Trees become blocks; a name that stands twice in one is a problem."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[VinocError] = []

    def value(self, tree: Any) -> tuple[Any, Place]:
        if not hasattr(tree, "children"):
            return self.scalar(tree), self.place(tree)
        opening, *rest = tree.children
        at = self.place(opening)
        return (self.block(rest, at) if tree.data == "object" else self.items(rest, at)), at

    def place(self, token: Token) -> Place:
        return Place(self.file, token.line or 0, token.column or 0)

    def block(self, pairs: Sequence[Any], at: Place) -> Map:
        made: dict[str, Any] = {}
        places: dict[str, Place] = {}
        for pair in pairs:
            name, value = pair.children
            key, place = self.scalar(name), self.place(name)
            if key in made:
                what = f"'{key}' stands in line {places[key].line} already"
                self.problems.append(UsageError(what, str(place), "take one out"))
            made[key] = self.value(value)[0]
            places[key] = place
        return Map(made, at, places)

    def items(self, values: Sequence[Any], at: Place) -> Seq:
        read = [self.value(v) for v in values]
        return Seq([value for value, _ in read], at, [place for _, place in read])

    def scalar(self, token: Token) -> Any:
        try:
            return json.loads(token, strict=False)
        except ValueError as error:
            self.problems.append(UsageError(f"{token[:40]} cannot be read: {error}", str(self.place(token))))
            return ""
