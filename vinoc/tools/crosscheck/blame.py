"""Who made the first layer that diverges: a pass and its rewrite, a kernel, a constant, a precision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from filecmp import cmp
from typing import Any

import numpy as np

from ...compiler.bisect import Culprit, bisect, evaluator, lines
from ...compiler.config import DEFAULT_PASSES
from ...compiler.diff import diff
from ...compiler.driver import read_model
from ...ir.constant import Constant
from ...ir.errors import VinocError
from ...ir.graph import Graph, Node, Value
from ...ir.quiet import quiet_gc
from ...passes.manager import PassManager
from .compare import Matching, Pair, difference
from .own import ROUNDED, bound, pipeline, run_own
from .sides import Side
from .trace import Layer, nodes_of

STEPS = 5
"""How much further than the root mean square the worst value of a quantized tensor may be."""

LARGEST = {"f16": 65504.0, "bf16": 3.3895e38}
"""The largest finite numbers."""


@dataclass(frozen=True)
class Blame:
    """`what` made it, in a line; `more` tells of it; `culprit` is the pass, where it was one."""

    what: str
    more: tuple[str, ...] = ()
    culprit: Culprit | None = None


def blame(pair: Pair, found: Matching, a: Side, b: Side, inputs: Mapping[str, Any], tolerance: float) -> list[Blame]:
    """All that explains why a layer is the first to diverge; what is surest first. May be empty."""
    out: list[Blame] = []
    if narrow := _overflow(pair, b):
        out.append(narrow)
    same = not a.is_stored and not b.is_stored and _is_same(a, b)
    if not (same or a.is_stored or b.is_stored):
        out += _files(pair, found, a, b, tolerance)
    for side in (b, a):
        if side.is_own and pipeline(side):
            out += _passes(pair, side, inputs, tolerance)
    if out:
        return out
    for side, layer, other in ((b, pair.b, pair.a), (a, pair.a, pair.b)):
        if side.engine == "cpu" and not side.is_stored and _agrees(layer, other, side, inputs, tolerance):
            return [Blame(f"the CPU's kernel '{layer.kind}': the reference computes the same graph right")]
    for side in (b, a):
        if side.precision in ROUNDED:
            return [Blame(f"rounding to {side.precision} by {side.engine}: there is no number that it does not hold")]
    others = [s.engine for s in (b, a) if not s.is_own and not s.is_stored]
    return [Blame(f"{' or '.join(others)}: the files are the same")] if others and same else []


def _is_same(a: Side, b: Side) -> bool:
    """Whether two files have the same contents, their weights included."""
    pairs = [(a.path, b.path)]
    if a.path.suffix == b.path.suffix == ".xml":
        pairs.append((a.path.with_suffix(".bin"), b.path.with_suffix(".bin")))
    return all(cmp(x, y, shallow=False) for x, y in pairs if x.exists() and y.exists())


def _agrees(layer: Layer, other: Layer, side: Side, inputs: Mapping[str, Any], tolerance: float) -> bool:
    """Whether the reference, given a side's file, computes what the other side has for a layer."""
    reference = run_own(Side(side.path), inputs).layers.get(layer.name)
    if reference is None or reference.array.shape != other.array.shape:
        return False
    return difference(other.array, reference.array).of_range <= tolerance


def _overflow(pair: Pair, b: Side) -> Blame | None:
    """Infinities where A's numbers are larger than half precision holds."""
    d = pair.difference
    most = max(abs(v) for v in d.a_range)
    for precision, largest in LARGEST.items():
        if d.broke and most > largest and (b.precision in ("", precision)):
            count = sum(d.b_bad)
            return Blame(
                f"overflow: values reach {most:.4g}, {precision} holds {largest:.5g}",
                (f"{count} of {pair.b.array.size} elements are infinite or NaN", "keep this layer in f32, or scale it"),
            )
    return None


def _passes(pair: Pair, side: Side, inputs: Mapping[str, Any], tolerance: float) -> Iterator[Blame]:
    """The pass that changed the layer: the model is cut there, its passes run one by one, and the bad one is halved."""
    for outputs in ((pair.name,), ()):
        try:
            culprit = _bisected(side, inputs, STEPS * tolerance if pair.stepwise else tolerance, outputs)
        except VinocError:  # of a name that cannot be cut at
            continue
        if culprit is not None:
            what = f"pass '{culprit.step.name}'"
            if culprit.rewrite is not None:
                what += f", rule '{culprit.rewrite.rule}'"
            yield Blame(what, tuple(lines(culprit)), culprit)
            return


def _bisected(side: Side, inputs: Mapping[str, Any], tolerance: float, outputs: tuple[str, ...]) -> Culprit | None:
    with quiet_gc():
        graph = read_model(side.path, outputs=outputs)
        evaluate = evaluator("TEMPLATE")
        arrays = bound(graph, {n: a for n, a in inputs.items() if any(n in names for names in graph.input_names)})
        expected = evaluate(graph.clone(), arrays)
        return bisect(graph.clone, pipeline(side), arrays, expected, evaluate, tolerance)


def _files(pair: Pair, found: Matching, a: Side, b: Side, tolerance: float) -> Iterator[Blame]:
    """What differs between two files in front of the layer, as far back as the tensors that agree.

    Files of two formats are optimized first, so that what one says in other words than the other is no difference.
    """
    with quiet_gc():
        first, second = read_model(a.path), read_model(b.path)
        if a.path.suffix != b.path.suffix:
            for graph in (first, second):
                PassManager(DEFAULT_PASSES).run(graph)
        told = diff(first, second)
    near = cone(first, pair, found, tolerance)
    match = told.matches[0][1]
    for node in near:
        other = match.forth.get(node)
        changes = tuple(match.changes(node, other)) if other is not None else ()
        wrong = [c for c in changes if not c.startswith("`")]
        if wrong:
            yield Blame(f"{node.kind} '{node.label}' differs between the files", (*wrong, *_reader(node)))


def cone(graph: Graph, pair: Pair, found: Matching, tolerance: float) -> list[Node]:
    """The nodes that a diverging tensor is computed of, back to tensors that agree."""
    good = {p.name for p in found.pairs if not p.diverges(tolerance)}
    values = [v for n in graph for v in n.outputs]
    start = next((v for v in values if v.name == pair.name), None)
    if start is None:
        start = next((v for v in values if v.node and set(nodes_of(v.node)) & set(pair.a.nodes)), None)
    seen: dict[Node, None] = {}
    waiting: list[Value] = [start] if start is not None else []
    while waiting:
        node = waiting.pop().node
        if node is None or node in seen:
            continue
        seen[node] = None
        waiting += [v for v in node.inputs if v is not None and v.name not in good]
    return list(seen)


def _reader(node: Node) -> tuple[str, ...]:
    """What reads a constant."""
    if type(node.op) is not Constant:
        return ()
    users = [u for v in node.outputs for u in v.users]
    return (f"it is read by {', '.join(f'{u.kind} {u.label!r}' for u in users[:3])}",) if users else ()


def worst_elements(pair: Pair) -> list[str]:
    """The three places where the tensors differ most."""
    x, y = pair.a.array, pair.b.array
    if x.dtype.kind not in "fiu" or not x.size:
        return []
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(x.astype(np.float64) - y.astype(np.float64)).reshape(-1)
    apart = np.where(np.isnan(apart), np.inf, apart)
    places = np.argsort(-apart)[:3]
    return [
        f"[{','.join(map(str, np.unravel_index(i, x.shape)))}]: {x.reshape(-1)[i]:.6g} and {y.reshape(-1)[i]:.6g}"
        for i in places
        if apart[i] > 0
    ]
