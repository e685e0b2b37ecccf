"""Source text of modules: top-level definitions, what they refer to, and copies with other names.

Definitions are copied as text, so comments and layout survive; only the spans that refer to something renamed
are replaced. Positions are in bytes, as `ast` counts them.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from typing import TypeAlias

from ...ir.errors import VinocError

Key: TypeAlias = tuple[str, str]
"""A definition: the name of its module and its own."""

THIRD_PARTY = frozenset({"numpy", "numba", "llvmlite"})
"""What generated modules may import besides the standard library; numba and llvmlite where a form uses them."""

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


class SourceError(VinocError):
    """Source that cannot stand in a module that imports NumPy alone."""


@dataclass(frozen=True)
class Import:
    """A name that an import statement binds: a module (`name` None) or a member of one."""

    module: str
    name: str | None
    statement: str


@dataclass(frozen=True, eq=False)
class Reference:
    """A place that names another definition: `node` is a Name or an Attribute."""

    node: ast.expr
    target: Key


@dataclass
class References:
    """All that a piece of code needs from outside."""

    definitions: list[Reference] = field(default_factory=list)
    imports: dict[str, None] = field(default_factory=dict)
    bound: set[str] = field(default_factory=set)


class ModuleSource:
    """The text of a module with an index of its top level."""

    def __init__(self, name: str) -> None:
        self.name = name
        module = sys.modules.get(name) or importlib.import_module(name)
        try:
            text = inspect.getsource(module)
        except (OSError, TypeError) as error:
            raise SourceError(f"the source of module `{name}` is not available: {error}") from error
        self.package = name if hasattr(module, "__path__") else name.rpartition(".")[0]
        self.text = text.encode()
        self.tree = ast.parse(text)
        self._starts = [0]
        for line in self.text.split(b"\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)
        self.statements: dict[str, ast.stmt] = {}
        self.comments: dict[ast.stmt, ast.stmt] = {}  # a string right behind an assignment documents it
        self.imports: dict[str, Import] = {}
        self._index()

    def _index(self) -> None:
        previous: ast.stmt | None = None
        for statement in self.tree.body:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self.statements[statement.name] = statement
            elif isinstance(statement, ast.Assign | ast.AnnAssign):
                targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                for target in targets:
                    for name in ast.walk(target):
                        if isinstance(name, ast.Name):
                            self.statements[name.id] = statement
            elif isinstance(statement, ast.Import):
                for alias in statement.names:
                    self._add_import(alias, alias.name, None)
            elif isinstance(statement, ast.ImportFrom):
                base = "." * statement.level + (statement.module or "")
                module = importlib.util.resolve_name(base, self.package) if statement.level else base
                for alias in statement.names:
                    self._add_import(alias, module, alias.name)
            elif isinstance(statement, ast.Expr) and isinstance(previous, ast.Assign | ast.AnnAssign):
                self.comments[previous] = statement
            previous = statement

    def _add_import(self, alias: ast.alias, module: str, name: str | None) -> None:
        renamed = f" as {alias.asname}" if alias.asname else ""
        text = f"import {module}{renamed}" if name is None else f"from {module} import {name}{renamed}"
        local = alias.asname or (name or module).partition(".")[0]
        if name is not None and self._is_own(module) and _is_module(f"{module}.{name}"):
            module, name = f"{module}.{name}", None
        self.imports[local] = Import(module, name, text)

    def _is_own(self, module: str) -> bool:
        """True for modules whose definitions are copied, rather than imported."""
        return module.partition(".")[0] in ("vinoc", self.name.partition(".")[0])

    def span(self, node: ast.expr | ast.stmt | ast.arg) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self._starts[node.lineno - 1] + node.col_offset
        return start, self._starts[node.end_lineno - 1] + node.end_col_offset

    def statement_span(self, node: ast.stmt) -> tuple[int, int]:
        """A top-level statement with its decorators, the comment above and the string below."""
        decorators = getattr(node, "decorator_list", [])
        line = min([node.lineno, *(d.lineno for d in decorators)])
        while line > 1 and self._line(line - 1).startswith(b"#"):
            line -= 1
        return self._starts[line - 1], self.span(self.comments.get(node, node))[1]

    def line_above(self, node: ast.stmt) -> int:
        """Where the line of a statement starts, or that of the comment above it."""
        line = node.lineno
        while line > 1 and self._line(line - 1).lstrip().startswith(b"#"):
            line -= 1
        return self._starts[line - 1]

    def _line(self, number: int) -> bytes:
        return self.text[self._starts[number - 1] : self._starts[number]]

    def references(self, code: ast.stmt) -> References:
        """What `code` reads of the module's level, by way of its imports too. Raises SourceError."""
        found = References(bound=bound_names(code) - {getattr(code, "name", "")})
        if isinstance(code, ast.Assign | ast.AnnAssign):
            found.bound = set()
        for node in ast.walk(code):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                imported = self.imports.get(node.value.id)
                is_alias = imported is not None and imported.name is None and self._is_own(imported.module)
                if imported is not None and is_alias and node.value.id not in found.bound:
                    found.definitions.append(Reference(node, (imported.module, node.attr)))
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in found.bound:
                self._resolve(node, found)
        return found

    def _resolve(self, node: ast.Name, found: References) -> None:
        if node.id in self.statements:
            found.definitions.append(Reference(node, (self.name, node.id)))
            return
        imported = self.imports.get(node.id)
        if imported is None or (imported.name is None and self._is_own(imported.module)):
            return
        if self._is_own(imported.module):
            assert imported.name is not None
            found.definitions.append(Reference(node, (imported.module, imported.name)))
        elif imported.module.partition(".")[0] in sys.stdlib_module_names | THIRD_PARTY:
            found.imports[imported.statement] = None
        else:
            raise SourceError(f"`{self.name}` imports `{imported.module}`, generated modules import NumPy alone")

    def function(self, class_name: str, name: str) -> FunctionNode:
        """A method, by its class. Raises SourceError when it is not written out at the top level."""
        owner = self.statements.get(class_name)
        for statement in owner.body if isinstance(owner, ast.ClassDef) else ():
            if isinstance(statement, ast.FunctionDef) and statement.name == name:
                return statement
        raise SourceError(f"`{name}` of `{self.name}.{class_name}` is not a method written out in the class")

    def header_end(self, function: ast.FunctionDef) -> int:
        """Behind the colon of a definition."""
        arguments = function.args
        last = [function.returns, *arguments.args, *arguments.defaults, *arguments.kwonlyargs, *arguments.kw_defaults]
        at = max((self.span(node)[1] for node in last if node is not None), default=self.span(function)[0])
        return self.text.index(b":", at) + 1

    def copy(self, span: tuple[int, int], edits: Mapping[ast.expr, str], code: ast.AST) -> str:
        """The text of a span, with expressions of `code` replaced."""
        pieces: list[tuple[int, int, str]] = []
        for node, text in _outside_fstrings(self, code, edits):
            pieces.append((*self.span(node), text))
        out, at = [], span[0]
        for start, end, text in sorted(pieces):
            if span[0] <= start and end <= span[1]:
                out += [self.text[at:start], text.encode()]
                at = end
        return b"".join([*out, self.text[at : span[1]]]).decode()


def _outside_fstrings(
    module: ModuleSource, code: ast.AST, edits: Mapping[ast.expr, str]
) -> Iterator[tuple[ast.expr, str]]:
    """The edits; those within an f-string as one, since its parts have no reliable positions before Python 3.12."""
    inside: set[ast.AST] = set()
    for node in ast.walk(code):
        if isinstance(node, ast.JoinedStr) and node not in inside:
            inside.update(ast.walk(node))
            if any(part in edits for part in ast.walk(node)):
                yield node, ast.unparse(_replaced(node, edits))
    for target, text in edits.items():
        if target not in inside and text.encode() != module.text[slice(*module.span(target))]:
            yield target, text


def _replaced(node: ast.AST, edits: Mapping[ast.expr, str]) -> ast.AST:
    """A copy of a tree in which expressions are others."""
    memo = {id(old): ast.parse(text, mode="eval").body for old, text in edits.items()}
    return deepcopy(node, memo)  # deepcopy takes what the memo holds in place of the original


def bound_names(code: ast.AST) -> set[str]:
    """Names that a function (or class) binds itself: parameters, assignments, nested definitions."""
    bound: set[str] = set()
    outer: set[str] = set()
    for node in ast.walk(code):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler):
            bound.add(node.name or "")
        elif isinstance(node, ast.Global):
            outer.update(node.names)
    return bound - outer


def _is_module(name: str) -> bool:
    if name in sys.modules:
        return True
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


module_source: Callable[[str], ModuleSource] = cache(ModuleSource)
