"""Conversion between element types."""

from __future__ import annotations

from typing import ClassVar

from ..dtype import Array, DType, nf4, string, u1, u3, u6
from ..errors import InferenceError
from ..kernels import convert
from ..op import Op, Operand, op
from ..types import TensorType


def check_conversion(source: DType, target: DType) -> None:
    """Raises InferenceError for pairs of types that have no conversion here."""
    if source is target:
        return
    if string in (source, target):
        raise InferenceError(f"{source} does not convert to {target}", help="parse or print strings outside the model")
    if nf4 in (source, target):
        raise InferenceError(f"{source} does not convert to {target}: nf4 holds codes, not numbers")
    if target in (u1, u3, u6):
        raise InferenceError(f"numbers do not convert to {target}", help="convert to u4 or u8")
    if source.kind == "c" and target.kind != "c":
        raise InferenceError(f"complex {source} does not convert to {target}", help="take the real part first")


@op(opset=1)
class Convert(Op):
    """The same numbers in another element type.

    Boolean means "not 0"; floats lose their fraction on the way to integers, stop at the ends of the range, and NaN
    becomes 0; integers wrap around.

    `decompression` marks the expansion of weights that are stored in a smaller type: it is not folded.
    """

    symbolic: ClassVar[bool] = True
    destination_type: DType
    decompression: bool = False

    @property
    def foldable(self) -> bool:
        return not self.decompression

    def infer(self, data: Operand) -> TensorType:
        found = data.tensor
        check_conversion(found.dtype, self.destination_type)
        return TensorType(self.destination_type, found.shape)

    def evaluate(self, data: Array) -> Array:
        return convert.convert(data, self.destination_type.numpy)


@op(opset=1)
class ConvertLike(Op):
    """`data` in the element type of `like`, by the rules of Convert."""

    def infer(self, data: Operand, like: Operand) -> TensorType:
        found = data.tensor
        check_conversion(found.dtype, like.dtype)
        return TensorType(like.dtype, found.shape)

    def evaluate(self, data: Array, like: Array) -> Array:
        return convert.convert(data, like.dtype)


@op(internal=True)
class BitCast(Op):
    """The bits of the elements read as another type of the same width."""

    destination_type: DType

    def infer(self, data: Operand) -> TensorType:
        found = data.tensor
        if string in (found.dtype, self.destination_type) or found.dtype.bits != self.destination_type.bits:
            raise InferenceError(f"the bits of {found.dtype} are no {self.destination_type}: their widths differ")
        return TensorType(self.destination_type, found.shape)

    def evaluate(self, data: Array) -> Array:
        return convert.reinterpret(data, self.destination_type.numpy)
