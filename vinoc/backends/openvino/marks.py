"""Which expansions of weights a file marks as decompression.

OpenVINO 2026.4.1 takes marked integers for floats that are stored in fewer bits: it expands them, and computes in
floats. Without the mark it looks for a product in integers. So what such a product may read has none, and has one:

- what recurrent nodes read. Without it a model with a FakeQuantize in it may not compile, since its sequences want
  constants for weights, and what stays (Convert(q) * scale) is none;
- what products in bodies of loops and branches read, where nothing is quantized: without it OpenVINO rounds their data
  to eight bits as well.
"""

from __future__ import annotations

from ...ir.graph import Graph, Node, Value
from ...passes.mark_weights import RECURRENT, readers


def is_marked(node: Node, short: bool, inside: bool) -> bool:
    """`short`: the file is to be small; `inside`: the node stands in a body in which nothing is quantized."""
    if not getattr(node.op, "decompression", False):
        return False
    source = node.operand(0)
    if not source.dtype.is_integer:
        return not (short and _is_vector(source))
    return all(not isinstance(user, Graph) and (inside or user.kind in RECURRENT) for user, _ in readers(node))


def _is_vector(value: Value) -> bool:
    """Whether a value has elements along one dimension alone, as terms and factors of channels do: these take so little
    that OpenVINO may expand them."""
    return sum(d != 1 for d in value.shape or ()) <= 1
