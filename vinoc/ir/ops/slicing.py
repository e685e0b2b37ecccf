"""Slices, as OpenVINO's two operations and the one that writes a slice."""

from __future__ import annotations

from math import inf
from typing import ClassVar

from .. import dim as _dim
from .. import types
from ..dim import Dim, Sym, ceildiv, dim_max, dim_min, known_equal, unknown
from ..dtype import Array
from ..errors import InferenceError
from ..kernels import slicing
from ..op import Op, Operand, op
from ..types import Shape, TensorType
from .elementwise import same_dtype
from .shape import known_dims, known_ints, static_length

_FAR = (1 << 31) - 1
"""A position this far out means the end of a dimension of unknown size; INT32_MAX and INT64_MAX are so used."""
_FIRST, _LAST = -(1 << 63), (1 << 63) - 1
_ANY = unknown(-inf, inf)


def sliced_dim(size: Dim, start: Dim, stop: Dim, step: Dim) -> Dim:
    """The number of elements in range(size)[start:stop:step], exact where the signs of the positions are known.

    As Python counts, but that a backwards slice which starts before the first element starts at it.
    """
    if not isinstance(step, int):
        return unknown(0, _dim.bounds(size)[1])
    if step == 0:
        raise InferenceError("a slice has step 0")
    if isinstance(size, int) and isinstance(start, int) and isinstance(stop, int):
        return len(range(*slicing.part(start, stop, step, size).indices(size)))
    if step < 0:  # the same elements of the reversed dimension, where position p is position -1 - p
        reaches = _dim.bounds(start)[0] >= -max(_dim.bounds(size)[0], 1)
        start, stop, step = -1 - start if reaches else _ANY, -1 - stop, -step
    return _within(dim_max(0, ceildiv(_range_length(size, start, stop), step)), size)


def _range_length(size: Dim, start: Dim, stop: Dim) -> Dim:
    """The length of range(size)[start:stop]; negative where the start is behind the stop."""
    from_start = isinstance(start, int) and (start == 0 or start <= -_FAR)
    to_end = known_equal(stop, size) or (isinstance(stop, int) and stop >= min(_dim.bounds(size)[1], _FAR))
    if from_start:
        return size if to_end else _clipped(stop, size)
    sign = _sign(start)
    if to_end:
        if sign < 0:
            return dim_min(-start, size)
        return size - start if sign > 0 else unknown(0, _dim.bounds(size)[1])
    # A start at or behind the end needs no clipping: the difference is negative anyhow.
    return _clipped(stop, size) - (start if sign > 0 else _clipped(start, size))


def _clipped(position: Dim, size: Dim) -> Dim:
    """A position counted from the front, between 0 and the size."""
    if isinstance(position, int) and abs(position) >= _FAR and not isinstance(size, int):
        return size if position > 0 else 0
    sign = _sign(position)
    if sign > 0:
        return dim_min(position, size)
    return dim_max(0, size + position) if sign < 0 else unknown(0, _dim.bounds(size)[1])


def _sign(position: Dim) -> int:
    """1: certainly counted from the front, -1: certainly from the end, 0: not known."""
    lo, hi = _dim.bounds(position)
    return 1 if lo >= 0 else -1 if hi < 0 else 0


def _within(length: Dim, size: Dim) -> Dim:
    """A length, no longer than the dimension that it was taken from."""
    if isinstance(length, Sym) and length.is_unknown:
        return unknown(max(length.lo, 0), min(length.hi, _dim.bounds(size)[1]))
    return length


@op(opset=1)
class StridedSlice(Op):
    """data[begin:end:strides] with masks, one entry a position; what they do not reach is kept.

    A 1 in `begin_mask` or `end_mask` leaves that bound out. `new_axis_mask`: a dimension of 1 is put in.
    `shrink_axis_mask`: the element at `begin` is taken, its dimension vanishes. `ellipsis_mask`: as many
    dimensions as are left over.
    """

    symbolic: ClassVar[bool] = True

    begin_mask: tuple[int, ...] = ()
    end_mask: tuple[int, ...] = ()
    new_axis_mask: tuple[int, ...] = ()
    shrink_axis_mask: tuple[int, ...] = ()
    ellipsis_mask: tuple[int, ...] = ()

    def infer(self, data: Operand, begin: Operand, end: Operand, strides: Operand | None = None) -> TensorType:
        count = _common_length(begin=begin, end=end, strides=strides)
        if data.shape is None or count is None:
            return TensorType(data.dtype, None)
        roles = slicing.slice_roles(count, self.new_axis_mask, self.shrink_axis_mask, self.ellipsis_mask)
        taken = roles.count("slice") + roles.count("shrink")
        if taken > len(data.shape) or roles.count("ellipsis") > 1:
            raise InferenceError(f"the positions {', '.join(roles)} do not fit rank {len(data.shape)}")
        if "ellipsis" not in roles:
            roles.append("ellipsis")
        starts, stops, steps = _positions(begin, count), _positions(end, count), _positions(strides, count, 1)
        rest = iter(data.shape)
        out: list[Dim] = []
        for i, role in enumerate(roles):
            if role == "ellipsis":
                out += [next(rest) for _ in range(len(data.shape) - taken)]
            elif role == "new":
                out.append(1)
            elif role == "shrink":
                _check_index(next(rest), starts[i], i < len(self.begin_mask) and bool(self.begin_mask[i]))
            else:
                step = steps[i]
                start = self._bound(self.begin_mask, i, starts[i], step, front=True)
                stop = self._bound(self.end_mask, i, stops[i], step, front=False)
                out.append(sliced_dim(next(rest), start, stop, step))
        return TensorType(data.dtype, tuple(out))

    @staticmethod
    def _bound(mask: tuple[int, ...], i: int, given: Dim, step: Dim, front: bool) -> Dim:
        """A bound, or the border of the dimension where the mask leaves the bound out."""
        if not (i < len(mask) and mask[i]):
            return given
        forward = _sign(step) > 0
        return _FIRST if front == forward else _LAST

    def evaluate(self, data: Array, begin: Array, end: Array, strides: Array | None = None) -> Array:
        return slicing.strided_slice(
            data,
            begin,
            end,
            strides,
            self.begin_mask,
            self.end_mask,
            self.new_axis_mask,
            self.shrink_axis_mask,
            self.ellipsis_mask,
        )


def _common_length(**operands: Operand | None) -> int | None:
    """The number of positions that lists of them have in common. Raises InferenceError when they differ."""
    count: int | None = None
    for name, operand in operands.items():
        n = None if operand is None else static_length(operand, name)
        if n is not None:
            if count is not None and n != count:
                raise InferenceError(f"`{name}` has {n} entries, the other lists have {count}")
            count = n
    return count


def _positions(operand: Operand | None, count: int, default: int = 0) -> Shape:
    if operand is None:
        return (default,) * count
    return known_dims(operand) or (_ANY,) * count


def _check_index(size: Dim, index: Dim, masked: bool) -> None:
    if not masked and isinstance(size, int) and isinstance(index, int) and not -size <= index < size:
        raise InferenceError(f"index {index} is out of range for a dimension of {size}")


def _sliced_shape(
    shape: Shape | None, start: Operand, stop: Operand, step: Operand, axes: Operand | None
) -> Shape | None:
    """The shape of a slice along `axes`."""
    lists = {"start": start, "stop": stop, "step": step, "axes": axes}
    count = _common_length(**lists)
    if shape is None:
        return None
    along = None if count is None else range(count) if axes is None else known_ints(axes)
    if count is None or along is None:  # any dimension may be cut
        if axes is None or count != 0:
            return tuple([unknown(0, _dim.bounds(d)[1]) for d in shape])
        return shape
    if axes is None and count > len(shape):
        raise InferenceError(f"{count} positions are given, data has rank {len(shape)}")
    out = list(shape)
    positions = zip(_positions(start, count), _positions(stop, count), _positions(step, count))
    for axis, (first, last, by) in zip(types.normalize_axes(along, len(shape)), positions):
        out[axis] = sliced_dim(shape[axis], first, last, by)
    return tuple(out)


@op(opset=8)
class Slice(Op):
    """data[start:stop:step] along each of `axes` (default: the first ones), with Python's
    meaning of negative positions and clipping."""

    symbolic: ClassVar[bool] = True

    def infer(
        self, data: Operand, start: Operand, stop: Operand, step: Operand, axes: Operand | None = None
    ) -> TensorType:
        return TensorType(data.dtype, _sliced_shape(data.shape, start, stop, step, axes))

    def evaluate(self, data: Array, start: Array, stop: Array, step: Array, axes: Array | None = None) -> Array:
        return slicing.slice_(data, start, stop, step, axes)


@op(opset=15)
class SliceScatter(Op):
    """A copy of `data` in which the slice that `start`, `stop`, `step` and `axes` name is `updates`."""

    def infer(
        self,
        data: Operand,
        updates: Operand,
        start: Operand,
        stop: Operand,
        step: Operand,
        axes: Operand | None = None,
    ) -> TensorType:
        same_dtype(data, updates)
        expected = _sliced_shape(data.shape, start, stop, step, axes)
        try:
            types.merge(expected, updates.shape)
        except InferenceError as error:
            raise InferenceError(f"updates {updates.type} do not fit the slice: {error.what}") from None
        return data.tensor

    def evaluate(
        self, data: Array, updates: Array, start: Array, stop: Array, step: Array, axes: Array | None = None
    ) -> Array:
        return slicing.slice_scatter(data, updates, start, stop, step, axes)
