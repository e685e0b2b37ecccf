"""From a graph of static shapes to a schedule: where every value lies, and which kernel computes it.

A lowering function per kind of node (`@lowers("MaxPool")`) reads its operands' places, gets places for its results
and adds calls. Whatever has no lowering becomes an island: a call of the operation's own `evaluate`, which the plan
and the profile show as such.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from math import prod
from typing import Any, TypeAlias

import numpy as np

from ....ir.constant import Constant
from ....ir.errors import EvaluationError, VinocError
from ....ir.families import Families
from ....ir.graph import Graph, Node, Value
from ....ir.record import record
from ....ir.types import static_shape
from ..codegen.target import Target
from ..kernels.base import Kernel
from .forms import Forms
from .index import INDEX
from .packed import LARGE, Packed, aligned
from .place import Buffer, Form, Kind, Place, arrange, dense

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Lowering: TypeAlias = Callable[["Plan", Node], None]
Argument: TypeAlias = "int | Place | Array | Address"

_LOWERINGS: dict[str, list[Lowering]] = {}
_families = Families(__package__, INDEX)


_TAKE_NOTHING = frozenset({"Concat", "MatMul", "Region:matmul", "Region:narrow"})
"""What has lowerings that know what to make of operands without elements."""


def lowers(*kinds: str, ahead: bool = False) -> Callable[[Lowering], Lowering]:
    """Declares a lowering of kinds of nodes; `Region:conv` is that of a Region for kernel `conv`.

    Where there are several, those for special cases go `ahead`: what one is unfit for, the next one gets.
    """

    def declare(function: Lowering) -> Lowering:
        for kind in kinds:
            found = _LOWERINGS.setdefault(kind, [])
            found.insert(0 if ahead else len(found), function)
        return function

    return declare


def is_lowered(kind: str) -> bool:
    """Whether there is a lowering of a kind of nodes."""
    return kind in _families or kind in _LOWERINGS


def lowerings() -> list[tuple[str, str]]:
    """All lowerings: the modules that declare them, and the kinds of nodes."""
    _families.load_all()
    return [(function.__module__, kind) for kind, functions in _LOWERINGS.items() for function in functions]


@record(frozen=True)
class Address:
    """An address that is known when code is compiled: of a function, by its name.

    build       emits it; or where it lies, of code that is not generated: it holds for this process alone
    """

    name: str
    build: Callable[..., None] | int = field(compare=False)


class Unfit(Exception):
    """Raised by a lowering that has no kernel for a node after all; says why. The node becomes an island."""


@record()
class Call:
    """A kernel over `units` units of work, for a node; None: for the graph's outputs. `addresses` are those of its
    arguments that are no numbers. `cost`: operations that would take as long, of what has none."""

    node: Node | None
    kernel: Kernel
    units: int
    args: dict[str, Argument]
    addresses: dict[str, Argument]
    flops: int = 0
    cost: int = 0


@record()
class Island:
    """A node that the reference computes, from and into places; None: a copy that no kernel does."""

    node: Node | None
    why: str
    inputs: list[Place | None]
    outputs: list[Place]


@record()
class Fault:
    """What a kernel found wrong with the data, as [1, a number], and what that means: a text where {} is the number."""

    where: str
    text: str
    noted: Array

    def error(self) -> EvaluationError:
        """What was noted, with the node's name."""
        return EvaluationError(self.text.format(int(self.noted[1])), self.where)


@record(frozen=True)
class Mode:
    """What lowerings may choose by.

    threads     that will run the plan
    accuracy    whether forms that round more are ruled out
    integers    whether quantized values are computed in integers
    exact       whether weights keep all of their bits
    """

    threads: int = 1
    accuracy: bool = False
    integers: bool = True
    exact: bool = False


class Plan:
    """A schedule under construction. `remarks` say what a user of the plan should know."""

    def __init__(
        self, graph: Graph, target: Target, packed: Packed, mode: Mode | None = None, owned: bool = False
    ) -> None:
        """`owned`: nobody else needs the graph's large constants, which are given up as soon as they are packed."""
        self.graph = graph
        self.owned = owned
        self.target = target
        self.packed = packed
        self.mode = mode or Mode()
        self.steps: list[Call | Island] = []
        self.buffers: list[Buffer] = []
        self.places: dict[Value, Place] = {}
        self.copies: dict[tuple[Place, Form | Kernel], Place] = {}
        self.forms = Forms(graph)
        self.faults: list[Fault] = []
        self.remarks: list[str] = []
        self.arena_size = 0
        self.few_rows: int | None = None
        """Weights that few rows pass over, once asked for: see rounded.py."""
        self.node: Node | None = None
        for i, value in enumerate(graph.inputs):
            shape = shape_of(value)
            buffer = Buffer(0, Kind.INPUT, index=i)
            self.places[value] = Place(buffer, shape, dense(shape, dtype_of(value), Form.ROWS), dtype_of(value))

    # What lowerings use

    def read(self, value: Value | None, form: Form = Form.ANY) -> Place:
        """Where an operand lies, in a form; it is copied where it has another. Raises Unfit for what is not there."""
        if value is None:
            raise Unfit("an input is missing")
        place = self.places.get(value)
        if place is None and type(value.op) is Constant:
            array = self.packed.of(value, "plain", lambda array: array)
            place = self.places[value] = self.constant(array.reshape(shape_of(value)))
        if place is None:
            raise VinocError(f"'{value.name}' is read before it is computed", help="this is a fault of the CPU backend")
        return self.formed(place, form)

    def formed(self, place: Place, form: Form) -> Place:
        """A place in a form, copied if need be."""
        if place.fits(form):
            return place
        found = self.copies.get((place, form))
        if found is None:
            found = self.copies[place, form] = self.new(place.shape, place.dtype, form)
            self.copy(place, found)
        return found

    def write(self, value: Value, form: Form | None = None) -> Place:
        """A place for a result; by default in the form that suits its readers."""
        found = self.places.get(value)
        if found is not None:
            return found
        parent = self.forms.parent(value)
        if parent is not None:
            whole, axis, start = parent
            place = self.write(whole).sliced(axis, start, shape_of(value)[axis])
        else:
            wanted = form or self.forms.of(value)
            place = self.new(shape_of(value), dtype_of(value), wanted)
        self.places[value] = place
        return place

    def alias(self, value: Value, place: Place) -> None:
        """A result that lies where an operand does."""
        if value in self.places or self.forms.parent(value) is not None:
            self.copy(place, self.write(value))
        else:
            self.places[value] = place

    def new(self, shape: tuple[int, ...], dtype: np.dtype[Any], form: Form = Form.ROWS) -> Place:
        """Fresh memory in the arena: its contents are anything."""
        strides = dense(shape, dtype, form)
        buffer = Buffer(prod(shape) * dtype.itemsize)
        self.buffers.append(buffer)
        return Place(buffer, shape, strides, dtype)

    def scratch(self, floats: int) -> Place:
        return self.new((floats,), np.dtype(np.float32))

    def zeros(self, count: int) -> Array:
        """So many zeros."""
        return self.packed.get(("zeros", count), lambda: np.zeros(count, np.float32))

    def nothing(self, columns: int = 0) -> Array:
        """What stands for a row of a tensor that is not there, of a panel or so many columns: to add -0.0 changes
        nothing."""
        count = columns or self.target.width
        return self.packed.get(("nothing", count), lambda: np.full(count, -0.0, np.float32))

    def constant(self, array: Array) -> Place:
        return Place(Buffer(array.nbytes, Kind.CONSTANT, array), array.shape, array.strides, array.dtype)

    def call(self, kernel: Kernel, units: int, flops: int = 0, **args: Argument) -> None:
        """Adds a kernel call for the current node. Places stand for their addresses, arrays are kept alive."""
        if units <= 0:
            return
        addresses = {name: value for name, value in args.items() if type(value) is not int}
        for value in addresses.values():
            if isinstance(value, Place):
                value.buffer.touch(len(self.steps))
        self.steps.append(Call(self.node, kernel, units, args, addresses, flops))

    def weigh(self, cost: int) -> None:
        """Says what the last call takes as long as, in operations, where it has few: threads are for long calls."""
        last = self.steps[-1]
        assert isinstance(last, Call)
        last.cost = cost

    def fault(self, text: str) -> Array:
        """Where a kernel notes that the data is wrong; the run then ends in EvaluationError."""
        assert self.node is not None
        noted = aligned(np.zeros(2, np.int64))
        self.faults.append(Fault(self.node.where, f"{self.node.kind}: {text}", noted))
        return noted

    def copy(self, source: Place, target: Place) -> None:
        """Copies elements between places of one shape."""
        from .movement import emit_copy

        try:
            emit_copy(self, source, target)
        except Unfit as reason:
            self._add_island(None, str(reason), [source], [target])

    # Building

    def build(self) -> Plan:
        """Lowers every node, and what brings results to the graph's outputs."""
        large: dict[Value | None, Node] = {}
        for node in self.graph:
            if type(node.op) is Constant:
                if self.owned and node.op.value.nbytes > LARGE:
                    large[node.outputs[0]] = node
                continue
            self.node = node
            self._lower(node)
            for value in node.inputs:
                if value in large and value is not None and value.n_uses == 1:
                    self.packed.give_up(large.pop(value))
        for i, value in enumerate(self.graph.outputs):
            self._finish(i, value)
        for node in large.values():
            self.packed.give_up(node)
        self.arena_size = arrange([b for b in self.buffers if b.first >= 0])
        return self

    def _lower(self, node: Node) -> None:
        key = f"Region:{node.op.kernel}" if node.kind == "Region" else node.kind  # type: ignore[attr-defined]
        why = "there is no kernel for it"
        if all(0 in shape_of(v) for v in node.outputs):
            return self._nothing(node)
        if key not in _TAKE_NOTHING and _reads_nothing(node):
            return self._island(node, "it makes something of nothing")
        _families.load(key)
        for lowering in _LOWERINGS.get(key, ()):
            mark, buffers, places = len(self.steps), len(self.buffers), dict(self.places)
            try:
                return lowering(self, node)
            except Unfit as reason:
                del self.steps[mark:], self.buffers[buffers:]
                self.places = places
                self.copies = {k: p for k, p in self.copies.items() if p.buffer in set(self.buffers)}
                why = str(reason)
        return self._island(node, why)

    def _nothing(self, node: Node) -> None:
        """Results without elements need no kernel. Operations with bodies or state may do more than results say."""
        if (node.bodies and node.kind != "Region") or not node.op.pure:
            return self._island(node, "there is no kernel for it")
        for value in node.outputs:
            self.write(value, Form.ROWS)
        return None

    def _island(self, node: Node, why: str) -> None:
        inputs = [None if v is None else self.read(v) for v in node.inputs]
        self._add_island(node, why, inputs, [self.write(v, Form.ROWS) for v in node.outputs])

    def _add_island(self, node: Node | None, why: str, inputs: list[Place | None], outputs: list[Place]) -> None:
        for place in (*inputs, *outputs):
            if place is not None:
                place.buffer.touch(len(self.steps))
        self.steps.append(Island(node, why, inputs, outputs))

    def _finish(self, index: int, value: Value) -> None:
        """An output of the graph is a buffer of the caller's; the last kernel writes into it where it can."""
        self.node = value.node
        place = self.read(value)
        shape, dtype = shape_of(value), dtype_of(value)
        whole = place.buffer.kind is Kind.ARENA and place.offset == 0 and place.fits(Form.ROWS)
        if whole and place.buffer.size == place.size * place.itemsize:
            place.buffer.kind, place.buffer.index = Kind.OUTPUT, index
            self.buffers.remove(place.buffer)
            return
        out = Place(Buffer(0, Kind.OUTPUT, index=index), shape, dense(shape, dtype, Form.ROWS), dtype)
        self.copy(place, out)


def shape_of(value: Value) -> tuple[int, ...]:
    """The static shape. Raises Unfit where it is not known."""
    shape = static_shape(value.tensor.shape)
    if shape is None:
        raise Unfit(f"the shape {value.type} is not known")
    return shape


def dtype_of(value: Value) -> np.dtype[Any]:
    return value.dtype.numpy


def _reads_nothing(node: Node) -> bool:
    """Whether data without elements becomes a result with some: sums over nothing and the like."""
    return any(v is not None and not v.is_const and 0 in shape_of(v) for v in node.inputs)


def is_last(place: Place) -> bool:
    return len(place.shape) >= 3 and place.fits(Form.LAST)
