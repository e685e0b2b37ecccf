"""How many nodes a model's functions are once they are written out, before any is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....ir.errors import ModelError
from .structure import subgraphs

Key = tuple[str, str, str]
"""Domain, name, overload."""


class Sizes:
    """The functions of a model with the number of nodes of each: its own, and those of the functions it calls."""

    def __init__(self, functions: Mapping[Key, Any], most: int) -> None:
        self._functions = functions
        self._most = most
        self._known: dict[Key, int] = {}

    def check(self, key: Key, calls: frozenset[tuple[str, ...]]) -> None:
        """Raises ModelError for a call within `calls` of a function that calls itself, or becomes too many nodes."""
        name = key[1]
        if key in calls:
            raise ModelError(f"function '{name}' calls itself", help="ONNX functions cannot be recursive")
        if (size := self._size(key, frozenset())) > self._most:
            what = f"function '{name}' is {size:.1e} nodes when the functions it calls are written out"
            raise ModelError(what, help=f"simplify the model: {self._most:,} nodes are the most")

    def _size(self, key: Key, around: frozenset[Key]) -> int:
        """s(f) = nodes of f + sum of s(g) over the calls of f. A call of one that is `around` counts as a node."""
        if key in self._known:
            return self._known[key]
        if key in around or len(around) > 100 or key not in self._functions:
            return 0
        total, stack = 0, [self._functions[key]]
        while stack:
            for node in stack.pop().node:
                domain = "" if node.domain == "ai.onnx" else node.domain
                total += 1 + self._size((domain, node.op_type, node.overload), around | {key})
                stack.extend(subgraphs(node))
        self._known[key] = total
        return total
