"""A model for one size of input."""

from __future__ import annotations

from ..ir.errors import UsageError
from ..ir.graph import Graph
from ..ir.types import TensorType
from .base import Context, Pass, graph_pass
from .fold import Fold


@graph_pass("static-shape")
class StaticShape(Pass):
    """Computes all arithmetic on shapes; refuses a model whose inputs have open dimensions.

    The sizes of such a model cannot be changed any more.
    """

    face = True

    def run(self, graph: Graph, context: Context) -> int:
        for value in graph.inputs:
            if isinstance(value.type, TensorType) and not value.type.is_static:
                raise UsageError(
                    f"input '{value.name}' is {value.type}: shapes cannot be computed while its sizes are open",
                    help=f"give them, for example --input '{value.name}[1,3,224,224]'",
                )
        changed = sum(Fold().run(g, context) for g in list(graph.walk()))
        context.matches[self.name] += changed
        return changed
