"""If, Loop, Scan. Subgraphs become bodies; the outer values that they read become inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from .....ir import dtype as dt
from .....ir import types
from .....ir.builder import Builder
from .....ir.dim import unknown
from .....ir.errors import Unsupported
from .....ir.graph import Graph, Value
from .....ir.ops.control_flow import If, Loop, TensorIterator
from .....ir.types import TensorType, Type
from ..context import Body, NodeContext
from ..registry import converter
from .values import ints, number, scalar

ROUNDS = 4
"""How often a loop's body is converted until the types of what it carries cover all iterations."""


@converter("If")
def if_(ctx: NodeContext) -> list[Value]:
    """If; where the condition is constant, the chosen branch alone."""
    condition = ctx.input(0)
    chosen = ctx.const(0)
    if chosen is not None and chosen.size == 1:
        return ctx.inline(ctx.graph_attr("then_branch" if chosen.item() else "else_branch"))
    then_body, else_body = ctx.make_body(ctx.graph_attr("then_branch")), ctx.make_body(ctx.graph_attr("else_branch"))
    captures = list(dict.fromkeys((*then_body.captures, *else_body.captures)))
    place = {value: i + 1 for i, value in enumerate(captures)}
    op = If(
        then_inputs=tuple(place[v] for v in then_body.captures), else_inputs=tuple(place[v] for v in else_body.captures)
    )
    if len(then_body.graph.outputs) != len(else_body.graph.outputs):
        ctx.fail("the branches have different numbers of outputs", "the file is damaged")
    return list(ctx.b.outputs(op, scalar(ctx.b, condition), *captures, bodies=(then_body.graph, else_body.graph)))


@dataclass
class Ports:
    """The port map of a Loop or TensorIterator while it is put together. -1: none of that kind."""

    body_from: list[int] = field(default_factory=list)
    slice_axis: list[int] = field(default_factory=list)
    slice_start: list[int] = field(default_factory=list)
    slice_end: list[int] = field(default_factory=list)
    slice_stride: list[int] = field(default_factory=list)
    slice_part: list[int] = field(default_factory=list)
    back_edge: list[int] = field(default_factory=list)
    out_from: list[int] = field(default_factory=list)
    out_axis: list[int] = field(default_factory=list)
    out_start: list[int] = field(default_factory=list)
    out_end: list[int] = field(default_factory=list)
    out_stride: list[int] = field(default_factory=list)
    out_part: list[int] = field(default_factory=list)

    def input(self, source: int, back: int = -1, axis: int = -1, backwards: bool = False) -> None:
        """The next body input: fed by node input `source` first and by body output `back` later, or sliced."""
        start, end, stride = (-1, 0, -1) if backwards else (0, -1, 1)
        row = (source, axis, start, end, stride, 1, back)
        names = ("body_from", "slice_axis", "slice_start", "slice_end", "slice_stride", "slice_part", "back_edge")
        self._add(names, row)

    def output(self, source: int, axis: int = -1, backwards: bool = False) -> None:
        """The next node output: body output `source` of the last iteration, or all concatenated along an axis."""
        start, end, stride = (-1, 0, -1) if backwards else (0, -1, 1)
        names = ("out_from", "out_axis", "out_start", "out_end", "out_stride", "out_part")
        self._add(names, (source, axis, start, end, stride, 1))

    def _add(self, names: Sequence[str], row: Sequence[int]) -> None:
        for name, value in zip(names, row, strict=True):
            getattr(self, name).append(value)

    def attributes(self) -> dict[str, tuple[int, ...]]:
        return {name: tuple(values) for name, values in vars(self).items()}


def carried_body(ctx: NodeContext, carried: Sequence[Type], make: Callable[[list[Type]], Body], first: int) -> Body:
    """A body whose carried inputs have types that cover every iteration.

    The first try has the types of the initial values. Where the body gives back another type (body outputs from
    `first` on), both are joined and the body is converted again; a dimension that still changes is left open.
    """
    kinds = list(carried)
    for round_ in range(ROUNDS):
        mark = ctx.attempt()
        body = make(kinds)
        results = [v.type for v in body.graph.outputs[first : first + len(kinds)]]
        wider = [_join(ctx, k, r, open_=round_ >= 1) for k, r in zip(kinds, results, strict=True)]
        if wider == kinds:
            return body
        if round_ == ROUNDS - 2:
            wider = [
                TensorType(w.dtype, None) if w != k and isinstance(w, TensorType) else w
                for w, k in zip(wider, kinds, strict=True)
            ]
        kinds = wider
        if round_ < ROUNDS - 1:
            ctx.retry(mark)
    what = "the types of the values that the loop carries do not settle"
    raise Unsupported(what, help="fix the shapes of the model's inputs")


def _join(ctx: NodeContext, before: Type, after: Type, open_: bool) -> Type:
    """A type for both; with `open_` nothing remains known of a dimension that differs."""
    if types.accepts(before, after) and _covers(before, after):
        return before
    if isinstance(before, TensorType) and isinstance(after, TensorType) and before.dtype is not after.dtype:
        ctx.fail(
            f"the loop carries {before} into the first iteration and {after} into the next", "the types must agree"
        )
    joined = types.join(before, after)
    if open_ and isinstance(joined, TensorType) and isinstance(before, TensorType) and joined.shape and before.shape:
        dims = zip(joined.shape, before.shape, strict=True)
        return TensorType(joined.dtype, tuple(j if j == b else unknown() for j, b in dims))
    return joined


def _covers(before: Type, after: Type) -> bool:
    """True when every value of type `after` is of type `before`."""
    return types.join(before, after) == before


def _as_scans(graph: Graph, first: int, axes: Sequence[int | None], ctx: NodeContext) -> list[int]:
    """Gives body outputs from `first` on the dimension along which they are stacked. Returns its place in each."""
    b = Builder(graph, loc=ctx.b.loc, fold=True)
    placed = []
    for i, axis in enumerate(axes):
        value = graph.outputs[first + i]
        if axis is None or (axis < 0 and value.rank is None):
            ctx.fail("the rank of a scan output is unknown", "fix the shapes of the model's inputs")
        place = axis if axis >= 0 else axis + (value.rank or 0) + 1
        graph.set_output(first + i, b.Unsqueeze(value, ints(b, [place])))
        placed.append(place)
    return placed


@converter("Loop")
def loop(ctx: NodeContext) -> list[Value]:
    """Loop. In the body the incoming condition is true, or the body would not run."""
    b, proto = ctx.b, ctx.graph_attr("body")
    trips, condition = ctx.optional(0), ctx.optional(1)
    carried = [ctx.input(i) for i in range(2, len(ctx.inputs))]
    n = len(carried)
    scans = len(proto.output) - 1 - n
    if len(proto.input) != 2 + n or scans < 0:
        ctx.fail(f"the body has {len(proto.input)} inputs and {len(proto.output)} outputs, the loop carries {n} values")
    counter = TensorType(dt.i64, ())
    initial = [v.type for v in carried]
    body = carried_body(ctx, initial, lambda kinds: ctx.make_body(proto, [counter, np.array(True), *kinds]), 1)
    _as_scans(body.graph, 1 + n, [0] * scans, ctx)
    ports = Ports()
    ports.input(-1)
    for i in range(n):
        ports.input(2 + i, back=1 + i)
        ports.output(1 + i)
    for i in range(len(body.captures)):
        ports.input(2 + n + i)
    for i in range(scans):
        ports.output(1 + n + i, axis=0)
    op = Loop(**ports.attributes(), condition_output=0)
    count = number(b, -1, dt.i64) if trips is None else scalar(b, trips)
    start = number(b, True, dt.boolean) if condition is None else scalar(b, condition)
    body.graph.set_output(0, scalar(Builder(body.graph, loc=b.loc, fold=True), body.graph.outputs[0]))
    return list(b.outputs(op, count, start, *carried, *body.captures, bodies=(body.graph,)))


@converter("Scan", since=9)
def scan(ctx: NodeContext) -> list[Value]:
    """TensorIterator: scanned inputs are sliced, scan outputs concatenated."""
    m = int(ctx.attr("num_scan_inputs"))
    values = [ctx.input(i) for i in range(len(ctx.inputs))]
    types = [v.tensor for v in values]
    axes = [_scan_axis(ctx, v, a) for v, a in zip(types[-m:], _of_each(ctx, "scan_input_axes", m), strict=True)]
    backwards = [bool(d) for d in _of_each(ctx, "scan_input_directions", m)]
    op, graph, captures = scan_over(ctx, types, axes, backwards)
    return list(ctx.b.outputs(op, *values, *captures, bodies=(graph,)))


def scan_over(
    ctx: NodeContext, values: Sequence[TensorType], axes: Sequence[int], backwards: Sequence[bool]
) -> tuple[TensorIterator, Graph, tuple[Value, ...]]:
    """The operation of a Scan over values of those types, the last ones scanned; its body; and what that captures."""
    proto, m = ctx.graph_attr("body"), len(axes)
    n = len(values) - m
    k = len(proto.output) - n
    if n < 0 or k < 0 or len(proto.input) != len(values):
        ctx.fail(
            f"the body has {len(proto.input)} inputs and {len(proto.output)} outputs, Scan has {len(values)} inputs"
        )
    slices = [_without(v, axis) for v, axis in zip(values[n:], axes, strict=True)]
    body = carried_body(ctx, values[:n], lambda kinds: ctx.make_body(proto, [*kinds, *slices]), 0)
    graph = _sliced_inputs(ctx, body.graph, n, axes)
    out_axes = _as_scans(graph, n, _of_each(ctx, "scan_output_axes", k), ctx)
    ports = Ports()
    for i in range(n):
        ports.input(i, back=i)
        ports.output(i)
    for i in range(m):
        ports.input(n + i, axis=axes[i], backwards=backwards[i])
    for i in range(len(body.captures)):
        ports.input(n + m + i)
    out_backwards = [bool(d) for d in _of_each(ctx, "scan_output_directions", k)]
    for i in range(k):
        ports.output(n + i, axis=out_axes[i], backwards=out_backwards[i])
    return TensorIterator(**ports.attributes()), graph, body.captures


def _of_each(ctx: NodeContext, name: str, count: int) -> list[int]:
    values = ctx.attr(name, None) or [0] * count
    if len(values) != count:
        ctx.fail(f"attribute `{name}` has {len(values)} numbers, expected {count}")
    return [int(v) for v in values]


def _scan_axis(ctx: NodeContext, value: TensorType, axis: int) -> int:
    if value.rank is None:
        ctx.fail("the rank of a scanned input is unknown", "fix the shapes of the model's inputs")
    return types.normalize_axis(axis, value.rank)


def _without(value: TensorType, axis: int) -> TensorType:
    assert value.shape is not None  # its rank was asked for
    return TensorType(value.dtype, (*value.shape[:axis], *value.shape[axis + 1 :]))


def _sliced_inputs(ctx: NodeContext, graph: Graph, first: int, axes: Sequence[int]) -> Graph:
    """Gives the scanned body inputs the dimension 1 that a slice has, and squeezes it away inside."""
    b = Builder(graph, before=graph.first, loc=ctx.b.loc)
    for i, axis in enumerate(axes):
        value = graph.inputs[first + i]
        shape = value.shape
        assert shape is not None
        users = list(value.uses)
        value.type = TensorType(value.dtype, (*shape[:axis], 1, *shape[axis:]))
        squeezed = b.Squeeze(value, ints(b, [axis]))
        for owner, index in users:
            if isinstance(owner, Graph):
                owner.set_output(index, squeezed)
            else:
                graph.set_input(owner, index, squeezed)
    return graph
