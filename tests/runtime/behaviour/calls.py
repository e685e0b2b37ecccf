"""What the tests of this folder share: calls written as text, evaluated with `vinoc` and with `openvino`.

A table maps the text of a call to what it gives. The text is the test's name, and, where vinoc lacks the call, its row
in docs/openvino-api.md. Values are compared as plain Python: arrays as lists, an error by its kind.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .missing import MISSING

World = Callable[[Any, Path], Mapping[str, Any]]
"""Names that the calls of a table use, from the module under test and the folder of the models."""


class Raises:
    """What a call gives that is refused: `Raises(...)` any of these kinds of exceptions."""

    def __init__(self, *kinds: type[Exception]) -> None:
        self.kinds = kinds or (RuntimeError,)


REFUSED = Raises(Exception)
"""Refused; with what kind of exception is told by neither library's documentation."""


def checked(table: Mapping[str, Any], world: World) -> Any:
    """The test of a table's calls, each with both modules. What is among those missing must fail with vinoc."""
    found = []
    for module in ("vinoc", "openvino"):
        for call in table:
            reason = MISSING.get(call) if module == "vinoc" else None
            marks = [pytest.mark.xfail(strict=True, reason=reason)] if reason else []
            found.append(pytest.param(module, call, marks=marks, id=f"{module}: {call}"))

    @pytest.mark.parametrize(("module", "call"), found, indirect=["module"])
    def test_call(module: Any, call: str, folder: Path) -> None:
        check(call, table[call], world(module, folder))

    return test_call


def check(call: str, expected: Any, space: Mapping[str, Any]) -> None:
    """Evaluates a call and compares what it gives."""
    space = {"io": io, "np": np, **space}
    code = compile(call, "<call>", "eval")
    if isinstance(expected, Raises):
        with pytest.raises(expected.kinds):
            eval(code, space)
        return
    assert plain(eval(code, space)) == expected


def plain(value: Any) -> Any:
    """A value as lists, numbers and texts."""
    if isinstance(value, np.ndarray):
        return [plain(v) for v in value.tolist()]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, Mapping) or type(value).__name__ in ("RTMap", "OVDict"):
        return {plain(k): plain(v) for k, v in value.items()}
    if type(value).__name__ == "OVAny":
        return plain(value.value)
    if isinstance(value, list | tuple):
        return type(value)(plain(v) for v in value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value
