"""Which products gain nothing from integers on the processor a model is made for: their data stay float.

Each product takes some time in floats and another one on quantized data; where integers begin, values are quantized,
and where they end, reals are made of them. The division of the products into both kinds that takes the least time is a
minimum cut (Kolmogorov & Zabih 2004, doi:10.1109/TPAMI.2004.1262177): what a product takes in floats leads to it from
the side of integers, what it takes on quantized data leads from it to the side of floats, and conversions lead from
what reads a value to the products that it comes from. The times are those by which the CPU device chooses
(lowering/integer_choice.py), not measured ones: the same model gives the same choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from functools import reduce
from math import inf, prod
from typing import Any

from ....backends.cpu.codegen.dots import Pairs
from ....backends.cpu.codegen.target import Target
from ....backends.cpu.lowering.integer_choice import CONVERT, Times, is_fixed, product_times
from ....backends.cpu.lowering.plan import Mode, Unfit
from ....ir.graph import Graph, Node, Value
from ....passes.mark_weights import PRODUCTS
from ....passes.quantize.places import CARRIERS
from ....passes.quantize.planned import integer_products
from ..work import Work
from .keep import name_of
from .target import processor

WORTH = 0.85
"""Of the time of all products in floats, that must be promised: integers cost accuracy, the model of times is no clock,
and of small models most of the time is spent elsewhere."""

FINISHED, MOVED = 0.5, 0.75
"""Of the time of a conversion: what a product takes longer to give reals in place of integers, and to move or compare
reals in place of integers."""

TOGETHER = CARRIERS | {
    "Add", "Clamp", "Divide", "Elu", "Exp", "Gelu", "HSigmoid", "HSwish", "Maximum", "Minimum", "Mish", "Multiply",
    "PReLU", "ReLU", "Sigmoid", "SoftPlus", "Subtract", "Swish", "Tanh",
}  # fmt: skip
"""What is computed together with the product before it, or moves what that gives, so that integers come out of it."""

MOVERS = frozenset({"MaxPool", "Pad", "Transpose", "ShuffleChannels", "Interpolate", "DepthToSpace"})
"""Of these, what takes time."""

INTEGERS, FLOATS = "integers", "floats"


def leave_floats(work: Work) -> None:
    """Leaves float the data of products that would not gain from integers, with the reason."""
    options = work.options
    if options.integers == "always" or options.weights_only:
        return
    known = processor(options.target)
    pairs = Pairs(True, 0.0) if work.pass_options.get("pairs") else None
    found = slower(work.graph, integer_products(work.graph, work.known(), **work.pass_options), known, pairs)
    for node, why in found.items():
        work.float_data[name_of(node)] = f"weights only: {why}"
    if found:
        told = f"integers would not be faster on {known.name}, by the model of times; --integers always quantizes them"
        work.facts["weights only"] = f"{len(found)} products: {told}"


def slower(graph: Graph, products: Set[Node], known: Target, pairs: Pairs | None = None) -> dict[Node, str]:
    """Of the products that can read integers, those that had better not, with the reason. `pairs`: of their weights,
    where something is known of them."""
    cut = _Cut(graph, products, known, pairs)
    if not cut.times:
        return {}
    least, whole = cut.least(), cut.total(set())
    if cut.total(least) > WORTH * whole:
        rate = cut.total(least) / max(whole, 1e-9)
        why = f"integers would not be worth it on {known.name}, estimated {rate:.2f} of float for all of the model"
        return dict.fromkeys(cut.times, why)
    best, found = cut.total(least), {}
    for node, times in cut.times.items():
        if node not in least:
            rate = 1 + (cut.total({*least, node}) - best) / max(times.real, 1e-9)
            found[node] = f"integers would be slower on {known.name}, estimated {rate:.2f} of float with conversions"
    return found


class _Cut:
    """The network whose cuts are the divisions; `times` of the products that may be on either side."""

    def __init__(self, graph: Graph, products: Set[Node], known: Target, pairs: Pairs | None = None) -> None:
        import networkx  # takes 20 MB

        self.known, self.pairs = known, pairs
        self.network: Any = networkx.DiGraph()
        self.network.add_nodes_from((INTEGERS, FLOATS))
        self.times: dict[Node, Times] = {}
        self.readers: dict[Value, list[Node]] = {}
        for node in graph:
            if node.kind in PRODUCTS:
                self.product(node, node in products)
        for value, readers in self.readers.items():
            if len(readers) == 1:  # of several a cut cannot say that one at least reads integers: it may err by MOVED
                self.edge(value, readers[0], inf)
            for origin in passed(value):
                if origin.node is None or origin.node.kind not in TOGETHER:
                    self.border(value, origin, readers)
                elif origin.node.kind in MOVERS:
                    self.edge(INTEGERS, value, MOVED * self.converted(origin.node.operand(0)))

    def edge(self, start: Any, end: Any, nanoseconds: float) -> None:
        """Adds to what it costs to divide two; a capacity that is not there is infinite."""
        if nanoseconds == inf:
            self.network.add_edge(start, end)
        else:
            before = self.network.get_edge_data(start, end, {"capacity": 0.0})
            self.network.add_edge(start, end, capacity=before["capacity"] + nanoseconds)

    def product(self, node: Node, can: bool) -> None:
        if not can:
            self.edge(node, FLOATS, inf)
            return
        times = times_of(node, self.known, self.pairs) if name_of(node) else None
        if times is None:
            self.edge(INTEGERS, node, inf)
            return
        self.times[node] = times
        self.edge(INTEGERS, node, times.real)
        self.edge(node, FLOATS, times.quantized)
        for value in node.inputs[:2]:
            if value is not None and not is_fixed(value):
                self.readers.setdefault(value, []).append(node)
                self.edge(node, value, inf)

    def border(self, value: Value, origin: Value, readers: list[Node]) -> None:
        """What it takes to make integers of what comes from `origin`, or reals."""
        nanoseconds, producer = self.converted(origin), origin.node
        if producer is None or producer.kind not in PRODUCTS:
            self.edge(value, FLOATS, nanoseconds)
            return
        self.edge(value, producer, nanoseconds)
        for reader in readers:
            self.edge(producer, reader, FINISHED * nanoseconds)

    def converted(self, value: Value) -> float:
        """Nanoseconds to make integers of reals; 0 where it is not known how many they are."""
        try:
            return prod(sizes(value)) / (CONVERT * self.known.lanes)
        except Unfit:
            return 0.0

    def least(self) -> set[Node]:
        """The products that read integers in the division that takes the least time."""
        import networkx

        _, (side, _) = networkx.minimum_cut(self.network, INTEGERS, FLOATS)
        return {node for node in self.times if node in side}

    def total(self, integers: set[Node]) -> float:
        """Nanoseconds of a division."""
        values = {value for value, readers in self.readers.items() if not integers.isdisjoint(readers)}
        fixed = {node for node in self.network[INTEGERS] if isinstance(node, Node) and node not in self.times}
        side = {INTEGERS, *integers, *values, *fixed}
        edges = self.network.out_edges(side, data="capacity", default=inf)
        return float(sum(capacity for _, end, capacity in edges if end not in side))


def times_of(node: Node, known: Target, pairs: Pairs | None) -> Times | None:
    """The times of a product; None where they depend on shapes that are open."""
    try:
        return product_times(node, known, Mode(), sizes, pairs)
    except Unfit:
        return None


def passed(value: Value) -> Iterator[Value]:
    """What becomes of the results of products on the way to `value`, back to these, or to what else it comes from.

    Of the operands of a sum the last one that is computed counts: its product adds the others to its own sums.
    """
    front, seen = [value], {value}
    while front:
        here = front.pop()
        yield here
        node = here.node
        if node is None or node.kind not in TOGETHER:
            continue
        moving = [v for v in node.inputs if v is not None and not is_fixed(v)]
        if node.kind != "Concat":
            moving = [reduce(_later, moving)]
        front += [v for v in moving if v not in seen]
        seen.update(moving)


def _later(a: Value, b: Value) -> Value:
    if a.node is None or b.node is None:
        return b if a.node is None else a
    return b if a.node.comes_before(b.node) else a


def sizes(value: Value) -> tuple[int, ...]:
    """The shape of a value for one sample, where only the number of these is open. Raises Unfit."""
    shape = value.tensor.shape
    if shape is None or not all(isinstance(d, int) for d in shape[1:]):
        raise Unfit(f"the shape {value.type} is not known")
    return tuple(d if isinstance(d, int) else 1 for d in shape)
