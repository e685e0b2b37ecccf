"""Operations that copy elements to other places: permuting, repeating, joining, splitting, padding, shifting."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

import numpy as np

from .. import dim as _dim
from .. import types
from ..dim import Dim, Sym, unknown
from ..dtype import Array
from ..errors import InferenceError, VinocError
from ..kernels import movement
from ..op import Op, Operand, op
from ..types import Shape, TensorType
from .elementwise import same_dtype
from .shape import (
    LONGEST,
    known_dims,
    known_ints,
    known_scalar,
    need_integers,
    static_length,
    text,
    unknowns,
)

BroadcastMode: TypeAlias = Literal["numpy", "explicit", "bidirectional"]
PadMode: TypeAlias = Literal["constant", "edge", "reflect", "symmetric"]


@op(opset=1)
class Transpose(Op):
    """Dimension i of the result is dimension order[i] of `data`; an empty order reverses them."""

    symbolic: ClassVar[bool] = True

    def infer(self, data: Operand, order: Operand) -> TensorType:
        shape = data.shape
        count = static_length(order, "order")
        if shape is None:
            return TensorType(data.dtype, unknowns(count or None))
        if count == 0:
            return TensorType(data.dtype, shape[::-1])
        if count is not None and count != len(shape):
            raise InferenceError(f"`order` has {count} entries, {data.type} has rank {len(shape)}")
        axes = known_ints(order)
        if axes is None:
            return TensorType(data.dtype, unknowns(len(shape)))
        if sorted(axes) != list(range(len(shape))):
            raise InferenceError(f"`order` {list(axes)} is no permutation of the dimensions of {data.type}")
        return TensorType(data.dtype, types.permute(shape, axes))

    def evaluate(self, data: Array, order: Array) -> Array:
        return movement.transpose(data, order)


@op(opset=1)
class Tile(Op):
    """Repeats `data` along each dimension; of shape and `repeats`, the shorter is filled with ones in front."""

    symbolic: ClassVar[bool] = True

    def infer(self, data: Operand, repeats: Operand) -> TensorType:
        count = static_length(repeats, "repeats")
        if data.shape is None or count is None:
            return TensorType(data.dtype, None)
        times = known_dims(repeats)
        if times is None:
            return TensorType(data.dtype, unknowns(max(count, len(data.shape))))
        for n in times:
            if isinstance(n, int) and n < 0:
                raise InferenceError(f"`repeats` {text(times)} has a negative number")
        shape = (1,) * (count - len(data.shape)) + data.shape
        times = (1,) * (len(shape) - count) + times
        return TensorType(data.dtype, tuple([d * n for d, n in zip(shape, times)]))

    def evaluate(self, data: Array, repeats: Array) -> Array:
        return movement.tile(data, repeats)


@op(opset=3)
class Broadcast(Op):
    """Repeats `data` to a shape.

    numpy: dimensions are aligned at the last; each of `data` is 1 or that of the target. bidirectional: ones of
    the target give way as well. explicit: dimension i of `data` becomes dimension axes_mapping[i].
    """

    symbolic: ClassVar[bool] = True

    mode: BroadcastMode = "numpy"

    def infer(self, data: Operand, target_shape: Operand, axes_mapping: Operand | None = None) -> TensorType:
        if (axes_mapping is None) != (self.mode != "explicit"):
            raise InferenceError(
                f"mode {self.mode} and an axes_mapping {'left out' if axes_mapping is None else 'given'}"
            )
        rank = static_length(target_shape, "target_shape")
        target = known_dims(target_shape) or unknowns(rank)
        if target is not None and any(isinstance(d, int) and d < 0 for d in target):
            raise InferenceError(f"the target {text(target)} has a negative dimension")
        if self.mode == "bidirectional":
            return TensorType(data.dtype, types.broadcast(data.shape, target))
        if target is None or data.shape is None:
            return TensorType(data.dtype, target)
        if len(target) < len(data.shape):
            raise InferenceError(f"{data.type} has more dimensions than the target {text(target)}")
        places: tuple[int, ...] | None = tuple(range(len(target) - len(data.shape), len(target)))
        if axes_mapping is not None:
            need_integers(axes_mapping, "axes_mapping")
            places = known_ints(axes_mapping)
        return TensorType(data.dtype, target if places is None else _placed(data, target, places))

    def evaluate(self, data: Array, target_shape: Array, axes_mapping: Array | None = None) -> Array:
        return movement.broadcast(data, target_shape, axes_mapping, self.mode)


def _placed(data: Operand, target: Shape, places: tuple[int, ...]) -> Shape:
    """The target, made better known by the dimensions of data, which stand at `places` of it."""
    assert data.shape is not None
    if len(places) != len(data.shape):
        raise InferenceError(f"`axes_mapping` has {len(places)} entries, {data.type} has rank {len(data.shape)}")
    out = list(target)
    for d, place in zip(data.shape, types.normalize_axes(places, len(target), "axes_mapping")):
        wanted = target[place]
        if isinstance(d, int) and d != 1:
            lo, hi = _dim.bounds(wanted)
            if not lo <= d <= hi:
                raise InferenceError(f"{data.type} does not broadcast to {text(target)}")
            out[place] = d
        elif isinstance(d, Sym) and d.lo > 1 and isinstance(wanted, Sym) and wanted.is_unknown:
            out[place] = d
    return tuple(out)


@op(opset=1)
class Concat(Op):
    """Joins tensors along a dimension."""

    symbolic: ClassVar[bool] = True

    axis: int

    def infer(self, *inputs: Operand) -> TensorType:
        if not inputs:
            raise InferenceError("there is nothing to join")
        same_dtype(*inputs)
        shapes = [v.shape for v in inputs]
        known = [s for s in shapes if s is not None]
        if not known:
            return TensorType(inputs[0].dtype, None)
        if any(len(s) != len(known[0]) for s in known):
            raise InferenceError("the inputs differ in rank")
        axis = types.normalize_axis(self.axis, len(known[0]))
        total: Dim = sum((s[axis] for s in known[1:]), known[0][axis])
        merged = _without(known[0], axis)
        for i, shape in enumerate(known[1:], 1):
            try:
                merged = _merged(merged, _without(shape, axis))
            except InferenceError as error:
                raise InferenceError(f"input {i} does not fit along axis {axis}: {error.what}") from None
        if len(known) < len(shapes):
            total = unknown(max(_dim.bounds(total)[0], 0))
        return TensorType(inputs[0].dtype, (*merged[:axis], total, *merged[axis:]))

    def evaluate(self, *inputs: Array) -> Array:
        return np.concatenate(inputs, self.axis)


def _without(shape: Shape, axis: int) -> Shape:
    return shape[:axis] + shape[axis + 1 :]


def _merged(a: Shape, b: Shape) -> Shape:
    if a == b:
        return a
    merged = types.merge(a, b)
    assert merged is not None
    return merged


@op(opset=1)
class Split(Op):
    """Cuts `data` along a dimension into `num_splits` equal parts."""

    symbolic: ClassVar[bool] = True

    num_splits: int

    def validate(self) -> None:
        if self.num_splits < 1:
            raise VinocError(f"attribute `num_splits` of Split is {self.num_splits}, expected at least 1")
        if self.num_splits > LONGEST:
            raise VinocError(f"attribute `num_splits` of Split is {self.num_splits}, expected at most {LONGEST}")

    def infer(self, data: Operand, axis: Operand) -> tuple[TensorType, ...]:
        along = known_scalar(axis, "axis")
        shape = data.shape
        if shape is None or along is None:
            return (TensorType(data.dtype, unknowns(data.rank)),) * self.num_splits
        along = types.normalize_axis(along, len(shape))
        size = shape[along]
        if isinstance(size, int) and size % self.num_splits:
            raise InferenceError(f"dimension {along} of {data.type} does not split into {self.num_splits} equal parts")
        part = size // self.num_splits
        return (TensorType(data.dtype, (*shape[:along], part, *shape[along + 1 :])),) * self.num_splits

    def evaluate(self, data: Array, axis: Array) -> tuple[Array, ...]:
        return movement.split_evenly(data, axis, self.num_splits)


@op(opset=1)
class VariadicSplit(Op):
    """Cuts `data` along a dimension into parts of the given lengths, of which one may be -1: the rest."""

    symbolic: ClassVar[bool] = True

    def infer(self, data: Operand, axis: Operand, split_lengths: Operand) -> tuple[TensorType, ...]:
        count = static_length(split_lengths, "split_lengths")
        if count is None:
            raise InferenceError(
                "the number of `split_lengths` is not known, so the number of outputs is not",
                help="give the list a fixed length, or split with Slice",
            )
        along = known_scalar(axis, "axis")
        lengths = known_dims(split_lengths)
        shape = data.shape
        if shape is None or along is None:
            return (TensorType(data.dtype, unknowns(data.rank)),) * count
        along = types.normalize_axis(along, len(shape))
        parts = (unknown(0, _dim.bounds(shape[along])[1]),) * count
        if lengths is not None:
            parts = _parts(data, along, shape[along], lengths)
        return tuple([TensorType(data.dtype, (*shape[:along], n, *shape[along + 1 :])) for n in parts])

    def evaluate(self, data: Array, axis: Array, split_lengths: Array) -> tuple[Array, ...]:
        return movement.split(data, axis, split_lengths)


def _parts(data: Operand, axis: int, size: Dim, lengths: Shape) -> Shape:
    """The lengths of the parts of a dimension, with -1 worked out."""
    given = sum((n for n in lengths if n != -1), 0)
    rest = size - given
    open_ends = lengths.count(-1)
    wrong = any(isinstance(n, int) and n < -1 for n in lengths) or open_ends > 1
    if isinstance(rest, int):
        wrong = wrong or (rest < 0 if open_ends else rest != 0)
    if wrong:
        raise InferenceError(f"dimension {axis} of {data.type} cannot be split into {text(lengths)}")
    return tuple([_clamped(rest if n == -1 else n) for n in lengths])


def _clamped(n: Dim) -> Dim:
    """A length of which only bounds are known, without those below 0."""
    return unknown(max(n.lo, 0), max(n.hi, 0)) if isinstance(n, Sym) and n.is_unknown else n


@op(opset=12)
class Pad(Op):
    """Adds elements before and behind each dimension; a negative number takes them away.

    constant: `pad_value` (default 0). edge: the element at the border. reflect, symmetric: the elements mirrored
    at the border, without or with the one at the border.
    """

    pad_mode: PadMode = "constant"

    def infer(
        self, data: Operand, pads_begin: Operand, pads_end: Operand, pad_value: Operand | None = None
    ) -> TensorType:
        if pad_value is not None:
            same_dtype(data, pad_value)
            if types.static_shape(pad_value.shape) not in (None, (), (1,)):
                raise InferenceError(f"`pad_value` is {pad_value.type}, expected one element")
        counts = static_length(pads_begin, "pads_begin"), static_length(pads_end, "pads_end")
        if data.shape is None:
            return TensorType(data.dtype, unknowns(counts[0] if counts[0] is not None else counts[1]))
        if any(n is not None and n != len(data.shape) for n in counts):
            raise InferenceError(f"{counts[0]} and {counts[1]} pads are given for {data.type}")
        begin, end = known_dims(pads_begin), known_dims(pads_end)
        if begin is None or end is None:
            return TensorType(data.dtype, unknowns(len(data.shape)))
        return TensorType(data.dtype, tuple([self._padded(data, *p) for p in zip(data.shape, begin, end)]))

    def _padded(self, data: Operand, size: Dim, begin: Dim, end: Dim) -> Dim:
        out = size + begin + end
        if isinstance(size, int) and isinstance(begin, int) and isinstance(end, int):
            limit = {"reflect": size - 1, "symmetric": size}.get(self.pad_mode)
            if limit is not None and max(begin, end) > limit and max(begin, end) > 0:
                raise InferenceError(f"{self.pad_mode} padding of {data.type} by {begin} and {end} exceeds {limit}")
            if size + begin + end < 0:
                raise InferenceError(f"pads {begin} and {end} take more than there is of {data.type}")
            if self.pad_mode == "edge" and size == 0 and max(begin, end) > 0:
                raise InferenceError(f"{data.type} has no edge to repeat")
        return unknown(max(out.lo, 0), max(out.hi, 0)) if isinstance(out, Sym) and out.is_unknown else out

    def evaluate(self, data: Array, pads_begin: Array, pads_end: Array, pad_value: Array | None = None) -> Array:
        return movement.pad(data, pads_begin, pads_end, pad_value, self.pad_mode)


@op(opset=7)
class Roll(Op):
    """Shifts elements around along each of `axes`; what leaves at one end enters at the other."""

    def infer(self, data: Operand, shift: Operand, axes: Operand) -> TensorType:
        shifts, count = static_length(shift, "shift"), static_length(axes, "axes")
        if shifts is not None and count is not None and shifts not in (1, count):
            raise InferenceError(f"{shifts} shifts are given for {count} axes")
        chosen = known_ints(axes)
        if chosen is not None and data.rank is not None:
            for axis in chosen:
                types.normalize_axis(axis, data.rank)
        return data.tensor

    def evaluate(self, data: Array, shift: Array, axes: Array) -> Array:
        return movement.roll(data, shift, axes)


@op(opset=1)
class ReverseSequence(Op):
    """Reverses the first seq_lengths[i] steps of each sequence i of a batch."""

    batch_axis: int = 0
    seq_axis: int = 1

    def infer(self, data: Operand, seq_lengths: Operand) -> TensorType:
        if seq_lengths.dtype.kind not in "iuf":
            raise InferenceError(f"`seq_lengths` is {seq_lengths.type}, expected numbers")
        if seq_lengths.rank not in (None, 1):
            raise InferenceError(f"`seq_lengths` is {seq_lengths.type}, expected one dimension")
        if data.shape is None:
            return data.tensor
        batch = types.normalize_axis(self.batch_axis, len(data.shape), "batch_axis")
        types.normalize_axis(self.seq_axis, len(data.shape), "seq_axis")
        if seq_lengths.shape is not None:
            merged = types.merge((data.shape[batch],), seq_lengths.shape)
            assert merged is not None
            return TensorType(data.dtype, (*data.shape[:batch], *merged, *data.shape[batch + 1 :]))
        return data.tensor

    def evaluate(self, data: Array, seq_lengths: Array) -> Array:
        return movement.reverse_sequence(data, seq_lengths, self.batch_axis, self.seq_axis)
