"""ONNX's sequences and optionals. OpenVINO has neither; frontends and passes turn them into tensors where they can.

A sequence is a list of arrays, an optional a value or None.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtype, types
from ..dim import Dim, ceildiv, unknown
from ..dtype import Array, DType
from ..errors import InferenceError
from ..kernels import sequences
from ..op import Op, Operand, op
from ..types import OptionalType, SequenceType, Shape, TensorType, Type
from .shape import known_dims, known_scalar, need_integers


def element_type(operand: Operand) -> Type:
    """The type of a sequence's elements. Raises InferenceError for anything else."""
    if isinstance(operand.type, SequenceType):
        return operand.type.element
    raise InferenceError(f"expected a sequence, got {operand.type}")


def _check_position(position: Operand | None) -> None:
    if position is not None:
        known_scalar(position, "position")


@op(internal=True)
class SequenceConstruct(Op):
    """A sequence of its inputs."""

    def infer(self, *inputs: Operand) -> SequenceType:
        if not inputs:
            raise InferenceError("a sequence of nothing has no type", help="use SequenceEmpty")
        element = inputs[0].type
        for other in inputs[1:]:
            element = types.join(element, other.type)
        return SequenceType(element)

    def evaluate(self, *inputs: Any) -> list[Any]:
        return list(inputs)


@op(internal=True)
class SequenceEmpty(Op):
    """A sequence without elements, for tensors of `dtype`."""

    dtype: DType = dtype.f32

    def infer(self) -> SequenceType:
        return SequenceType(TensorType(self.dtype, None))

    def evaluate(self) -> list[Any]:
        return []


@op(internal=True)
class SequenceInsert(Op):
    """A sequence with a tensor put in before `position`, by default at the end."""

    def infer(self, sequence: Operand, tensor: Operand, position: Operand | None = None) -> SequenceType:
        _check_position(position)
        return SequenceType(types.join(element_type(sequence), tensor.type))

    def evaluate(self, sequence: list[Any], tensor: Any, position: Array | None = None) -> list[Any]:
        return sequences.insert(sequence, tensor, position)


@op(internal=True)
class SequenceErase(Op):
    """A sequence without the element at `position`, by default the last."""

    def infer(self, sequence: Operand, position: Operand | None = None) -> SequenceType:
        _check_position(position)
        return SequenceType(element_type(sequence))

    def evaluate(self, sequence: list[Any], position: Array | None = None) -> list[Any]:
        return sequences.erase(sequence, position)


@op(internal=True)
class SequenceAt(Op):
    """The element at `position`; negative positions count from the end."""

    def infer(self, sequence: Operand, position: Operand) -> Type:
        _check_position(position)
        return element_type(sequence)

    def evaluate(self, sequence: list[Any], position: Array) -> Any:
        return sequences.at(sequence, position)


@op(internal=True)
class SequenceLength(Op):
    """The number of elements, an i64 scalar."""

    def infer(self, sequence: Operand) -> TensorType:
        element_type(sequence)
        return TensorType(dtype.i64, ())

    def evaluate(self, sequence: list[Any]) -> Array:
        return np.array(len(sequence), np.int64)


@op(internal=True)
class ConcatFromSequence(Op):
    """One tensor of all elements: joined along `axis`, or with `new_axis` stacked along a new one."""

    axis: int
    new_axis: bool = False

    def infer(self, sequence: Operand) -> TensorType:
        element = element_type(sequence)
        if not isinstance(element, TensorType):
            raise InferenceError(f"elements {element} are no tensors")
        if element.shape is None:
            return element
        rank = len(element.shape) + int(self.new_axis)
        axis = types.normalize_axis(self.axis, rank)
        rest = element.shape[axis + (not self.new_axis) :]
        return TensorType(element.dtype, (*element.shape[:axis], unknown(), *rest))

    def evaluate(self, sequence: list[Any]) -> Array:
        return sequences.concatenate(sequence, self.axis, self.new_axis)


@op(internal=True)
class SplitToSequence(Op):
    """The parts of a tensor along `axis`, as a sequence.

    `split` holds their lengths; a scalar is the length of all but perhaps the last. Without it the parts are slices
    of 1, whose dimension vanishes unless `keepdims`.
    """

    axis: int = 0
    keepdims: bool = True

    def infer(self, data: Operand, split: Operand | None = None) -> SequenceType:
        shape = data.shape
        if split is not None:
            need_integers(split, "split")
        if shape is None:
            return SequenceType(TensorType(data.dtype, None))
        axis = types.normalize_axis(self.axis, len(shape))
        part: tuple[Dim, ...] = (1,) if self.keepdims else ()
        if split is not None:
            part = (_part(shape[axis], split),)
        return SequenceType(TensorType(data.dtype, (*shape[:axis], *part, *shape[axis + 1 :])))

    def evaluate(self, data: Array, split: Array | None = None) -> list[Any]:
        return sequences.split(data, split, self.axis, self.keepdims)


def _part(size: Dim, split: Operand) -> Dim:
    """The length that all parts have in common."""
    lengths: Shape | None = known_dims(split)
    if not lengths:
        return unknown()
    if split.rank == 0:
        part = lengths[0]
        return part if ceildiv(size, part) * part == size else unknown()
    return lengths[0] if all(n == lengths[0] for n in lengths) else unknown()


@op(internal=True)
class Optional(Op):
    """An optional that holds its input, or nothing."""

    element: Type | None = None

    def infer(self, value: Operand | None = None) -> OptionalType:
        if value is not None:
            return OptionalType(value.type)
        if self.element is None:
            raise InferenceError("an optional of nothing has no type", help="set the attribute `element`")
        return OptionalType(self.element)

    def evaluate(self, value: Any = None) -> Any:
        return value


@op(internal=True)
class OptionalHasElement(Op):
    """Whether there is a value: a boolean scalar. Anything but an empty optional has one."""

    def infer(self, value: Operand | None = None) -> TensorType:
        return TensorType(dtype.boolean, ())

    def evaluate(self, value: Any = None) -> Array:
        return np.array(value is not None)


@op(internal=True)
class OptionalGetElement(Op):
    """The value of an optional; of anything else, that itself."""

    def infer(self, value: Operand) -> Type:
        return value.type.element if isinstance(value.type, OptionalType) else value.type

    def evaluate(self, value: Any) -> Any:
        if value is None:
            raise ValueError("the optional holds nothing")
        return value
