"""The values of the options, read: from the Model Optimizer's text or from Python's lists and dicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...ir.errors import UsageError
from ...passes.layouts import Layout, parse_layout
from .scan import scan

Number = bool | int | float


class Entry(NamedTuple):
    """One input: what it is called, and what is given of it. Dimensions are texts."""

    name: str
    shape: tuple[str, ...] | None = None
    type: str | None = None
    values: tuple[Number, ...] | None = None


class Laid(NamedTuple):
    """The layout of a port, `name` None for the only input; and the one that its users want."""

    name: str | None
    source: Layout | None
    target: Layout | None


def read_entries(option: str, value: Any) -> tuple[Entry, ...]:
    """Inputs from `a[1,2]{f32}->[3,4],b`, or from names and tuples of name, shape and type."""
    if value is None:
        return ()
    if isinstance(value, Mapping):
        return tuple(Entry(str(n), None if s is None else dims_of(option, s)) for n, s in value.items())
    if isinstance(value, tuple) and value and isinstance(value[0], str) and not all(isinstance(v, str) for v in value):
        value = [value]
    if isinstance(value, str):
        return tuple(
            Entry(n, s, t, None if v is None else _numbers(option, v)) for n, s, t, v in scan(option, value, "inputs")
        )
    return tuple(e for v in value for e in (read_entries(option, v) if isinstance(v, str) else (_entry(option, v),)))


def _entry(option: str, given: Any) -> Entry:
    """An entry from a tuple: a name, then a shape or a type or both."""
    if not isinstance(given, tuple | list) or not given or not isinstance(given[0], str):
        raise UsageError(
            f"{given!r} is no input", option, 'expected "name", ("name", [1, 3]) or ("name", [1, 3], "f32")'
        )
    entry = Entry(given[0])
    for part in given[1:]:
        if isinstance(part, list | tuple) or hasattr(part, "rank"):
            entry = entry._replace(shape=dims_of(option, part))
        else:
            entry = entry._replace(type=str(part))
    return entry


def read_shapes(option: str, value: Any) -> tuple[tuple[str, ...], ...]:
    """Shapes from `[1,3],[2]`, from one list of dimensions or a list of such lists."""
    if value is None:
        return ()
    if isinstance(value, str):
        return tuple(scan(option, value, "shapes"))
    if not hasattr(value, "rank") and value and all(isinstance(v, list | tuple) or hasattr(v, "rank") for v in value):
        return tuple(dims_of(option, v) for v in value)
    return (dims_of(option, value),)


def dims_of(option: str, value: Any) -> tuple[str, ...]:
    """The texts of dimensions: numbers, -1, `1..3`, (1, 3) for a range, objects that print as one of those."""
    if isinstance(value, str):
        found: tuple[tuple[str, ...], ...] = scan(option, value, "shapes")
        if len(found) == 1:
            return found[0]
        raise UsageError(f"one shape is expected, got '{value}'", option)
    return tuple(f"{d[0]}..{d[1]}" if isinstance(d, tuple) and len(d) == 2 else str(d) for d in value)


def read_numbers(option: str, value: Any) -> tuple[tuple[str | None, tuple[float, ...]], ...]:
    """(name, numbers) for `a[1,2],b[3]`; the name is None where numbers go to inputs by their order."""
    if value is None:
        return ()
    if isinstance(value, str):
        found = scan(option, value, "numbers")
        return tuple(f if len(f) == 2 and isinstance(f[0], str) else (None, f) for f in found)
    if isinstance(value, Mapping):
        return tuple((str(n), _floats(option, v)) for n, v in value.items())
    rows = list(value)
    if rows and all(isinstance(r, list | tuple) or (hasattr(r, "shape") and r.shape) for r in rows):
        return tuple((None, _floats(option, r)) for r in rows)
    return ((None, _floats(option, rows)),)


def _floats(option: str, values: Any) -> tuple[float, ...]:
    try:
        return tuple(float(v) for v in values)
    except (TypeError, ValueError):
        raise UsageError(f"expected a list of numbers, got {values!r}", option) from None


def _numbers(option: str, given: str | Sequence[str]) -> tuple[Number, ...]:
    return tuple(_number(option, g) for g in ([given] if isinstance(given, str) else given))


def _number(option: str, text: str) -> Number:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"'{text}' is no value: expected a number, True or False", option) from None


def read_frozen(option: str, value: Any) -> tuple[Entry, ...]:
    """Inputs with their values, from `a->True,b->[1,2]` or a dict."""
    if value is None:
        return ()
    if isinstance(value, Mapping):
        return tuple(Entry(str(n), values=tuple(v) if isinstance(v, list | tuple) else (v,)) for n, v in value.items())
    entries = read_entries(option, value)
    for e in entries:
        if e.values is None:
            raise UsageError(f"'{e.name}' has no value", option, f"for example {option} '{e.name}->1'")
    return entries


def read_layouts(option: str, value: Any, side: str = "both") -> tuple[Laid, ...]:
    """Layouts from `nhwc->nchw`, `a(nhwc->nchw),b[n,c]`, or a dict of such texts.

    `side`: where a single layout belongs; a target cannot have an arrow, nor a source.
    """
    if value is None:
        return ()
    if isinstance(value, Mapping):
        return tuple(r._replace(name=str(n)) for n, v in value.items() for r in read_layouts(option, str(v), side))
    out = []
    for name, first, second in scan(option, str(value), "layouts"):
        if second is not None and side != "both":
            raise UsageError(f"an arrow stands in '{value}'", option, "write both in --layout, or one in each option")
        one, two = _layout(option, first), None if second is None else _layout(option, second)
        out.append(Laid(name, None, one) if side == "target" else Laid(name, one, two))
    names = [r.name for r in out]
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice is not None:
        raise UsageError(f"'{twice}' is given two layouts", option)
    return tuple(out)


def _layout(option: str, given: Any) -> Layout:
    try:
        return parse_layout(given)
    except UsageError as error:
        raise UsageError(error.what, option, error.help) from None


def read_changes(option: str, value: Any) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """(name, settings) for `LowLatency2[use_const_initializer=False],Pruning`, or a list of names and such tuples."""
    if value is None:
        return ()
    if isinstance(value, str):
        return tuple(scan(option, value, "transforms"))
    return tuple((v, {}) if isinstance(v, str) else (v[0], dict(v[1]) if len(v) > 1 else {}) for v in value)
