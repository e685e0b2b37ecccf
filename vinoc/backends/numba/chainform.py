"""A chain of elementwise operations as one function with one loop."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from ...ir.graph import Graph, Node, Value
from ...ir.op import Op
from ..cpu.region import Region
from ..numpy.layout import wrapped
from ..numpy.library import Definition, Library
from ..numpy.naming import snake
from ..numpy.opform import OpForm
from ..numpy.source import Key, Reference, References
from .chains import FUNCTIONS, OPERATORS, Along, limits_of, narrowed, number, operand_along

SCALARS = "vinoc.backends.numba.loops.scalars"
ROOM = ("vinoc.backends.numba.loops.memory", "room")
CACHED = ("vinoc.backends.numba.loops.settings", "CACHED")
LETTERS = "abdefghjklmnopqrst"

_READ = {
    Along.ALL: {Along.ALL: "{0}[i]", Along.ONE: "{0}"},
    Along.CHANNEL: {Along.ALL: "{0}_row[i]", Along.ONE: "{0}", Along.CHANNEL: "{0}[c]"},
    Along.LAST: {Along.ALL: "{0}_row[i]", Along.ONE: "{0}", Along.LAST: "{0}[i]"},
}
"""How a loop over elements, channels or rows reads an operand."""


@dataclass(frozen=True)
class Operand:
    """An array that the loop reads, by the name of its parameter."""

    name: str
    along: Along


class Chain:
    """The body of a Region, written for one number: a first expression, and those of its result `v`."""

    def __init__(self, body: Graph) -> None:
        self.operands = tuple(_operands(body))
        self.layout = next((o.along for o in self.operands if o.along in (Along.CHANNEL, Along.LAST)), Along.ALL)
        self.steps = tuple(_steps(body, [_READ[self.layout][o.along].format(o.name) for o in self.operands]))
        self.kinds = tuple(snake(n.kind) for n in body if n.kind != "Convert") or ("convert",)
        called = [_function(s) for s in self.steps]
        self.functions = tuple(dict.fromkeys(f for f in called if f))

    @property
    def key(self) -> Key:
        """Equal for chains that one function computes."""
        return "elementwise", f"{' '.join(o.name for o in self.operands)}: {'; '.join(self.steps)}"


def _operands(body: Graph) -> list[Operand]:
    found: list[Operand] = []
    for letter, value in zip(LETTERS, body.inputs, strict=False):
        user, index = next((o, i) for o, i in value.uses if isinstance(o, Node))
        how = operand_along(user, index)
        assert how is not None
        found.append(Operand("x" if not found and how is Along.ALL else letter, how))
    return found


def _steps(body: Graph, operands: Sequence[str]) -> list[str]:
    names: dict[Value, str] = dict(zip(body.inputs, operands))
    steps: list[str] = []
    skipped: set[Node] = set()
    for node in body:
        if node in skipped:
            continue
        given = [names[v] for v in node.inputs if v is not None]
        result = node.outputs[0]
        if back := narrowed(node):
            low, high = limits_of(result.dtype)
            text = f"whole_number({given[0]}, {number(low)}, {number(high)})"
            skipped.add(back)
            result = back.outputs[0]
        elif node.kind in OPERATORS:
            text = f" {OPERATORS[node.kind]} ".join(given)
        else:
            text = FUNCTIONS[node.kind](node.op).format(*given)
        steps.append(text)
        names[result] = "v"
    return steps


def _function(step: str) -> str:
    """What a step calls, if anything."""
    name = step.partition("(")[0]
    return name if name.isidentifier() else ""


class ChainForm(OpForm):
    """A Region of elementwise nodes."""

    def __init__(self, body: Graph) -> None:
        super().__init__(Region)
        self.chain = Chain(body)
        self.key = self.chain.key
        self.inline = None
        self.uses = []
        self.has_bodies = False
        self.returns = "Array"

    def call(self, op: Op, arguments: Sequence[str | None], bodies: str | None, library: Library) -> str:
        return f"{library.names[self.key]}({', '.join(a or 'None' for a in arguments)})"

    def definition(self) -> Definition:
        called = [CACHED, ROOM, *((SCALARS, f) for f in self.chain.functions)]
        places = [Reference(ast.Name(name, ast.Load()), (module, name)) for module, name in called]
        references = References(places, {"from numba import njit": None}, {*LETTERS, "x", "v", "i", "c"})
        return ChainFunction(self.key, "_".join(self.chain.kinds[:5]), references, chain=self.chain)


@dataclass(eq=False, kw_only=True)
class ChainFunction(Definition):
    """Two functions: one that makes the result, and the loop."""

    chain: Chain

    def render(self, names: dict[Key, str]) -> str:
        name, chain = names[self.key], self.chain
        main = next(o.name for o in chain.operands if o.along is Along.ALL)
        parameters = ", ".join(o.name for o in chain.operands)
        lines = [f"def {name}({parameters}):", f'    """{self._doc()}"""']
        lines += [f"    out = {names[ROOM]}({main}.shape)", *self._shape(main)]
        given = [self._given(o) for o in chain.operands]
        out = "out.reshape(-1)" if chain.layout is Along.ALL else "out.reshape(shape)"
        lines += wrapped(f"    {name}_loop({', '.join([*given, out])})")
        lines += ["    return out", "", ""]
        lines += [f'@njit(cache={names[CACHED]}, error_model="numpy")', f"def {name}_loop({parameters}, out):"]
        return "\n".join([*lines, *self._loop(names)])

    def _doc(self) -> str:
        along = {Along.CHANNEL: "along axis 1", Along.LAST: "along the last axis", Along.ONE: "one number"}
        kinds: dict[str, list[str]] = {}
        for o in self.chain.operands:
            if o.along in along:
                kinds.setdefault(along[o.along], []).append(o.name)
        what = "".join(f"; {', '.join(v)}: {k}" for k, v in kinds.items())
        return f"{', then '.join(k.replace('_', ' ') for k in self.chain.kinds)}{what}."

    def _shape(self, main: str) -> list[str]:
        if self.chain.layout is Along.ALL:
            return []
        if self.chain.layout is Along.LAST:
            return [f"    rows = {main}.size // max({main}.shape[-1], 1)", f"    shape = rows, {main}.shape[-1]"]
        return [f"    rows = {main}.shape[0] * {main}.shape[1]", f"    shape = rows, {main}.size // max(rows, 1)"]

    def _given(self, operand: Operand) -> str:
        if operand.along is Along.ALL:
            shape = "-1" if self.chain.layout is Along.ALL else "shape"
            return f"np.ascontiguousarray({operand.name}).reshape({shape})"
        return f"{operand.name}.reshape(-1)" + ("[0]" if operand.along is Along.ONE else "")

    def _loop(self, names: dict[Key, str]) -> list[str]:
        steps = []
        for step in self.chain.steps:
            called = _function(step)
            text = names[SCALARS, called] + step[len(called) :] if called else step
            steps.append(f"v = {text}")
        if self.chain.layout is Along.ALL:
            return ["    for i in range(len(out)):", *[f"        {s}" for s in steps], "        out[i] = v"]
        rows = [o.name for o in self.chain.operands if o.along is Along.ALL]
        lines = ["    for row in range(len(out)):"]
        if self.chain.layout is Along.CHANNEL:
            channel = next(o.name for o in self.chain.operands if o.along is Along.CHANNEL)
            lines.append(f"        c = row % len({channel})")
        lines += [f"        {r}_row = {r}[row]" for r in [*rows, "out"]]
        lines.append("        for i in range(len(out_row)):")
        return [*lines, *[f"            {s}" for s in steps], "            out_row[i] = v"]
