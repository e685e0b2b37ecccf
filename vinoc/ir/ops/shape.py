"""Shapes as values, and operations that change a shape and move nothing."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .. import dim as _dim
from .. import dtype, types
from ..dim import Dim, Sym, unknown
from ..dtype import Array, DType
from ..errors import InferenceError
from ..kernels import movement
from ..op import Op, Operand, op
from ..types import Shape, TensorType

# What the operations on shapes ask of their operands.


LONGEST = 1 << 16
"""Of lists that give a number to each dimension or part: what is longer is no such list."""


def need_integers(operand: Operand, what: str) -> None:
    """Raises InferenceError unless the elements are integers."""
    if not operand.dtype.is_integer:
        raise InferenceError(f"`{what}` is {operand.type}, expected integers")


def length(operand: Operand, what: str) -> Dim | None:
    """The number of elements of a list of integers; a scalar counts as one. None: not even the rank is known."""
    need_integers(operand, what)
    shape = operand.shape
    if shape is None:
        return None
    if len(shape) > 1:
        raise InferenceError(f"`{what}` is {operand.type}, expected one dimension")
    n = shape[0] if shape else 1
    if isinstance(n, int) and n > LONGEST:
        raise InferenceError(f"`{what}` is {operand.type}, a list longer than {LONGEST:,}")
    return n


def static_length(operand: Operand, what: str) -> int | None:
    """As `length`, None unless it is a plain number."""
    n = length(operand, what)
    return n if isinstance(n, int) else None


def known_dims(operand: Operand) -> Shape | None:
    """The value of an operand as dimensions (ints and symbols), None where it is not known."""
    known = operand.known
    return None if known is None else types.as_dims(known)


def known_ints(operand: Operand) -> tuple[int, ...] | None:
    """The value of an operand as plain numbers, None where any of them is not."""
    known = operand.known
    if known is None:
        return None
    if known.dtype != object:
        return tuple(known.reshape(-1).tolist())
    return types.static_shape(types.as_dims(known))


def known_scalar(operand: Operand, what: str) -> int | None:
    """The value of an operand of one element, None where it is not known."""
    if static_length(operand, what) not in (None, 1):
        raise InferenceError(f"`{what}` is {operand.type}, expected one element")
    values = known_ints(operand)
    return values[0] if values else None


def unknowns(rank: int | None) -> Shape | None:
    """A shape of which only the rank is known."""
    if rank is not None and rank > LONGEST:
        raise InferenceError(f"a tensor of {rank:,} dimensions")
    return None if rank is None else (unknown(),) * rank


def text(shape: Shape) -> str:
    return f"[{','.join(map(str, shape))}]"


@op(opset=3)
class ShapeOf(Op):
    """The dimensions of a tensor, as a one-dimensional tensor."""

    symbolic: ClassVar[bool] = True

    output_type: DType = dtype.i64

    def infer(self, data: Operand) -> TensorType:
        rank = data.rank
        return TensorType(self.output_type, (unknown() if rank is None else rank,))

    def evaluate(self, data: Array) -> Array:
        return np.array(data.shape, self.output_type.numpy)


@op(opset=1)
class Reshape(Op):
    """The same elements in another shape. -1 in `shape` is worked out; with `special_zero` 0 copies a dimension."""

    symbolic: ClassVar[bool] = True

    special_zero: bool = False

    def infer(self, data: Operand, shape: Operand) -> TensorType:
        rank = static_length(shape, "shape")
        target = known_dims(shape)
        if target is not None:
            return TensorType(data.dtype, _reshaped(data, target, self.special_zero))
        if rank == 0:
            return TensorType(data.dtype, ())
        if rank == 1 and data.shape is not None:
            return TensorType(data.dtype, (types.numel(data.shape),))
        return TensorType(data.dtype, unknowns(rank))

    def evaluate(self, data: Array, shape: Array) -> Array:
        return movement.reshape(data, shape, self.special_zero)


def _reshaped(data: Operand, target: Shape, special_zero: bool) -> Shape:
    """The shape after a reshape.

    Dimensions copied with 0, and symbols that occur on both sides, cancel before the rest is divided: so -1 is
    found exactly even beside dimensions of which nothing is known. A named symbol in `target` is taken to be
    positive; one without a name may stand for -1 or 0 too.
    """
    if target.count(-1) > 1:
        raise InferenceError(f"`shape` {text(target)} has -1 more than once")
    source = data.shape
    left: list[Dim] = [] if source is None else list(source)  # factors of the source, and of the target, to divide
    given: list[Dim] = []
    open_at: list[int] = []
    out = list(target)
    for i, d in enumerate(target):
        if special_zero and d == 0:
            out[i] = _copied(source, i, target)
            left[i : i + 1] = [1] if source is not None else []
        elif isinstance(d, Sym) and d.is_unknown:
            open_at.append(i)
            out[i] = d if d.lo > 0 or (d.lo == 0 and not special_zero) else unknown()
        elif d == -1:
            open_at.append(i)
            out[i] = unknown()
        elif isinstance(d, int) and d < 0:
            raise InferenceError(f"`shape` {text(target)} has the negative dimension {d}")
        else:
            given.append(d)
    if source is None or len(open_at) > 1:
        return tuple(out)
    for d in [d for d in given if isinstance(d, Sym) and d in left]:
        left.remove(d)
        given.remove(d)
    total, product = types.numel(left), types.numel(given)
    impossible = isinstance(total, int) and isinstance(product, int) and not _divides(product, total, bool(open_at))
    if impossible:
        raise InferenceError(f"cannot reshape {data.type} ({types.numel(source)} elements) to {text(target)}")
    for i in open_at:
        out[i] = _quotient(total, product, out[i])
    return tuple(out)


def _copied(source: Shape | None, i: int, target: Shape) -> Dim:
    if source is None:
        return unknown()
    if i >= len(source):
        raise InferenceError(f"`shape` {text(target)} copies dimension {i}, data has only {len(source)}")
    return source[i]


def _divides(product: int, total: int, is_open: bool) -> bool:
    """Whether `total` elements fit a shape of `product` elements, times one open dimension or not."""
    if not is_open or product == 0:
        return product == total
    return total % product == 0


def _quotient(total: Dim, product: Dim, fallback: Dim) -> Dim:
    """The open dimension; of no elements it may be anything, and like OpenVINO we take 1."""
    if product == 0:
        return 1 if total == 0 else fallback
    d = total // product
    return fallback if isinstance(d, Sym) and d.is_unknown and d.lo <= 0 else d


@op(opset=1)
class Squeeze(Op):
    """Drops dimensions of size 1: those of `axes`, or all where `axes` is left out or empty."""

    symbolic: ClassVar[bool] = True

    def infer(self, data: Operand, axes: Operand | None = None) -> TensorType:
        shape = data.shape
        if axes is None or static_length(axes, "axes") == 0:
            return TensorType(data.dtype, None if shape is None else _without_ones(shape))
        if shape is None:
            return TensorType(data.dtype, None)
        chosen = known_ints(axes)
        if chosen is None:  # several axes may name one dimension twice
            return TensorType(data.dtype, unknowns(len(shape) - 1) if static_length(axes, "axes") == 1 else None)
        drop = {types.normalize_axis(a, len(shape)) for a in chosen}
        for a in drop:
            lo, hi = _dim.bounds(shape[a])
            if not lo <= 1 <= hi:
                raise InferenceError(f"dimension {a} of {data.type} is not 1, it cannot be squeezed")
        return TensorType(data.dtype, tuple([d for i, d in enumerate(shape) if i not in drop]))

    def evaluate(self, data: Array, axes: Array | None = None) -> Array:
        return movement.squeeze(data, axes)


def _without_ones(shape: Shape) -> Shape | None:
    """The shape without all ones; None where a dimension may or may not be one."""
    for d in shape:
        lo, hi = _dim.bounds(d)
        if isinstance(d, Sym) and lo <= 1 <= hi:
            return None
    return tuple([d for d in shape if d != 1])


@op(opset=1)
class Unsqueeze(Op):
    """Inserts dimensions of size 1, at `axes` of the result."""

    symbolic: ClassVar[bool] = True

    def infer(self, data: Operand, axes: Operand) -> TensorType:
        shape = data.shape
        count = static_length(axes, "axes")
        if shape is None or count is None:
            return TensorType(data.dtype, None)
        rank = len(shape) + count
        chosen = known_ints(axes)
        if chosen is None:
            return TensorType(data.dtype, unknowns(rank))
        places = types.normalize_axes(chosen, rank)
        rest = iter(shape)
        return TensorType(data.dtype, tuple([1 if i in places else next(rest) for i in range(rank)]))

    def evaluate(self, data: Array, axes: Array) -> Array:
        return movement.unsqueeze(data, axes)
