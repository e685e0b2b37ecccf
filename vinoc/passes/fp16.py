"""Weights in half precision, expanded where they are read."""

from __future__ import annotations

import numpy as np

from ..ir.buffer import Buffer
from ..ir.constant import Constant
from ..ir.dtype import Array, f16, f32, f64
from ..ir.graph import Graph, Node
from ..ir.op import op_class
from .base import Context, Pass, graph_pass

MAX_F16 = 65504.0
MIN_F16 = 2.0**-24
"""Below half of this a value rounds to zero."""

LOST = 0.75
"""A constant of which this share would leave the range of f16 stays as it is."""

SHAPE_PORTS = frozenset({("Interpolate", 1), ("Range", 0), ("Range", 1), ("Range", 2)})
"""Float operands from which shapes follow: compressing them would hide the shape."""


@graph_pass("fp16")
class Fp16(Pass):
    """Stores float constants as f16 with a marked Convert behind them, as OpenVINO does; the arithmetic stays f32.

    A model with FakeQuantize is left alone: its constants are ranges of quantized values.
    """

    after = (("fuse", "fusions compute with constants, which they no longer find behind a Convert"),)

    def run(self, graph: Graph, context: Context) -> int:
        nodes = [n for n in graph if type(n.op) is Constant and n.op.value.dtype in (f32, f64)]
        if any(n.kind == "FakeQuantize" for n in graph):
            if nodes:
                context.decline(self.name, nodes[0].where, "the model is quantized (it has a FakeQuantize)")
            return 0
        return sum(_compress(graph, node, context) for node in nodes)


def _compress(graph: Graph, node: Node, context: Context) -> bool:
    out = node.outputs[0]
    if any(isinstance(u, Node) and (u.kind, i) in SHAPE_PORTS for u, i in out.uses) or out.is_output:
        return False
    assert isinstance(node.op, Constant)
    array = node.op.value.array
    lost = lost_share(array)
    if lost > LOST or (lost == 1.0 and array.size):
        context.decline(Fp16.name, node.where, f"{lost:.0%} of its values leave the range of f16")
        return False
    convert = op_class("Convert")(destination_type=out.dtype, decompression=True)  # type: ignore[call-arg]
    small = graph.insert(Constant(Buffer.of(to_f16(array), f16)), (), before=node._next, loc=node.loc)
    small.outputs[0].name = f"{out.name}_compressed" if out.name else ""
    wide = graph.insert(convert, small.outputs, before=small._next, loc=node.loc, name=out.name)
    graph.replace_uses(out, wide.outputs[0])
    graph.erase(node)
    context.matches[Fp16.name] += 1
    return True


def lost_share(array: Array) -> float:
    """The share of the values that f16 cannot hold: too large, or too small to be anything but zero."""
    if not array.size:
        return 0.0
    if not any(s for s, n in zip(array.strides, array.shape) if n > 1):
        array = array[(0,) * array.ndim].reshape(1)
    magnitude = np.abs(array)
    highest = magnitude.max()
    if highest <= MAX_F16 and (highest == 0 or magnitude[magnitude > 0].min() >= MIN_F16):
        return 0.0
    return float(((magnitude > MAX_F16) | ((magnitude < MIN_F16) & (magnitude > 0))).mean())


def to_f16(array: Array) -> Array:
    """The nearest half-precision values; those beyond the range become the largest (infinities stay)."""
    if array.size > 1 and not any(s for s, n in zip(array.strides, array.shape) if n > 1):
        return np.broadcast_to(to_f16(array[(0,) * array.ndim].reshape(1))[0], array.shape)
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    overflowed = np.isinf(half)
    if overflowed.any():
        half[overflowed & np.isfinite(array)] = np.float16(MAX_F16) * np.sign(array[overflowed & np.isfinite(array)])
    return half
