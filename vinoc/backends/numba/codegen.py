"""A graph as a module of NumPy and numba: the generator of NumPy modules, with loops for what has them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...ir.buffer import Buffer
from ...ir.graph import Graph, Node
from ...ir.op import Op, port_name
from ..cpu.region import Region
from ..numpy import literals
from ..numpy.codegen import Generator, Scope
from ..numpy.layout import quoted
from ..numpy.opform import OpForm
from .chainform import ChainForm
from .early import Early

METHOD = "loops"
"""The method of an operation that says with numba what `evaluate` says with NumPy."""

PACK = "pack"
"""The method that arranges one operand for it, that of its parameter's name; once where that is constant."""


class NumbaGenerator(Generator):
    """Gives operations that have loops their form, and chains of elementwise ones a function each."""

    language = "NumPy and numba"
    allowed = frozenset({"numpy", "numba", "llvmlite"})
    free_above = 1 << 20  # what is given back soon is still in the cache when it is written again

    def __init__(self, graph: Graph, name: str) -> None:
        super().__init__(graph, name)
        self._chains: dict[Node, ChainForm] = {}
        self._splats: dict[str, str] = {}
        self._early = Early(graph, self.folded, self.weight_names)

    def prepared(self, body: str) -> list[str]:
        return self._early.lines(body)

    def _need(self, node: Node, first: dict[tuple[str, str], None], failed: dict[type, str]) -> str | None:
        if _packs(node) is not None:
            self.library.require(_form(type(node.op), PACK).references)
        return super()._need(node, first, failed)

    def _emit_node(self, node: Node, scope: Scope) -> None:
        if node in self._early:
            self._prepare(node)
            return
        place = _packs(node)
        if place is None:
            super()._emit_node(node, scope)
            return
        filters = node.operand(place)
        raw = self.expressions[filters]
        text = _form(type(node.op), PACK).call(node.op, [raw], None, self.library)
        if self._early.knows(filters):
            self.expressions[filters] = self._early.expression(text, f"{filters.name or node.label}, packed")
        else:
            self.expressions[filters] = self.names.take("packed")
            scope.add(f"{self.expressions[filters]} = {text}")
        super()._emit_node(node, scope)
        self.expressions[filters] = raw

    def _prepare(self, node: Node) -> None:
        """A node that is computed when the module is loaded."""
        form, out = self.form_of(node), node.outputs[0]
        arguments = [None if v is None else self.expressions[v] for v in node.inputs]
        text = self.as_array(node, form, form.call(node.op, arguments, None, self.library))
        inlined = self._early.inlined(out, _packs)
        self.expressions[out] = text if inlined else self._early.expression(text, out.name or node.label)

    def splats(self) -> list[str]:
        return [f"w[{quoted(key)}] = {text}" for text, key in self._splats.items()]

    def _constant(self, buffer: Buffer, label: str) -> str:
        """Loops read arrays that are whole: one that repeats a number is filled when the module is loaded."""
        if buffer.splat is None or buffer.size <= literals.INT_LIMIT or not literals.small(buffer):
            return super()._constant(buffer, label)
        value = literals.array_text(np.asarray(buffer.splat))
        text = f"np.full({literals.literal(buffer.shape)}, {value})"
        if text not in self._splats:
            self._splats[text] = self.weight_names.take(label)
        return f"w[{quoted(self._splats[text])}]"

    def graphs(self) -> Iterator[Graph]:
        return _without_chains(self.graph)

    def form_of(self, node: Node) -> OpForm:
        if isinstance(node.op, Region):
            if node not in self._chains:
                self._chains[node] = ChainForm(node.bodies[0])
            return self._chains[node]
        cls = type(node.op)
        return _form(cls, METHOD) if hasattr(cls, METHOD) else super().form_of(node)


def _without_chains(graph: Graph) -> Iterator[Graph]:
    for node in graph:
        if not isinstance(node.op, Region):
            for body in node.bodies:
                yield from _without_chains(body)
    yield graph


_FORMS: dict[tuple[type[Op], str], OpForm] = {}


def _form(cls: type[Op], method: str) -> OpForm:
    form = _FORMS.get((cls, method))
    if form is None:
        form = _FORMS[cls, method] = OpForm(cls, method)
    return form


def _packs(node: Node) -> int | None:
    """The operand of a node that is arranged, where one is."""
    cls = type(node.op)
    if not hasattr(cls, PACK):
        return None
    (name,) = _form(cls, PACK).parameters
    return next(i for i in range(len(node.inputs)) if port_name(cls, i) == name)
