"""Sequences and optionals, which OpenVINO lacks: lists of tensors, and tensors that may be absent.

A sequence is a tuple of arrays in memory; an optional is the array (or tuple) itself, or None.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from .. import types
from ..dim import Dim, unknown
from ..dtype import Array, DType
from ..errors import InferenceError
from ..kernels import sequence
from ..op import Op, Operand, op
from ..types import OptionalType, SequenceType, Shape, TensorType, Type, normalize_axis


def _element(operand: Operand) -> Type:
    """The type of a sequence's elements. Raises InferenceError where the operand is no sequence."""
    if isinstance(operand.type, SequenceType):
        return operand.type.element
    raise InferenceError(f"expected a sequence, got {operand.type}")


def _position(operand: Operand | None) -> None:
    if operand is not None and not operand.dtype.is_integer:
        raise InferenceError(f"the position is of type {operand.dtype}, expected an integer")


@op(internal=True)
class SequenceConstruct(Op):
    """A sequence of the operands, which have one element type."""

    def infer(self, first: Operand, *more: Operand) -> SequenceType:
        return SequenceType(reduce(types.join, (v.type for v in more), first.type))

    def evaluate(self, *values: Array) -> Any:
        return sequence.construct(values)


@op(internal=True)
class SequenceEmpty(Op):
    """A sequence without elements, which will be of type `element_type`."""

    element_type: DType

    def infer(self) -> SequenceType:
        return SequenceType(TensorType(self.element_type, None))

    def evaluate(self) -> Any:
        return sequence.construct(())


@op(internal=True)
class SequenceAt(Op):
    """One element; a negative position counts from the end."""

    def infer(self, data: Operand, position: Operand) -> Type:
        _position(position)
        return _element(data)

    def evaluate(self, data: Any, position: Array) -> Array:
        return sequence.at(data, position)


@op(internal=True)
class SequenceLength(Op):
    """The number of elements, a scalar of i64."""

    def infer(self, data: Operand) -> TensorType:
        _element(data)
        return TensorType(DType.registry["i64"], ())

    def evaluate(self, data: Any) -> Array:
        return np.array(len(data), np.int64)


@op(internal=True)
class SequenceInsert(Op):
    """The sequence with a tensor put in before `position`, or at the end."""

    def infer(self, data: Operand, value: Operand, position: Operand | None = None) -> SequenceType:
        _position(position)
        return SequenceType(types.join(_element(data), value.type))

    def evaluate(self, data: Any, value: Array, position: Array | None = None) -> Any:
        return sequence.insert(data, value, position)


@op(internal=True)
class SequenceErase(Op):
    """The sequence without the element at `position`, or without the last."""

    def infer(self, data: Operand, position: Operand | None = None) -> SequenceType:
        _position(position)
        return SequenceType(_element(data))

    def evaluate(self, data: Any, position: Array | None = None) -> Any:
        return sequence.erase(data, position)


@op(internal=True)
class SplitToSequence(Op):
    """Parts along an axis: of the lengths `split`, or all of the length `split` where that is a scalar.

    With `squeeze` the parts have length one and lose the axis.
    """

    axis: int = 0
    squeeze: bool = False

    def infer(self, data: Operand, split: Operand) -> SequenceType:
        _position(split)
        shape = data.shape
        if shape is None:
            return SequenceType(TensorType(data.dtype, None))
        axis = normalize_axis(self.axis, len(shape))
        part: Shape = () if self.squeeze else (unknown(),)
        return SequenceType(TensorType(data.dtype, (*shape[:axis], *part, *shape[axis + 1 :])))

    def evaluate(self, data: Array, split: Array) -> Any:
        return sequence.split(data, split, self.axis, self.squeeze)


@op(internal=True)
class ConcatFromSequence(Op):
    """The elements joined along an axis: an existing one, or with `new_axis` one of their own."""

    axis: int
    new_axis: bool = False

    def infer(self, data: Operand) -> TensorType:
        element = _element(data)
        if not isinstance(element, TensorType):
            raise InferenceError(f"cannot join elements of type {element}")
        if element.shape is None:
            return element
        rank = len(element.shape) + self.new_axis
        axis = normalize_axis(self.axis, rank)
        joined: Dim = unknown()
        kept = element.shape[axis:] if self.new_axis else element.shape[axis + 1 :]
        return TensorType(element.dtype, (*element.shape[:axis], joined, *kept))

    def evaluate(self, data: Any) -> Array:
        return sequence.concat(data, self.axis, self.new_axis)


@op(internal=True)
class OptionalOf(Op):
    """The operand as an optional. `Optional` in ONNX, with an input."""

    def infer(self, value: Operand) -> OptionalType:
        return OptionalType(value.type)

    def evaluate(self, value: Any) -> Any:
        return sequence.whole(value)


@op(internal=True)
class OptionalEmpty(Op):
    """An optional of nothing: of a tensor of `element_type`, or of a sequence of such tensors."""

    element_type: DType
    is_sequence: bool = False

    def infer(self) -> OptionalType:
        element: Type = TensorType(self.element_type, None)
        return OptionalType(SequenceType(element) if self.is_sequence else element)

    def evaluate(self) -> Any:
        return None

    @property
    def foldable(self) -> bool:
        return False


@op(internal=True)
class OptionalHasElement(Op):
    """True where there is something: a boolean scalar."""

    def infer(self, data: Operand) -> TensorType:
        return TensorType(DType.registry["boolean"], ())

    def evaluate(self, data: Any) -> Array:
        return np.array(data is not None)


@op(internal=True)
class OptionalGetElement(Op):
    """What an optional holds. Computing it fails where that is nothing."""

    def infer(self, data: Operand) -> Type:
        return data.type.element if isinstance(data.type, OptionalType) else data.type

    def evaluate(self, data: Any) -> Any:
        return sequence.present(data)
