"""Passes and operations as tables: what the command line lists and the documentation is made of."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..ir.constant import Constant
from ..ir.fields import Attribute, attributes_of
from ..ir.op import Op
from ..ir.text.printer import attribute
from ..passes.base import Pass, format_option
from ..passes.registry import names, owner, pass_class
from ..passes.rewrite import Group

MATRIX = ("infer", "evaluate", "xml", "onnx", "numpy")
"""What may be known of an operation: types, meaning, writing IR, a converter that makes it, NumPy source."""


def describe_pass(name: str) -> dict[str, Any]:
    """All about a pass. Raises UsageError for an unknown name."""
    cls = pass_class(name)
    return {
        "name": name,
        "summary": cls.summary(),
        "doc": inspect.cleandoc(cls.__doc__ or ""),
        "owner": owner(name),
        "options": [_field(a, dashes=True) for a in attributes_of(cls)],
        "after": [{"pass": other, "reason": reason} for other, reason in cls.after],
        "members": [rule.name for rule in _rules(cls)],
    }


def rule_summary(name: str) -> str:
    """The line about a rule that is known as a member of a group only."""
    for known in names():
        for rule in _rules(pass_class(known)):
            if rule.name == name:
                return type(rule).summary()
    return ""


def _rules(cls: type[Pass]) -> Sequence[Pass]:
    """The rules of a group with default options; none where it has options that must be given, or is no group."""
    if not issubclass(cls, Group) or any(a.required for a in attributes_of(cls)):
        return ()
    return tuple(cls().rules())


def describe_op(cls: type[Op]) -> dict[str, Any]:
    """All about an operation."""
    doc = inspect.cleandoc(cls.__doc__ or "")
    return {
        "kind": cls.kind,
        "opset": f"opset{cls.opset}" if cls.opset else "internal",
        "summary": _sentence(doc),
        "doc": doc,
        "inputs": [{"name": p.name, "optional": p.optional, "variadic": p.variadic} for p in cls.ports],
        "attributes": [_field(a) for a in attributes_of(cls)],
        "bodies": cls.n_bodies,
    }


def _sentence(doc: str) -> str:
    """The first sentence of a text."""
    paragraph = " ".join(doc.split("\n\n")[0].split())
    end = re.search(r"[.:](?= [A-Z]|$)", paragraph)
    return paragraph[: end.start()] + "." if end else paragraph


def _field(a: Attribute, dashes: bool = False) -> dict[str, Any]:
    default = None if a.required else _default(a.default)
    return {
        "name": a.name.replace("_", "-") if dashes else a.name,
        "type": a.kind,
        "choices": list(a.choices),
        "required": a.required,
        "default": default,
    }


def _default(value: Any) -> str:
    return format_option(value) if isinstance(value, str | bool | int | float | tuple | None) else attribute(value)


def support(classes: Iterable[type[Op]]) -> dict[str, dict[str, bool]]:
    """For each operation, which parts of vinoc know it."""
    made = _mentioned("vinoc.compiler.frontends.onnx")
    out = {}
    for cls in classes:
        out[cls.kind] = {
            "infer": hasattr(cls, "infer"),
            "evaluate": hasattr(cls, "evaluate"),
            "xml": cls.opset is not None,
            "onnx": cls.kind in made,
            "numpy": _numpy(cls),
        }
    return out


@cache
def _mentioned(package: str) -> frozenset[str]:
    """Every name that the sources of a package use: a converter that makes an operation names it."""
    spec = find_spec(package)
    found: set[str] = set()
    for folder in spec.submodule_search_locations or () if spec else ():
        for file in Path(folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute):
                    found.add(node.attr)
                elif isinstance(node, ast.Name):
                    found.add(node.id)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
    return frozenset(found)


def _numpy(cls: type[Op]) -> bool:
    """True when the meaning of an operation can be written out as NumPy source."""
    from ..backends.numpy.opform import OpForm
    from ..backends.numpy.source import SourceError

    if cls is Constant:
        return True
    try:
        OpForm(cls)
    except SourceError:
        return False
    return True
