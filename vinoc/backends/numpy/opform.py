"""How a node becomes a line of code: an operation's `evaluate` as an expression, or as a function to call.

A method that only calls something, `return np.add(a, b)` or `return conv.convolution(data, filters,
self.strides)`, is written into the line, with attributes by name. Any other becomes a function with the
attributes as keyword parameters.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...ir.dtype import DType
from ...ir.fields import Attribute, attributes_of
from ...ir.op import Op
from .layout import header
from .library import Definition, Library
from .literals import literal
from .naming import snake
from .source import FunctionNode, Key, ModuleSource, Reference, References, SourceError, module_source

_ANNOTATIONS = {
    "int": "int",
    "float": "float",
    "bool": "bool",
    "str": "str",
    "enum": "str",
    "dtype": "np.dtype",
    "ints": "tuple[int, ...]",
    "floats": "tuple[float, ...]",
    "strs": "tuple[str, ...]",
}
_MISSING = object()


@dataclass(frozen=True)
class FieldUse:
    """A place that reads an attribute: `self.strides`, or `self.destination_type.numpy` as a whole."""

    node: ast.expr
    field: str


class OpForm:
    """An operation class as source code: that of its `evaluate`, or of another method that says the same."""

    def __init__(self, cls: type[Op], method: str = "evaluate") -> None:
        self.cls = cls
        self.kind = cls.kind
        owner = next((c for c in cls.__mro__ if method in vars(c)), None)
        if owner is None:
            raise SourceError(f"operation {cls.kind} has no `{method}`")
        self.module: ModuleSource = module_source(owner.__module__)
        self.function: FunctionNode = self.module.function(owner.__qualname__, method)
        self.references: References = self.module.references(self.function)
        self.attributes: dict[str, Attribute] = {a.name: a for a in attributes_of(cls)}
        self.uses: list[FieldUse] = []
        self.fixed: dict[ast.expr, str] = {}  # facts of the class, as expressions
        self._find_uses()
        arguments = self.function.args
        self.parameters = [a.arg for a in arguments.args[1:]]
        self.variadic = arguments.vararg.arg if arguments.vararg else None
        self.has_bodies = any(a.arg == "bodies" for a in [*arguments.kwonlyargs, *arguments.args])
        self.inline = self._inlinable()
        self.key: Key = ("", cls.kind)
        self.returns = ast.unparse(self.function.returns) if self.function.returns else ""

    # Reading `self`

    def _find_uses(self) -> None:
        inner: set[ast.expr] = set()
        for node in ast.walk(self.function):
            if isinstance(node, ast.Attribute) and node.attr == "numpy" and _of_self(node.value):
                assert isinstance(node.value, ast.Attribute)
                name = node.value.attr
                if name in self.attributes and self.attributes[name].kind == "dtype":
                    self.uses.append(FieldUse(node, name))
                    inner.add(node.value)
        named: set[ast.AST] = {n.value for n in ast.walk(self.function) if isinstance(n, ast.Attribute)}
        for node in ast.walk(self.function):
            if isinstance(node, ast.Name) and node.id == "self" and node not in named:
                raise SourceError(f"`evaluate` of {self.kind} uses `self` as a whole")
            if isinstance(node, ast.Name) and node.id == "super":
                raise SourceError(f"`evaluate` of {self.kind} calls that of its base class")
            if isinstance(node, ast.Attribute) and _of_self(node) and node not in inner:
                self._note_use(node)

    def _note_use(self, node: ast.Attribute) -> None:
        attribute = self.attributes.get(node.attr)
        if attribute is None:
            self._note_class_fact(node)
        elif attribute.kind == "dtype":
            raise SourceError(f"`evaluate` of {self.kind} uses the element type `self.{node.attr}` not as `.numpy`")
        else:
            self.uses.append(FieldUse(node, node.attr))

    def _note_class_fact(self, node: ast.Attribute) -> None:
        value = getattr(self.cls, node.attr, _MISSING)
        if isinstance(value, np.ufunc) or (callable(value) and getattr(value, "__module__", "") == "numpy"):
            self.fixed[node] = f"np.{getattr(value, '__name__', '')}"
            return
        owner = next((c for c in self.cls.__mro__ if node.attr in vars(c)), None)
        held = vars(owner)[node.attr] if owner else _MISSING
        if isinstance(held, staticmethod):
            held = held.__func__
            if held.__qualname__ == held.__name__:  # a function of a module, not one written in the class
                self.references.definitions.append(Reference(node, (held.__module__, held.__name__)))
                return
        if isinstance(value, bool | int | float | str | tuple | DType):
            self.fixed[node] = literal(value)
            return
        raise SourceError(f"`evaluate` of {self.kind} uses `self.{node.attr}`, which is no attribute")

    # As an expression

    def _inlinable(self) -> ast.Call | ast.Name | None:
        body = _without_docstring(self.function)
        if len(body) != 1 or not isinstance(body[0], ast.Return):
            return None
        call = body[0].value
        if isinstance(call, ast.Name) and call.id in self.parameters:
            return call
        if not isinstance(call, ast.Call):
            return None
        if not all(map(self._is_atom, [*call.args, *(k.value for k in call.keywords)])):
            return None
        if call.func in self.fixed or isinstance(call.func, ast.Name):
            return call
        plain = isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name)
        return call if plain else None

    def _is_atom(self, node: ast.expr) -> bool:
        if node in self.fixed or any(u.node is node for u in self.uses):
            return True
        if isinstance(node, ast.Tuple | ast.List):
            return all(map(self._is_atom, node.elts))
        if isinstance(node, ast.Starred):
            return isinstance(node.value, ast.Name)
        if isinstance(node, ast.UnaryOp):
            return isinstance(node.operand, ast.Constant)
        if isinstance(node, ast.Attribute):
            return isinstance(node.value, ast.Name) and node.value.id == "np"
        return isinstance(node, ast.Constant | ast.Name)

    def call(self, op: Op, arguments: Sequence[str | None], bodies: str | None, library: Library) -> str:
        """The expression that computes a node. Raises SourceError for an attribute that has no literal."""
        if self.inline is None:
            return self._call_function(op, arguments, bodies, library.names[self.key])
        values = dict(zip(self.parameters, [a or "None" for a in arguments]))
        rest = [a or "None" for a in arguments[len(self.parameters) :]]
        if self.variadic:
            values[self.variadic] = f"({', '.join(rest)}{',' * (len(rest) == 1)})"
            values[f"*{self.variadic}"] = ", ".join(rest)
        if bodies is not None:
            values["bodies"] = bodies
        for name in self.parameters[len(arguments) :]:
            values[name] = "None"
        texts = {r.node: library.names[r.target] for r in self.references.definitions} | self.fixed
        texts |= {u.node: literal(getattr(op, u.field)) for u in self.uses}
        if isinstance(self.inline, ast.Name):
            return values[self.inline.id]
        return self._call_inline(self.inline, values, rest, texts, library)

    def _call_inline(
        self, call: ast.Call, values: dict[str, str], rest: list[str], texts: dict[ast.expr, str], library: Library
    ) -> str:
        """Settings are given by name where the callee's signature is known, and left out where it has the same."""
        signature = self._signature(call, library)
        spread = any(isinstance(a, ast.Starred) for a in call.args)
        positional: list[str] = []
        named: list[str] = []
        for i, argument in enumerate(call.args):
            if isinstance(argument, ast.Starred):
                positional += rest
                continue
            text = _substitute(argument, values, texts)
            parameter, default = signature[i] if i < len(signature) and not spread else (None, None)
            if parameter is None or not (named or self._is_setting(argument)):
                positional.append(text)
            elif text != default:
                named.append(f"{parameter}={text}")
        if not spread:  # optional operands that are left out
            while positional and (len(positional) <= len(signature)) and signature[len(positional) - 1][1] == "None":
                if positional[-1] != "None":
                    break
                positional.pop()
        for k in call.keywords:
            text = _substitute(k.value, values, texts)
            if k.arg is None or (k.arg, text) not in signature:
                named.append(f"{k.arg}={text}" if k.arg else f"**{text}")
        function = texts.get(call.func) or _substitute(call.func, values, texts)
        return f"{function}({', '.join([*positional, *named])})"

    def _is_setting(self, node: ast.expr) -> bool:
        """True for an argument that is not one of the arrays."""
        return not isinstance(node, ast.Name)

    def _target(self, call: ast.Call) -> Key | None:
        return next((r.target for r in self.references.definitions if r.node is call.func), None)

    def _signature(self, call: ast.Call, library: Library) -> list[tuple[str, str | None]]:
        """Parameters and defaults of the function that an inlined method calls; empty for NumPy's own."""
        target = self._target(call)
        copied = library.copied(target) if target else None
        return copied.signature if copied else []

    def offer_defaults(self, library: Library) -> None:
        """Gives the function that an inlined method calls the defaults of the operation's attributes."""
        call = self.inline
        target = self._target(call) if isinstance(call, ast.Call) else None
        copied = library.copied(target) if target else None
        if copied is None or not isinstance(call, ast.Call) or any(isinstance(a, ast.Starred) for a in call.args):
            return
        names = [parameter.arg for parameter, _ in copied.parameters()]
        given = [*zip(names, call.args), *((k.arg, k.value) for k in call.keywords if k.arg)]
        optional = self.function.args.args[len(self.function.args.args) - len(self.function.args.defaults) :]
        fields = {u.node: self.attributes[u.field] for u in self.uses}
        defaults: dict[str, str] = {}
        for parameter, value in given:
            if isinstance(value, ast.Name) and any(a.arg == value.id for a in optional):
                defaults[parameter] = "None"
            elif value in fields and not fields[value].required:
                try:
                    defaults[parameter] = literal(fields[value].default)
                except SourceError:
                    continue  # an element type that NumPy lacks
        copied.offer(defaults)

    # As a function

    def definition(self) -> Definition:
        references = References(
            self.references.definitions, self.references.imports, self.references.bound | set(self.field_names.values())
        )
        return OpFunction(self.key, snake(self.kind), references, form=self)

    @property
    def used_fields(self) -> list[Attribute]:
        used = {u.field for u in self.uses}
        return [a for name, a in self.attributes.items() if name in used]

    @cached_property
    def field_names(self) -> dict[str, str]:
        """The parameters that stand for attributes: of another name where the method uses theirs."""
        names = {n.id for n in ast.walk(self.function) if isinstance(n, ast.Name)} | set(self.parameters)
        return {a.name: f"{a.name}_" if a.name in names else a.name for a in self.used_fields}

    def _call_function(self, op: Op, arguments: Sequence[str | None], bodies: str | None, name: str) -> str:
        given = [a or "None" for a in arguments]
        for a in self.used_fields:
            value = getattr(op, a.name)
            if a.required or value != a.default:
                given.append(f"{self.field_names[a.name]}={literal(value)}")
        if bodies is not None:
            given.append(f"bodies={bodies}")
        return f"{name}({', '.join(given)})"


@dataclass(eq=False, kw_only=True)
class OpFunction(Definition):
    """A method `evaluate` as a function."""

    form: OpForm

    def render(self, names: dict[Key, str]) -> str:
        form = self.form
        edits = {r.node: names[r.target] for r in self.references.definitions} | form.fixed
        edits |= {u.node: form.field_names[u.field] for u in form.uses}
        body = form.module.copy(self._body_span(), edits, form.function)
        doc = "" if ast.get_docstring(form.function) else _docstring(form.cls)
        code = textwrap.indent(textwrap.dedent(body), "    ")
        returns = self._text(form.function.returns, edits) if form.function.returns else ""
        return f"{header(names[self.key], self._parameters(edits), returns)}\n{doc}{code}"

    def _text(self, node: ast.expr | ast.arg, edits: dict[ast.expr, str]) -> str:
        return self.form.module.copy(self.form.module.span(node), edits, node)

    def _parameters(self, edits: dict[ast.expr, str]) -> list[str]:
        arguments = self.form.function.args
        parts = [self._text(a, edits) for a in arguments.args[1:]]
        for i, default in enumerate(reversed(arguments.defaults)):
            parts[-1 - i] += f" = {ast.unparse(default)}"
        keywords: list[str] = []
        for a in self.form.used_fields:
            text = f"{self.form.field_names[a.name]}: {_ANNOTATIONS.get(a.kind, 'object')}{' | None' * a.optional}"
            keywords.append(text if a.required else f"{text} = {literal(a.default)}")
        keywords += [self._text(a, edits) for a in arguments.kwonlyargs]
        if arguments.vararg:
            parts.append(f"*{self._text(arguments.vararg, edits)}")
        elif keywords:
            parts.append("*")
        return parts + keywords

    def _body_span(self) -> tuple[int, int]:
        """The statements with the comments above the first."""
        module, function = self.form.module, self.form.function
        first, last = function.body[0], function.body[-1]
        if first.lineno == function.lineno:
            return module.span(first)[0], module.span(last)[1]
        return module.line_above(first), module.span(last)[1]


def _docstring(cls: type) -> str:
    lines = inspect.cleandoc(cls.__doc__ or "").replace("\\", "/").split("\n")
    if not any(lines):
        return ""
    if len(lines) == 1:
        return f'    """{lines[0]}"""\n'
    return textwrap.indent("\n".join([f'"""{lines[0]}', *lines[1:], '"""']), "    ") + "\n"


def _of_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def _without_docstring(function: FunctionNode) -> list[ast.stmt]:
    return function.body[1:] if ast.get_docstring(function) is not None else function.body


def _substitute(node: ast.expr, values: dict[str, str], texts: dict[ast.expr, str]) -> str:
    """The text of an atom with parameters and attributes replaced."""
    if node in texts:
        return texts[node]
    if isinstance(node, ast.Name):
        return values.get(node.id, node.id)
    if isinstance(node, ast.Tuple | ast.List):
        given = [_substitute(e, values, texts) for e in node.elts]
        items = [g for g in given if g]
        return (
            f"[{', '.join(items)}]" if isinstance(node, ast.List) else f"({', '.join(items)}{',' * (len(items) == 1)})"
        )
    if isinstance(node, ast.Starred):
        return values[f"*{ast.unparse(node.value)}"]
    if isinstance(node, ast.Attribute):
        return f"{_substitute(node.value, values, texts)}.{node.attr}"
    return ast.unparse(node)


_FORMS: dict[type[Op], OpForm] = {}


def op_form(cls: type[Op]) -> OpForm:
    """The form of an operation class. Raises SourceError."""
    form = _FORMS.get(cls)
    if form is None:
        form = _FORMS[cls] = OpForm(cls)
    return form
