"""Where values are quantized: before what computes on integers, and above what only moves values around.

The places are those at which OpenVINO's low-precision transformations find an operation's operands quantized, measured
on its CPU device (docs/quantization.md): a product, and what stands between products and computes on integers, reads
quantized operands; operations that move values or pick them carry integers through, so that what they read is
quantized in place of what they give.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ...ir.dtype import f16, f32
from ...ir.graph import Graph, Node, Value
from ...ir.ops.movement import Pad
from ...ir.ops.resize import Interpolate
from ...ir.types import TensorType
from ..base import Context
from ..mark_weights import PRODUCTS, RECURRENT
from .misread import why_not_behind

BETWEEN = {"Add": 2, "Multiply": 2, "AvgPool": 1, "ReduceMean": 1}
"""Operations that compute on integers where their operands are, and how many operands."""

ACTIVATIONS = frozenset(
    {"Clamp", "Elu", "Gelu", "HSigmoid", "HSwish", "LeakyReLU", "Mish", "PReLU", "ReLU", "Selu", "Sigmoid", "SoftPlus"}
    | {"SoftSign", "Swish", "Tanh"}
)
"""What kernels compute between sums and the levels of the result."""

EVEN = ("ConvolutionBackpropData", "GroupConvolutionBackpropData")
"""Operations whose data must be symmetric."""

CARRIERS = frozenset(
    {"MaxPool", "ReduceMax", "ReduceMin", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Split", "VariadicSplit"}
    | {"Slice", "StridedSlice", "Gather", "DepthToSpace", "ShuffleChannels", "Broadcast", "BatchToSpace"}
    | {"SpaceToBatch", "Concat", "Pad", "Interpolate"}
)
"""Operations whose results are among their operand's values, and that OpenVINO's device runs on integers."""

Read = tuple[Node, int]


@dataclass
class Place:
    """A value that is quantized, for some of those that read it."""

    value: Value
    reads: list[Read] = field(default_factory=list)
    even: bool = False
    """It must be symmetric: OpenVINO has no zero points for what reads it, such as a product of two values."""
    signed: bool = False
    """It must have a sign as well: the right operand of a product of two values."""

    @property
    def channelwise(self) -> bool:
        """Whether channels may have ranges of their own: only depthwise convolutions read it."""
        return all(port == 0 and is_depthwise(node) for node, port in self.reads)


@dataclass(frozen=True)
class Choice:
    """What is asked for. `unified`: kinds of operations whose operands get the same range; `weights_only`: products
    that read floats, though their weights become integers."""

    ignored: Callable[[Node], bool]
    unified: frozenset[str]
    tail: bool = False
    weights_only: Callable[[Node], bool] = lambda node: False


@dataclass
class Found:
    """Groups of places with the same range, who reads weights that can be integers, what carries integers, and the
    products that read them."""

    groups: list[list[Place]]
    weights: list[Read]
    carriers: set[Node]
    before_products: set[Node]
    products: set[Node]


def is_depthwise(node: Node) -> bool:
    """Whether each channel has a filter of its own."""
    if node.kind != "GroupConvolution":
        return False
    shape = node.operand(1).shape
    return shape is not None and shape[2] == 1


def find(graph: Graph, choice: Choice, context: Context, name: str) -> Found:
    """The places of a graph."""
    return _Finder(graph, choice, context, name).run()


class _Finder:
    def __init__(self, graph: Graph, choice: Choice, context: Context, name: str) -> None:
        self.graph = graph
        self.choice = choice
        self.context = context
        self.name = name
        self.nodes = list(graph)
        self.fixed = _constants(graph)
        self.weights: list[Read] = []
        self.reads: dict[Read, None] = {}
        self.carriers: set[Node] = set()

    def run(self) -> Found:
        before_products = _before_products(self.nodes, self.choice.weights_only)
        for node in reversed(self.nodes):
            ports = self.demanded(node) or self.carried(node)
            self.reads.update(((node, port), None) for port in ports)
        self.weights.reverse()
        places = self.places()
        products = {node for node, _ in self.reads if node.kind in PRODUCTS}
        return Found(self.groups(places), self.weights, self.carriers, before_products, products)

    def decline(self, node: Node, why: str) -> None:
        self.context.decline(self.name, node.where, why)

    def is_float(self, value: Value | None) -> bool:
        return value is not None and isinstance(value.type, TensorType) and value.dtype in (f32, f16)

    def moving(self, node: Node, port: int) -> bool:
        """Whether an operand is a float that is no constant."""
        value = node.inputs[port] if port < len(node.inputs) else None
        return value is not None and self.is_float(value) and value not in self.fixed

    def demanded(self, node: Node) -> tuple[int, ...]:
        """The operands that a node wants quantized."""
        if _is_table(node) and self.is_float(node.inputs[0]):
            if not self.moving(node, 0) and not self.choice.ignored(node):
                self.weights.append((node, 0))
            return ()
        if node.kind not in PRODUCTS and node.kind not in BETWEEN and node.kind not in RECURRENT:
            return ()
        if self.choice.ignored(node):
            self.decline(node, "it is to be ignored")
            return ()
        if node.kind in PRODUCTS:
            return self.of_product(node)
        if node.kind in RECURRENT:
            return self.of_recurrent(node)
        ports = tuple(range(BETWEEN[node.kind]))
        if not all(self.moving(node, port) for port in ports):
            return ()
        if len(ports) == 2 and node.inputs[0] is node.inputs[1]:
            self.decline(node, "it reads one value twice, whose errors would be doubled")
            return ()
        if not self.choice.tail and not self.is_rounded(node.output):
            self.decline(node, "what it gives is not quantized (tail=true quantizes it all the same)")
            return ()
        summed = self.summed(node) if node.kind == "Add" else None
        return tuple(port for port in ports if port != summed)

    def is_rounded(self, value: Value) -> bool:
        """Whether a value is read as a quantized one, as it is or behind an activation."""
        for user, port in value.uses:
            if not isinstance(user, Node):
                continue
            if (user, port) in self.reads or (user.kind in ACTIVATIONS and self.is_rounded(user.output)):
                return True
        return False

    def summed(self, node: Node) -> int | None:
        """The operand of a sum that a product gives for nothing else: its kernel adds the other one to its own sums,
        which are exact, and rounds once. Of two the later one."""
        ports = [port for port in (0, 1) if _is_sum_of_product(node.operand(port), self.fixed)]
        if len(ports) == 2:
            first, second = (node.operand(port).node for port in ports)
            assert first is not None
            assert second is not None
            return ports[1 if first.comes_before(second) else 0]
        return ports[0] if ports else None

    def of_product(self, node: Node) -> tuple[int, ...]:
        if not self.moving(node, 0) or not self.is_float(node.inputs[1]):
            if self.is_float(node.inputs[0]):
                self.decline(node, "its left operand is constant")
            return ()
        alone = self.choice.weights_only(node)
        if alone:
            self.decline(node, "its weights alone are to be integers")
        if not self.moving(node, 1):
            self.weights.append((node, 1))
            return () if alone else (0,)
        if node.kind == "MatMul":
            return () if alone else (0, 1)
        self.decline(node, "its filters are computed")
        return ()

    def of_recurrent(self, node: Node) -> tuple[int, ...]:
        """None: errors of a state would go round. Its weights alone are to be integers."""
        for port in reversed(RECURRENT[node.kind]):
            if self.moving(node, port) or not self.is_float(node.inputs[port]):
                self.decline(node, "its weights are computed, or no f32 or f16")
            else:
                self.weights.append((node, port))
        return ()

    def carried(self, node: Node) -> tuple[int, ...]:
        """The operands that are quantized in place of what a node gives."""
        if not _is_carried(node) or not self.all_wanted(node):
            return ()
        if self.choice.ignored(node):
            self.decline(node, "it is to be ignored")
            return ()
        ports = tuple(range(len(node.inputs))) if node.kind == "Concat" else (0,)
        if not all(self.moving(node, port) for port in ports):
            return ()
        self.carriers.add(node)
        return ports

    def all_wanted(self, node: Node) -> bool:
        """Whether all that read a node's outputs, and someone does, read quantized values."""
        uses = [use for out in node.outputs for use in out.uses]
        return bool(uses) and all(isinstance(u, Node) and (u, i) in self.reads for u, i in uses)

    def places(self) -> dict[Value, Place]:
        found: dict[Value, Place] = {}
        for node in self.nodes:
            for port in range(len(node.inputs)):
                if (node, port) not in self.reads:
                    continue
                value = node.operand(port)
                if value.node in self.carriers:
                    continue
                quantized = value.op is not None and value.op.kind == "FakeQuantize"
                why = f"'{value.name}' is quantized already" if quantized else why_not_behind(value, self.fixed)
                if why:
                    self.decline(node, why)
                    continue
                found.setdefault(value, Place(value)).reads.append((node, port))
        return found

    def ports(self, node: Node) -> list[int]:
        """The operands of a node that are quantized."""
        return [port for port in range(len(node.inputs)) if (node, port) in self.reads]

    def groups(self, places: dict[Value, Place]) -> list[list[Place]]:
        """Places that an operation of a unified kind joins, or what carries their values to it."""
        self.restrict(places)
        leader: dict[Value, Value] = {}

        def lead(v: Value) -> Value:
            while leader.setdefault(v, v) is not v:
                leader[v] = v = leader[leader[v]]
            return v

        for node in self.nodes:
            unified = node.kind in self.choice.unified or (node in self.carriers and node.kind != "Concat")
            joined = [node.operand(port) for port in self.ports(node)] if unified else []
            for v in (*joined[1:], *(node.outputs if node in self.carriers and joined else ())):
                leader[lead(v)] = lead(joined[0])
        groups: dict[Value, list[Place]] = {}
        for v, place in places.items():
            groups.setdefault(lead(v), []).append(place)
        return list(groups.values())

    def restrict(self, places: dict[Value, Place]) -> None:
        """Marks the places that must be symmetric, or signed, for what reads them or what they are carried to."""
        even: set[Value] = set()
        signed: set[Value] = set()
        for node in reversed(self.nodes):
            ports = self.ports(node)
            if (node.kind == "MatMul" and 1 in ports) or node.kind in EVEN:
                even.update(node.operand(port) for port in ports)
                signed.update(node.operand(port) for port in ports if port == 1)
            if node in self.carriers:
                for found in (even, signed):
                    if not found.isdisjoint(node.outputs):
                        found.update(node.operand(port) for port in ports)
        for v, place in places.items():
            place.even, place.signed = v in even, v in signed


def _is_table(node: Node) -> bool:
    """Whether a node picks rows of a matrix: embeddings, where that is a constant."""
    axis = node.operand(2).const if node.kind == "Gather" else None
    return axis is not None and not axis.any() and node.operand(0).rank == 2


def moves(node: Node) -> bool:
    """Whether an operation gives values of its operand, and zero, alone."""
    op = node.op
    if isinstance(op, Pad) and op.pad_mode == "constant":
        return _pads_with_zero(node)
    return node.kind in CARRIERS and (not isinstance(op, Interpolate) or op.mode == "nearest")


def _is_carried(node: Node) -> bool:
    """Whether OpenVINO has integers carried by an operation that moves values."""
    constant = isinstance(node.op, Pad) and node.op.pad_mode == "constant"
    return moves(node) and (not constant or _is_absorbed(node) or _pads_channels(node))


def _is_sum_of_product(value: Value, fixed: set[Value]) -> bool:
    """Whether a value, read once, is a product with constant weights, or one and its bias."""
    node = value.node
    if node is not None and node.kind == "Add" and value.n_uses == 1:
        moving = [v for v in node.inputs if v is not None and v not in fixed]
        value = moving[0] if len(moving) == 1 else value
        node = value.node
    return node is not None and node.kind in PRODUCTS and value.n_uses == 1 and node.operand(1) in fixed


def _pads_with_zero(node: Node) -> bool:
    given = node.inputs[3] if len(node.inputs) > 3 else None
    return given is None or (given.const is not None and not given.const.any())


def _is_absorbed(node: Node) -> bool:
    """Whether one convolution alone reads it, which OpenVINO then lets pad. No other pad of images is carried where
    zero is not the lowest integer."""
    uses = list(node.output.uses)
    return len(uses) == 1 and isinstance(uses[0][0], Node) and uses[0][0].kind in ("Convolution", "GroupConvolution")


def _pads_channels(node: Node) -> bool:
    """Whether nothing but axis 1 is padded."""
    ends = [v.const for v in node.inputs[1:3] if v is not None]
    return all(e is not None and not np.delete(e, 1).any() for e in ends)


def _constants(graph: Graph) -> set[Value]:
    """Values that follow from constants alone."""
    found: set[Value] = set()
    for node in graph:
        fixed = node.kind == "Constant" or (node.inputs and all(v is None or v in found for v in node.inputs))
        if fixed and node.op.pure and not node.bodies:
            found.update(node.outputs)
    return found


def _before_products(nodes: list[Node], reads_floats: Callable[[Node], bool]) -> set[Node]:
    """Nodes whose results some product depends on, and no other product before it that reads floats."""
    found: set[Node] = set()
    for node in reversed(nodes):
        users = {u for out in node.outputs for u in out.users}
        if any(not reads_floats(u) if u.kind in PRODUCTS else u in found for u in users):
            found.add(node)
    return found
