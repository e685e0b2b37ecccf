"""Arithmetic in f32 for models that compute in half precision.

Few processors compute in f16 or bf16, and where one does each result is rounded. In f32 a model is as fast as any other
and its results are at least as exact; what changes is that sums no longer overflow. Inputs, outputs and a Convert to
the narrow type keep it: there numbers are rounded as before.
"""

from __future__ import annotations

from ..ir.constant import Constant
from ..ir.dtype import bf16, f16, f32
from ..ir.errors import InferenceError
from ..ir.graph import Graph, Node, Value
from ..ir.ops.convert import Convert
from ..ir.types import TensorType
from .base import Context, Pass, graph_pass
from .rewrite import erase_dead

NARROW = (f16, bf16)

KEPT = frozenset({"Constant", "Convert", "ConvertLike", "BitCast", "NumberToString", "ReadValue", "Assign"})
"""Nodes that are about the type itself."""


@graph_pass("widen")
class Widen(Pass):
    """Computes in f32 what a model computes in f16 or bf16; its inputs and outputs keep their types.

    Constants are expanded where they are read, as `fp16` leaves them; `decompress` lets that be folded. A node with
    bodies keeps its types, its bodies are widened by themselves.
    """

    def run(self, graph: Graph, context: Context) -> int:
        if not any(map(_is_narrow, [*graph.inputs, *(v for n in graph for v in n.outputs)])):
            return 0
        work = _Widening(graph)
        for node in list(graph):
            work.visit(node)
        work.finish()
        context.matches[self.name] += work.count
        return work.count


def _is_narrow(value: Value | None) -> bool:
    return value is not None and isinstance(value.type, TensorType) and value.dtype in NARROW


def _is_of_tensors(node: Node) -> bool:
    """Whether a node has to do with tensors alone: sequences and optionals keep the type of their elements."""
    return all(isinstance(v.type, TensorType) for v in (*node.inputs, *node.outputs) if v is not None)


class _Widening:
    """A walk over a graph in order. `wide` holds the f32 value that stands for a narrow one."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.wide: dict[Value, Value] = {}
        self.narrow: dict[Value, Value] = {}
        self.replaced: list[Node] = []
        self.count = 0

    def visit(self, node: Node) -> None:
        if node.kind == "Constant" or not any(map(_is_narrow, (*node.inputs, *node.outputs))):
            return
        if node.kind == "Convert" and type(node.operand(0).op) is Constant and not _is_narrow(node.outputs[0]):
            return
        if node.kind == "Convert" and not _is_narrow(node.outputs[0]):
            self.read_wide(node)
        elif node.kind in KEPT or node.bodies or not _is_of_tensors(node) or not self.widen(node):
            self.keep(node)

    def read_wide(self, node: Node) -> None:
        """A Convert of a narrow value reads the wide one; to f32 it is that."""
        wide = self.widened(node.operand(0), node)
        if node.outputs[0].dtype is f32:
            self.graph.replace_uses(node.outputs[0], wide)
            self.replaced.append(node)
        else:
            self.graph.set_input(node, 0, wide)
        self.count += 1

    def widen(self, node: Node) -> bool:
        """The same operation over wide operands, where its results then are wide."""
        operands = [self.widened(v, node) if _is_narrow(v) and v is not None else v for v in node.inputs]
        try:
            new = self.graph.insert(node.op, operands, before=node, loc=node.loc)
        except InferenceError:
            return False
        types = [f32 if _is_narrow(v) else v.dtype for v in node.outputs]
        if [v.dtype for v in new.outputs] != types:
            self.graph.erase(new)
            return False
        for old, made in zip(node.outputs, new.outputs, strict=True):
            made.name = old.name
            if _is_narrow(old):
                self.wide[old] = made
            else:
                self.graph.replace_uses(old, made)
        self.replaced.append(node)
        self.count += 1
        return True

    def keep(self, node: Node) -> None:
        """A node that stays reads narrow values."""
        for i, value in enumerate(node.inputs):
            if value is not None and value in self.wide:
                self.graph.set_input(node, i, self.narrowed(value))

    def widened(self, value: Value, before: Node) -> Value:
        """The f32 value of a narrow one that is an input, a constant, or a result of a node that stays."""
        found = self.wide.get(value)
        if found is None:
            source = value.node
            place = before if source is None else source.next
            convert = Convert(destination_type=f32, decompression=type(value.op) is Constant)
            made = self.graph.insert(convert, [value], before=place if source else self.graph.first, loc=before.loc)
            found = self.wide[value] = made.outputs[0]
            self.narrow[value] = value
        return found

    def narrowed(self, value: Value) -> Value:
        """The narrow value that a wide one stands for."""
        found = self.narrow.get(value)
        if found is None:
            wide = self.wide[value]
            assert wide.node is not None
            convert = Convert(destination_type=value.dtype)
            made = self.graph.insert(convert, [wide], before=wide.node.next, loc=wide.node.loc, name=value.name)
            found = self.narrow[value] = made.outputs[0]
        return found

    def finish(self) -> None:
        for i, value in enumerate(self.graph.outputs):
            if value in self.wide:
                self.graph.set_output(i, self.narrowed(value))
        erase_dead(self.graph, self.replaced)
