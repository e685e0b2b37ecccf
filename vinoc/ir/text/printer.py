"""Graph to text."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from .. import loc as _loc
from ..buffer import Buffer, pack
from ..constant import Constant
from ..dim import Atom, Sym
from ..dtype import DType
from ..errors import VinocError
from ..graph import Graph, Node, Value
from ..loc import AnyLoc, Fused, Loc
from ..types import OptionalType, SequenceType, TensorType, Type

INLINE = 16
"""Constants of at most so many elements are written out."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")
_WORDS = frozenset({"graph", "from", "where", "in", "as", "with", "_", "true", "false", "none", "inf", "nan"})


def print_graph(graph: Graph) -> str:
    """The graph as text, for people: large constants show as `...`."""
    return "\n".join(_Printer(None).graph(graph)) + "\n"


def write_text(graph: Graph, path: str | os.PathLike[str]) -> None:
    """Writes `path` and, for large constants, a side file with suffix `.bin`. Nothing is left after a failure."""
    path = Path(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    side = path.with_suffix(".bin")
    side_handle, side_temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{side.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out, os.fdopen(side_handle, "wb") as data:
            store = _Store(data)
            for line in _Printer(store).graph(graph):
                out.write(line + "\n")
        os.replace(temporary, path)
        if store.offset:
            os.replace(side_temporary, side)
        else:
            os.unlink(side_temporary)
    except BaseException:
        for leftover in (temporary, side_temporary):
            if os.path.exists(leftover):
                os.unlink(leftover)
        raise


class _Store:
    """The side file: every distinct content once."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.offset = 0
        self.places: dict[bytes, tuple[int, int]] = {}

    def add(self, buffer: Buffer) -> tuple[int, int]:
        place = self.places.get(buffer.digest)
        if place is None:
            raw = pack(buffer.dtype, buffer.array)
            place = self.places[buffer.digest] = (self.offset, len(raw))
            self.file.write(raw)
            self.offset += len(raw)
        return place


class _Printer:
    def __init__(self, store: _Store | None) -> None:
        self.store = store

    def graph(self, graph: Graph, indent: str = "") -> Iterator[str]:
        names = _Names(graph)
        file = _main_file(graph)
        inputs = ", ".join(
            f"{names[v]}: {v.type}" + _as(n, v.name) for v, n in zip(graph.inputs, graph.input_names, strict=True)
        )
        outputs = ", ".join(names[v] + _as(n, v.name) for v, n in zip(graph.outputs, graph.output_names, strict=True))
        head = f"{indent}graph {label(graph.name)}({inputs}) -> ({outputs})"
        if file:
            head += f" from {quote(file)}"
        yield head + _where(graph) + " {"
        for node in graph:
            yield from self.node(node, names, file, indent + "  ")
        yield indent + "}"

    def node(self, node: Node, names: _Names, file: str, indent: str) -> Iterator[str]:
        outs = ", ".join(names[v] for v in node.outputs)
        ins = ", ".join("_" if v is None else names[v] for v in node.inputs)
        op = node.op
        line = f"{indent}{outs} = {op.kind}({ins})"
        if not isinstance(op, Constant):
            given = [f"{a.name}={attribute(v)}" for a, v in op.attributes() if a.required or v != a.default]
            line += f" {{{', '.join(given)}}}" if given else ""
        line += " !precise" if node.precise else ""
        line += " : " + ", ".join(str(v.type) for v in node.outputs)
        if isinstance(op, Constant):
            line += f" = {self.content(op.value)}"
        if node.bodies:
            yield line + " with"
            for body in node.bodies:
                yield from self.graph(body, indent + "  ")
            if node.loc != _loc.UNKNOWN:
                yield f"{indent}  {location(node.loc, file)}"
            return
        if node.loc != _loc.UNKNOWN:
            line += f"  {location(node.loc, file)}"
        yield line

    def content(self, buffer: Buffer) -> str:
        dtype = buffer.dtype
        if buffer.size <= INLINE and not _needs_bytes(buffer):
            return f"[{', '.join(number(v, dtype) for v in buffer.array.reshape(-1))}]"
        if dtype.kind == "s":
            return f"[{', '.join(number(v, dtype) for v in buffer.array.reshape(-1))}]"
        if buffer.splat is not None and not _needs_bytes(Buffer.of(np.asarray(buffer.splat), dtype)):
            return f"splat({number(buffer.splat, dtype)})"
        if self.store is None:
            return "..."
        offset, size = self.store.add(buffer)
        return f"bin[{offset}:{size}]"


def _needs_bytes(buffer: Buffer) -> bool:
    """True where decimal text would lose bits: NaN payloads, complex numbers."""
    if buffer.dtype.kind == "c":
        return True
    if buffer.dtype.kind != "f" or buffer.array.dtype.kind == "u":
        return False
    return bool(np.isnan(buffer.array.astype(np.float64)).any())


class _Names(dict[Value, str]):
    """Unique printed names for all values of a graph: `name`, `"odd/name:0"`, `name#2`, `%7`."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        used: dict[str, int] = {}
        unnamed = 0
        for value in _values(graph):
            if not value.name:
                self[value] = f"%{unnamed}"
                unnamed += 1
                continue
            count = used[value.name] = used.get(value.name, 0) + 1
            self[value] = label(value.name) + (f"#{count}" if count > 1 else "")


def _values(graph: Graph) -> Iterator[Value]:
    yield from graph.inputs
    for node in graph:
        yield from node.outputs


def _as(names: tuple[str, ...], name: str) -> str:
    if names == ((name,) if name else ()):
        return ""
    return f" as ({', '.join(map(quote, names))})"


def _main_file(graph: Graph) -> str:
    for node in graph:
        for leaf in _loc.leaves(node.loc):
            return leaf.file
    return ""


def _where(graph: Graph) -> str:
    found: dict[str, Atom] = {}
    for value in _values(graph):
        for d in _dims(value.type):
            if isinstance(d, Sym):
                found.update((a.name, a) for a in d.atoms() if _PLAIN.match(a.name))
    limits = [
        f"{name} in {int(a.lo)}..{'' if a.hi == float('inf') else int(a.hi)}"
        for name, a in sorted(found.items())
        if (a.lo, a.hi) != (0, float("inf"))
    ]
    return f" where {', '.join(limits)}" if limits else ""


def _dims(type: Type) -> Iterator[Any]:
    if isinstance(type, TensorType):
        yield from type.shape or ()
    elif isinstance(type, SequenceType | OptionalType):
        yield from _dims(type.element)


def label(name: str) -> str:
    """A name as the text spells it: quoted unless it is a plain word."""
    return name if _PLAIN.match(name) and name not in _WORDS else quote(name)


def quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


def attribute(value: Any) -> str:
    """An attribute's value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "none"
    if isinstance(value, DType):
        return value.name
    if isinstance(value, Sym):
        return attribute(str(value))
    if isinstance(value, str):
        return quote(value) if not _PLAIN.match(value) or value in _WORDS else value
    if isinstance(value, tuple):
        return f"[{','.join(map(attribute, value))}]"
    if isinstance(value, int | float):
        return repr(value)
    raise VinocError(f"attribute value {value!r} has no text form")


def number(value: Any, dtype: DType) -> str:
    """An element of a constant; reading it back gives the same bits."""
    if dtype.kind == "s":
        return quote(value.decode() if isinstance(value, bytes) else str(value))
    if dtype.kind == "b":
        return "true" if value else "false"
    if dtype.is_integer or dtype.name == "nf4":
        return str(int(value))
    return repr(float(value)) if dtype.bits == 64 else str(value if dtype.bits in (16, 32) else float(value))


def location(loc: AnyLoc, file: str) -> str:
    if isinstance(loc, Fused):
        return f"@{label(loc.by)}[{', '.join(_leaf(x, file) for x in _loc.leaves(loc))}]"
    return "@" + _leaf(loc, file)


def _leaf(loc: Loc, file: str) -> str:
    where = "" if loc.file == file else f"{quote(loc.file)}::"
    return f"{where}{quote(loc.node)}" + (f"({label(loc.op_type)})" if loc.op_type else "")
