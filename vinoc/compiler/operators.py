"""The table of the operators that a frontend reads: versions, whether they can be written as IR, how the CPU runs them.

What an operator becomes is found in the sources: the operations that its converter names, directly or by way of other
functions of the package. "some": of its forms, or of its parts, some.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from ..ir.errors import UsageError, did_you_mean, nearest
from ..ir.op import registry

COLUMNS = ("domain", "operator", "from opset", "IR", "CPU kernel", "meaning")
FRONTENDS = ("onnx",)


def rows(frontend: str, names: Sequence[str] = ()) -> list[tuple[str, ...]]:
    """A row for each operator, or for those named. Raises UsageError with the nearest name."""
    if frontend not in FRONTENDS:
        raise UsageError(f"no table for the frontend '{frontend}'", "--frontend", nearest(frontend, FRONTENDS))
    from .frontends.onnx.registry import table

    listed = sorted(table().items())
    known = [op for (_, op), _ in listed]
    for name in names:
        if name not in known:
            raise UsageError(f"no operator '{name}' is read", frontend, did_you_mean(name, known) or None)
    return [_row(domain, op, forms) for (domain, op), forms in listed if not names or op in names]


def _row(domain: str, op: str, forms: Sequence[tuple[int, Callable[..., Any]]]) -> tuple[str, ...]:
    made = frozenset[str]().union(*(operations(function) for _, function in forms))
    versions = ", ".join(str(since) for since, _ in forms)
    meaning = (forms[-1][1].__doc__ or "").strip().split("\n")[0] or ", ".join(sorted(made)[:3])
    return (domain or "ai.onnx", op, versions, writable(made, domain, op), kernel(made), meaning)


HELPERS = frozenset({"Broadcast", "Concat", "Convert", "Gather", "Range", "Reshape", "ShapeOf", "Squeeze", "Unsqueeze"})
"""Operations that bring operands into form, and say nothing of what an operator becomes."""


def writable(made: frozenset[str], domain: str, op: str) -> str:
    """Whether what an operator becomes can be written as IR: yes, no, or some of its forms."""
    known = registry()
    internal = {k for k in made if known[k].internal and k not in LOWERED and k not in EXPANDED}
    if not internal:
        return "yes"
    dissolves = (domain, op) in TAKEN_APART
    return "no" if made - HELPERS <= internal and not dissolves else "some"


TAKEN_APART = frozenset(
    ("", f"{kind}{what}")
    for kind, names in (
        ("Sequence", ("At", "Construct", "Erase", "Insert", "Length", "Map")),
        ("Optional", ("", "GetElement", "HasElement")),
        ("", ("SplitToSequence", "ConcatFromSequence")),
    )
    for what in names
)
"""Operators on sequences and optionals, of which nothing is left where the elements are known one by one."""

LOWERED = frozenset({"Dropout"})
"""Internal operations that passes take out."""

EXPANDED = frozenset({"CumProd", "IntegerConvolution", "IntegerMatMul", "NGramCount"})
"""Internal operations that are always written out when IR is written, and stay what they are for other targets."""


def kernel(made: frozenset[str]) -> str:
    """How the CPU device runs what an operator becomes: with kernels, as islands, or both."""
    from ..backends.cpu.coverage import support

    main = (made - HELPERS) or made
    islands = {k for k in main if k not in LOWERED and support(k) == "island"}
    if not islands:
        return "yes"
    return "some" if len(islands) < len(main) else "island"


@cache
def operations(function: Callable[..., Any]) -> frozenset[str]:
    """The kinds of operations that a converter names, in its own text or in that of functions that it calls."""
    known = registry()
    seen: set[Any] = set()
    found: set[str] = set()
    stack: list[Any] = [function]
    while stack:
        code = stack.pop()
        if code in seen:
            continue
        seen.add(code)
        for name in _names(code):
            if name in known:
                found.add(name)
            elif (target := _resolved(code, name)) is not None:
                stack.append(target)
        found.update(k for k in _captured(code) if k in known)
    return frozenset(found - {"Constant"})


def _names(code: Any) -> set[str]:
    """Names, attributes and strings of a function or class."""
    try:
        tree = ast.parse(inspect.cleandoc("\n" + inspect.getsource(code)))
    except (OSError, TypeError, SyntaxError):
        return set()
    out: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            out.add(node.id)
        elif isinstance(node, ast.Attribute):
            out.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            out.add(node.value)
    return out


def _resolved(code: Any, name: str) -> Any:
    """The function or class of the converters that a name means in the module of `code`, or None."""
    found = getattr(sys.modules.get(getattr(code, "__module__", "")), name, None)
    own = getattr(found, "__module__", "").startswith("vinoc.compiler.frontends.onnx.converters")
    return found if own and (inspect.isroutine(found) or inspect.isclass(found)) else None


def _captured(code: Any) -> set[str]:
    """Strings that a function made by another one has from it."""
    cells = getattr(code, "__closure__", None) or ()
    return {c.cell_contents for c in cells if isinstance(c.cell_contents, str)}
