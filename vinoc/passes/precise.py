"""Which nodes of a model have to stay in full precision, and the constants that they read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from ..ir import loc as _loc
from ..ir.constant import Constant
from ..ir.errors import EvaluationError, UsageError, did_you_mean
from ..ir.graph import Graph, Node
from .half import MAX
from .measure import Reach, Reaches, read_arrays

FEW = 64
"""Bytes of a constant that may be scales or sizes."""

ARITHMETIC = frozenset({
    "Add", "Subtract", "Multiply", "Divide", "Power", "Maximum", "Minimum", "Clamp", "Floor", "Ceiling", "Round",
    "Convert", "Select", "Concat", "Reshape", "Squeeze", "Unsqueeze", "Gather", "Slice", "StridedSlice", "Broadcast",
})  # fmt: skip
"""What sizes are worked out by."""


def named(graph: Graph, patterns: Sequence[str], option: str) -> set[Node]:
    """The nodes of a model whose kind, framework name or result matches a pattern with `*`, `?` and `[...]`.

    Raises UsageError for a pattern that matches nothing, with the nearest name.
    """
    found: set[Node] = set()
    nodes = [n for g in graph.walk() for n in g] if patterns else []
    names = [_names(n) for n in nodes]
    for pattern in patterns:
        mine = {n for n, known in zip(nodes, names, strict=True) if any(_fits(k, pattern) for k in known)}
        if not mine:
            hint = did_you_mean(pattern, dict.fromkeys(k for known in names for k in known))
            help = hint or "a pattern is a kind, or a node's name, with * for any text"
            raise UsageError(f"no node matches '{pattern}'", option, help)
        found |= mine
    return found


def _names(node: Node) -> list[str]:
    return [node.kind, *(leaf.node for leaf in _loc.leaves(node.loc)), *(v.name for v in node.outputs if v.name)]


def _fits(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(name, pattern)


def beyond_half(graph: Graph, files: Sequence[str], option: str) -> dict[Node, Reach]:
    """The nodes of a model that leave the range of f16 on one of the samples, in order, and how far they go.

    A sample is an .npz file with an array for each input. What only hands infinities on is not among them: f16 has
    those. Raises UsageError for a file that cannot be used.
    """
    reaches = Reaches()
    for file in files:
        arrays = read_arrays(Path(file), graph.input_names, "input")
        try:
            reaches.add(graph, arrays)
        except EvaluationError as error:
            raise UsageError(f"the model cannot be run on '{file}': {error.what}", option, error.help) from error
    return {n: r for g in graph.walk() for n in g if (r := reaches.of.get(n)) and (r.made or r.largest > MAX)}


def makes_integers(constant: Node) -> bool:
    """Whether integers follow from a few numbers by arithmetic: sizes of images by scales, say. What f16 makes of a
    scale (0.39990 of 0.4) is another size."""
    assert isinstance(constant.op, Constant)
    seen = {constant}
    waiting = [constant] if constant.op.value.nbytes <= FEW else []
    while waiting:
        for user in waiting.pop().outputs[0].users:
            if user.kind == "Convert" and user.outputs[0].dtype.is_integer:
                return True
            if user.kind in ARITHMETIC and user not in seen:
                seen.add(user)
                waiting.append(user)
    return False


def with_readers(nodes: Iterable[Node]) -> set[Node]:
    """The nodes and those that read their results: a number too large for f16 has to be read as it is, too."""
    return {n for node in nodes for n in (node, *(u for v in node.outputs for u in v.users))}


def with_sources(graph: Graph, nodes: set[Node]) -> set[Node]:
    """Those of the nodes that are in this graph, and what they read that depends on constants alone."""
    fixed: set[Node] = set()
    for node in graph:
        if type(node.op) is Constant or (node.inputs and all(v is None or v.node in fixed for v in node.inputs)):
            fixed.add(node)
    found = [n for n in graph if n in nodes]
    seen = set(found)
    while found:
        for value in found.pop().inputs:
            if value is not None and value.node in fixed and value.node not in seen:
                seen.add(value.node)
                found.append(value.node)
    return seen
