"""Which nodes one kernel computes together."""

from __future__ import annotations

from ....ir.dtype import f32
from ....ir.graph import Graph, Node
from ....passes.base import Context, Pass, graph_pass
from ..region import extract
from .attention import attention_of
from .chains import make_chains
from .epilogue import epilogue
from .narrow import narrow_weights
from .transposed import with_explicit_pads

CONVOLUTIONS = frozenset({"Convolution", "GroupConvolution"})

TRANSPOSED = frozenset({"ConvolutionBackpropData", "GroupConvolutionBackpropData"})
"""They take no residual, and no functions behind an activation."""


@graph_pass("cpu-regions")
class CpuRegions(Pass):
    """Products take the bias, the residual and the functions that follow them; elementwise nodes form chains."""

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        for node in graph:
            if node.kind in CONVOLUTIONS and _is_plain_convolution(node):
                context.matches["conv"] += 1
                extract(graph, [node, *epilogue(node, channel_axis=1)], "conv")
                count += 1
            elif node.kind in TRANSPOSED and _is_plain_convolution(node):
                context.matches["conv"] += 1
                node = with_explicit_pads(graph, node)
                extract(graph, [node, *epilogue(node, channel_axis=1, residual=False, post=False)], "conv")
                count += 1
            elif attended := attention_of(node):
                context.matches["attention"] += 1
                extract(graph, attended, "attention")
                count += 1
            elif node.kind == "MatMul" and _is_constant_product(node):
                context.matches["matmul"] += 1
                extract(graph, [node, *epilogue(node, channel_axis=-1)], "matmul")
                count += 1
            elif weights := narrow_weights(graph, node):
                context.matches["narrow"] += 1
                extract(graph, [weights, node, *epilogue(node, channel_axis=-1)], "narrow")
                count += 1
            elif node.kind == "MVN" and (affine := _affine(node)):
                context.matches["norm"] += 1
                extract(graph, [node, *affine], "norm")
                count += 1
        return count + make_chains(graph, context)


def _is_plain_convolution(node: Node) -> bool:
    return node.operand(1).is_const and node.outputs[0].dtype is f32 and node.outputs[0].tensor.is_static


def _is_constant_product(node: Node) -> bool:
    weights, out = node.operand(1), node.outputs[0]
    known = weights.is_const and weights.rank == 2 and out.dtype is f32 and out.tensor.is_static
    return known and (node.operand(0).rank or 0) >= 2 and not node.op.transpose_a  # type: ignore[attr-defined]


def _affine(node: Node) -> list[Node]:
    """The product with a constant, then the sum with one, that follow a normalization; either may be missing."""
    found: list[Node] = []
    end = node
    for kind in ("Multiply", "Add"):
        user = _only_user(end)
        if user is None or user.kind != kind or user.outputs[0].type != node.outputs[0].type:
            continue
        constant = user.operand(1) if user.operand(0) is end.outputs[0] else user.operand(0)
        if constant.is_const and constant.dtype is f32:
            found.append(user)
            end = user
    return found


def _only_user(node: Node) -> Node | None:
    value = node.outputs[0]
    if value.n_uses != 1 or value.is_output:
        return None
    return next(value.users, None)
