"""The pass that brings a graph to what is written as loops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...ir.buffer import Buffer
from ...ir.constant import Constant
from ...ir.dtype import f32
from ...ir.graph import Graph, Node, Value
from ...ir.loc import fuse
from ...passes.base import Context, Pass, graph_pass
from ...passes.rules.channels import per_channel
from ..cpu.region import extract
from .chains import chains, only_user
from .ops import AvgPoolLoops, BiasedConvolution, BiasedGroupConvolution, MaxPoolValues

CONVOLUTIONS: dict[str, tuple[type[Any], int]] = {
    "Convolution": (BiasedConvolution, 0),
    "GroupConvolution": (BiasedGroupConvolution, 1),
}


@graph_pass("numba-loops")
class NumbaLoops(Pass):
    """Operations on f32 that have a form as loops become operations which are written so.

    Convolutions take the bias and the limits that follow; elementwise nodes that follow each other form chains.
    """

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        for node in list(graph):
            if node.kind in CONVOLUTIONS and _has_loops(node, CONVOLUTIONS[node.kind][1]):
                _bias(graph, node)
                context.matches["convolution"] += 1
            elif node.kind == "MaxPool" and _is_image(node) and not _is_read(node.outputs[1]):
                _replace(graph, node, [node], MaxPoolValues(**_attributes(node)))
                context.matches["pool"] += 1
            elif node.kind == "AvgPool" and _is_image(node):
                _replace(graph, node, [node], AvgPoolLoops(**_attributes(node)))
                context.matches["pool"] += 1
            else:
                continue
            count += 1
        for chain in chains(graph):
            extract(graph, chain, "chain")
            context.matches["chain"] += 1
            count += 1
        return count


def _attributes(node: Node) -> dict[str, Any]:
    return {a.name: value for a, value in node.op.attributes()}


def _is_read(value: Value) -> bool:
    return bool(value.n_uses) or value.is_output


def _is_image(node: Node) -> bool:
    data = node.operand(0)
    return data.dtype is f32 and data.rank in (3, 4)


def _has_loops(node: Node, leading: int) -> bool:
    sizes = node.operand(1).shape
    return _is_image(node) and sizes is not None and all(isinstance(d, int) and d > 0 for d in sizes[leading:])


def _bias(graph: Graph, node: Node) -> None:
    """Convolution, Add of a constant for each channel, ReLU or Clamp: the last two may be missing."""
    taken, inputs, low, high = [node], list(node.inputs[:2]), -math.inf, math.inf
    user = only_user(node)
    if user is not None and user.kind == "Add" and (bias := _channels(user, node)) is not None:
        buffer = Buffer.of(np.ascontiguousarray(bias), f32)
        inputs.append(graph.insert(Constant(buffer), (), before=node, name=_bias_name(user)).output)
        taken.append(user)
        user = only_user(user)
    if user is not None and user.kind == "ReLU":
        low = 0.0
        taken.append(user)
    elif user is not None and user.kind == "Clamp":
        low, high = user.op.min, user.op.max  # type: ignore[attr-defined]
        taken.append(user)
    made = CONVOLUTIONS[node.kind][0](**_attributes(node), low=low, high=high)
    _replace(graph, node, taken, made, inputs)


def _channels(add: Node, conv: Node) -> Any:
    """The constant that is added, as one number for each channel."""
    out = conv.outputs[0]
    other = add.operand(1) if add.operand(0) is out else add.operand(0)
    channels = out.shape[1] if out.shape else None
    if not other.is_const or other.dtype is not f32 or not isinstance(channels, int):
        return None
    if add.outputs[0].type != out.type or getattr(add.op, "auto_broadcast", "numpy") != "numpy":
        return None
    constant = other.const
    return None if constant is None else per_channel(constant, out.rank or 0, channels)


def _bias_name(add: Node) -> str:
    return next((v.name for v in add.inputs if v is not None and v.is_const), "")


def _replace(graph: Graph, node: Node, taken: list[Node], op: Any, inputs: list[Value | None] | None = None) -> None:
    """One node in place of several that follow each other."""
    last = taken[-1]
    loc = fuse((n.loc for n in taken), "numba-loops") if len(taken) > 1 else node.loc
    made = graph.insert(op, inputs or list(node.inputs), before=node, loc=loc)
    made.outputs[0].name = last.outputs[0].name
    graph.replace_uses(last.outputs[0], made.outputs[0])
    for old in reversed(taken):
        graph.erase(old)
