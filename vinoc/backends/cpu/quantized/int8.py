"""From FakeQuantize to integers: what products read becomes u8, and the products become products of integers."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ....ir import dtype as dt
from ....ir.builder import Builder
from ....ir.dtype import Array, f32
from ....ir.graph import Graph, Node, Value
from ....passes.base import Context, Pass, graph_pass
from ....passes.quantize.channels import channel_axes
from ....passes.rewrite import erase_dead
from . import ops
from .grid import grid_of
from .movers import data_ports, pad_level
from .weights import Integers, by_channel, integers_of

PRODUCTS = frozenset({"Convolution", "GroupConvolution", "MatMul"})

REALS, CONSTANTS, AS_FLOATS = "its data are reals", "it rounds constants", "floats are asked for"
PLAIN = frozenset({REALS, CONSTANTS, AS_FLOATS})
"""Reasons that no user need be told of."""

MOST_PRODUCTS = 1 << 16
"""Terms of a sum: so many of u8 by i8 fit into i32."""


@graph_pass("cpu-int8")
class CpuInt8(Pass):
    """FakeQuantize becomes Quantize and Dequantize; products of what is behind them and of few-bit weights, integer.

    Dequantize goes down through whatever moves or picks values. What stays float says why: among others where the
    kernels of `target` are faster so, for that many threads. Then it is a product of whole numbers as floats, times the
    scale, so that its sums are those of the integers; `floats` makes these of all products. Winograd's form goes from
    u8 to u8 as well.
    """

    target: str = "host"
    threads: int = 1
    accuracy: bool = False
    floats: bool = False

    def run(self, graph: Graph, context: Context) -> int:
        count = 0
        for node in graph:
            kind, where = node.kind, node.where
            if kind == "FakeQuantize":
                why = _split(graph, node)
            elif kind in PRODUCTS:
                why = _product(graph, node, self)
            elif node.graph is graph and len(data_ports(node)):
                why = _sunk(graph, node)
            else:
                continue
            if not why:
                count += 1
                context.matches[self.name] += 1
            elif kind in PRODUCTS or kind == "FakeQuantize":
                context.decline(self.name, where, why)
        return count


# Between reals and integers


def _split(graph: Graph, node: Node) -> str:
    data = node.operand(0)
    if data.is_const or (data.node is not None and data.node.kind == "Convert" and data.node.operand(0).is_const):
        return CONSTANTS
    if node.outputs[0].dtype is not f32 or node.outputs[0].shape != data.shape:
        return f"it makes {node.outputs[0].type} of {data.type}"
    grid = grid_of(node)
    if isinstance(grid, str):
        return grid
    b = Builder(graph, before=node, loc=node.loc)
    op = ops.Quantize(low=0, high=grid.levels - 1)
    levels = b.build(op, data, b.const(grid.source.scale), b.const(grid.source.zero))
    made = b.build(ops.Dequantize(), levels, b.const(grid.target.scale), b.const(grid.target.zero))
    _replace(graph, node, [made])
    return ""


def _replace(graph: Graph, node: Node, results: list[Value]) -> None:
    for old, new in zip(node.outputs, results, strict=True):
        new.name = new.name or old.name
        graph.replace_uses(old, new)
    erase_dead(graph, [node])


def dequantized(value: Value | None) -> Node | None:
    """The Dequantize that a value comes from."""
    node = value.node if value is not None else None
    return node if node is not None and node.kind == "Dequantize" else None


def is_scalar(node: Node) -> bool:
    """Whether a Quantize or Dequantize has one scale and one zero point."""
    return all(v.const is not None and v.const.size == 1 for v in (node.operand(1), node.operand(2)))


def number(value: Value) -> float:
    """The constant with one element that a value is."""
    return float(np.asarray(value.const).reshape(-1)[0])


# Down through what moves


def _sunk(graph: Graph, node: Node) -> str:
    """Moves the integers in place of the reals, where all come from one grid."""
    sources = [dequantized(node.inputs[k]) for k in data_ports(node)]
    first = sources[0]
    if first is None or not is_scalar(first):
        return "its data are reals"
    grid = (number(first.operand(1)), number(first.operand(2)))
    if any(s is None or not is_scalar(s) or (number(s.operand(1)), number(s.operand(2))) != grid for s in sources):
        return "its operands are on several grids"
    b = Builder(graph, before=node, loc=node.loc)
    inputs = [s.operand(0) for s in sources if s is not None] + list(node.inputs[len(sources) :])
    if node.kind == "Pad":
        constant = node.op.pad_mode == "constant"  # type: ignore[attr-defined]
        level = pad_level(node, *grid) if constant else None
        if constant and level is None:
            return "what it pads with is none of its levels"
        inputs[3:] = [] if level is None else [b.const(np.uint8(level))]
    results = []
    for old, moved in zip(node.outputs, b.outputs(node.op, *inputs)):
        if moved.dtype is not dt.u8:
            continue
        results.append(b.build(ops.Dequantize(), moved, *(_scalar(b, first.operand(k)) for k in (1, 2))))
        results[-1].name = old.name
    for old, new in zip(node.outputs, results):
        graph.replace_uses(old, new)
    erase_dead(graph, [node])
    return ""


def _scalar(b: Builder, value: Value) -> Value:
    """A constant of one element without dimensions: it fits data of any rank."""
    return value if value.rank == 0 else b.const(np.asarray(value.const).reshape(()))


# Products


def _product(graph: Graph, node: Node, options: CpuInt8) -> str:
    """A product of integers in place of one of reals."""
    source = dequantized(node.operand(0))
    if source is None:
        return REALS
    found = integers_of(node.operand(1))
    if isinstance(found, str):
        return found
    if not 0 < _terms(node, found) <= MOST_PRODUCTS:
        return "its sums have too many terms for i32, or none"
    why = _unfit(node, found, source)
    if why:
        return why
    scale = _scales(node, found, source)
    if scale is None:
        return "the scale of its weights changes within an output channel, or is out of the range of f32"
    why, winograd = (AS_FLOATS, False) if options.floats else _slower(node, found, options)
    if why and not winograd:
        _whole(graph, node, found, source, scale)
        return why
    b = Builder(graph, before=node, loc=node.loc)
    weights = found.constant or b.const(found.levels, name=node.operand(1).name)
    zero = source.operand(2)
    zero = _scalar(b, zero) if np.asarray(zero.const).size == 1 else zero
    made = b.build(_integer_op(node.op, winograd), source.operand(0), zero, weights, b.const(scale))
    _replace(graph, node, [made])
    return why


def _whole(graph: Graph, node: Node, found: Integers, source: Node, scale: Array) -> None:
    """scale[c] * the product of levels as floats: f32 holds sums of whole numbers below 2**24, in any order."""
    b = Builder(graph, before=node, loc=node.loc)
    levels = b.build(ops.Dequantize(), source.operand(0), _scalar(b, b.const(np.float32(1))), source.operand(2))
    product = b.build(node.op, levels, b.const(found.levels.astype(np.float32), name=node.operand(1).name))
    behind = 0 if node.kind == "MatMul" else (node.outputs[0].rank or 2) - 2
    _replace(graph, node, [b.Multiply(product, b.const(scale.reshape(-1, *[1] * behind)))])


def _unfit(node: Node, found: Integers, source: Node) -> str:
    """Why a product cannot be one of integers; empty where it can."""
    op: Any = node.op
    zero = np.asarray(source.operand(2).const)
    depthwise = node.kind == "GroupConvolution" and found.levels.shape[1:3] == (1, 1)
    if not is_scalar(source) and not (depthwise and along_channels(source)):
        return "its data have a grid for each channel"
    if (zero < 0).any() or (zero > 255).any():
        return "zero is not among the levels of its data"
    if node.kind == "MatMul" and (found.levels.ndim != 2 or op.transpose_a or (node.operand(0).rank or 0) < 2):
        return "its weights are no matrix, or its data are transposed"
    return ""


def _terms(node: Node, found: Integers) -> int:
    """Of the sum for one element of the result."""
    shape = found.levels.shape
    axes = channel_axes(node, len(shape))
    return prod(n for k, n in enumerate(shape) if k not in axes) if found.levels.size else 0


def _slower(node: Node, found: Integers, options: CpuInt8) -> tuple[str, bool]:
    """Why it is not worth it, empty where it is, or shapes are not known; whether Winograd's form is faster."""
    from ..codegen.target import host, target
    from ..lowering.integer_choice import why_float
    from ..lowering.plan import Mode

    if node.kind == "MatMul" or not all(v.tensor.is_static for v in (node.operand(0), node.outputs[0])):
        return "", False
    chosen = host() if options.target == "host" else target(options.target)
    return why_float(node, found.levels, chosen, Mode(options.threads, options.accuracy))


def along_channels(source: Node) -> bool:
    """Whether scale and zero point change along axis 1 alone."""
    rank = source.operand(0).rank or 0
    shapes = [np.asarray(source.operand(k).const).shape for k in (1, 2)]
    return all(not s or (len(s) == rank and all(n == 1 for k, n in enumerate(s) if k != 1)) for s in shapes)


def _scales(node: Node, found: Integers, source: Node) -> Array | None:
    """What a sum of products stands for, for each output channel: [channels] or [1]."""
    weights = by_channel(found, channel_axes(node, found.levels.ndim))
    if weights is None:
        return None
    with np.errstate(all="ignore"):
        scale = (weights * np.asarray(source.operand(1).const, np.float64).reshape(-1)).astype(np.float32)
    return scale if (np.abs(scale) >= np.finfo(np.float32).tiny).all() and np.isfinite(scale).all() else None


def _integer_op(op: Any, winograd: bool) -> Any:
    if op.kind == "MatMul":
        return ops.QuantizedMatMul(transpose_b=op.transpose_b)
    geometry = op.strides, op.pads_begin, op.pads_end, op.dilations, op.auto_pad
    if op.kind == "GroupConvolution":
        return ops.QuantizedGroupConvolution(*geometry)
    return ops.QuantizedConvolution(*geometry, winograd=winograd)
