"""Weights of recurrent nodes in the kernels' order: floats, or integers of eight bits with a scale for each row.

Every step reads all of R: where one sequence walks, that is what a step takes, and a quarter of the bytes is read in
less time. Rows are scaled after they are summed, so that results are those of expanded weights but for rounding.
"""

from __future__ import annotations

from functools import partial
from math import prod

import numpy as np

from ....ir.constant import Constant
from ....ir.dtype import f32, i8
from ....ir.graph import Graph, Node, Value
from ....ir.ops.convert import Convert
from ....ir.record import record
from ....ir.types import static_shape
from ....passes.mark_weights import RECURRENT
from ..codegen.target import Target
from ..kernels.gemm import GEMM, GEMM_NARROW
from ..kernels.recurrent import GATES, parts_of
from .matmul import Panels
from .panels import pack_matrices
from .plan import Array, Plan

FEW = 2
"""Sequences, or steps, that take as long as it takes to read the weights."""

FEWEST = {16: (1 << 14, 1 << 14, 1 << 18), 8: (1 << 17, 1 << 19, 1 << 18)}
"""By lanes: weights of the state, of one direction, from which on integers take no longer than floats; of few
steps of few sequences, which find them in slow caches, of many, and of more sequences. To read a vector takes two
instructions more, and several with four lanes."""


@record(frozen=True)
class Stored:
    """Weights are levels * scale, for each row; levels are floats where there is no scale."""

    levels: Value
    scale: Value | None = None


def expansion(value: Value) -> tuple[Node, Node] | None:
    """What expands integers of eight bits with a scale for each row: Convert, Multiply; None for other weights."""
    scaled = value.node
    if scaled is None or scaled.kind != "Multiply" or value.n_uses != 1 or value.is_output:
        return None
    convert, scale = scaled.operand(0).node, scaled.operand(1)
    if convert is None or not isinstance(convert.op, Convert) or convert.output.n_uses != 1:
        return None
    source = convert.operand(0)
    rows = (*(source.shape or ())[:-1], 1)
    fits = type(source.op) is Constant and source.dtype is i8 and value.dtype is f32
    return (convert, scaled) if fits and scale.is_const and scale.shape == rows else None


def kept(graph: Graph, target: Target) -> set[Node]:
    """The Converts of weights that kernels read as integers: R where that takes no longer, and W with it."""
    found: set[Node] = set()
    for node in graph:
        if node.kind not in RECURRENT:
            continue
        w, r = (expansion(node.operand(port)) for port in RECURRENT[node.kind])
        if r is not None and _pays(node, r[1].outputs[0], target):
            found.update(pair[0] for pair in (w, r) if pair is not None)
    return found


def _pays(node: Node, weights: Value, target: Target) -> bool:
    """Whether R, [D, gates * H, H] or [gates * H, H], had better be integers."""
    data, shape = static_shape(node.operand(0).shape), static_shape(weights.shape)
    if data is None or shape is None or target.lanes not in FEWEST:
        return False
    steps = data[1] if len(data) == 3 else 1
    which = 2 if data[0] > FEW else int(steps > FEW)
    return prod(shape[-2:]) >= FEWEST[target.lanes][which]


def packed_input(plan: Plan, weights: Stored, name: str, hidden: int, directions: int) -> Panels:
    """W [D, gates * H, I] in panels, a matrix for each direction, its columns in the kernel's order."""
    lanes, width, gates = plan.target.lanes, plan.target.width, GATES[name]

    def floats(array: Array) -> Array:
        return pack_matrices(plan, np.swapaxes(ordered(array.reshape(directions, gates, hidden, -1), lanes), 1, 2))

    def integers(array: Array) -> Array:
        columns = ordered(array.reshape(directions, gates, hidden, -1), lanes)
        whole = np.pad(columns, ((0, 0), (0, -columns.shape[1] % width), (0, 0)))
        return np.swapaxes(whole.reshape(directions, -1, width, columns.shape[2]), 2, 3)

    stored = weights.levels.dtype
    packed = plan.packed.of(weights.levels, ("recurrent", gates, lanes), integers if stored is i8 else floats)
    *_, size, _ = packed.shape
    row = width * packed.itemsize
    kernel = GEMM_NARROW[stored] if stored is i8 else GEMM
    return Panels(packed, row, size * row, np.arange(directions) * (packed.nbytes // directions), kernel)


def packed_bias(plan: Plan, bias: Value, name: str, hidden: int, directions: int) -> Array:
    """Numbers for all rows, [D, block * gate * lane]: biases, or scales."""
    lanes, gates = plan.target.lanes, GATES[name]

    def make(array: Array) -> Array:
        first = array.reshape(directions, -1)[:, : gates * hidden]
        return ordered(first.reshape(directions, gates, hidden, 1), lanes).reshape(directions, -1)

    return plan.packed.of(bias, ("rows", gates, lanes), make)


def packed_state(
    plan: Plan, weights: Stored, name: str, hidden: int, directions: int, tall: bool
) -> tuple[Array, Array]:
    """R as [D, block, k, gate, lane], scales as [D, block, gate, lane]; parts of the gates one behind the other."""
    lanes, parts = plan.target.lanes, parts_of(name, tall)
    make = partial(_in_blocks, parts=parts, hidden=hidden, lanes=lanes, directions=directions)
    levels = plan.packed.of(weights.levels, ("recurrent", parts, lanes), make)
    if weights.scale is None:
        return levels, plan.packed.get("no scales", lambda: np.zeros(1, np.float32))
    return levels, plan.packed.of(weights.scale, ("recurrent", parts, lanes), make)


def hidden_bias(plan: Plan, bias: Value, name: str, hidden: int, directions: int) -> Array:
    """[D, blocks * lanes]: the bias of the recurrent part of the hidden gate, where there is one."""
    lanes = plan.target.lanes

    def make(array: Array) -> Array:
        out = np.zeros((directions, -(-hidden // lanes) * lanes), np.float32)
        if name == "linear_gru":
            out[:, :hidden] = array.reshape(directions, 4, hidden)[:, 3]
        return out

    return plan.packed.of(bias, ("hidden bias", lanes), make)


def ordered(array: Array, lanes: int) -> Array:
    """[D, gates, H, X] -> [D, blocks * gates * lanes, X]: the gates of a block of hidden units side by side."""
    directions, gates, hidden, size = array.shape
    blocks = -(-hidden // lanes)
    padded = np.zeros((directions, gates, blocks * lanes, size), array.dtype)
    padded[:, :, :hidden] = array
    return padded.reshape(directions, gates, blocks, lanes, size).transpose(0, 2, 1, 3, 4).reshape(directions, -1, size)


def _in_blocks(array: Array, parts: tuple[tuple[int, ...], ...], hidden: int, lanes: int, directions: int) -> Array:
    """[D, gates * H, K] -> for each part [D, block, k, gate, lane]."""
    split = array.reshape(directions, sum(map(len, parts)), hidden, -1)
    packed = []
    for part in parts:
        found = ordered(split[:, part], lanes).reshape(directions, -1, len(part) * lanes, split.shape[3])
        packed.append(np.swapaxes(found, 2, 3).reshape(directions, -1))
    return np.concatenate(packed, 1)
