"""Operations with bodies: a branch and two loops.

Bodies are graphs closed over nothing. Which input of a node feeds which input of a body stands in fields that are
parallel to the body's inputs or to the node's outputs:

  body_from    for each input of the body the node's input; -1: the number of the iteration (Loop)
  slice_*      for each input of the body how it is sliced, one part an iteration; axis -1: not at all
  back_edge    for each input of the body the output of the body that feeds it in the next iteration, or -1
  out_from     for each output of the node the output of the body
  out_*        for each output of the node how iterations are concatenated; axis -1: the last one counts

Ranges are OpenVINO's: both ends belong to them, negative positions count from the back (0 to -1 is all).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar

from .. import dim as _dim
from .. import dtype, types
from ..dim import Atom, Dim, Sym, dim_max, dim_min, unknown
from ..dtype import Array
from ..errors import InferenceError, VinocError
from ..kernels import loops
from ..op import Op, Operand, op
from ..record import record
from ..types import OptionalType, SequenceType, TensorType, Type
from .shape import known_scalar

if TYPE_CHECKING:
    from ..graph import Graph


def _check_condition(condition: Operand) -> None:
    if condition.dtype.kind != "b" or types.static_shape(condition.shape) not in (None, (), (1,)):
        raise InferenceError(f"the condition is {condition.type}, expected one boolean")


def _pick(inputs: Sequence[Operand], index: int, what: str) -> Operand:
    if not 0 <= index < len(inputs):
        raise InferenceError(f"{what} reads input {index}, there are {len(inputs)}")
    return inputs[index]


def _check_parallel(body: Graph, name: str, count: int) -> None:
    if count != len(body.inputs):
        raise InferenceError(f"`{name}` has {count} entries, the body has {len(body.inputs)} inputs")


class _Scope:
    """Which symbols of a body mean the same outside of it.

    A body's symbols come in by its inputs. Where an operand's dimension is another than the input declares, the
    symbol is the body's own: outside, only its bounds are known.
    """

    def __init__(self, body: Graph) -> None:
        self._body = body
        self._shared: set[Atom] = set()
        self._own: set[Atom] = set()

    def feed(self, index: int, actual: Type) -> None:
        """Notes the type that enters at an input. Raises InferenceError when the body cannot take it."""
        value = self._body.inputs[index]
        if not types.accepts(value.type, actual):
            name = f" '{value.name}'" if value.name else ""
            raise InferenceError(f"input {index}{name} of the body is declared {value.type}, it gets {actual}")
        if not (isinstance(value.type, TensorType) and isinstance(actual, TensorType)) or value.type.shape is None:
            return
        outside = actual.shape or (None,) * len(value.type.shape)
        for declared, given in zip(value.type.shape, outside):
            if isinstance(declared, Sym):
                (self._shared if declared == given else self._own).update(declared.atoms())

    def outside(self, type: Type) -> Type:
        """A type from the body, as it is seen outside."""
        if isinstance(type, SequenceType | OptionalType):
            element = self.outside(type.element)
            return SequenceType(element) if isinstance(type, SequenceType) else OptionalType(element)
        if type.shape is None or all(isinstance(d, int) for d in type.shape):
            return type
        return TensorType(type.dtype, tuple([self._dim(d) for d in type.shape]))

    def _dim(self, d: Dim) -> Dim:
        if not self._own or not isinstance(d, Sym):
            return d
        foreign = any(a in self._own or a not in self._shared for a in d.atoms())
        return unknown(max(d.lo, 0), d.hi) if foreign else d


@op(opset=8)
class If(Op):
    """One of two bodies. Input k of a body is the node's input then_inputs[k] or else_inputs[k] (0: the condition)."""

    n_bodies: ClassVar[int] = 2

    then_inputs: tuple[int, ...]
    else_inputs: tuple[int, ...]

    def infer(self, cond: Operand, *inputs: Operand, bodies: Sequence[Graph]) -> tuple[Type, ...]:
        _check_condition(cond)
        operands = (cond, *inputs)
        branches = []
        for name, body, chosen in zip(("then", "else"), bodies, (self.then_inputs, self.else_inputs)):
            _check_parallel(body, f"{name}_inputs", len(chosen))
            scope = _Scope(body)
            for k, index in enumerate(chosen):
                scope.feed(k, _pick(operands, index, f"`{name}_inputs`").type)
            branches.append([scope.outside(v.type) for v in body.outputs])
        if len(branches[0]) != len(branches[1]):
            raise InferenceError(f"the branches have {len(branches[0])} and {len(branches[1])} outputs")
        known = cond.known
        if known is not None and known.dtype != object:
            return tuple(branches[0 if known.item() else 1])
        return tuple([types.join(a, b) for a, b in zip(*branches)])

    def evaluate(self, cond: Array, *inputs: Any, bodies: Sequence[loops.Body]) -> tuple[Any, ...]:
        return loops.branch((cond, *inputs), bodies, self.then_inputs, self.else_inputs)


@record(frozen=True, eq=False, repr=False)
class _Iterated(Op):
    """What the loops share: the ports, and the types of outputs once the number of iterations is known."""

    n_bodies: ClassVar[int] = 1

    body_from: tuple[int, ...]
    slice_axis: tuple[int, ...]
    slice_start: tuple[int, ...]
    slice_end: tuple[int, ...]
    slice_stride: tuple[int, ...]
    slice_part: tuple[int, ...]
    back_edge: tuple[int, ...]
    out_from: tuple[int, ...]
    out_axis: tuple[int, ...]
    out_start: tuple[int, ...]
    out_end: tuple[int, ...]
    out_stride: tuple[int, ...]
    out_part: tuple[int, ...]

    def validate(self) -> None:
        inside = ("body_from", "slice_axis", "slice_start", "slice_end", "slice_stride", "slice_part", "back_edge")
        outside = ("out_from", "out_axis", "out_start", "out_end", "out_stride", "out_part")
        for group in (inside, outside):
            if len({len(getattr(self, name)) for name in group}) > 1:
                raise VinocError(f"attributes {', '.join(group)} of {self.kind} differ in length")
        parts = zip(self.slice_axis, self.slice_stride, self.slice_part)
        if any(axis >= 0 and (stride == 0 or part < 1) for axis, stride, part in parts):
            raise VinocError(f"{self.kind} slices an input with stride 0 or parts of nothing")

    def _enter(self, operands: Sequence[Operand], body: Graph, scope: _Scope) -> Dim | None:
        """Checks what enters the body. Returns the number of iterations that slices allow; None: no slices."""
        _check_parallel(body, "body_from", len(self.body_from))
        count: Dim | None = None
        for k, index in enumerate(self.body_from):
            if index == -1:
                self._check_counter(body.inputs[k].type)
                continue
            type = _pick(operands, index, "`body_from`").type
            if self.slice_axis[k] >= 0:
                type, n = self._part(k, type)
                count = n if count is None else _dim.merge_dim(count, n)
            scope.feed(k, type)
        for k, index in enumerate(self.back_edge):
            if index == -1:
                continue
            if not 0 <= index < len(body.outputs):
                raise InferenceError(f"`back_edge` reads output {index} of the body, there are {len(body.outputs)}")
            scope.feed(k, body.outputs[index].type)
        return count

    def _check_counter(self, declared: Type) -> None:
        if not types.accepts(declared, TensorType(dtype.i64, ())):
            raise InferenceError(
                f"the number of the iteration is declared {declared}, expected i64[]",
                help="declare it i64[] and let the body convert or reshape it",
            )

    def _part(self, k: int, type: Type) -> tuple[Type, Dim]:
        """The type of one part of a sliced input, and the number of parts."""
        if not isinstance(type, TensorType):
            raise InferenceError(f"{type} cannot be sliced")
        if type.shape is None:
            return type, unknown()
        axis = types.normalize_axis(self.slice_axis[k], len(type.shape), "slice_axis")
        part, stride = self.slice_part[k], self.slice_stride[k]
        n = loops.slice_count(type.shape[axis], self.slice_start[k], self.slice_end[k], stride, part)
        if isinstance(n, int) and n < 0:
            raise InferenceError(f"dimension {axis} of {type} has no slices as asked for")
        if isinstance(n, Sym) and n.is_unknown:
            n = unknown(max(n.lo, 0), n.hi)
        return TensorType(type.dtype, (*type.shape[:axis], part, *type.shape[axis + 1 :])), n

    def _leave(self, operands: Sequence[Operand], body: Graph, scope: _Scope, count: Dim) -> tuple[Type, ...]:
        """The types of the outputs after `count` iterations."""
        never_runs = _dim.bounds(count)[0] <= 0
        out: list[Type] = []
        for index, axis in zip(self.out_from, self.out_axis):
            if not 0 <= index < len(body.outputs):
                raise InferenceError(f"`out_from` reads output {index} of the body, there are {len(body.outputs)}")
            type = scope.outside(body.outputs[index].type)
            if axis >= 0:
                type = self._joined(type, axis, count)
            elif never_runs and index in self.back_edge:
                type = types.join(type, operands[self.body_from[self.back_edge.index(index)]].type)
            out.append(type)
        return tuple(out)

    def _joined(self, type: Type, axis: int, count: Dim) -> Type:
        if not isinstance(type, TensorType):
            raise InferenceError(f"{type} cannot be concatenated")
        if type.shape is None:
            return type
        if not type.shape:
            raise InferenceError("a scalar is concatenated", help="give the body's output one dimension")
        axis = types.normalize_axis(axis, len(type.shape), "out_axis")
        total = type.shape[axis] * count
        if isinstance(total, Sym) and total.is_unknown:
            total = unknown(max(total.lo, 0), total.hi)
        return TensorType(type.dtype, (*type.shape[:axis], total, *type.shape[axis + 1 :]))


@op(opset=5)
class Loop(_Iterated):
    """Runs its body while the condition holds, `trip_count` times at most (-1: no limit).

    `condition_output` is the body's output that says whether to go on; -1: it always does. What no iteration
    has made keeps its initial value; a concatenation of nothing is empty.
    """

    condition_output: int = -1

    def infer(
        self, trip_count: Operand, condition: Operand, *inputs: Operand, bodies: Sequence[Graph]
    ) -> tuple[Type, ...]:
        _check_condition(condition)
        operands = (trip_count, condition, *inputs)
        (body,) = bodies
        scope = _Scope(body)
        sliced = self._enter(operands, body, scope)
        return self._leave(operands, body, scope, self._count(trip_count, condition, body, sliced))

    def _count(self, trip_count: Operand, condition: Operand, body: Graph, sliced: Dim | None) -> Dim:
        """The number of iterations; where the condition may end the loop, between bounds."""
        limit = sliced
        trips = _trip_count(trip_count)
        if trips is not None:
            limit = trips if limit is None else dim_min(trips, limit)
        start: bool | None = _truth(condition)
        stay: bool | None = True
        if self.condition_output >= len(body.outputs):
            raise InferenceError(
                f"`condition_output` is {self.condition_output}, the body has {len(body.outputs)} outputs"
            )
        if self.condition_output >= 0:
            stay = _truth(body.outputs[self.condition_output])
        if start is False:
            return 0
        most = inf if limit is None else _dim.bounds(limit)[1]
        if stay is False:
            return 1 if start and limit is not None and _dim.bounds(limit)[0] >= 1 else unknown(0, min(most, 1))
        if not start or not stay or limit is None:
            least = 1 if start and (limit is None or _dim.bounds(limit)[0] >= 1) else 0
            return unknown(least, most)
        return limit

    def evaluate(
        self, trip_count: Array, condition: Array, *inputs: Any, bodies: Sequence[loops.Body]
    ) -> tuple[Any, ...]:
        return loops.loop(
            (trip_count, condition, *inputs),
            bodies[0],
            int(trip_count.item()),
            bool(condition.item()),
            self.condition_output,
            tuple(
                zip(
                    self.body_from,
                    self.slice_axis,
                    self.slice_start,
                    self.slice_end,
                    self.slice_stride,
                    self.slice_part,
                    self.back_edge,
                )
            ),
            tuple(zip(self.out_from, self.out_axis, self.out_stride)),
        )


def _trip_count(trip_count: Operand) -> Dim | None:
    """The limit of iterations; None where there is none, or it is not known whether there is one."""
    known_scalar(trip_count, "trip_count")
    if trip_count.known is None:
        return unknown(0)
    (count,) = types.as_dims(trip_count.known)
    if isinstance(count, int):
        return count if count >= 0 else None
    return dim_max(count, 0) if _dim.bounds(count)[0] >= 0 else unknown(0)


def _truth(condition: Operand) -> bool | None:
    known = condition.known
    return None if known is None or known.dtype == object else bool(known.item())


@op(opset=1)
class TensorIterator(_Iterated):
    """Runs its body once for each part of the inputs that are sliced."""

    def infer(self, *inputs: Operand, bodies: Sequence[Graph]) -> tuple[Type, ...]:
        (body,) = bodies
        scope = _Scope(body)
        count = self._enter(inputs, body, scope)
        if count is None:
            raise InferenceError("no input is sliced, so the number of iterations is not known", help="use Loop")
        return self._leave(inputs, body, scope, count)

    def evaluate(self, *inputs: Any, bodies: Sequence[loops.Body]) -> tuple[Any, ...]:
        return loops.loop(
            inputs,
            bodies[0],
            -1,
            True,
            -1,
            tuple(
                zip(
                    self.body_from,
                    self.slice_axis,
                    self.slice_start,
                    self.slice_end,
                    self.slice_stride,
                    self.slice_part,
                    self.back_edge,
                )
            ),
            tuple(zip(self.out_from, self.out_axis, self.out_stride)),
        )
