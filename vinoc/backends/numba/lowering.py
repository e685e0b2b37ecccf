"""The pass that brings a graph to what is written as loops."""

from __future__ import annotations

from typing import Any

from ...ir.dtype import f32
from ...ir.graph import Graph, Node, Value
from ...passes.base import Context, Pass, graph_pass
from ..cpu.region import extract
from .chains import chains
from .endings import attributes, has_loops, is_image, replace, replace_all, with_ending
from .ops import (
    AttentionLoop,
    Averaged,
    AvgPoolLoops,
    Joined,
    MaxPoolValues,
    NearestImage,
    NormalizedRows,
    PaddedPlain,
    Product,
    Reshaped,
    SmoothImage,
    SoftMaximum,
)
from .sequences import KINDS, is_usual


@graph_pass("numba-loops")
class NumbaLoops(Pass):
    """Operations on f32 that have a form as loops become operations which are written so.

    Convolutions take the bias, the residual, and the activation that follow; elementwise nodes that follow each other
    form chains.
    """

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        for node in list(graph):
            if node.kind in CONVOLUTIONS and has_loops(node):
                with_ending(graph, node)
                context.matches["convolution"] += 1
            elif node.kind == "MaxPool" and is_image(node) and not _is_read(node.outputs[1]):
                replace(graph, [node], MaxPoolValues(**attributes(node)))
                context.matches["pool"] += 1
            elif node.kind == "AvgPool" and is_image(node):
                replace(graph, [node], AvgPoolLoops(**attributes(node)))
                context.matches["pool"] += 1
            elif node.kind == "Reshape" and (shape := _known(node)) is not None:
                replace(graph, [node], Reshaped(shape), [node.operand(0)])
                context.matches["reshape"] += 1
            elif is_usual(node):
                replace_all(graph, node, KINDS[node.kind](**attributes(node)), node.inputs)
                context.matches["recurrent"] += 1
            elif (plain := _plain(node)) is not None:
                replace(graph, [node], plain(**attributes(node)))
                context.matches[node.kind.lower()] += 1
            else:
                continue
            count += 1
        for chain in chains(graph):
            extract(graph, chain, "chain")
            context.matches["chain"] += 1
            count += 1
        return count


CONVOLUTIONS = ("Convolution", "GroupConvolution", "ConvolutionBackpropData")


def _is_read(value: Value) -> bool:
    return bool(value.n_uses) or value.is_output


PLAIN: dict[str, type[Any]] = {
    "Concat": Joined, "MatMul": Product, "MVN": NormalizedRows, "Pad": PaddedPlain, "ReduceMean": Averaged,
    "ScaledDotProductAttention": AttentionLoop, "SoftMax": SoftMaximum,
}  # fmt: skip


def _plain(node: Node) -> type[Any] | None:
    """What NumPy computes in f32, where a node can be computed so."""
    out = node.outputs[0] if node.outputs else None
    if out is None or out.dtype is not f32 or (node.kind == "Concat" and not out.rank):
        return None
    if node.kind == "Interpolate":
        return _resized(node)
    if node.kind not in PLAIN:
        return None
    fits = {"Pad": _only_adds, "MVN": _is_over_last}.get(node.kind)
    return PLAIN[node.kind] if fits is None or fits(node) else None


def _known(node: Node) -> tuple[int, ...] | None:
    """The shape of a node's output, where all of it is known."""
    shape = node.outputs[0].shape
    sizes = tuple(d for d in shape or () if isinstance(d, int))
    return sizes if shape is not None and len(sizes) == len(shape) else None


def _resized(node: Node) -> type[Any] | None:
    """What an Interpolate along axes that are known, of the last two, is written as."""
    rank, axes = node.operand(0).rank, node.operand(2).const if len(node.inputs) > 2 else None
    if rank is None or rank < 2 or axes is None or any(int(a) % rank < rank - 2 for a in axes.reshape(-1)):
        return None
    modes = {"nearest": NearestImage, "linear_onnx": SmoothImage, "linear": SmoothImage, "cubic": SmoothImage}
    return modes.get(getattr(node.op, "mode", ""))


def _is_over_last(mvn: Node) -> bool:
    """True for an MVN over axes that are known to be the last ones."""
    rank, axes = mvn.operand(0).rank, mvn.operand(1).const
    if rank is None or axes is None:
        return False
    return sorted(int(a) % rank for a in axes.reshape(-1)) == list(range(rank - axes.size, rank))


def _only_adds(pad: Node) -> bool:
    """True for a Pad by constants that are not negative, with one number."""
    sizes = [pad.operand(i) for i in (1, 2)]
    if getattr(pad.op, "pad_mode", "") != "constant":
        return False
    return all(v.is_const and v.const is not None and (v.const >= 0).all() for v in sizes)
