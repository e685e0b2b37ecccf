"""Layout of generated lines."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

LINE = 120
_OPEN, _CLOSE = "([{", ")]}"


def quoted(text: str) -> str:
    """A string as a Python literal, in double quotes where that takes no escapes."""
    single = repr(text)
    return f'"{single[1:-1]}"' if single[0] == "'" and '"' not in text and "'" not in text else single


def header(name: str, parameters: Sequence[str], returns: str) -> str:
    """The first lines of a function."""
    end = f" -> {returns}:" if returns else ":"
    line = f"def {name}({', '.join(parameters)}){end}"
    if len(line) <= LINE:
        return line
    packed = "    " + ", ".join(parameters)
    if len(packed) > LINE:
        packed = "    " + ",\n    ".join(parameters) + ","
    return f"def {name}(\n{packed}\n){end}"


def wrapped(line: str) -> list[str]:
    """A statement that is too long, with the items of its last bracket on lines of their own."""
    if len(line) <= LINE:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()))
    if line.lstrip().startswith("return ") and line[-1] not in _CLOSE:
        line = f"{indent}return ({line.lstrip()[7:]})"
    found = _last_bracket(line)
    if found is None:
        return [line]
    start, commas = found
    cuts = [start + 1, *(c + 1 for c in commas), len(line) - 1]
    items = [line[a:b].strip() for a, b in pairwise(cuts)]
    out = [line[: start + 1]]
    current = ""
    for item in items:
        if current and len(indent) + 4 + len(current) + 1 + len(item) > LINE:
            out.append(f"{indent}    {current}")
            current = ""
        current = f"{current} {item}".strip()
    return [*out, f"{indent}    {current}", f"{indent}{line[-1]}"]


def _last_bracket(line: str) -> tuple[int, list[int]] | None:
    """The bracket that closes at the end of a line: where it opens, and the commas directly in it."""
    stack: list[tuple[int, list[int]]] = []
    quote = ""
    skip = False
    for i, c in enumerate(line):
        if skip:
            skip = False
        elif quote:
            skip = c == "\\"
            quote = "" if c == quote else quote
        elif c in "\"'":
            quote = c
        elif c in _OPEN:
            stack.append((i, []))
        elif c in _CLOSE and stack:
            top = stack.pop()
            if i == len(line) - 1:
                return top
        elif c == "," and stack:
            stack[-1][1].append(i)
    return None
