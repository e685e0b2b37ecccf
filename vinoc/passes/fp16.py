"""Weights in half precision, expanded where they are read.

OpenVINO rounds every constant to the nearest f16. For networks that amplify differences (a steep sigmoid over a
segmentation map, a logarithm of a spectrum) the sum of those errors reaches several per cent of an output's range.
Two things are done otherwise here, both of which leave the format as it is:

- Weights of a layer are rounded together, so that their errors cancel (`half.py`).
- The smallest constants stay f32, up to `keep-share` of the bytes. Rounding adds an error of about the same relative
  size at every layer, whatever its size, so that the small ones (biases, depthwise and first layers) cost the least
  bytes for the error they spare; they also have the fewest terms over which errors could cancel.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from ..ir.buffer import Buffer, is_repeated
from ..ir.constant import Constant
from ..ir.dtype import Array, f16, f32, f64
from ..ir.errors import UsageError
from ..ir.graph import Graph, Node, Value
from ..ir.op import op_class
from .base import Context, Pass, graph_pass
from .compensated import Filters, compensated, compensated_together
from .filters import filters_of, is_large_factor
from .half import BLOCK, is_uniform, losses, nearest
from .precise import beyond_half, makes_integers, named, with_readers, with_sources

LOST = 0.75
"""A constant of which more than this share would become 0 stays as it is."""

LOST_OF_PRODUCTS = 0.001
"""The same where a user has not asked for files of half the size, but for speed."""

EXACT_PORTS = frozenset({
    ("Interpolate", 1), ("Resample", 1), ("Range", 0), ("Range", 1), ("Range", 2), ("TreeEnsemble", 2),
    ("TreeEnsemble", 5),
})  # fmt: skip
"""Float operands from which shapes follow: compressing them would hide the shape. And those of trees, which decide, and
are sums already."""


@graph_pass("fp16")
class Fp16(Pass):
    """Stores float constants as f16 with a marked Convert behind them, as OpenVINO does; the arithmetic stays f32.

    `rounding=nearest` takes the nearest values, as OpenVINO does; `compensated` lets the errors of a filter cancel.
    `keep-share` of the bytes stay f32, the smallest constants first. A model with FakeQuantize is left alone: its
    constants are ranges of quantized values.

    Constants with values beyond 65504, and those whose values are all too small for the full precision of f16, stay
    f32 and are reported. `keep` has kinds or names of nodes, with `*` for any text: `keep=[Softmax,"/head/*"]`. They
    and the constants that they read stay f32, and are marked, so that a device that computes in f16 keeps them in f32.
    So is what reads a constant of which f16 would leave nothing, and what reads the result: log(x + 1e-10). Single
    numbers by which integers are worked out, such as the scales of sizes, stay f32.
    `samples` are .npz files with an array for each input: the model is run on each, and what computes a number beyond
    65504, or makes infinity or NaN, is kept with what reads it, and reported.

    With `products` only large weights of matrix products are compressed, those that f16 holds well, for devices whose
    kernels expand them as they read them.
    """

    rounds = 0.02
    after = (("fuse", "fusions compute with constants, which they no longer find behind a Convert"),)
    rounding: Literal["compensated", "nearest"] = "compensated"
    keep_share: float = 0.02
    products: bool = False
    keep: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()

    def validate(self) -> None:
        if not 0 <= self.keep_share <= 1:
            raise UsageError(f"'keep-share' of fp16 is {self.keep_share}, expected a number from 0 to 1")

    def run(self, graph: Graph, context: Context) -> int:
        marked = _mark(graph, self._precise(graph, context))
        nodes = [n for n in graph if type(n.op) is Constant and n.op.value.dtype in (f32, f64)]
        if any(n.kind == "FakeQuantize" for n in graph):
            if nodes:
                context.decline(self.name, nodes[0].where, "the model is quantized (it has a FakeQuantize)")
            return marked
        nodes = [n for n in nodes if not n.precise and not _is_exempt(n.outputs[0]) and not makes_integers(n)]
        if self.products:
            nodes = [n for n in nodes if is_large_factor(n.outputs[0])]
        kept = set() if self.products else _smallest(graph, nodes, self.keep_share)
        lost = LOST_OF_PRODUCTS if self.products else LOST
        lossy: list[Node] = []
        fit = [n for n in nodes if _is_fit(n, lost, context, lossy)]
        if not self.products:
            marked += _mark(graph, with_readers({u for n in lossy for u in n.outputs[0].users}))
        chosen = [n for n in fit if not n.precise and not _is_kept(n, kept, context)]
        filters = {} if self.rounding == "nearest" else _filters(chosen)
        small = _rounded_together(filters)
        count = len(chosen)
        del nodes
        for node in _given_up(chosen):  # so that the wide weights are freed one by one
            how, half = filters.pop(node, None), small.pop(node, None)
            if half is None:
                half = compensated(_array(node), how) if how else nearest(_array(node))
            _replace(graph, node, half)
        context.matches[self.name] += count
        return count + marked

    def _precise(self, graph: Graph, context: Context) -> set[Node]:
        """The nodes of the whole model that are to stay in full precision, found at its first graph."""
        if context.found is None:
            root = context.root or graph
            large = beyond_half(root, self.samples, "samples of fp16")
            context.found = named(root, self.keep, "keep of fp16") | with_readers(large)
            for node, reach in large.items():
                context.note(node.where, f"{reach}; f16 ends at 65504: it and what reads it stay f32")
        return context.found


def _mark(graph: Graph, nodes: set[Node]) -> int:
    """Marks the nodes that are in this graph and the constants behind them; returns how many were not marked."""
    new = [n for n in with_sources(graph, nodes | {n for n in graph if n.precise}) if not n.precise]
    for node in new:
        node.precise = True
    return len(new)


def _given_up(nodes: list[Node]) -> Iterator[Node]:
    """The nodes in order; the list forgets them."""
    nodes.reverse()
    while nodes:
        yield nodes.pop()


def _is_exempt(value: Value) -> bool:
    return any(not isinstance(u, Node) or (u.kind, i) in EXACT_PORTS for u, i in value.uses)


def _array(node: Node) -> Array:
    assert isinstance(node.op, Constant)
    return node.op.value.array


def _fingerprint(value: Buffer) -> tuple[int, bytes]:
    """The same for equal bytes, which a file holds once; now and then for others, which costs a little budget."""
    array = value.array
    if is_repeated(array):
        return value.nbytes, array[(0,) * array.ndim].tobytes() if array.size else b""
    flat = array.reshape(-1)
    return value.nbytes, flat[:: max(1, flat.size // 16)].tobytes()


def _is_fit(node: Node, limit: float, context: Context, lossy: list[Node]) -> bool:
    """Whether f16 holds a constant but for a share of its values; what it does not hold at all goes to `lossy`."""
    found = losses(_array(node))
    why = found.why(limit)
    if found.is_total:
        lossy.append(node)
    if why:
        context.decline(Fp16.name, node.where, why)
        context.note(node.where, f"{why}; it stays f32")
    return not why


def _is_kept(node: Node, kept: set[Node], context: Context) -> bool:
    if node in kept:
        context.decline(Fp16.name, node.where, "it is among the smallest constants, which stay f32")
    return node in kept


def _smallest(graph: Graph, nodes: list[Node], share: float) -> set[Node]:
    """The smallest of the constants that rounding would change, as many as `share` of all constants' bytes holds.

    What several nodes read counts as that much smaller, since its errors show at each of them.
    What cannot be compressed counts as kept: what is promised to users is the size of the file.
    """
    stored = {_fingerprint(n.op.value): n.op.value.nbytes for n in graph if type(n.op) is Constant}
    sizes = {n: n.op.value.nbytes for n in nodes if isinstance(n.op, Constant)}
    total = sum(stored.values())
    fixed = total - sum({_fingerprint(n.op.value): sizes[n] for n in nodes if isinstance(n.op, Constant)}.values())
    budget = share * total - fixed
    kept = set()
    for node in sorted(nodes, key=lambda n: sizes[n] / max(1, n.outputs[0].n_uses)):
        if sizes[node] > budget:
            continue
        array = _array(node)
        if not np.array_equal(nearest(array), array, equal_nan=True):
            kept.add(node)
            budget -= sizes[node]
    return kept | _of_equal_bytes(nodes, kept)


def _of_equal_bytes(nodes: list[Node], kept: set[Node]) -> set[Node]:
    """The constants whose bytes are those of a kept one, in another shape: the file holds them once."""
    stored: dict[tuple[int, bytes], list[Array]] = {}
    for node in kept:
        array = _array(node)
        stored.setdefault((array.nbytes, array.reshape(-1)[:16].tobytes()), []).append(array)
    found = set()
    for node in nodes:
        array = _array(node)
        alike = stored.get((array.nbytes, array.reshape(-1)[:16].tobytes()), ())
        if any(np.array_equal(array.reshape(-1), other.reshape(-1), equal_nan=True) for other in alike):
            found.add(node)
    return found


def _filters(nodes: list[Node]) -> dict[Node, Filters]:
    """How the weights are summed, of those of which rounding errors can cancel.

    Those of a uniform filter have one sign and scale its output by less than 2^-11: it stays uniform.
    """
    found = {n: filters_of(n.outputs[0], _array(n).shape) for n in nodes if not is_uniform(_array(n))}
    return {n: filters for n, filters in found.items() if filters}


def _rounded_together(filters: dict[Node, Filters]) -> dict[Node, Array]:
    """The values of small weights, those that are summed alike rounded in one go."""
    alike: dict[tuple[Filters, str], list[Node]] = {}
    for node, how in filters.items():
        if _array(node).size < BLOCK // 2:
            alike.setdefault((how, _array(node).dtype.str), []).append(node)
    rounded: dict[Node, Array] = {}
    for (how, _), nodes in alike.items():
        rounded.update(zip(nodes, compensated_together([_array(n) for n in nodes], how), strict=True))
    return rounded


def _replace(graph: Graph, node: Node, half: Array) -> None:
    out = node.outputs[0]
    convert = op_class("Convert")(destination_type=out.dtype, decompression=True)  # type: ignore[call-arg]
    small = graph.insert(Constant(Buffer.of(half, f16)), (), before=node.next, loc=node.loc)
    small.outputs[0].name = f"{out.name}_compressed" if out.name else ""
    wide = graph.insert(convert, small.outputs, before=small.next, loc=node.loc, name=out.name)
    graph.replace_uses(out, wide.outputs[0])
    graph.erase(node)
