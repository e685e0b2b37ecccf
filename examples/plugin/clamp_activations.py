"""A pass in a file: vinoc model.onnx --plugin clamp_activations.py --passes "fuse,clamp-activations{limit=4}"."""

from __future__ import annotations

from vinoc.ir.builder import Builder
from vinoc.ir.errors import UsageError
from vinoc.ir.graph import Graph
from vinoc.passes.base import Context, Pass, graph_pass


@graph_pass("clamp-activations")
class ClampActivations(Pass):
    """Limits the output of every ReLU, as ReLU6 does."""

    limit: float = 6.0

    def validate(self) -> None:
        if not self.limit > 0:
            raise UsageError(f"option `limit` is {self.limit:g}, it must be positive")

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        for node in graph:
            if node.kind != "ReLU":
                continue
            b = Builder(graph, before=node, loc=node.loc)
            graph.replace_uses(node.output, b.Clamp(node.operand(0), min=0.0, max=self.limit, name=node.output.name))
            graph.erase(node)
            count += 1
        return count
