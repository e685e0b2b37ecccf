"""Ensembles of decision trees: the form of the kernel, and how its work is divided."""

from __future__ import annotations

from functools import partial

import numpy as np

from ....ir.graph import Node
from ..kernels import trees as kernels
from ..kernels.trees import FLIGHT, Layout
from .place import Form
from .plan import Array, Plan, Unfit, lowers, shape_of
from .tree_records import records_of

NEAR = 1 << 19
"""Bytes of rows that stay in the second-level cache while trees pass over them."""

MOST = 2048
"""Rows that descend a tree before the next tree is begun."""

APART = 1 << 13
"""Steps from which on threads share the trees of few rows."""

STEP = 640
"""A step takes as long as so many operations of a product, where the nodes are not in the nearest caches."""

HEAD = 6
"""Numbers before the table of trees: wide, nan, shift, depth, features, trees."""


@lowers("TreeEnsemble")
def tree_ensemble(plan: Plan, node: Node) -> None:
    """Blocks of rows down all trees; of few rows several trees at once, in groups that threads share."""
    values = [v for v in node.inputs[1:] if v is not None and v.is_const]
    if len(values) != 5:
        raise Unfit("its trees are computed")
    x = plan.read(node.operand(0), Form.ROWS)
    (rows, features), (leaves, width) = x.shape, shape_of(values[4])
    count, reduce = node.op.count, node.op.reduce  # type: ignore[attr-defined]
    tag = ("trees", count, width)
    whole = plan.packed.of_all(values[:4], tag, partial(_packed, leaves=leaves, width=width, count=count))
    wide, nan, shift, depth, tested, trees = whole[:HEAD].tolist()
    if tested > features:
        raise Unfit(f"its trees test {tested} features, the data has {features}")
    table, records = whole[HEAD : HEAD + 4 * trees], whole[HEAD + 4 * trees :]
    steps = rows * trees * depth
    few = rows < FLIGHT
    block, group = _division(plan.mode.threads, rows, trees, features * x.itemsize, steps, few)
    out = plan.write(node.outputs[0], Form.ROWS)
    groups = -(-trees // group)
    into = out if groups == 1 else plan.new((groups, *out.shape), out.dtype)
    type = node.operand(0).dtype
    form = kernels.Form(Layout(type, bool(wide)), reduce, width == 1, few, bool(nan))
    plan.call(
        kernels.trees(form), -(-rows // block) * groups,
        x=x, x_row=x.strides[0], rows=rows, block=block, records=records, table=table, trees=trees, group=group,
        groups=groups, depth=depth, shift=shift, mask=(1 << shift) - 2, leaves=plan.read(values[4], Form.ROWS),
        width=width, out=into, out_row=into.strides[-2], out_group=into.strides[0] if groups > 1 else 0, count=count,
    )  # fmt: skip
    plan.weigh(STEP * steps)
    if groups > 1:
        plan.call(kernels.total(type, reduce), out.size, source=into, target=out, groups=groups, group=into.strides[0])


def _division(threads: int, rows: int, trees: int, row: int, steps: int, few: bool) -> tuple[int, int]:
    """Rows and trees of a unit: blocks are as equal as can be, in a number that threads share evenly."""
    if few:
        return 1, trees if threads == 1 or rows >= threads or steps < APART else -(-trees // threads)
    most = min(max(NEAR // max(row, 1), FLIGHT), MOST)
    blocks = -(-rows // most)
    blocks = -(-blocks // threads) * threads
    return max(-(-rows // blocks), 1), trees


def _packed(
    nodes: Array, thresholds: Array, roots: Array, targets: Array, *, leaves: int, width: int, count: int
) -> Array:
    """What the kernel reads, in one array: HEAD numbers, the table, the records. Raises Unfit."""
    if not len(roots) or targets.min() < 0 or targets.max() + width > count or (width > 1 and targets.any()):
        raise Unfit("there are no trees, or they add to different columns")
    found = records_of(nodes, thresholds, roots, leaves)
    if isinstance(found, str):
        raise Unfit(found)
    item = thresholds.itemsize
    table = np.stack([found.starts, found.depths, found.first_leaves * (width * item), targets * item], 1)
    head = [found.layout.wide, found.nan, found.shift, found.depths.max(), found.features, len(roots)]
    return np.concatenate([np.array(head, np.int64), table.reshape(-1).astype(np.int64), found.data.view(np.int64)])
