"""A graph as a NumPy module that a person can read: one line a node, the weights in a file beside it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

from ...ir import loc as _loc
from ...ir.buffer import Buffer
from ...ir.constant import Constant
from ...ir.errors import ConversionError, Problem, VinocError
from ...ir.graph import Graph, Node, Value
from ...ir.op import port_name
from ...ir.types import TensorType
from . import literals
from .exotic import Folded, fold_exotic
from .files import write_all
from .layout import quoted, wrapped
from .library import Library
from .module import FIXED_NAMES, Module, Port
from .naming import RESERVED, Names, printable, variable
from .opform import OpForm, op_form
from .source import SourceError

LINE = 120
FREE_ABOVE = 16 << 20
"""Bytes. Variables that are not needed any more are deleted together when they hold so much."""


@dataclass
class Scope:
    """A function under construction: the lines of one graph."""

    indent: int
    lines: list[str] = field(default_factory=list)
    assigned: list[str] = field(default_factory=list)
    variables: set[str] = field(default_factory=set)

    def add(self, code: str, comment: str = "") -> None:
        pad = "    " * self.indent
        if not comment:
            self.lines += wrapped(pad + code)
        elif len(pad) + len(code) + len(comment) + 4 <= LINE:
            self.lines.append(f"{pad}{code}  # {comment}")
        else:
            self.lines += [f"{pad}# {comment[: LINE - len(pad) - 2]}", *wrapped(pad + code)]


class Generator:
    """Writes the module of a graph. Other backends give nodes other forms: see `form_of`.

    The module imports NumPy and the standard library. It has `model`, with arrays in the order of the graph's
    inputs, and `infer`, with dictionaries by the names of inputs and outputs; run as a program it takes an
    npz file of inputs.
    """

    language = "NumPy"
    allowed = frozenset({"numpy"})
    free_above = FREE_ABOVE

    def __init__(self, graph: Graph, name: str) -> None:
        self.graph = graph
        self.name = name
        self.folded: Folded = fold_exotic(graph)
        self.library = Library(self.allowed)
        self.makers: dict[str, None] = {}
        self.weights: dict[Buffer, str] = {}
        self.weight_names = Names()
        self.names = Names([*RESERVED, *FIXED_NAMES])
        self.expressions: dict[Value, str] = {}
        self.has_state = False
        self.forms: dict[OpForm, None] = {}

    def write(self, directory: Path) -> list[Path]:
        """Writes `<name>.py` and `<name>.npz`, both or none, and returns their paths. Raises as `render` does."""
        text, weights = self.render()
        return write_all(directory, self.name, text, weights)

    def render(self) -> tuple[str, dict[str, Buffer]]:
        """The text of the module, and its weights by key. Raises ConversionError that lists all nodes which cannot be
        expressed."""
        self._collect()
        main = Scope(1)
        parameters = [self._name_input(v) for v in self.graph.inputs]
        self._emit(self.graph, main)
        results = [self.expressions[v] for v in self.graph.outputs]
        for line in main.assigned:
            main.add(line)
        main.lines += wrapped(f"    return {', '.join(results) or 'None'}")
        module = Module(
            name=self.name,
            origin=_origin(self.graph),
            inputs=_ports(self.graph.inputs, self.graph.input_names),
            outputs=_ports(self.graph.outputs, self.graph.output_names),
            parameters=parameters,
            body=main.lines,
            makers=[literals.maker_source(m) for m in self.makers],
            functions=self.library.render(),
            imports=self.library.imports(),
            has_weights=bool(self.weights),
            has_state=self.has_state,
            language=self.language,
            splats=self.splats(),
            prepared=self.prepared("\n".join(main.lines)),
        )
        return module.render(), {key: buffer for buffer, key in self.weights.items()}

    # What other backends change

    def form_of(self, node: Node) -> OpForm:
        """How a node is written. Raises SourceError."""
        return op_form(type(node.op))

    def graphs(self) -> Iterator[Graph]:
        """The graph and the bodies that are written out."""
        return self.graph.walk()

    def splats(self) -> list[str]:
        """Lines that make weights which are not stored."""
        return []

    def prepared(self, body: str) -> list[str]:
        """Lines behind all functions that make weights of others; `body` is what reads weights in the model."""
        return []

    # What is needed, and what cannot be had

    def _collect(self) -> None:
        """Adds the functions of all operations to the library and names them. Raises ConversionError."""
        problems: list[Problem] = []
        first: dict[tuple[str, str], None] = {}
        failed: dict[type, str] = {}
        for graph in self.graphs():
            for node in graph:
                if node in self.folded.nodes or node.kind in ("ReadValue", "Assign") or type(node.op) is Constant:
                    wrong = self.folded.problem(node)
                else:
                    wrong = self.folded.problem(node) or self._need(node, first, failed)
                if wrong:
                    inputs = ", ".join(str(v.type) if v is not None else "-" for v in node.inputs)
                    problems.append(Problem(node.kind, node.label, wrong, inputs, _help(wrong)))
        for i, value in enumerate(self.graph.inputs):
            if isinstance(value.type, TensorType) and not literals.is_portable(value.type.dtype):
                names = self.graph.input_names[i] or (value.name,)
                problems.append(Problem("Parameter", names[0], f"NumPy has no element type {value.type.dtype.name}"))
        if problems:
            raise ConversionError(_origin(self.graph) or self.graph.name, problems)
        for form in self.forms:
            form.offer_defaults(self.library)
        self.library.name_all(self.names, first)

    def _need(self, node: Node, first: dict[tuple[str, str], None], failed: dict[type, str]) -> str | None:
        """Adds what a node calls; what is wrong with it, if anything."""
        cls = type(node.op)
        if cls in failed:
            return failed[cls]
        try:
            form = self.form_of(node)
            self.forms[form] = None
            if form.inline is not None:
                self.library.require(form.references)
            elif form.key not in self.library.definitions:
                self.library.add(form.definition())
                first[form.key] = None
            for use in form.used_fields:
                literals.literal(getattr(node.op, use.name))
        except SourceError as error:
            if "written" not in error.what:
                failed[cls] = error.what
            return error.what
        return None

    # Lines

    def _name_input(self, value: Value) -> str:
        name = self.names.take(variable(value.name, "input"))
        self.expressions[value] = name
        return name

    def _emit(self, graph: Graph, scope: Scope) -> None:
        dead = _dead_after(graph)
        waiting: list[str] = []
        size = 0
        for node in graph:
            self._emit_one(node, scope)
            for value in dead.get(node, ()):
                name = self.expressions.get(value, "")
                if name in scope.variables:
                    waiting.append(name)
                    size += _size(value)
            if size > self.free_above:
                for line in textwrap.wrap(", ".join(dict.fromkeys(waiting)), LINE - 24):
                    scope.add(f"del {line.rstrip(',')}")
                waiting, size = [], 0

    def _emit_one(self, node: Node, scope: Scope) -> None:
        if node in self.folded.nodes:
            for out in node.outputs:
                if out.n_uses and literals.is_portable(out.dtype):
                    self.expressions[out] = self._constant(self.folded.values[out], _label(node))
        elif type(node.op) is Constant:
            out = node.outputs[0]
            self.expressions[out] = self._constant(node.op.value, _label(node))
        elif node.kind in ("ReadValue", "Assign"):
            self._emit_state(node, scope)
        else:
            self._emit_node(node, scope)

    def _emit_node(self, node: Node, scope: Scope) -> None:
        form = self.form_of(node)
        arguments = [None if v is None else self.expressions[v] for v in node.inputs]
        bodies = None
        if node.bodies and form.has_bodies:
            made = [self._emit_body(node, i, scope) for i in range(len(node.bodies))]
            bodies = f"({', '.join(made)}{',' * (len(made) == 1)})"
        text = form.call(node.op, arguments, bodies, self.library)
        targets = [self._target(node, i) for i in range(len(node.outputs))]
        scope.variables.update(targets)
        if len(targets) > 1:
            scope.add(f"{', '.join(targets)} = {text}", _comment(node))
        elif not targets:
            scope.add(text, _comment(node))
        elif form.returns.startswith("tuple"):
            scope.add(f"({targets[0]},) = {text}", _comment(node))
        else:
            scope.add(f"{targets[0]} = {self.as_array(node, form, text)}", _comment(node))

    def as_array(self, node: Node, form: OpForm, text: str) -> str:
        """The only output of a node, from what a call of its form gives."""
        out = node.outputs[0]
        if form.returns != "Array":
            self.makers["only"] = None
            return f"only({text})"
        if form.inline is not None and isinstance(out.type, TensorType) and not out.rank:
            return f"np.asarray({text})"  # NumPy's functions give scalars, not arrays, for rank 0
        return text

    def _target(self, node: Node, index: int) -> str:
        """The variable for an output; `_` where nothing reads it."""
        value = node.outputs[index]
        if not value.n_uses and len(node.outputs) > 1:
            return "_"
        name = self.names.take(variable(value.name or node.label, node.kind))
        self.expressions[value] = name
        return name

    def _emit_body(self, node: Node, index: int, scope: Scope) -> str:
        """A body as a nested function that takes and gives lists."""
        body = node.bodies[index]
        role = ("then", "else")[index] if node.kind == "If" else "body"
        name = self.names.take(f"{role}_{variable(node.label, node.kind)}")
        inner = Scope(scope.indent + 1)
        if scope.lines and scope.lines[-1]:
            scope.lines.append("")
        scope.add(f"def {name}(inputs):", printable(body.name))
        parameters = [self._name_input(v) for v in body.inputs]
        if parameters:
            inner.add(f"({parameters[0]},) = inputs" if len(parameters) == 1 else f"{', '.join(parameters)} = inputs")
        self._emit(body, inner)
        for line in inner.assigned:
            inner.add(line)
        inner.add(f"return [{', '.join(self.expressions[v] for v in body.outputs)}]")
        scope.lines += [*inner.lines, ""]
        return name

    def _emit_state(self, node: Node, scope: Scope) -> None:
        self.has_state = True
        key = literals.literal(node.op.variable_id)  # type: ignore[attr-defined]  # both operations have it
        target = self._target(node, 0)
        if node.kind == "Assign":
            given = self.expressions[node.operand(0)]
            scope.assigned.append(f"state[{key}] = {given}")
            self.expressions[node.outputs[0]] = given
            return
        out = node.outputs[0].tensor
        if node.inputs:
            initial = self.expressions[node.operand(0)]
        else:
            initial = f"np.zeros({literals.literal(out.shape)}, {literals.dtype_text(out.dtype)})"
        scope.add(f"{target} = state.get({key}, {initial})", _comment(node))

    def _constant(self, buffer: Buffer, label: str) -> str:
        try:
            buffer.array  # noqa: B018  # reads it
        except OSError as error:
            raise VinocError(f"cannot be read: {error}", f"constant '{label}'") from error
        if literals.small(buffer):
            text, maker = literals.buffer_text(buffer)
            if maker:
                self.makers[maker] = None
            return text
        key = self.weights.get(buffer)
        if key is None:
            key = self.weights[buffer] = self.weight_names.take(label)
        return f"w[{quoted(key)}]"


def _dead_after(graph: Graph) -> dict[Node, list[Value]]:
    """For each node the values that nothing reads after it. What is assigned to a variable stays."""
    seen = set(graph.outputs)
    for node in graph:
        if node.kind == "Assign":
            seen.update(v for v in node.inputs if v is not None)
    out: dict[Node, list[Value]] = {}
    for node in reversed(graph):
        for value in dict.fromkeys([*node.outputs, *node.inputs]):
            if value is not None and value not in seen:
                seen.add(value)
                out.setdefault(node, []).append(value)
    return out


def _size(value: Value) -> int:
    """Bytes, with a guess for dimensions that are not known."""
    if not isinstance(value.type, TensorType):
        return 0
    dims = [d if isinstance(d, int) else int(max(d.lo, 64)) for d in value.type.shape or ()]
    return prod(dims) * value.dtype.numpy.itemsize


def _ports(values: Sequence[Value], names: Sequence[tuple[str, ...]]) -> list[Port]:
    used = Names()
    return [Port(used.take(n[0] if n else v.name or f"port{i}"), v.type) for i, (v, n) in enumerate(zip(values, names))]


def _label(node: Node) -> str:
    """What a constant's weight is called: by its name, else by what first reads it (`conv1.filters`)."""
    out = node.outputs[0]
    user, index = next(out.uses, (None, 0))
    if out.name or not isinstance(user, Node):
        return out.name or node.label
    return f"{user.label}.{port_name(type(user.op), index)}"


def _origin(graph: Graph) -> str:
    """The file that the graph was read from."""
    files = (leaf.file for node in graph for leaf in _loc.leaves(node.loc) if leaf.file)
    return next(files, "")


def _comment(node: Node) -> str:
    """`conv1 (Conv): f32[1,64,112,112]`: the nodes of the model behind a line, and what it computes."""
    leaves = list(_loc.leaves(node.loc))
    if leaves:
        where = " + ".join(leaf.node for leaf in leaves[:3]) + (" + ..." if len(leaves) > 3 else "")
        kinds = {leaf.op_type: None for leaf in leaves if leaf.op_type}
        where += f" ({', '.join(kinds)})" if kinds else ""
    else:
        where = node.kind
    return printable(f"{where}: {_types(node.outputs)}")


def _types(values: Sequence[Value]) -> str:
    return ", ".join(str(v.type) for v in values)


def _help(wrong: str) -> str | None:
    if "element type" in wrong:
        return "convert the model to f32 or f16 first, or take another target"
    return None
