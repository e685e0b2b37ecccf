"""Attributes of layers: text to the typed fields of an operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from typing import Any

from ....ir.dim import Dim, Sym, symbol, unknown
from ....ir.dtype import DType, dtype
from ....ir.errors import VinocError, did_you_mean
from ....ir.fields import Attribute, attributes_of
from ....ir.op import Op
from ....ir.types import Shape
from .document import Layer, Report


def integers(text: str) -> tuple[int, ...]:
    return tuple([int(part) for part in text.split(",")]) if text.strip() else ()


def _floats(text: str) -> tuple[float, ...]:
    return tuple([float(part) for part in text.split(",")]) if text.strip() else ()


def _strings(text: str) -> tuple[str, ...]:
    return tuple([part.strip() for part in text.split(",")]) if text.strip() else ()


def _boolean(text: str) -> bool:
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    return known[text.strip().lower()]


def _unknown(_: int, lo: int, hi: float) -> Dim:
    return unknown(lo, hi)


def dims(text: str, make: Callable[[int, int, float], Dim] = _unknown) -> Shape | None:
    """A shape as Parameters spell it: `1,?,3..8,..5`, `...`, or nothing for a scalar. Raises ValueError.

    `make(axis, lo, hi)` gives the dimensions that are not numbers.
    """
    text = text.strip().removeprefix("[").removesuffix("]").strip()
    if text == "...":
        return None
    if not text:
        return ()
    out: list[Dim] = []
    for axis, part in enumerate(text.split(",")):
        low, dots, high = part.strip().partition("..")
        if not dots and low not in ("?", "-1"):
            size = int(low)
            if size < 0:
                raise ValueError(f"dimension {size} is negative")
            out.append(size)
            continue
        lo = int(low) if dots and low.strip() else 0
        hi = int(high) if high.strip() not in ("", "?") else inf
        if not 0 <= lo <= hi:
            raise ValueError(f"bounds {part.strip()} contradict each other")
        out.append(lo if lo == hi else make(axis, lo, hi))
    return tuple(out)


class Symbols:
    """Names for the dimensions of inputs, `<input>_d<axis>`, each given out once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, name: str) -> Callable[[int, int, float], Sym]:
        """Makes the dimensions of one input."""
        base = "".join(c if c.isalnum() or c == "_" else "_" for c in name)
        if not base or base[0].isdigit():
            base = f"_{base}"

        def make(axis: int, lo: int, hi: float) -> Sym:
            name = f"{base}_d{axis}"
            while name in self._taken:
                name += "_"
            self._taken.add(name)
            return symbol(name, lo, hi)

        return make


_PARSE: dict[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "bool": _boolean,
    "str": str,
    "ints": integers,
    "floats": _floats,
    "strs": _strings,
    "object": lambda text: dims(text),  # shapes are the only such attributes
}


class Unreadable(Exception):  # not an error for users: what is wrong was reported
    """A layer whose attributes were reported as faulty."""


def element_type(text: str) -> DType:
    """Raises VinocError for types that do not exist, or not in IR."""
    found = dtype(text)
    if found.ir is None:
        raise VinocError(f"element type '{text}' does not exist in OpenVINO IR")
    return found


def build(cls: type[Op], layer: Layer, report: Report, given: Mapping[str, Any] | None = None) -> Op:
    """The operation of a layer; `given` are fields that the layer's form has not, or spells otherwise.

    A missing attribute takes the operation's default. All that is wrong is reported; then raises Unreadable.
    """
    data = layer.data
    values = dict(given or ())
    bad = False
    for a in attributes_of(cls):
        if a.name in values:
            continue
        text = data.get(a.ir_name or a.name)
        if text is None:
            if a.required:
                bad = True
                hint = did_you_mean(a.ir_name or a.name, data)
                report(layer.problem(f"attribute `{a.ir_name or a.name}` is missing", hint or None))
            continue
        try:
            values[a.name] = _value(a, text)
        except (ValueError, KeyError):
            bad = True
            report(layer.problem(f"attribute `{a.ir_name or a.name}` is '{text}', expected {_expected(a)}"))
        except VinocError as error:
            bad = True
            report(layer.problem(f"attribute `{a.ir_name or a.name}`: {error.what}", error.help))
    if bad:
        raise Unreadable
    try:
        return cls(**values)
    except VinocError as error:
        report(layer.problem(error.what, error.help))
        raise Unreadable from None


def _value(a: Attribute, text: str) -> Any:
    if a.kind == "dtype":
        return element_type(text)
    if a.kind == "enum":
        if text in a.choices:
            return text
        return {c.lower(): c for c in a.choices}[text.strip().lower()]
    return _PARSE[a.kind](text)


def _expected(a: Attribute) -> str:
    if a.choices:
        return f"one of {', '.join(a.choices)}"
    return {
        "int": "an integer",
        "float": "a number",
        "bool": "true or false",
        "ints": "integers",
        "floats": "numbers",
        "object": "a shape",
    }.get(a.kind, a.kind)
