"""What the modules `vinoc.opset1` to `vinoc.opset16` consist of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...ir.errors import did_you_mean
from .factory import factory, form_in, forms
from .missing import MISSING
from .special import SPECIAL


def names(opset: int) -> list[str]:
    """The factories that an opset has here."""
    found = {name for name in forms() if form_in(name, opset)}
    return sorted(found | {name for name, (first, _) in SPECIAL.items() if first <= opset})


def find(opset: int, name: str) -> Any:
    """A factory of an opset. Raises AttributeError that says why it is not there, or which is meant."""
    if name in SPECIAL and SPECIAL[name][0] <= opset:
        return SPECIAL[name][1]
    form = form_in(name, opset)
    if form is not None:
        return factory(form, opset, name)
    what = f"module 'vinoc.opset{opset}' has no factory '{name}'"
    if name.startswith("__"):
        raise AttributeError(what)
    later = [f.first for f in forms().get(name, ())]
    hint = MISSING.get(name) or (f"it entered with opset{min(later)}" if later else did_you_mean(name, names(opset)))
    raise AttributeError(f"{what}: {hint}" if hint else what)


def opset(number: int, space: dict[str, Any]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a module; a factory is made when it is first asked for, and kept in `space`."""

    def get(name: str) -> Any:
        if name == "__all__":
            return names(number)
        made = space[name] = find(number, name)
        return made

    return get, lambda: sorted({*space, *names(number)})
