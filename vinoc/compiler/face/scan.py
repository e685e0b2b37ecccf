"""The Model Optimizer's small languages: one grammar, a start rule for each option.

shapes      [1,3,224,224],(2,4)  [1 3 224 224]  [?,-1,1..3,..10,5..]
inputs      a[1,4]{f32}->[1,2],0:node,node:1[3 4]
numbers     [123.7,116,103],[1]  data[123,116,103],info[0]
layouts     nhwc  [n,h,w,c]  nhwc->nchw  in1(nhwc->nchw),in2(cn)  in1[n,c]
transforms  LowLatency2[use_const_initializer=False],MakeStateful[param_res_names={'in':'out'}]
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from ...ir.errors import UsageError

if TYPE_CHECKING:
    from lark import Lark

GRAMMAR = r"""
shapes: shape ("," shape)*
shape: "[" [_dims] "]" | "(" [_dims] ")"
_dims: DIM (","? DIM)*
DIM: /-1(?![\d.])|\?|\d+(\.\.\d*)?|\.\.\d+/

inputs: input ("," input)*
input: NAME [shape] [kind] [value]
kind: "{" WORD "}"
value: "->" (plain | array)
array: "[" [plain (","? plain)*] "]" | "(" [plain (","? plain)*] ")"
plain: NUMBER | WORD

numbers: named ("," named)* | row ("," row)*
named: NAME row
row: "[" NUMBER (","? NUMBER)* "]" | "(" NUMBER (","? NUMBER)* ")"

layouts: only | entry ("," entry)*
only: arrow
entry: NAME ("(" arrow ")" | long)
arrow: layout ["->" layout]
?layout: short | long
short: SHORT
long: "[" AXIS ("," AXIS)* "]"
SHORT.2: /([A-Za-z?]+(\.\.\.[A-Za-z?]*)?|\.\.\.[A-Za-z?]*)(?=\s*($|->|,|\)))/
AXIS: /[A-Za-z_]\w*(\*[A-Za-z_]\w*)*|\?|\.\.\./

transforms: change ("," change)*
change: WORD ["[" [setting (";" setting)*] "]"]
setting: WORD "=" (plain | map)
map: "{" [pair ("," pair)*] "}"
pair: QUOTED ":" QUOTED

NAME: /(?:(?!->)[^\s,\[\](){}])+/
WORD: /[A-Za-z_]\w*/
NUMBER: /[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|nan)\b/
QUOTED: /'[^']*'|"[^"]*"/
%ignore /\s+/
"""

SAY = {
    "DIM": "a dimension (8, ?, -1, 1..8, ..8, 1..)",
    "NUMBER": "a number",
    "NAME": "a name",
    "WORD": "a word",
    "SHORT": "a layout like nhwc",
    "AXIS": "a dimension's name, ? or ...",
    "QUOTED": "a name in quotes",
    "$END": "the end",
    "COMMA": "','",
    "LSQB": "'['",
    "RSQB": "']'",
    "LPAR": "'('",
    "RPAR": "')'",
    "LBRACE": "'{'",
    "RBRACE": "'}'",
    "COLON": "':'",
    "SEMICOLON": "';'",
    "EQUAL": "'='",
    "__ANON_0": "'->'",
}


def scan(option: str, text: str, start: str) -> Any:
    """What a text says, as tuples. Raises UsageError with the option, the position and what was expected there."""
    from lark import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

    if not text.strip():
        raise UsageError("nothing is given", option, f"for example {option} '{EXAMPLES[start]}'")
    try:
        return _plain(_parser(start).parse(text))
    except UnexpectedInput as error:
        wanted: set[str] = set()
        if isinstance(error, UnexpectedToken):
            wanted = set(error.accepts or error.expected)
        elif isinstance(error, UnexpectedCharacters):
            wanted = set(error.allowed or ())
        at = error.pos_in_stream if error.pos_in_stream is not None and error.pos_in_stream >= 0 else len(text)
        if isinstance(error, UnexpectedToken) and error.token.type == "$END":
            at = len(text)
        listed = " or ".join(sorted({SAY.get(w, w.lower()) for w in wanted} - {"_ignore_0"})) or "something else"
        found = f"'{text[at:].split()[0][:20]}'" if text[at:].split() else "the end"
        raise UsageError(
            f"expected {listed} at position {at + 1}, found {found}\n  {text}\n  {' ' * at}^",
            option,
            f"for example {option} '{EXAMPLES[start]}'",
        ) from None


EXAMPLES = {
    "shapes": "[1,3,224,224]",
    "inputs": "data[1,3,224,224]{f32}",
    "numbers": "[123.675,116.28,103.53]",
    "layouts": "nhwc->nchw",
    "transforms": "LowLatency2",
}


@cache
def _parser(start: str) -> Lark:
    from lark import Lark

    return Lark(GRAMMAR, parser="lalr", start=start, maybe_placeholders=True, lexer="contextual")


def _plain(tree: Any) -> Any:
    """A tree as tuples and Python's own values; a part left out is None."""
    if tree is None or isinstance(tree, str):
        return None if tree is None else str(tree)[1:-1] if tree.type == "QUOTED" else str(tree)  # type: ignore[attr-defined]
    parts = [_plain(c) for c in tree.children]
    make = _MADE.get(str(tree.data))
    return make(parts) if make else tuple(parts)


def _given(parts: list[Any]) -> tuple[Any, ...]:
    return tuple(p for p in parts if p is not None)


_MADE: dict[str, Callable[[list[Any]], Any]] = {
    "shape": _given,
    "array": _given,
    "kind": lambda p: p[0],
    "value": lambda p: p[0],
    "plain": lambda p: p[0],
    "short": lambda p: p[0],
    "arrow": lambda p: {"arrow": tuple(p)},
    "only": lambda p: (None, *p[0]["arrow"]),
    "entry": lambda p: (p[0], *(p[1]["arrow"] if isinstance(p[1], dict) else (p[1], None))),
    "row": lambda p: tuple(float(x) for x in p),
    "map": lambda p: dict(_given(p)),
    "change": lambda p: (p[0], dict(_given(p[1:]))),
}
