"""Cells of recurrent networks from their written-out forms."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ir.builder import Builder
from ...ir.dtype import Array
from ...ir.graph import Node, Value
from ..pattern import Match, OpPattern, Tracer
from ..rewrite import Decline, Rewrite, adopt_name, rewrite

Term = tuple[Value, Array]
"""A product with constant weights: its input [N, I], and the weights as [out, I]."""


@rewrite
class FuseLstmCell(Rewrite):
    """LSTMCell: i, f, g, o = parts of x W + h R + b;  c' = s(f) * c + s(i) * tanh(g);  h' = s(o) * tanh(c').

    (Hochreiter and Schmidhuber 1997; s is the sigmoid.) The parts come from one Split, in any order; x W + h R may be
    one product of [x, h].
    """

    def pattern(self, p: Tracer, c: Any, f: Any, i: Any, g: Any, o: Any) -> OpPattern:
        kept = p.Multiply(p.Sigmoid(f, name="sf"), c, name="kept")
        new = p.Multiply(p.Sigmoid(i, name="si"), p.Tanh(g, name="tg"), name="new")
        cell = p.Add(kept, new, name="cell", shared=True)
        return p.Multiply(p.Sigmoid(o, name="so"), p.Tanh(cell, name="tc"), name="hidden")

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        gates = _parts([m.f, m.i, m.g, m.o])
        if isinstance(gates, Decline):
            return gates
        summed, order = gates
        hidden = m.c.shape[-1] if m.c.rank == 2 else None
        if not isinstance(hidden, int) or any(v.shape != m.c.shape for v in (m.f, m.root.output)):
            return Decline("the state is not [batch, a known number]")
        found = _linear(summed, hidden)
        if isinstance(found, Decline):
            return found
        (x, w), (h, r), bias = found
        if h.shape != m.c.shape or x.rank != 2:
            return Decline("the hidden state has another shape than that of the cell")
        at = m.node("cell")
        early = Builder(b.graph, before=at, loc=b.loc)
        arrays = [_reordered(a, order) for a in (w, r, bias)]
        states = early.LSTMCell(x, h, m.c, *arrays, hidden_size=hidden)
        adopt_name(at.output, states[1])
        b.graph.replace_uses(at.output, states[1])
        return states[0]


@rewrite
class FuseGruCell(Rewrite):
    """GRUCell, linear before reset: z = s(x_z + h_z), r = s(x_r + h_r), n = tanh(x_n + r * h_n), h' = (1 - z) n + z h.

    (Cho et al. 2014, arXiv:1406.1078.) x_. are the parts of x W + b, h_. those of h R + b', each from a Split.
    """

    def pattern(self, p: Tracer, h: Any, xz: Any, hz: Any, xr: Any, hr: Any, xn: Any, hn: Any) -> tuple[OpPattern, ...]:
        z = p.Sigmoid(p.Add(xz, hz, name="az"), name="z")
        r = p.Sigmoid(p.Add(xr, hr, name="ar"), name="r")
        n = p.Tanh(p.Add(xn, p.Multiply(r, hn, name="reset"), name="an"), name="n")
        rest = p.Subtract(1.0, z, name="rest")
        return (
            p.Add(p.Multiply(rest, n, name="new"), p.Multiply(z, h, name="kept"), name="hidden"),
            p.Add(n, p.Multiply(z, p.Subtract(h, n, name="step"), name="kept"), name="hidden"),
        )

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        hidden = m.h.shape[-1] if m.h.rank == 2 else None
        if not isinstance(hidden, int) or m.root.output.shape != m.h.shape:
            return Decline("the state is not [batch, a known number]")
        sides = [[m.xz, m.xr, m.xn], [m.hz, m.hr, m.hn]]
        if m.xn.node is not m.xz.node:  # the terms of the gates were found the other way round
            sides[0][0], sides[1][0] = m.hz, m.xz
        if sides[0][2].node is not sides[0][1].node:
            sides[0][1], sides[1][1] = m.hr, m.xr
        of_x, of_h = (_side(side, 3 * hidden) for side in sides)
        if isinstance(of_x, Decline):
            return of_x
        if isinstance(of_h, Decline):
            return of_h
        (x, w, bx), (h, r, bh) = of_x, of_h
        if h is not m.h:
            return Decline("the gates are not computed from the state that is kept")
        bias = np.concatenate([(bx + bh)[: 2 * hidden], bx[2 * hidden :], bh[2 * hidden :]])
        return b.GRUCell(x, m.h, w, r, bias, hidden_size=hidden, linear_before_reset=True)


def _side(parts: list[Value], rows: int) -> tuple[Value, Array, Array] | Decline:
    """What a product with constant weights takes, whose parts these are, its weights and bias in the parts' order."""
    gates = _parts(parts)
    if isinstance(gates, Decline):
        return gates
    found = _product(gates[0], rows)
    if isinstance(found, Decline):
        return found
    return found[0], _reordered(found[1], gates[1]), _reordered(found[2], gates[1])


def _parts(values: list[Value]) -> tuple[Value, list[int]] | Decline:
    """What is split into the values along its last axis, and which part each is."""
    node = values[0].node
    if node is None or node.kind != "Split" or any(v.node is not node for v in values):
        return Decline("the gates are not the parts of one Split")
    order = [v.index for v in values]
    source, axis = node.operand(0), node.operand(1).const
    if len(node.outputs) != len(values) or sorted(order) != list(range(len(values))):
        return Decline("the gates are not all the parts, each once")
    if axis is None or source.rank != 2 or int(axis.reshape(-1)[0]) % 2 != 1:
        return Decline("the Split is not along the last of two axes")
    if any(v.n_uses != 1 for v in values):
        return Decline("a part of the Split is also read elsewhere")
    return source, order


def _terms(value: Value) -> list[Value] | None:
    """The terms of a sum, where no partial sum is read elsewhere."""
    out, stack = [], [value]
    while stack:
        v = stack.pop()
        node = v.node
        if node is not None and node.kind == "Add" and v.n_uses == 1:
            stack += [node.operand(0), node.operand(1)]
        else:
            out.append(v)
        if len(out) + len(stack) > 8:
            return None
    return out


def _weighted(value: Value, rows: int) -> Term | None:
    """A MatMul with constant weights of so many rows, as [rows, in]."""
    node: Node | None = value.node
    if node is None or node.kind != "MatMul" or value.n_uses != 1:
        return None
    w = node.operand(1).const
    op: Any = node.op
    if w is None or w.ndim != 2 or op.transpose_a or node.operand(0).rank != 2:
        return None
    w = w if op.transpose_b else w.T
    return (node.operand(0), w) if w.shape[0] == rows else None


def _sum_of_products(summed: Value, rows: int) -> tuple[list[Term], Array] | Decline:
    """The products and the constant that a sum consists of."""
    terms = _terms(summed)
    products: list[Term] = []
    bias: Array | None = None
    for term in terms or ():
        if term.const is not None:
            c = term.const
            if c.size not in (1, rows) or (c.ndim and c.shape[-1] != c.size):
                return Decline("a bias is not one number a row of the weights")
            bias = np.broadcast_to(c.reshape(-1), (rows,)) + (0 if bias is None else bias)
            continue
        product = _weighted(term, rows)
        if product is None:
            return Decline("the gates are not a sum of products with constant weights")
        products.append(product)
    if not products:
        return Decline("the gates are not a sum of products with constant weights")
    return products, (np.zeros(rows, products[0][1].dtype) if bias is None else bias)


def _product(summed: Value, rows: int) -> tuple[Value, Array, Array] | Decline:
    found = _sum_of_products(summed, rows)
    if isinstance(found, Decline):
        return found
    if len(found[0]) != 1:
        return Decline("the gates are sums of several products")
    return *found[0][0], found[1]


def _linear(summed: Value, hidden: int) -> tuple[Term, Term, Array] | Decline:
    """x W + h R + b: the two products, that with the hidden state last, and the bias."""
    found = _sum_of_products(summed, 4 * hidden)
    if isinstance(found, Decline):
        return found
    products, bias = found
    if len(products) == 1:
        joined, w = products[0]
        node = joined.node
        if node is None or node.kind != "Concat" or len(node.inputs) != 2 or joined.rank != 2:
            return Decline("there is one product, and it is not that of input and state side by side")
        x, h = node.operand(0), node.operand(1)
        if node.op.axis % 2 != 1 or h.shape is None or h.shape[-1] != hidden:  # type: ignore[attr-defined]
            return Decline("the state does not stand behind the input")
        return (x, w[:, : w.shape[1] - hidden]), (h, w[:, w.shape[1] - hidden :]), bias
    if len(products) != 2:
        return Decline("the gates are not the sum of two products")
    first, second = products
    if second[1].shape[1] != hidden:
        first, second = second, first
    if second[1].shape[1] != hidden:
        return Decline("neither product takes a hidden state")
    return first, second, bias


def _reordered(array: Array, order: list[int]) -> Array:
    """Blocks of rows in the order of the cell's gates."""
    blocks = array.reshape(len(order), -1, *array.shape[1:])
    return np.ascontiguousarray(blocks[order].reshape(array.shape))
