"""Text to graph: a lark grammar, and the builder that infers every type again."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import dim as _dim
from .. import loc as _loc
from ..buffer import Buffer, packed_size, unpack
from ..constant import Constant
from ..dim import Dim
from ..dtype import Array, DType, dtype
from ..errors import ModelError, VinocError
from ..fields import Attribute, attributes_of
from ..graph import Graph, Value
from ..loc import AnyLoc
from ..op import Op, op_class
from ..types import TensorType, Type, check_size

if TYPE_CHECKING:
    from lark import Lark

GRAMMAR = r"""
start: graph
graph: "graph" name "(" [input ("," input)*] ")" "->" "(" [output ("," output)*] ")" [from_] [where] "{" node* "}"
from_: "from" STRING
where: "where" limit ("," limit)*
limit: NAME "in" INT ".." [INT]
input: ref ":" type [as_]
output: ref [as_]
as_: "as" "(" [STRING ("," STRING)*] ")"
node: refs "=" NAME "(" [arg ("," arg)*] ")" [attributes] [precise] [types] [content] [bodies] [location]
refs: ref ("," ref)*
arg: ref | "_" -> missing
attributes: "{" [pair ("," pair)*] "}"
pair: NAME "=" value
?value: element | "[" [value ("," value)*] "]" -> list_value
precise: "!precise"
types: ":" type ("," type)*
?type: NAME "[" [dims] "]" -> tensor | "seq" "<" type ">" -> sequence | "optional" "<" type ">" -> optional
dims: "..." -> any_rank | bound ("," bound)*
?bound: sum | INT ".." [INT] -> range
?sum: product | sum "+" product -> add | sum "-" product -> sub
?product: unary | product "*" unary -> mul | product _DIVIDED unary -> floordiv
?unary: atom | "-" unary -> neg
?atom: INT -> int_ | NAME -> symbol | "?" -> unknown | "(" sum ")" | NAME "(" sum "," sum ")" -> call
content: "=" (list_of | splat | bin | random | elided)
list_of: "[" [element ("," element)*] "]"
splat: "splat" "(" element ")"
bin: "bin" "[" INT ":" INT "]"
random: "random" "(" INT ")"
elided: "..."
?element: number | STRING -> string | NAME -> word | sign NAME -> signed_word
?number: sign? (INT | FLOAT) -> number
!sign: "+" | "-"
bodies: "with" graph+
location: "@" leaf | "@" name "[" [leaf ("," leaf)*] "]" -> fused
leaf: [STRING "::"] STRING ["(" name ")"]
ref: (NAME | STRING) ["#" INT] -> named
   | "%" INT -> unnamed
name: NAME | STRING
NAME: /[A-Za-z_][A-Za-z0-9_.]*/
STRING: /"([^"\\\n]|\\.)*"/
INT: /\d{1,400}/
FLOAT: /\d+\.(?!\.)\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|\d+[eE][+-]?\d+/
_DIVIDED: /\/\//
COMMENT: /(?<!\S)\/\/[^\n]*/
%ignore /[ \t\r\n]+/
%ignore COMMENT
"""
"""`//` at the start of a line or after white space begins a comment, elsewhere it is a division: `f32[N//2]`.

The division is a regular expression, because lark takes a plain "//" to be a comment with nothing in it.
"""


class Ref(NamedTuple):
    """How the text refers to a value: its label, and what makes it unique (`#2`, `%7`)."""

    label: str
    mark: str = ""

    def __str__(self) -> str:
        return f"{self.label}{self.mark}"


RANDOM_LIMIT = 1 << 26
"""Elements of a constant of random numbers: they are for tests."""

Place = tuple[int, int]
DimMaker = Callable[["_Symbols"], Dim]
TypeMaker = Callable[["_Symbols"], Type]


@dataclass(slots=True)
class _Symbols:
    """Bounds of the symbols that the graph's `where` gives."""

    limits: dict[str, tuple[int, float]] = field(default_factory=dict)

    def get(self, name: str) -> Dim:
        return _dim.symbol(name, *self.limits.get(name, (0, inf)))


@dataclass(slots=True)
class _NodeText:
    place: Place
    outputs: list[Ref]
    kind: str
    inputs: list[Ref | None]
    attributes: dict[str, Any]
    precise: bool
    types: list[TypeMaker]
    content: tuple[str, Any] | None
    bodies: list[_GraphText]
    loc: Callable[[str], AnyLoc] | None


@dataclass(slots=True)
class _GraphText:
    name: str
    inputs: list[tuple[Ref, TypeMaker, tuple[str, ...] | None]]
    outputs: list[tuple[Ref, tuple[str, ...] | None]]
    file: str
    symbols: _Symbols
    nodes: list[_NodeText]


def parse_graph(
    text: str, source: str = "text", side: str | os.PathLike[str] | None = None, *, elided: bool = False
) -> Graph:
    """The graph of a text; `side` is the file that `bin[...]` refers to.

    With `elided`, a content that was left out (`...`) is read as zeros: enough to look at types.

    Raises ModelError with line and column: for text that does not parse, for undefined or repeated values, and
    where a written type differs from the inferred one.
    """
    try:
        return _Loader(source, Path(side) if side is not None else None, elided).graph(_parse(text, source))
    except VinocError as error:
        error.where = error.where or source
        raise


def read_text(path: str | os.PathLike[str]) -> Graph:
    """Reads a `.vir` file and the side file of the same stem."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ModelError("is not text", str(path), "a .vir file is UTF-8 text") from None
    return parse_graph(text, str(path), path.with_suffix(".bin"))


def _parse(text: str, source: str) -> _GraphText:
    from lark.exceptions import UnexpectedInput

    try:
        return _parser().parse(text, start="start")  # type: ignore[return-value]  # the transformer's result
    except UnexpectedInput as error:
        if error.line < 1:
            raise ModelError("the text ends in the middle of a graph", source) from None
        line = text.splitlines()[error.line - 1] if error.line <= len(text.splitlines()) else ""
        shown, column = _window(line, error.column - 1)
        what = f"cannot be parsed\n  {shown}\n  {' ' * column}^"
        raise ModelError(what, f"{source}:{error.line}:{error.column}") from None


def _parse_dim(text: str, symbols: _Symbols) -> Dim:
    """A dimension by itself, as attributes hold them. Raises ModelError."""
    from lark.exceptions import UnexpectedInput

    try:
        make: DimMaker = _parser().parse(text, start="bound")  # type: ignore[assignment]  # the transformer's result
    except UnexpectedInput:
        raise ModelError(
            f"'{text}' is no dimension", help="a dimension is a number, `N`, `2*N+1`, `1..8` or `?`"
        ) from None
    return make(symbols)


def _window(line: str, column: int, width: int = 100) -> tuple[str, int]:
    start = max(0, column - width // 2)
    return line[start : start + width], column - start


@cache
def _parser() -> Lark:
    from lark import Lark

    from .transformer import ToText

    return Lark(
        GRAMMAR,
        parser="lalr",
        transformer=ToText(),
        propagate_positions=True,
        maybe_placeholders=True,
        start=["start", "bound"],
    )


class _Loader:
    """Builds graphs from parsed text."""

    def __init__(self, source: str, side: Path | None, elided: bool) -> None:
        self.source = source
        self.elided = elided
        self.side = side
        self.map: Array | None = None

    def graph(self, text: _GraphText) -> Graph:
        graph = Graph(text.name)
        values: dict[Ref, Value] = {}
        for name, make, names in text.inputs:
            if name in values:
                raise ModelError(f"input '{name}' is declared twice", self.source)
            values[name] = graph.add_input(
                make(text.symbols), name.label, _default_names(name) if names is None else names
            )
        for node in text.nodes:
            try:
                self.node(graph, node, values, text)
            except VinocError as error:
                if error.where is None or not error.where.startswith(self.source):
                    error.where = f"{self.source}:{node.place[0]}:{node.place[1]}" + (
                        f", {error.where}" if error.where else ""
                    )
                raise
        for name, names in text.outputs:
            if name not in values:
                raise ModelError(f"output '{name}' is not defined", self.source)
            graph.add_output(values[name], _default_names(name) if names is None else names)
        return graph

    def node(self, graph: Graph, text: _NodeText, values: dict[Ref, Value], parent: _GraphText) -> None:
        types = [make(parent.symbols) for make in text.types]
        inputs: list[Value | None] = []
        for name in text.inputs:
            if name is not None and name not in values:
                raise ModelError(f"'{name}' is not defined (values are defined before they are used)")
            inputs.append(None if name is None else values[name])
        loc = text.loc(parent.file) if text.loc else _loc.UNKNOWN
        op = self.constant(text, types) if text.kind == "Constant" else self.op(text, parent.symbols)
        made = graph.insert(op, inputs, bodies=[self.graph(b) for b in text.bodies], loc=loc)
        made.precise = text.precise
        if len(made.outputs) != len(text.outputs):
            raise ModelError(f"{text.kind} has {len(made.outputs)} outputs, {len(text.outputs)} are named")
        for out, name in zip(made.outputs, text.outputs, strict=True):
            if name in values:
                raise ModelError(f"'{name}' is defined twice")
            out.name = name.label
            values[name] = out
        for out, declared in zip(made.outputs, types):
            if out.type != declared:
                raise ModelError(f"'{out.name}' is declared {declared}, inference gives {out.type}")

    def op(self, text: _NodeText, symbols: _Symbols) -> Op:
        cls = op_class(text.kind)
        known = {a.name: a for a in attributes_of(cls)}
        values: dict[str, Any] = {}
        for name, value in text.attributes.items():
            if name not in known:
                raise ModelError(f"{text.kind} has no attribute '{name}'", help=f"it has: {', '.join(known) or 'none'}")
            values[name] = _convert(known[name], value, symbols)
        missing = [n for n, a in known.items() if a.required and n not in values]
        if missing:
            raise ModelError(f"{text.kind} needs attribute '{missing[0]}'")
        return cls(**values)

    def constant(self, text: _NodeText, types: list[Type]) -> Constant:
        if len(types) != 1 or not isinstance(types[0], TensorType) or not types[0].is_static or text.content is None:
            raise ModelError(
                "a Constant needs a static type and a content", help="write w = Constant() : f32[2] = [1,2]"
            )
        check_size(types[0])
        shape: tuple[int, ...] = types[0].shape  # type: ignore[assignment]  # static
        return Constant(self.buffer(types[0].dtype, shape, *text.content))

    def buffer(self, d: DType, shape: tuple[int, ...], form: str, content: Any) -> Buffer:
        count = math.prod(shape)
        if form == "list_of":
            if len(content) != count:
                raise ModelError(f"{len(content)} elements are given for {count}")
            return Buffer(d, shape, _elements(content, d).reshape(shape))
        if form == "splat":
            return Buffer(d, shape, np.broadcast_to(_elements([content], d)[0], shape))
        if form == "random":
            if count > RANDOM_LIMIT or d.kind not in "fiub":
                raise ModelError(f"random({content}) is for at most {RANDOM_LIMIT:,} numbers, not for {d}{list(shape)}")
            noise = np.random.default_rng(content).standard_normal(shape)
            return Buffer(d, shape, noise.astype(d.numpy) if d.is_float else (noise * 10).astype(d.numpy))
        if form == "bin":
            return Buffer(d, shape, self.from_side(d, shape, *content))
        if self.elided:
            return Buffer(d, shape, np.broadcast_to(np.zeros((), d.numpy), shape))
        raise ModelError(
            "the content of this constant was left out when the text was printed", help="print it to a file"
        )

    def from_side(self, d: DType, shape: tuple[int, ...], offset: int, size: int) -> Callable[[], Array]:
        if self.map is None:
            if self.side is None or not self.side.exists():
                raise ModelError(f"the side file with the large constants is missing: {self.side or '(none given)'}")
            self.map = np.memmap(self.side, np.uint8, "r")
        whole = self.map
        count = math.prod(shape)
        if size != packed_size(d, count) or offset + size > whole.size:
            raise ModelError(
                f"bin[{offset}:{size}] does not hold {count} elements of {d} ({whole.size} bytes in the file)"
            )
        return lambda: unpack(d, np.asarray(whole[offset : offset + size]), shape)


def _default_names(ref: Ref) -> tuple[str, ...]:
    """The public names of a port where the text gives none."""
    return (ref.label,) if ref.label else ()


def _convert(a: Attribute, value: Any, symbols: _Symbols) -> Any:
    if a.kind == "object" and isinstance(value, tuple):  # a shape
        return tuple(_parse_dim(v, symbols) if isinstance(v, str) else v for v in value)
    if a.kind == "dtype" and isinstance(value, str):
        return dtype(value)
    if a.kind == "float" and value in ("inf", "nan", "-inf"):
        return float(value)
    return value


def _elements(content: list[Any], d: DType) -> Array:
    if d.kind == "s":
        out = np.empty(len(content), object)
        out[:] = content
        return out
    if d.kind == "b":
        return np.array([v in (True, "true", 1) for v in content], bool)
    if d.is_integer:
        low, high = (-(1 << (d.bits - 1)), 1 << (d.bits - 1)) if d.kind == "i" else (0, 1 << d.bits)
        wrong = next((v for v in content if not isinstance(v, int) or not low <= v < high), None)
        if wrong is not None:
            raise ModelError(f"{wrong} is no element of {d}")
        return np.array(content, np.int64 if d.name != "u64" else np.uint64).astype(d.numpy)
    try:
        return np.array([float(v) for v in content], np.float64).astype(d.numpy)
    except (ValueError, OverflowError):
        raise ModelError(f"elements of {d} are numbers") from None


_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def unquote(token: str) -> str:
    """The text of a quoted token."""
    return _ESCAPE.sub(lambda m: _ESCAPES.get(m[1], m[1]), token[1:-1])
