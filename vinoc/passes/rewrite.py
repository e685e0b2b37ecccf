"""Rewrite rules and the driver that applies them until none matches.

    @rewrite
    class FoldAdd(Rewrite):
        "(x + a) + b = x + (a + b) for constants a, b."

        def pattern(self, p, x, a: Const, b: Const):
            return p.Add(p.Add(x, a), b)

        def replace(self, b, m):
            return b.Add(m.x, m.a + m.b)

`replace` returns the value that takes the root's place (a tuple for several outputs), `None` for "no", or
`Decline("why")`, which `--explain` shows. A rule is a pass too: it runs by its name, alone or in a group.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, ClassVar, TypeVar

from ..ir import types
from ..ir.builder import Builder
from ..ir.cached import Cached
from ..ir.constant import Constant
from ..ir.errors import InferenceError, VerificationError, VinocError
from ..ir.graph import Graph, Node, Value
from ..ir.loc import fuse
from ..ir.record import record
from .base import Context, Pass, graph_pass
from .match import Signature, can_match, match, near_match, signature
from .pattern import Match, OpPattern, trace


@record(frozen=True)
class Decline:
    """A rule's answer to a match that it does not want, with the reason."""

    why: str


class Rewrite(Pass):
    """Base of all rewrite rules."""

    pattern: ClassVar[Callable[..., Any]]
    replace: ClassVar[Callable[..., Any]]

    @Cached
    def _index(self) -> _Index:
        """Where it may match."""
        return _index_of((self,))

    def concerns(self, kinds: set[str]) -> bool:
        return not kinds.isdisjoint(self._index.by_kind)

    def run(self, graph: Graph, context: Context) -> int:
        return _Driver(graph, self._index, context).run()


MAX_ROUNDS = 200
"""How often a group begins again with its rules."""


class Group(Pass):
    """Rules that run together, by one walk, until none matches."""

    def rules(self) -> Sequence[Rewrite]:
        """The members, in the order in which they are tried at a node."""
        raise NotImplementedError

    def passes(self) -> Sequence[Pass]:
        """Passes over the whole graph that follow the rules, and after which they begin again."""
        return ()

    @Cached
    def _index(self) -> _Index:
        """Where its rules may match."""
        return _index_of(tuple(self.rules()))

    def run(self, graph: Graph, context: Context) -> int:
        """Applies the rules, then what looks at more than a rule does, and begins again where that changed anything.

        Raises VinocError when that does not come to an end.
        """
        total = 0
        for _ in range(MAX_ROUNDS):
            total += _Driver(graph, self._index, context).run()
            kinds = {n.op.kind for n in graph}
            more = sum(p.run(graph, context) for p in self.passes() if p.concerns(kinds))
            total += more
            if not more:
                return total
        names = ", ".join(f"'{p.name}'" for p in self.passes())
        raise VinocError(
            f"'{self.name}' does not come to an end after {MAX_ROUNDS} rounds: its rules undo what {names} does",
            help="leave one of them out",
        )


R = TypeVar("R", bound=type)


def rewrite(cls: R) -> R:
    """Declares a rule; its name is the class's, in kebab case."""
    return graph_pass(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower())(cls)


_TRACED: dict[type, tuple[OpPattern, ...]] = {}


def patterns_of(rule: Rewrite) -> tuple[OpPattern, ...]:
    """The traced pattern of a rule, in its alternatives. Traced once a class."""
    found = _TRACED.get(type(rule))
    if found is None:
        found = _TRACED[type(rule)] = trace(rule.pattern)
    return found


class _Index:
    """Which patterns can match at a node: one look-up by its kind and the kinds that make its operands.

    So a rule costs nothing at nodes that it has no business with, however many rules there are.
    """

    def __init__(self, rules: Sequence[Rewrite]) -> None:
        self.by_kind: dict[str, list[tuple[Rewrite, OpPattern]]] = {}
        for rule in rules:
            for pattern in patterns_of(rule):
                for kind in pattern.kinds:
                    self.by_kind.setdefault(kind, []).append((rule, pattern))
        self.by_signature: dict[Signature, list[tuple[Rewrite, OpPattern]]] = {}

    def at(self, node: Node) -> list[tuple[Rewrite, OpPattern]]:
        s = signature(node)
        found = self.by_signature.get(s)
        if found is None:
            found = [c for c in self.by_kind.get(node.op.kind, ()) if can_match(c[1], s)]
            self.by_signature[s] = found
        return found


@cache
def _index_of(rules: tuple[Rewrite, ...]) -> _Index:
    """Equal rules share an index, and what it has learned."""
    return _Index(rules)


def apply(graph: Graph, rules: Sequence[Rewrite], context: Context) -> int:
    """Applies rules at every node until none matches; returns how often one did.

    Raises VinocError when they do not come to an end, naming the rules that undo each other.
    """
    return _Driver(graph, _index_of(tuple(rules)), context).run()


class _Driver:
    """A worklist over the nodes. It listens to the graph, so that what a rule touches is looked at again."""

    def __init__(self, graph: Graph, index: _Index, context: Context) -> None:
        self.graph = graph
        self.context = context
        self.index = index
        self.by_kind = index.by_kind
        self.queue: deque[Node] = deque()
        self.queued: set[Node] = set()
        self.new: list[Node] = []
        self.budget = 1000 + 20 * len(graph)
        self.latest: deque[str] = deque(maxlen=100)

    def inserted(self, node: Node) -> None:
        self.new.append(node)

    def changed(self, node: Node) -> None:
        self.push(node)

    def erased(self, node: Node) -> None:
        self.queued.discard(node)
        if self.context.camera:
            self.context.camera.touched.add(node)

    def push(self, node: Node) -> None:
        if node not in self.queued and node.op.kind in self.by_kind:
            self.queued.add(node)
            self.queue.append(node)

    def run(self) -> int:
        for node in self.graph:
            self.push(node)
        outer = self.graph.listener
        self.graph.listener = self
        count = 0
        try:
            while self.queue:
                node = self.queue.popleft()
                if node not in self.queued:
                    continue
                self.queued.discard(node)
                if node.graph is self.graph and self.visit(node):
                    count += 1
                    if count > self.budget:
                        raise self.endless()
        finally:
            self.graph.listener = outer
        return count

    def visit(self, node: Node) -> bool:
        for rule, pattern in self.index.at(node):
            m = match(pattern, node)
            if m is None:
                continue
            if m.blocked:
                if self.context.explain:
                    self.context.decline(rule.name, node.where, m.blocked)
            elif not self.context.is_spent and self.try_rule(rule, m):
                return True
        if self.context.explain:
            self.explain_misses(node)
        return False

    def explain_misses(self, node: Node) -> None:
        """Notes the rules that one constant or attribute keeps from matching."""
        told: set[str] = set()
        for rule, pattern in self.index.at(node):
            why = "" if rule.name in told else near_match(pattern, node)
            if why and match(pattern, node) is None:
                told.add(rule.name)
                self.context.decline(rule.name, node.where, why)

    def try_rule(self, rule: Rewrite, m: Match) -> bool:
        """Asks the rule for the replacement and puts it in place."""
        self.new = []
        builder = Builder(self.graph, before=m.root)
        try:
            result = rule.replace(builder, m)
        except InferenceError as error:
            raise VerificationError(
                f"rule '{rule.name}' builds an invalid node: {error.what}", m.root.where, "this is a fault of the rule"
            ) from error
        if result is None or isinstance(result, Decline):
            for node in reversed(self.new):
                self.graph.erase(node)
            if result is not None and self.context.explain:
                self.context.decline(rule.name, m.root.where, result.why, alone=len(m.nodes) == 1)
            return False
        self.substitute(rule, m, result if isinstance(result, tuple) else (result,))
        return True

    def substitute(self, rule: Rewrite, m: Match, results: tuple[Value | None, ...]) -> None:
        root, matched = m.root, m.in_order()
        loc = fuse([n.loc for n in matched], rule.name)
        precise = any(n.precise for n in matched)
        for node in self.new:
            node.loc = loc
            node.precise |= precise
        camera = self.context.camera
        if camera:
            camera.before(rule.name, matched, self.new)
        for old, new in zip(root.outputs, results):
            if new is None:
                continue
            if not types.accepts(old.type, new.type):
                raise VerificationError(
                    f"rule '{rule.name}' replaces {old.type} by {new.type}", root.where, "this is a fault of the rule"
                )
            adopt_name(old, new)
            self.graph.replace_uses(old, new)
            for user in new.users:
                self.push(user)
        if self.context.explain:
            self.context.rewrote(rule.name, loc, [n.label for n in matched], [n.kind for n in self.new])
        else:
            self.context.matches[rule.name] += 1
        self.latest.append(rule.name)
        erase_dead(self.graph, [root, *m.nodes.values()], self.push)
        if camera:
            camera.after(rule.name, self.context.made, matched, [n for n in self.new if n.graph is self.graph], results)
        for node in self.new:
            if node.graph is self.graph:
                self.push(node)

    def endless(self) -> VinocError:
        names = " and ".join(f"'{n}'" for n, _ in Counter(self.latest).most_common(2))
        return VinocError(
            f"rewriting does not come to an end after {self.budget} steps: {names} undo each other",
            help="leave one of them out of the pipeline",
        )


def adopt_name(old: Value, new: Value) -> None:
    """A nameless replacement, or one that becomes an output, is called what it replaces; inputs keep their names."""
    if old.name and new.node is not None and (not new.name or old.is_output):
        new.name = old.name


FEW_USES = 8
"""A value with more readers than this is not waiting for one of them to go, so that a pattern may take all others."""


def erase_dead(graph: Graph, nodes: Sequence[Node], on_producer: Callable[[Node], None] | None = None) -> int:
    """Erases those of the nodes that nothing reads, and what only they kept alive. Returns how many."""
    stack = list(nodes)
    count = 0
    while stack:
        node = stack.pop()
        if node.graph is not graph or not node.op.pure or node.is_read:
            continue
        inputs = node.inputs
        graph.erase(node)
        count += 1
        for value in inputs:
            producer = value.node if value is not None else None
            if value is None or producer is None:
                continue
            uses = value.n_uses
            if not uses:
                stack.append(producer)
            elif on_producer is not None and uses <= FEW_USES and type(producer.op) is not Constant:
                on_producer(producer)
                for user in value.users:
                    on_producer(user)
    return count
