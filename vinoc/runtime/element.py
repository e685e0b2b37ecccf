"""Element types, as programs see them."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..ir.dtype import DType, from_numpy
from ..ir.errors import ArgumentTypeError, UsageError, VinocError, did_you_mean
from .both import Both

_C_NAMES = {
    "boolean": "char",
    "bf16": "bfloat16",
    "f16": "float16",
    "f32": "float32",
    "f64": "double64",
    "nf4": "nfloat4",
    **{f"{kind[0]}{n}": f"{kind}{n}_t" for kind in ("int", "uint") for n in (1, 2, 3, 4, 6, 8, 16, 32, 64)},
}
"""What OpenVINO prints where it differs from the name."""

_QUANTIZED = frozenset({"i4", "i8", "i32", "u8", "nf4", "f4e2m1", "f8e4m3", "f8e5m2", "f8e8m0"})
_STRING_BITS = 256  # a string is a C++ object of 32 bytes to those who count the bytes of tensors


class Type:
    """An element type: `Type.f32`, `Type(np.float32)`, `Type("f32")`. Compares equal to its name, too."""

    bf16: ClassVar[Type]
    boolean: ClassVar[Type]
    dynamic: ClassVar[Type]
    f16: ClassVar[Type]
    f32: ClassVar[Type]
    f4e2m1: ClassVar[Type]
    f64: ClassVar[Type]
    f8e4m3: ClassVar[Type]
    f8e5m2: ClassVar[Type]
    f8e8m0: ClassVar[Type]
    i16: ClassVar[Type]
    i32: ClassVar[Type]
    i4: ClassVar[Type]
    i64: ClassVar[Type]
    i8: ClassVar[Type]
    nf4: ClassVar[Type]
    string: ClassVar[Type]
    u1: ClassVar[Type]
    u16: ClassVar[Type]
    u2: ClassVar[Type]
    u3: ClassVar[Type]
    u32: ClassVar[Type]
    u4: ClassVar[Type]
    u6: ClassVar[Type]
    u64: ClassVar[Type]
    u8: ClassVar[Type]

    __slots__ = ("_dtype",)

    def __init__(self, dtype: Any) -> None:
        """From a Type, a name ("dynamic" is one), or anything that NumPy takes for a dtype. Raises UsageError."""
        self._dtype: DType | None
        if isinstance(dtype, Type):
            self._dtype = dtype._dtype
        elif isinstance(dtype, DType):
            self._dtype = dtype
        elif isinstance(dtype, str) and dtype == "dynamic":
            self._dtype = None
        elif isinstance(dtype, str) and dtype in DType.registry:
            self._dtype = DType.registry[dtype]
        else:
            self._dtype = _dtype_of(dtype)

    @property
    def dtype(self) -> DType:
        """The type as the graph has it. Raises UsageError for the one that stands for any."""
        if self._dtype is None:
            raise UsageError("the element type is dynamic: it stands for any")
        return self._dtype

    def get_type_name(self) -> str:
        return "dynamic" if self._dtype is None else self._dtype.name

    type_name = Both(get_type_name)
    to_string = get_type_name

    def to_dtype(self) -> np.dtype[Any]:
        """The NumPy type of `Tensor.data`; of types narrower than a byte that of the bytes that hold them."""
        dtype = self.dtype
        if dtype.kind == "s":
            return np.dtype("S")
        if dtype.packed:
            return np.dtype(np.int8 if dtype.kind == "i" else np.uint8)
        return dtype.numpy

    def is_static(self) -> bool:
        return self._dtype is not None

    def is_dynamic(self) -> bool:
        return self._dtype is None

    def is_real(self) -> bool:
        return self._dtype is not None and self._dtype.is_float and self._dtype.name != "nf4"

    def is_integral(self) -> bool:
        """Whatever is not real: booleans and strings count."""
        return not self.is_real()

    def is_integral_number(self) -> bool:
        return self._dtype is None or self._dtype.is_integer or self._dtype.name in ("string", "nf4")

    def is_signed(self) -> bool:
        if self._dtype is None:
            return False
        return self._dtype.kind in "fib" and self._dtype.name != "nf4"

    def is_quantized(self) -> bool:
        return self._dtype is not None and self._dtype.name in _QUANTIZED

    def get_bitwidth(self) -> int:
        if self._dtype is None:
            return 0
        return _STRING_BITS if self._dtype.kind == "s" else self._dtype.bits

    def get_size(self) -> int:
        """Bytes of an element, a whole number."""
        return -(-self.get_bitwidth() // 8)

    real, signed, quantized = Both(is_real), Both(is_signed), Both(is_quantized)
    integral, integral_number = Both(is_integral), Both(is_integral_number)
    bitwidth, size = Both(get_bitwidth), Both(get_size)

    def compatible(self, other: Type) -> bool:
        """Whether both are the same, or one stands for any."""
        return self.merge(other) is not None

    def merge(self, other: Type) -> Type | None:
        """The one that says more; None where they differ."""
        if other._dtype is None or self._dtype is other._dtype:
            return self
        return other if self._dtype is None else None

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Type):
            return self._dtype is other._dtype
        if isinstance(other, DType):
            return self._dtype is other
        return isinstance(other, str) and self.type_name == other

    def __hash__(self) -> int:
        return hash(self.type_name)

    def __repr__(self) -> str:
        return f"<Type: '{_C_NAMES.get(self.type_name, self.type_name)}'>"


def _dtype_of(of: Any) -> DType:
    try:
        return from_numpy(np.dtype(of))
    except VinocError as error:
        raise ArgumentTypeError(error.what, help=error.help) from None
    except TypeError:
        hint = did_you_mean(str(of), ["dynamic", *DType.registry])
        raise ArgumentTypeError(f"no element type '{of}'", help=hint or None) from None


for _name in Type.__annotations__:
    setattr(Type, _name, Type(_name))
