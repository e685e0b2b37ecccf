"""Functions that make nodes, out of the list of signatures and the declarations of the operations.

An opset's form of an operation is found as in a file of OpenVINO IR: attributes are spelled as IR has them and read by
the frontend, so that older forms, defaults and errors are those of a model that is read.
"""

from __future__ import annotations

import ast
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from inspect import Parameter, Signature
from typing import Any

import numpy as np

from ...compiler.frontends.openvino.attributes import Unreadable
from ...compiler.frontends.openvino.document import Layer
from ...compiler.frontends.openvino.forms import form_of
from ...ir.dtype import DType
from ...ir.errors import InferenceError, Problem, UsageError, VinocError
from ...ir.fields import Attribute, attributes_of
from ...ir.graph import Value
from ...ir.op import Op, op_class
from ...ir.types import TensorType
from ..element import Type
from ..nodes.make import FreeBuilder, make
from ..nodes.node import Node
from ..nodes.operands import operand, pair
from ..nodes.ports import view
from .signatures import lines

_LINE = re.compile(r"(\d+)(-(\d+))? ([\w/]+)\((.*)\) (\w+)(@(\d+))?")
_KINDS = {ast.Constant: lambda e: e.value, ast.Name: lambda e: e.id}

_LIKE_STRIDES = {"pads_begin": 0, "pads_end": 0, "dilations": 1, "output_padding": 0}
"""Attributes that have an element for each spatial dimension, and what they are where None is given."""


@dataclass(frozen=True)
class Argument:
    """An argument of a factory. `role`: input, inputs (a list), attribute, attributes (a dict)."""

    name: str
    role: str
    attribute: str = ""  # as IR spells it
    default: Any = Parameter.empty


@dataclass(frozen=True)
class Form:
    """A factory as some opsets have it."""

    first: int
    last: int
    names: tuple[str, ...]
    text: str
    kind: str
    read_as: int  # the opset whose form of the operation is meant, where it is another


@cache
def forms() -> Mapping[str, list[Form]]:
    """All forms by each of their names."""
    found: dict[str, list[Form]] = {}
    for line in lines():
        match = _LINE.fullmatch(line)
        assert match, line
        first, ranged, last, names, text, kind, _, read_as = match.groups()
        form = Form(int(first), int(last) if ranged else 99, tuple(names.split("/")), text, kind, int(read_as or 0))
        for name in form.names:
            found.setdefault(name, []).append(form)
    for known in found.values():  # a form ends where the next one begins
        known.sort(key=lambda f: f.first)
    return found


def form_in(name: str, opset: int) -> Form | None:
    """The form of a factory in an opset; None where it has none."""
    fitting = [f for f in forms().get(name, ()) if f.first <= opset <= f.last]
    return fitting[-1] if fitting else None


def arguments_of(form: Form) -> list[Argument]:
    """The arguments of a form in order, without `name`."""
    tree = ast.parse(f"def f({form.text}): ...").body[0]
    assert isinstance(tree, ast.FunctionDef)
    known = {a.ir_name or a.name for a in attributes_of(op_class(form.kind))}
    spec = tree.args
    found = [_argument(a, d, known) for a, d in _with_defaults(spec.args, spec.defaults)]
    if spec.vararg:
        found.append(Argument(spec.vararg.arg, "inputs"))
    found += [_argument(a, d, known) for a, d in zip(spec.kwonlyargs, spec.kw_defaults, strict=True)]
    if spec.kwarg:
        default = None if spec.kwarg.annotation is not None else Parameter.empty
        found.append(Argument(spec.kwarg.arg, "attributes", default=default))
    return found


def _with_defaults(args: Sequence[ast.arg], defaults: Sequence[ast.expr]) -> Iterable[tuple[ast.arg, ast.expr | None]]:
    return zip(args, [None] * (len(args) - len(defaults)) + list(defaults), strict=True)


def _argument(arg: ast.arg, default: ast.expr | None, known: set[str]) -> Argument:
    given = Parameter.empty if default is None else ast.literal_eval(default)
    if arg.annotation is not None:
        return Argument(arg.arg, "attribute", str(_KINDS[type(arg.annotation)](arg.annotation)), given)
    if arg.arg in known:
        return Argument(arg.arg, "attribute", arg.arg, given)
    return Argument(arg.arg, "input", default=given)


def factory(form: Form, opset: int, name: str) -> Callable[..., Node]:
    """The function of a form, as an opset has it."""
    arguments = arguments_of(form)
    listed = [Parameter(a.name, Parameter.POSITIONAL_OR_KEYWORD, default=a.default) for a in arguments]
    signature = Signature([*listed, Parameter("name", Parameter.POSITIONAL_OR_KEYWORD, default=None)])

    def make_node(*args: Any, **kwargs: Any) -> Node:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{name}(): {error}; it is {name}{signature}") from None
        bound.apply_defaults()
        try:
            return _build(form, opset, arguments, bound.arguments)
        except InferenceError:
            raise  # names the node
        except VinocError as error:
            raise type(error)(error.what, error.where or f"{name}()", error.help) from None

    make_node.__name__ = make_node.__qualname__ = name
    make_node.__module__ = f"vinoc.opset{opset}"
    make_node.__doc__ = _doc(form)
    make_node.__signature__ = signature  # type: ignore[attr-defined]
    return make_node


def _doc(form: Form) -> str:
    text = (op_class(form.kind).__doc__ or "").strip().partition("\n")[0]
    return f"{text}\n\nThe attributes are those of {form.kind}; `vinoc ops` lists them."


def _build(form: Form, opset: int, arguments: Sequence[Argument], given: Mapping[str, Any]) -> Node:
    cls = op_class(form.kind)
    data = _attributes(cls, arguments, given)
    values = _operands(arguments, given, broadcasts="auto_broadcast" in data)
    label = given["name"]
    layer = Layer("0", label or "", form.kind, f"opset{form.read_as or opset}", data, {}, {}, [], ET.Element("layer"))
    problems: list[Problem] = []
    try:
        found = form_of(layer, problems.append)
    except Unreadable:
        raise UsageError("; ".join(p.what for p in problems), help=problems[0].help) from None
    if found.emit is None:
        assert found.op is not None
        return view(make(found.op, values, (), label))
    while values and values[-1] is None:
        values.pop()
    emitted = found.emit(FreeBuilder(label), values, label or "")  # type: ignore[arg-type]
    owner = emitted[0].node
    assert owner is not None
    return view(owner)


def _operands(arguments: Sequence[Argument], given: Mapping[str, Any], broadcasts: bool) -> list[Value | None]:
    """The inputs in order. Python numbers take the element type of the other operand of an elementwise operation;
    elsewhere floats take that of the first operand of floats."""
    raw: list[Any] = []
    for a in arguments:
        if a.role == "inputs":
            raw += _list_of(a.name, given[a.name])
        elif a.role == "input":
            if given[a.name] is None and a.default is not None:
                raise UsageError(f"`{a.name}` is None, expected a node, a number or an array")
            raw.append(given[a.name])
    if broadcasts and len(raw) == 2:
        return list(pair(*raw))
    values = [None if v is None or isinstance(v, float) else operand(v) for v in raw]
    like = next((t.dtype for v in values if v is not None and (t := _tensor(v)) and t.dtype.is_float), None)
    return [operand(r, like) if isinstance(r, float) else v for r, v in zip(raw, values, strict=True)]


def _tensor(value: Value) -> TensorType | None:
    return value.type if isinstance(value.type, TensorType) else None


def _list_of(name: str, given: Any) -> list[Any]:
    if not isinstance(given, list | tuple):
        raise UsageError(f"`{name}` is {type(given).__name__}, expected a list of nodes")
    return list(given)


def _attributes(cls: type[Op], arguments: Sequence[Argument], given: Mapping[str, Any]) -> dict[str, str]:
    """The attributes as IR spells them; those that are None are left out, or filled for each spatial dimension."""
    fields = {a.ir_name or a.name: a for a in attributes_of(cls)}
    values: dict[str, Any] = {}
    for a in arguments:
        if a.role == "attributes":
            values.update(given[a.name] or {})
        elif a.role == "attribute":
            values[a.attribute] = given[a.name]
    spatial = values.get("strides")
    for name, value in values.items():
        if value is None and name in _LIKE_STRIDES and spatial is not None:
            values[name] = [_LIKE_STRIDES[name]] * len(spatial)
    return {k: _spelled(k, v, fields.get(k)) for k, v in values.items() if v is not None}


def _spelled(name: str, value: Any, field: Attribute | None) -> str:
    if field is not None and field.kind == "dtype":
        return element_type(value).name
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, Type):
        return value.get_type_name()
    if isinstance(value, np.ndarray | list | tuple | set) or hasattr(value, "__iter__"):
        return ",".join(_spelled(name, v, None) for v in value)
    if isinstance(value, int | float | np.number):
        return repr(value.item() if isinstance(value, np.number) else value)
    raise UsageError(f"`{name}` is {type(value).__name__}, expected a number, a text or a list of them")


_PYTHON = {int: "i32", float: "f32", bool: "boolean", str: "string"}


def element_type(given: Any) -> DType:
    """An element type of what OpenVINO's factories take for one: Python's `int` is i32, its `float` f32."""
    return Type(_PYTHON.get(given, given) if isinstance(given, type) else given).dtype
