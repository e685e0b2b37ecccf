"""Which nodes one kernel computes together."""

from __future__ import annotations

from ....ir.dtype import f32
from ....ir.graph import Graph, Node, Value
from ....passes.base import Context, Pass, graph_pass
from ..region import extract
from .chains import make_chains
from .transposed import with_explicit_pads

CONVOLUTIONS = frozenset({"Convolution", "GroupConvolution"})

TRANSPOSED = frozenset({"ConvolutionBackpropData", "GroupConvolutionBackpropData"})
"""They take no residual."""

ACTIVATIONS = frozenset({"ReLU", "Clamp"})
"""What a convolution or matrix product can end with."""


@graph_pass("cpu-regions")
class CpuRegions(Pass):
    """Products take the bias, the residual and the activation that follow them; elementwise nodes form chains."""

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
                extract(graph, [node, *epilogue(node, channel_axis=1, residual=False)], "conv")
                count += 1
            elif node.kind == "MatMul" and _is_constant_product(node):
                context.matches["matmul"] += 1
                extract(graph, [node, *epilogue(node, channel_axis=-1)], "matmul")
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


def epilogue(node: Node, channel_axis: int, residual: bool = True) -> list[Node]:
    """The nodes behind one that its kernel can compute at its end: bias, then residual, then an activation."""
    found: list[Node] = []
    end = node
    stage = 0
    while (user := _only_user(end)) is not None:
        kind = _stage(user, end.outputs[0], channel_axis)
        if kind <= stage or (kind == RESIDUAL and not residual):
            break
        found.append(user)
        end, stage = user, kind
    return found


def _only_user(node: Node) -> Node | None:
    value = node.outputs[0]
    if value.n_uses != 1 or value.is_output:
        return None
    return next(value.users, None)


BIAS, RESIDUAL, ACTIVATION = 1, 2, 3


def _stage(user: Node, value: Value, channel_axis: int) -> int:
    """What a node would be at the end of the kernel; 0: nothing."""
    if user.outputs[0].type != value.type:
        return 0
    if user.kind in ACTIVATIONS:
        return ACTIVATION
    if user.kind != "Add":
        return 0
    other = user.operand(1) if user.operand(0) is value else user.operand(0)
    if other.is_const and is_per_channel(other, value, channel_axis):
        return BIAS
    return RESIDUAL if other.type == value.type and other is not value else 0


def is_per_channel(constant: Value, value: Value, channel_axis: int) -> bool:
    """Whether a constant has one element, or one for each channel of a value, and broadcasts so."""
    shape, of = constant.shape, value.shape
    assert shape is not None
    assert of is not None
    axis = channel_axis % len(of)
    padded = (1,) * (len(of) - len(shape)) + shape
    return len(shape) <= len(of) and all(n == 1 or (k == axis and n == of[k]) for k, n in enumerate(padded))
