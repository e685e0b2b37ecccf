"""The table of converters: (domain, operator) -> the version forms, each a function.

    @converter("Conv")
    def conv(ctx: NodeContext) -> Value: ...

A form serves models from opset `since` on, until the next form's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from ....ir.entries import load_all
from ....ir.errors import VinocError
from ....ir.families import Families
from ....ir.graph import Value
from .converters.index import INDEX

if TYPE_CHECKING:
    from .context import NodeContext

Result: TypeAlias = Value | Sequence[Value | None]
"""What a converter returns: the only output, or one for each output of the ONNX node; None for one it does not want."""
Converter: TypeAlias = "Callable[[NodeContext], Result]"

MICROSOFT = "com.microsoft"
_TABLE: dict[tuple[str, str], list[tuple[int, Converter]]] = {}
_BUILT_IN = f"{__package__}.converters"
_families = Families(_BUILT_IN, INDEX)


def key(domain: str, op: str) -> str:
    """An operator as the index writes it."""
    return f"{domain}:{op}" if domain else op


def converter(op: str, since: int = 1, domain: str = "") -> Callable[[Converter], Converter]:
    """Registers a function as the form of an operator from opset `since` on.

    Raises VinocError when that form has a function already; it names both.
    """

    def register(function: Converter) -> Converter:
        if not function.__module__.startswith(_BUILT_IN):
            _families.load(key(domain, op))  # first, so that it is the newcomer who is told that a form is taken
        forms = _TABLE.setdefault((domain, op), [])
        for version, other in forms:
            if version == since and _origin(other) != _origin(function):
                owners = f"by {_origin(other)} and by {_origin(function)}"
                raise VinocError(
                    f"ONNX operator '{op}' from opset {since} on is declared twice: {owners}",
                    help="declare another `since`, or drop one of the two",
                )
        forms[:] = sorted([(v, f) for v, f in forms if v != since] + [(since, function)], key=lambda form: form[0])
        find.cache_clear()
        return function

    return register


def _origin(function: Converter) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def declared_by(module: str) -> list[str]:
    """The ONNX operators for which a module has registered a converter."""
    return sorted(op for (_, op), forms in _TABLE.items() if any(f.__module__ == module for _, f in forms))


def table() -> dict[tuple[str, str], list[tuple[int, Converter]]]:
    """All converters: (domain, operator) -> [(first opset, function)], lowest first.

    Loads the built-in ones, and those of installed packages (entry points `vinoc.ops`).
    """
    _families.load_all()
    load_all("vinoc.ops")
    return _TABLE


@cache
def find(domain: str, op: str, version: int) -> Converter | None:
    """The form for a version: the newest one not newer, or the oldest where all are newer; None: no such operator."""
    load_all("vinoc.ops")
    _families.load(key(domain, op))
    forms = _TABLE.get((domain, op)) or table().get((domain, op))
    if not forms:
        return None
    best = forms[0][1]
    for since, function in forms:
        if since <= version:
            best = function
    return best
