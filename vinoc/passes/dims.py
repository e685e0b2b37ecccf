"""Dimensions as the Model Optimizer writes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import inf

from ..ir.dim import Dim, Sym, symbol
from ..ir.errors import UsageError
from ..ir.types import Shape

_RANGE = re.compile(r"(\d*)\.\.(\d*)")
HELP = "a dimension is 8, ? or -1 (any size), 1..8, ..8, 1.. or a name"


def read_shape(texts: Sequence[str], declared: Shape | None, name: str) -> Shape:
    """A shape from the texts of its dimensions. Raises UsageError.

    `?` leaves a dimension that the model itself leaves open as it is; any other is a symbol of its own, so that equal
    sizes are known to be equal further on.
    """
    base = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "input"
    base = f"d_{base}" if base[0].isdigit() else base
    same = declared is not None and len(declared) == len(texts)
    return tuple(_dim(t, declared[i] if same and declared else None, f"{base}_{i}_") for i, t in enumerate(texts))


def _dim(text: str, declared: Dim | None, fresh: str) -> Dim:
    text = text.strip()
    if text in ("?", "-1"):
        return declared if isinstance(declared, Sym) else symbol(fresh)
    found = _RANGE.fullmatch(text)
    if found and text != "..":
        low, high = int(found[1] or 0), int(found[2]) if found[2] else inf
        if low > high:
            raise UsageError(f"the range {text} holds nothing: {low} is more than {high:g}", help=HELP)
        return low if low == high else symbol(fresh, low, high)
    if text.isascii() and text.isdigit():
        return int(text)
    if text.isidentifier():
        return symbol(text)
    raise UsageError(f"'{text}' is no dimension", help=HELP)
