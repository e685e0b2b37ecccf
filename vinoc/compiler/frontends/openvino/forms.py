"""Which operation a layer's type and version stand for.

A `version` names an opset; a layer has the newest form of its type that this opset holds. Forms that are no
longer declared as operations are built from those that are: `upgrades` lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from ....ir.builder import Builder
from ....ir.errors import did_you_mean
from ....ir.graph import Value
from ....ir.op import Op, registry
from .attributes import Unreadable, build
from .document import Layer, Report

NEWEST = 16
"""The last opset that is read in full."""


class Form(NamedTuple):
    """What a layer becomes: an operation over the same inputs, or what `emit` builds from the inputs."""

    op: Op | None = None
    emit: Callable[[Builder, Sequence[Value], str], Sequence[Value]] | None = None


class Source:
    """A layer in an older form, for the functions that upgrade it."""

    def __init__(self, cls: type[Op], layer: Layer, report: Report) -> None:
        self.cls = cls
        self.layer = layer
        self._report = report

    def op(self, **given: Any) -> Op:
        """The operation with the layer's attributes, and `given` fields instead of them."""
        return build(self.cls, self.layer, self._report, given)

    def read(self, name: str, parse: Callable[[str], Any], default: Any = None) -> Any:
        """An attribute that the operation of today lacks."""
        text = self.layer.data.get(name)
        if text is None:
            return default
        try:
            return parse(text)
        except ValueError:
            raise self.refuse(f"attribute `{name}` is '{text}'") from None

    def refuse(self, what: str, help: str | None = None) -> Unreadable:
        """Reports a problem; to be raised."""
        self._report(self.layer.problem(what, help))
        return Unreadable()


Upgrade = Callable[[Source], Form | Op]
UPGRADES: dict[str, dict[int, Upgrade]] = {}


def upgrade(kind: str, *opsets: int) -> Callable[[Upgrade], Upgrade]:
    """Declares how the form of `kind` that entered with each of these opsets is built."""

    def declare(function: Upgrade) -> Upgrade:
        UPGRADES.setdefault(kind, {}).update(dict.fromkeys(opsets, function))
        return function

    return declare


@cache
def _spellings() -> Mapping[str, type[Op]]:
    """Operations by lower-case type: OpenVINO compares types without regard to case."""
    from . import upgrades  # noqa: F401  # importing it declares them

    known = {kind.lower(): cls for kind, cls in registry().items() if not cls.internal}
    del known["constant"]
    return known


def _forms(cls: type[Op]) -> dict[int, Upgrade | None]:
    """All forms of an operation by the opset they entered with, newest first; None stands for the operation itself."""
    assert cls.opset is not None
    forms: dict[int, Upgrade | None] = {cls.opset: None, **UPGRADES.get(cls.kind, {})}
    return dict(sorted(forms.items(), reverse=True))


def form_of(layer: Layer, report: Report, given: Mapping[str, Any] | None = None) -> Form:
    """What a layer stands for; `given` are fields that are no attributes in IR. All that is wrong with it is
    reported; then raises Unreadable."""
    known = _spellings()
    cls = known.get(layer.type.lower())
    if cls is None:
        hint = did_you_mean(layer.type, [c.kind for c in known.values()])
        report(layer.problem(f"{layer.version} operation '{layer.type}' is not known", hint or _HELP_UNKNOWN))
        raise Unreadable
    number = layer.version.removeprefix("opset")
    if number == layer.version or not number.isdecimal() or not 1 <= int(number) <= NEWEST:
        what = f"version '{layer.version}' is not one of opset1 to opset{NEWEST}"
        report(layer.problem(what, "convert the original model again, for these opsets"))
        raise Unreadable
    forms = _FORMS.get(cls)
    if forms is None:
        forms = _FORMS[cls] = _forms(cls)
    for opset, make in forms.items():
        if opset <= int(number):
            found = make(Source(cls, layer, report)) if make else build(cls, layer, report, given)
            return Form(op=found) if isinstance(found, Op) else found
    first = min(forms)
    report(layer.problem(f"{layer.version} has no {cls.kind}; it entered with opset{first}"))
    raise Unreadable


_FORMS: dict[type[Op], dict[int, Upgrade | None]] = {}
_HELP_UNKNOWN = "`vinoc ops` lists the operations that are read"
