"""The functions that a generated module needs: found, named without collisions, copied.

Everything is first collected and then named, since a name is free only when no copied function binds it itself.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from .layout import header
from .naming import Names
from .source import THIRD_PARTY, Key, ModuleSource, Reference, References, SourceError, module_source


@dataclass(eq=False)
class Definition:
    """A top-level statement to copy."""

    key: Key
    wanted: str
    references: References
    forbidden: set[str] = field(default_factory=set)  # names that code which refers to it binds itself

    def render(self, names: dict[Key, str]) -> str:
        """The text, with the names that were given out."""
        raise NotImplementedError


@dataclass(eq=False, kw_only=True)
class Copied(Definition):
    """A definition of a module, as it stands there."""

    module: ModuleSource
    statement: ast.stmt
    offered: dict[str, str | None] = field(default_factory=dict)

    def offer(self, defaults: dict[str, str]) -> None:
        """Defaults for parameters that have none: those of the operation whose method calls the function.

        Where two operations offer different ones, the parameter gets none.
        """
        for parameter, text in defaults.items():
            known = self.offered.setdefault(parameter, text)
            self.offered[parameter] = text if known == text else None

    def parameters(self) -> list[tuple[ast.arg, ast.expr | None]]:
        """The parameters with their defaults in the source; empty for what is called in other ways."""
        if not isinstance(self.statement, ast.FunctionDef):
            return []
        arguments = self.statement.args
        if arguments.vararg or arguments.posonlyargs:
            return []
        missing: list[ast.expr | None] = [None] * (len(arguments.args) - len(arguments.defaults))
        plain = zip(arguments.args, [*missing, *arguments.defaults])
        return [*plain, *zip(arguments.kwonlyargs, arguments.kw_defaults)]

    @cached_property
    def signature(self) -> list[tuple[str, str | None]]:
        """The names of the parameters with their defaults as text, once all defaults are offered."""
        out: list[tuple[str, str | None]] = []
        keywords = self.statement.args.kwonlyargs if isinstance(self.statement, ast.FunctionDef) else []
        open_end = True  # a parameter has a default only if those behind it have
        for parameter, default in reversed(self.parameters()):
            text = ast.unparse(default) if default else self.offered.get(parameter.arg)
            if parameter not in keywords:
                open_end = open_end and text is not None
                text = text if open_end else None
            out.append((parameter.arg, text))
        return out[::-1]

    def render(self, names: dict[Key, str]) -> str:
        edits = {r.node: names[r.target] for r in self.references.definitions}
        if isinstance(self.statement, ast.Assign | ast.AnnAssign):
            for node in ast.walk(self.statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    edits[node] = names.get((self.module.name, node.id), node.id)
        start, end = self.module.statement_span(self.statement)
        if isinstance(self.statement, ast.FunctionDef) and self.signature:
            head, body = self.module.span(self.statement)[0], self.module.header_end(self.statement)
            above = self.module.copy((start, head), edits, self.statement)
            return above + self._header(names[self.key], edits) + self.module.copy((body, end), edits, self.statement)
        text = self.module.copy((start, end), edits, self.statement)
        keyword = "class" if isinstance(self.statement, ast.ClassDef) else "def"
        return text.replace(f"{keyword} {self.wanted}", f"{keyword} {names[self.key]}", 1)

    def _header(self, name: str, edits: dict[ast.expr, str]) -> str:
        assert isinstance(self.statement, ast.FunctionDef)
        keywords = self.statement.args.kwonlyargs
        parts: list[str] = []
        for (parameter, _), (_, default) in zip(self.parameters(), self.signature):
            if keywords and parameter is keywords[0]:
                parts.append("*")
            text = self.module.copy(self.module.span(parameter), edits, parameter)
            parts.append(text if default is None else f"{text} = {default}" if ":" in text else f"{text}={default}")
        returns = self.statement.returns
        return header(name, parts, self.module.copy(self.module.span(returns), edits, returns) if returns else "")


_DIRECTIVES = re.compile(r"  # (?:fmt|noqa|type: ignore|ruff|pragma)\b.*")
"""Comments for the tools that check this project's sources."""


def _is_line(text: str) -> bool:
    """True for an assignment on one line."""
    return "\n" not in text and " = " in text and not text.startswith((" ", "def ", "class ", "@"))


class Library:
    """Definitions with all that they refer to; they may import the standard library and what is allowed besides."""

    def __init__(self, allowed: frozenset[str] = frozenset({"numpy"})) -> None:
        self.allowed = allowed
        self.definitions: dict[Key, Definition] = {}  # in order of need: those that others call come first
        self.names: dict[Key, str] = {}
        self._alias: dict[Key, Key] = {}
        self._constants: dict[tuple[str, str], Key] = {}

    def require(self, references: References) -> None:
        """Adds what the references name, and what that names in turn. Raises SourceError."""
        self._check(references)
        stack: list[tuple[Reference, set[str]]] = [(r, references.bound) for r in references.definitions]
        while stack:
            reference, bound = stack.pop()
            key = self._resolve(reference.target)
            known = self.definitions.get(key)
            if known is None:
                known = self._copied(key)
                self._check(known.references)
                self.definitions[key] = known
                stack += [(r, known.references.bound) for r in known.references.definitions]
            known.forbidden |= bound

    def _check(self, references: References) -> None:
        for statement in references.imports:
            root = statement.split()[1].partition(".")[0]
            if root in THIRD_PARTY - self.allowed:
                raise SourceError(f"`{statement}`: the module imports {', '.join(sorted(self.allowed))} alone")

    def add(self, definition: Definition) -> None:
        """Adds a definition made by the caller. Raises SourceError and stays as it was."""
        before = dict(self.definitions)
        try:
            self.require(definition.references)
        except SourceError:
            self.definitions = before
            raise
        self.definitions[definition.key] = definition

    def _resolve(self, key: Key) -> Key:
        """The definition that a name leads to, through modules that only import it."""
        if key in self._alias:
            return self._alias[key]
        found = key
        for _ in range(10):
            module = module_source(found[0])
            if found[1] in module.statements:
                break
            imported = module.imports.get(found[1])
            if imported is None or imported.name is None:
                raise SourceError(f"`{found[0]}` has no definition of `{found[1]}` to copy")
            found = (imported.module, imported.name)
        self._alias[key] = self._canonical(found)
        return self._alias[key]

    def _canonical(self, key: Key) -> Key:
        """One of the definitions that are word for word the same constant (type aliases, mostly)."""
        module = module_source(key[0])
        statement = module.statements[key[1]]
        if isinstance(statement, ast.Assign | ast.AnnAssign) and not module.references(statement).definitions:
            start, end = module.span(statement)
            return self._constants.setdefault((key[1], module.text[start:end].decode()), key)
        return key

    def _copied(self, key: Key) -> Copied:
        module = module_source(key[0])
        statement = module.statements[key[1]]
        return Copied(key, key[1], module.references(statement), module=module, statement=statement)

    def name_all(self, taken: Names, first: Iterable[Key] = ()) -> None:
        """Gives every definition its name; those in `first` choose before the others."""
        for key in dict.fromkeys([*first, *self.definitions]):
            definition = self.definitions[key]
            tail = key[0].rpartition(".")[2].lstrip("_")
            wanted = definition.wanted
            name = wanted
            for candidate in (wanted, f"{'_' * wanted.startswith('_')}{tail}_{wanted.lstrip('_')}"):
                name = candidate
                if candidate not in taken and candidate not in definition.forbidden:
                    break
            else:
                while name in definition.forbidden or name in taken:
                    name += "_"
            self.names[key] = taken.take(name)
        for alias, key in self._alias.items():
            if key in self.names:
                self.names[alias] = self.names[key]

    def copied(self, target: Key) -> Copied | None:
        """The definition that a reference leads to, where it is a copy."""
        found = self.definitions.get(self._resolve(target))
        return found if isinstance(found, Copied) else None

    def imports(self) -> list[str]:
        return sorted({s for d in self.definitions.values() for s in d.references.imports} - {"import numpy as np"})

    def render(self) -> list[str]:
        """The definitions, each behind those that it refers to."""
        texts: list[str] = []
        done: set[int] = set()
        for definition in self._ordered():
            if isinstance(definition, Copied):
                if id(definition.statement) in done:  # an assignment to several names
                    continue
                done.add(id(definition.statement))
            text = _DIRECTIVES.sub("", definition.render(self.names))
            if texts and _is_line(text) and _is_line(texts[-1].rpartition("\n")[2]) and "def " not in texts[-1]:
                texts[-1] += f"\n{text}"  # constants stand together
            else:
                texts.append(text)
        return texts

    def _ordered(self) -> list[Definition]:
        """Each definition behind what it refers to, as far as recursion allows."""
        out: list[Definition] = []
        state: dict[Key, bool] = {}
        for root in self.definitions:
            stack = [(root, False)]
            while stack:
                key, leaving = stack.pop()
                if leaving:
                    out.append(self.definitions[key])
                elif key not in state:
                    state[key] = True
                    stack.append((key, True))
                    targets = [self._resolve(r.target) for r in self.definitions[key].references.definitions]
                    stack += [(t, False) for t in reversed(targets)]
        return out
