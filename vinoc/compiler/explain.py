"""Where a framework node went: every pass and rule that touched it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..ir import loc as _loc
from ..ir.constant import Constant
from ..ir.errors import VinocError
from ..ir.graph import Graph, Node
from ..ir.loc import AnyLoc, Loc
from ..passes.base import Rewritten
from ..passes.manager import Instrument, PassManager, StepResult
from .show import find_nodes


@dataclass
class Touch:
    """What one pass did: `rewritten` by rules, or `before` and `after` where a pass is no set of rules."""

    step: StepResult
    rewritten: list[Rewritten] = field(default_factory=list)
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


class Trace(Instrument):
    """Follows framework nodes through a pipeline, by provenance."""

    def __init__(self, leaves: Sequence[Loc]) -> None:
        self.leaves = frozenset(leaves)
        self.touches: list[Touch] = []
        self._before: tuple[str, ...] = ()

    def before(self, step: StepResult, graph: Graph) -> None:
        self._before = self.state(graph)

    def after(self, step: StepResult, graph: Graph) -> None:
        rewritten = [r for r in step.rewritten if self.is_ours(r.source)]
        after = self.state(graph)
        if rewritten or after != self._before:
            self.touches.append(Touch(step, rewritten, self._before, after))

    def state(self, graph: Graph) -> tuple[str, ...]:
        """The nodes that stand for them, constants last."""
        nodes = sorted(self.nodes(graph), key=lambda n: isinstance(n.op, Constant))
        return tuple(f"{n.kind} '{n.label}'" for n in nodes)

    def nodes(self, graph: Graph) -> list[Node]:
        return [n for g in graph.walk() for n in g if self.is_ours(n.loc)]

    def is_ours(self, loc: AnyLoc) -> bool:
        return any(leaf in self.leaves for leaf in _loc.leaves(loc))


def explain(graph: Graph, name: str, passes: str) -> Iterator[str]:
    """What becomes of a node of a model in a pipeline, which changes the graph; as lines of text.

    The name is a framework node's, a value's or a kind's. Raises VinocError with the nearest name.
    """
    found = find_nodes(graph, name)
    leaves = list(dict.fromkeys(leaf for n in found for leaf in _loc.leaves(n.loc)))
    if not leaves:
        raise VinocError(f"'{name}' comes from no framework node, by which it could be followed", graph.name)
    trace = Trace(leaves)
    yield from (str(leaf) for leaf in leaves)
    yield from _listed("read as", trace.state(graph))
    labels = {f"'{n.label}'" for n in found} | {repr(leaf.node) for leaf in leaves}
    steps = PassManager(passes, [trace], explain=True).run(graph)
    for touch in trace.touches:
        yield from _told(touch)
    if not trace.touches:
        yield "no pass touched it"
    yield from _declined(steps, labels)
    yield from _end(graph, trace)


def _told(touch: Touch) -> Iterator[str]:
    yield f"{touch.step.pipeline} (step {touch.step.index})"
    for r in touch.rewritten:
        yield f"  {r.rule}: {' + '.join(r.kinds)} -> {', '.join(r.results) or 'what is there already'}"
    if touch.rewritten:
        return
    if not touch.after:
        yield f"  gone: {', '.join(touch.before)}"
    else:
        gone = [k for k in touch.before if k not in touch.after]
        new = [k for k in touch.after if k not in touch.before]
        yield f"  {', '.join(gone) or 'nothing'} -> {', '.join(new) or 'nothing'}"


def _declined(steps: Sequence[StepResult], labels: set[str]) -> Iterator[str]:
    """Rules that almost applied to the node."""
    lines = dict.fromkeys(
        f"  {d.rule}: {d.why}"
        for step in steps
        for d in step.declined
        if not d.alone and any(label in d.where for label in labels)
    )
    if lines:
        yield "almost applied"
        yield from lines


def _end(graph: Graph, trace: Trace) -> Iterator[str]:
    nodes = trace.nodes(graph)
    if not nodes:
        yield "in the end: gone; nothing of it is left in the graph"
        return
    yield from _listed("in the end", trace.state(graph))
    shared = dict.fromkeys(leaf.node for n in nodes for leaf in _loc.leaves(n.loc) if leaf not in trace.leaves)
    if shared:
        yield f"  together with {', '.join(repr(s) for s in shared)}"


def _listed(title: str, items: Sequence[str]) -> Iterator[str]:
    yield title
    yield from (f"  {item}" for item in items or ("nothing",))
