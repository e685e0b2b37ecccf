"""Products of integers of eight bits (ONNX's MatMulInteger and ConvInteger)."""

from __future__ import annotations

from typing import Any

from .. import dtype as dt
from ..dtype import Array
from ..errors import InferenceError
from ..kernels import integer
from ..op import Op, Operand, TensorOperand, op
from ..types import Shape, TensorType, broadcast
from .convolution import Convolution, GroupConvolution
from .matrix import MatMul
from .window import AutoPad


@op(internal=True)
class IntegerMatMul(Op):
    """(a - a_zero) @ (b - b_zero) as i32, modulo 2^32. a and b are u8 or i8, each with a zero point of its type.

    A zero point broadcasts to its operand.
    """

    def infer(self, a: Operand, b: Operand, a_zero: Operand, b_zero: Operand) -> TensorType:
        check(a=(a, a_zero), b=(b, b_zero))
        return TensorType(dt.i32, MatMul().infer(as_i32(a.shape), as_i32(b.shape)).shape)

    def evaluate(self, a: Array, b: Array, a_zero: Array, b_zero: Array) -> Array:
        return integer.integer_matmul(a, b, a_zero, b_zero)


@op(internal=True)
class IntegerConvolution(Op):
    """Convolution of (data - data_zero) and (filters - filters_zero) as i32, modulo 2^32.

    data [N,G*I,*spatial], filters [G*O,I,*kernel], u8 or i8 -> [N,G*O,*out]. `data_zero` is a scalar, which pads hold;
    `filters_zero` broadcasts to the filters.
    """

    strides: tuple[int, ...]
    pads_begin: tuple[int, ...]
    pads_end: tuple[int, ...]
    dilations: tuple[int, ...]
    auto_pad: AutoPad = "explicit"
    groups: int = 1

    def validate(self) -> None:
        Convolution(*self.geometry)
        if self.groups < 1:
            raise InferenceError(f"{self.groups} groups", help="give one at least")

    @property
    def geometry(self) -> tuple[Any, ...]:
        """The attributes of a Convolution, in its order."""
        return self.strides, self.pads_begin, self.pads_end, self.dilations, self.auto_pad

    def infer(self, data: Operand, filters: Operand, data_zero: Operand, filters_zero: Operand) -> TensorType:
        if data_zero.shape not in ((), None):
            raise InferenceError(f"`data_zero` is {data_zero.type}, expected a scalar")
        check(data=(data, data_zero), filters=(filters, filters_zero))
        kind: Any = Convolution if self.groups == 1 else GroupConvolution
        found = kind(*self.geometry).infer(as_i32(data.shape), as_i32(self.split(filters.shape)))
        return TensorType(dt.i32, found.shape)

    def split(self, shape: Shape | None) -> Shape | None:
        """The filters' shape with their groups as a dimension, where there are several. Raises InferenceError."""
        if shape is None or self.groups == 1:
            return shape
        if isinstance(shape[0], int) and shape[0] % self.groups:
            raise InferenceError(f"{shape[0]} filters do not divide into {self.groups} groups")
        return (self.groups, shape[0] // self.groups, *shape[1:])

    def evaluate(self, data: Array, filters: Array, data_zero: Array, filters_zero: Array) -> Array:
        return integer.integer_convolution(
            data, filters, data_zero, filters_zero, self.groups,
            self.strides, self.dilations, self.pads_begin, self.pads_end, self.auto_pad,
        )  # fmt: skip


def check(**operands: tuple[Operand, Operand]) -> None:
    """Raises InferenceError unless operands have eight bits, and zero points fit them."""
    for name, (operand, zero) in operands.items():
        if operand.dtype not in (dt.u8, dt.i8):
            raise InferenceError(f"`{name}` is {operand.type}, expected elements of u8 or i8")
        if zero.dtype is not operand.dtype:
            raise InferenceError(f"the zero point of `{name}` is {zero.type}, expected elements of {operand.dtype}")
        whole = broadcast(operand.shape, zero.shape)
        if whole is not None and operand.shape is not None and len(whole) != len(operand.shape):
            raise InferenceError(f"the zero point of `{name}` has more dimensions than that")


def as_i32(shape: Shape | None) -> Any:
    """An operand for the rules of operations on one type."""
    return TensorOperand(TensorType(dt.i32, shape))
