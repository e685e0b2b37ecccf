"""Ensembles of decision trees, for which OpenVINO has no operation."""

from __future__ import annotations

from typing import Literal, TypeAlias

from ..dim import unknown
from ..dtype import Array, f32, f64
from ..errors import InferenceError
from ..kernels import trees
from ..op import Op, Operand, op
from ..types import TensorType
from .elementwise import integral

Reduce: TypeAlias = Literal["sum", "min", "max"]


@op(internal=True)
class TreeEnsemble(Op):
    """What the rows of `data` [N, F] (f32, f64) reach in each tree, joined over the trees: [N, count].

    Node i tests feature `nodes`[i, 0] of a row. Where the value is <= `thresholds`[i], or NaN and `nodes`[i, 3] is not
    0, the row goes to child `nodes`[i, 1], else to child `nodes`[i, 2]. Child k >= 0 is a node, child ~k is leaf k; so
    are the `roots` [trees]. Row k of `leaves` counts for the columns of the result from `targets`[tree] on. Sums begin
    with 0, the least with infinity, the largest with its negative.
    """

    count: int
    reduce: Reduce = "sum"

    def infer(
        self, data: Operand, nodes: Operand, thresholds: Operand, roots: Operand, targets: Operand, leaves: Operand
    ) -> TensorType:
        if data.dtype not in (f32, f64):
            raise InferenceError(f"data is {data.type}, expected f32 or f64")
        for operand, what, rank in (
            (data, "data", 2), (nodes, "nodes", 2), (thresholds, "thresholds", 1), (roots, "roots", 1),
            (targets, "targets", 1), (leaves, "leaves", 2),
        ):  # fmt: skip
            if operand.rank not in (None, rank):
                raise InferenceError(f"{what} has rank {operand.rank}, expected {rank}")
            if what in ("nodes", "roots", "targets"):
                integral(operand, what)
            elif operand.dtype is not data.dtype:
                raise InferenceError(f"{what} is {operand.dtype}, data is {data.dtype}")
        return TensorType(data.dtype, (unknown() if data.shape is None else data.shape[0], self.count))

    def evaluate(
        self, data: Array, nodes: Array, thresholds: Array, roots: Array, targets: Array, leaves: Array
    ) -> Array:
        return trees.tree_ensemble(data, nodes, thresholds, roots, targets, leaves, self.count, self.reduce)
