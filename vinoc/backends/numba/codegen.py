"""A graph as a module of NumPy and numba: the generator of NumPy modules, with loops for what has them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...ir.buffer import Buffer
from ...ir.graph import Graph, Node
from ...ir.op import Op
from ..cpu.region import Region
from ..numpy import literals
from ..numpy.codegen import Generator
from ..numpy.files import write_all
from ..numpy.layout import quoted
from ..numpy.opform import OpForm
from .chainform import ChainForm

METHOD = "loops"
"""The method of an operation that says with numba what `evaluate` says with NumPy."""


def generate(graph: Graph, directory: Path | str, name: str) -> list[Path]:
    """Writes `<name>.py` and `<name>.npz`, both or none. Raises ConversionError that lists what cannot be expressed."""
    text, weights = render(graph, name)
    return write_all(Path(directory), name, text, weights)


def render(graph: Graph, name: str) -> tuple[str, dict[str, Buffer]]:
    """The text of the module, and its weights by key. Raises ConversionError."""
    return NumbaGenerator(graph, name).render()


class NumbaGenerator(Generator):
    """Gives operations that have loops their form, and chains of elementwise ones a function each."""

    language = "NumPy and numba"
    allowed = frozenset({"numpy", "numba"})

    def __init__(self, graph: Graph, name: str) -> None:
        super().__init__(graph, name)
        self._chains: dict[Node, ChainForm] = {}
        self._splats: dict[str, str] = {}

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
        return _loop_form(cls) if hasattr(cls, METHOD) else super().form_of(node)


def _without_chains(graph: Graph) -> Iterator[Graph]:
    for node in graph:
        if not isinstance(node.op, Region):
            for body in node.bodies:
                yield from _without_chains(body)
    yield graph


_FORMS: dict[type[Op], OpForm] = {}


def _loop_form(cls: type[Op]) -> OpForm:
    form = _FORMS.get(cls)
    if form is None:
        form = _FORMS[cls] = OpForm(cls, METHOD)
    return form
