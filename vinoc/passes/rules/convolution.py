"""Convolutions in other words: of groups, of dilations, of channels in another order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...ir.builder import Builder
from ...ir.graph import Node, Value
from ...ir.op import op_class
from ..pattern import Const, Match, OpPattern, Tracer
from ..rewrite import Decline, Rewrite, rewrite


@rewrite
class GroupConvolutionToConvolution(Rewrite):
    """GroupConv(x, w) = Conv(x, w[0]) for one group."""

    def pattern(self, p: Tracer, x: Any, w: Const) -> OpPattern:
        return p.GroupConvolution(x, w)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        groups = m.value("w").shape[0]  # type: ignore[index]  # of a constant it is known
        if groups != 1:
            return Decline(f"it has {groups} groups")
        op = m.GroupConvolution
        fields = {n: getattr(op, n) for n in ("strides", "pads_begin", "pads_end", "dilations", "auto_pad")}
        return b.build(op_class("Convolution")(**fields), m.x, b.const(m.w[0], name=m.value("w").name))


@rewrite
class ConvolutionsToGroup(Rewrite):
    """Concat(Conv(x_0, w_0), Conv(x_1, w_1), ...) = GroupConv(x, [w_0, w_1, ...]), x_i the equal parts of x.

    Along the channels, for convolutions of equal shape; a constant added to each goes along.
    """

    def pattern(self, p: Tracer, x: Any, axis: Const, w: Const, bias: Const) -> tuple[OpPattern, ...]:
        conv = p.Convolution(p.Split(x, axis, name="parts", shared=True), w, name="conv")
        return p.Concat(conv, ...), p.Concat(p.Add(conv, bias), ...)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        rank = m.x.rank
        parts = m.node("parts").outputs
        if rank is None or int(m.axis.reshape(-1)[0]) % rank != 1 or m.Concat.axis % rank != 1:
            return Decline("it parts or joins another axis than the channels")
        if len(parts) != len(m.root.inputs) or len(parts) < 2:
            return Decline("it does not take all the parts")
        found = [_branch(v, m.has("bias")) for v in m.root.inputs]
        filters, biases = [], []
        for part, branch in zip(parts, found, strict=True):
            if branch is None or branch[0].inputs[0] is not part or branch[0].op != m.conv:
                return Decline("a part goes another way")
            filters.append(branch[1])
            biases.append(branch[2])
        if len({f.shape for f in filters}) > 1:
            return Decline("the filters are of different shapes")
        fields = {n: getattr(m.conv, n) for n in ("strides", "pads_begin", "pads_end", "dilations", "auto_pad")}
        y: Value = b.build(op_class("GroupConvolution")(**fields), m.x, np.stack(filters))
        if not m.has("bias"):
            return y
        channels = filters[0].shape[0]
        full = [np.broadcast_to(c, (1, channels, *[1] * (rank - 2))) for c in biases]
        return b.Add(y, np.concatenate(full, axis=1))


def _branch(value: Value | None, biased: bool) -> tuple[Node, Any, Any] | None:
    """(convolution, its filters, what is added), where nothing of it is read elsewhere; None for anything else."""
    node = value.node if value is not None else None
    if value is None or node is None or value.n_uses != 1:
        return None
    bias = None
    if biased:
        if node.kind != "Add":
            return None
        pair = (node.operand(0), node.operand(1))
        inner, term = pair if pair[1].is_const else pair[::-1]
        bias = term.const
        rank = inner.rank or 0
        if bias is None or bias.ndim > rank or inner.n_uses != 1 or inner.node is None:
            return None
        full = (1,) * (rank - bias.ndim) + bias.shape
        if any(n != 1 for i, n in enumerate(full) if i != 1):
            return None
        bias, node = bias.reshape(full), inner.node
    if node.kind != "Convolution":
        return None
    filters = node.operand(1).const
    return None if filters is None else (node, filters, bias)


@rewrite
class FuseDilation(Rewrite):
    """BatchToSpace(Conv(SpaceToBatch(x; d), w); d) = Conv(x, w; dilations d), its pads what is put on less what is cut.

    (Yu and Koltun 2016, arXiv:1511.07122.)
    """

    def pattern(
        self, p: Tracer, x: Any, w: Any, d: Const, begin: Const, end: Const, d2: Const, cut: Const, off: Const
    ) -> OpPattern:
        conv = p.one_of("Convolution", "GroupConvolution", name="conv")
        return p.BatchToSpace(conv(p.SpaceToBatch(x, d, begin, end), w), d2, cut, off)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        op = m.conv
        if not np.array_equal(m.d, m.d2) or (m.d[:2] != 1).any():
            return Decline("the blocks differ, or part batch or channels")
        padded = op.auto_pad not in ("explicit", "valid") or (
            op.auto_pad == "explicit" and (any(op.pads_begin) or any(op.pads_end))
        )
        if padded or any(s != 1 for s in op.strides) or any(k != 1 for k in op.dilations):
            return Decline("the convolution has padding, strides or dilations of its own")
        if any(v[:2].any() for v in (m.begin, m.end, m.cut, m.off)):
            return Decline("batch or channels are padded or cut")
        first, last = (m.begin - m.cut)[2:], (m.end - m.off)[2:]
        if (first < 0).any() or (last < 0).any():
            return Decline("more is cut off than was put on")
        dilated = replace(
            op,
            dilations=tuple(m.d[2:].tolist()),
            pads_begin=tuple(first.tolist()),
            pads_end=tuple(last.tolist()),
            auto_pad="explicit",
        )
        return b.build(dilated, m.x, m.w)


@rewrite
class GatherIntoConvolution(Rewrite):
    """Conv(Gather(x, order; axis 1), w) = Conv(x, w'), w' with its input channels where x has them.

    So reversed image channels (BGR to RGB) cost nothing.
    """

    def pattern(self, p: Tracer, x: Any, order: Const, axis: Const, w: Const) -> OpPattern:
        return p.Convolution(p.Gather(x, order, axis), w)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        rank, channels = m.x.rank, m.w.shape[1]
        if rank is None or int(m.axis.reshape(-1)[0]) % rank != 1 or m.order.ndim != 1 or m.Gather.batch_dims:
            return Decline("it does not pick channels")
        order = m.order % channels
        if m.x.shape[1] != channels or sorted(order.tolist()) != list(range(channels)):
            return Decline("it does not take every channel once")
        filters = np.ascontiguousarray(m.w[:, np.argsort(order)])
        return b.build(m.Convolution, m.x, b.const(filters, name=m.value("w").name))


@rewrite
class MergePads(Rewrite):
    """Pad(Pad(x; a, b); c, d) = Pad(x; a + c, b + d), both with the same constant."""

    def pattern(self, p: Tracer, x: Any, a: Const, b: Const, c: Const, d: Const, value: Const) -> tuple[OpPattern, ...]:
        return (
            p.Pad(p.Pad(x, a, b, value, name="inner"), c, d, value, name="outer"),
            p.Pad(p.Pad(x, a, b, name="inner"), c, d, name="outer"),
        )

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if m.inner.pad_mode != "constant" or m.outer.pad_mode != "constant":
            return Decline("one of them repeats what is there, in place of a constant")
        amounts = (m.a, m.values["b"].const, m.c, m.d)
        if any((n < 0).any() for n in amounts if n is not None):
            return Decline("one of them crops")
        begin, end = m.a + m.c, amounts[1] + m.d
        rest = [m.value("value")] if m.has("value") else []
        return b.build(m.outer, m.x, begin, end, *rest)


@rewrite
class PadIntoMaxPool(Rewrite):
    """MaxPool(Pad(x, a; -inf); pads b) = MaxPool(x; pads a + b): a pool takes the maximum of what is there."""

    def pattern(self, p: Tracer, x: Any, begin: Const, end: Const, value: Const) -> OpPattern:
        return p.MaxPool(p.Pad(x, begin, end, value))

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        pool = m.MaxPool
        if m.Pad.pad_mode != "constant" or not np.isneginf(m.value("value").const).all():  # type: ignore[arg-type]
            return Decline("it pads with something else than minus infinity")
        if any(m.begin[:2]) or any(m.end[:2]) or (m.begin < 0).any() or (m.end < 0).any():
            return Decline("it pads batch or channels, or crops")
        if pool.auto_pad not in ("explicit", "valid") or pool.rounding_type != "floor":
            return Decline("the pool works out its own padding, or rounds its output size up")
        if len(m.root.outputs) > 1 and m.root.outputs[1].n_uses:
            return Decline("the indices are read, which count the padded elements")
        own = (pool.pads_begin, pool.pads_end) if pool.auto_pad == "explicit" else ((0,) * len(pool.kernel),) * 2
        first, last = (
            tuple(int(n) + k for n, k in zip(new[2:], old, strict=True))
            for new, old in zip((m.begin, m.end), own, strict=True)
        )
        if any(n >= k for n, k in zip((*first, *last), (*pool.kernel, *pool.kernel), strict=True)):
            return Decline("the padding is as wide as the window")
        return b.build(replace(pool, pads_begin=first, pads_end=last, auto_pad="explicit"), m.x)
