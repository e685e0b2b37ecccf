"""From grammar rules to the records that the loader builds from. One method a rule of the grammar."""

from __future__ import annotations

from typing import Any

from lark import Token, Transformer

from .. import dim as _dim
from ..dtype import dtype
from ..errors import ModelError
from ..loc import AnyLoc, Fused, Loc
from ..types import OptionalType, SequenceType, TensorType
from .parser import DimMaker, Ref, TypeMaker, _GraphText, _NodeText, _Symbols, unquote

_MISSING = Ref("", "_")
"""An optional input that is left out."""

_OPERATORS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "floordiv": lambda a, b: a // b,
    "max": _dim.dim_max,
    "min": _dim.dim_min,
}


def _binary(name: str) -> Any:
    operate = _OPERATORS[name]

    def rule(self: ToText, items: list[Any]) -> DimMaker:
        a, b = items
        return lambda s: operate(a(s), b(s))

    return rule


class ToText(Transformer[Token, Any]):
    """Works while the text is parsed, so that no tree is kept."""

    add = _binary("add")
    sub = _binary("sub")
    mul = _binary("mul")
    floordiv = _binary("floordiv")

    def start(self, items: list[Any]) -> _GraphText:
        graph: _GraphText = items[0]
        return graph

    def graph(self, items: list[Any]) -> _GraphText:
        text = _GraphText(items[0], [], [], "", _Symbols(), [])
        for item in items[1:]:
            if isinstance(item, _NodeText):
                text.nodes.append(item)
            elif isinstance(item, _Symbols):
                text.symbols = item
            elif isinstance(item, tuple):
                getattr(text, item[0]).append(item[1:]) if item[0] != "file" else setattr(text, "file", item[1])
        return text

    def input(self, items: list[Any]) -> tuple[Any, ...]:
        return ("inputs", items[0], items[1], items[2])

    def output(self, items: list[Any]) -> tuple[Any, ...]:
        return ("outputs", items[0], items[1])

    def from_(self, items: list[Token]) -> tuple[str, str]:
        return ("file", unquote(items[0]))

    def where(self, items: list[Any]) -> _Symbols:
        return _Symbols(dict(items))

    def limit(self, items: list[Any]) -> tuple[str, tuple[int, float]]:
        name, lo, hi = items
        return str(name), (int(lo), float("inf") if hi is None else int(hi))

    def as_(self, items: list[Token | None]) -> tuple[str, ...]:
        return tuple(unquote(t) for t in items if t is not None)

    def node(self, items: list[Any]) -> _NodeText:
        outputs, kind, *rest = items
        *args, attributes, precise, types, content, bodies, loc = rest
        names = [None if a is _MISSING else a for a in args if a is not None]
        return _NodeText(
            (kind.line, kind.column),
            outputs,
            str(kind),
            names,
            attributes or {},
            precise is not None,
            types or [],
            content,
            bodies or [],
            loc,
        )

    def refs(self, items: list[Ref]) -> list[Ref]:
        return items

    def arg(self, items: list[Ref]) -> Ref:
        return items[0]

    def missing(self, items: list[Any]) -> Ref:
        return _MISSING

    def attributes(self, items: list[Any]) -> dict[str, Any]:
        return dict(item for item in items if item is not None)

    def pair(self, items: list[Any]) -> tuple[str, Any]:
        return str(items[0]), items[1]

    def string(self, items: list[Token]) -> str:
        return unquote(items[0])

    def word(self, items: list[Token]) -> Any:
        word = str(items[0])
        return {"true": True, "false": False, "none": None}.get(word, word)

    def signed_word(self, items: list[Any]) -> str:
        return f"{items[0]}{items[1]}"

    def list_value(self, items: list[Any]) -> tuple[Any, ...]:
        return tuple(item for item in items if item is not None)

    def sign(self, items: list[Token]) -> str:
        return str(items[0])

    def number(self, items: list[Any]) -> int | float:
        text = "".join(map(str, items))
        return int(text) if text.lstrip("+-").isdigit() else float(text)

    def types(self, items: list[TypeMaker]) -> list[TypeMaker]:
        return items

    def tensor(self, items: list[Any]) -> TypeMaker:
        name = str(items[0])
        dims = items[1] if items[1] is not None else []
        if dims == "any":
            return lambda s: TensorType(dtype(name), None)
        return lambda s: TensorType(dtype(name), tuple(d(s) for d in dims))

    def sequence(self, items: list[TypeMaker]) -> TypeMaker:
        return lambda s: SequenceType(items[0](s))

    def optional(self, items: list[TypeMaker]) -> TypeMaker:
        return lambda s: OptionalType(items[0](s))

    def any_rank(self, items: list[Any]) -> str:
        return "any"

    def dims(self, items: list[DimMaker]) -> list[DimMaker]:
        return items

    def range(self, items: list[Any]) -> DimMaker:
        lo, hi = items
        return lambda s: _dim.unknown(int(lo), float("inf") if hi is None else int(hi))

    def neg(self, items: list[DimMaker]) -> DimMaker:
        return lambda s: -items[0](s)

    def int_(self, items: list[Token]) -> DimMaker:
        value = int(items[0])
        return lambda s: value

    def symbol(self, items: list[Token]) -> DimMaker:
        name = str(items[0])
        return lambda s: s.get(name)

    def unknown(self, items: list[Any]) -> DimMaker:
        return lambda s: _dim.unknown()

    def call(self, items: list[Any]) -> DimMaker:
        name, a, b = items
        operate = _OPERATORS.get(str(name))
        if operate is None:
            raise ModelError(f"no function '{name}' of dimensions", help="there are min and max")
        return lambda s: operate(a(s), b(s))

    def content(self, items: list[Any]) -> tuple[str, Any]:
        pair: tuple[str, Any] = items[0]
        return pair

    def list_of(self, items: list[Any]) -> tuple[str, Any]:
        return "list_of", [item for item in items if item is not None]

    def splat(self, items: list[Any]) -> tuple[str, Any]:
        return "splat", items[0]

    def bin(self, items: list[Token]) -> tuple[str, Any]:
        return "bin", (int(items[0]), int(items[1]))

    def random(self, items: list[Token]) -> tuple[str, Any]:
        return "random", int(items[0])

    def elided(self, items: list[Any]) -> tuple[str, Any]:
        return "elided", None

    def bodies(self, items: list[_GraphText]) -> list[_GraphText]:
        return items

    def location(self, items: list[Any]) -> Any:
        return items[0]

    def leaf(self, items: list[Any]) -> Any:
        file, node, kind = items

        def make(default: str) -> AnyLoc:
            return Loc(default if file is None else unquote(file), unquote(node), kind or "")

        return make

    def fused(self, items: list[Any]) -> Any:
        by, *leaves = items
        return lambda default: Fused(tuple(leaf(default) for leaf in leaves if leaf is not None), by)

    def named(self, items: list[Any]) -> Ref:
        token, count = items
        text = unquote(token) if token.type == "STRING" else str(token)
        return Ref(text, "" if count is None else f"#{count}")

    def unnamed(self, items: list[Token]) -> Ref:
        return Ref("", f"%{items[0]}")

    def name(self, items: list[Token]) -> str:
        return unquote(items[0]) if items[0].type == "STRING" else str(items[0])
