"""Element types, as programs see them."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..ir.dtype import DType, from_numpy
from ..ir.errors import UsageError, did_you_mean


class Type:
    """An element type: `Type.f32`, `Type("f32")`, `Type(np.float32)`. Compares equal to its name, too."""

    f16: ClassVar[Type]
    f32: ClassVar[Type]
    f64: ClassVar[Type]
    bf16: ClassVar[Type]
    i4: ClassVar[Type]
    i8: ClassVar[Type]
    i16: ClassVar[Type]
    i32: ClassVar[Type]
    i64: ClassVar[Type]
    u1: ClassVar[Type]
    u4: ClassVar[Type]
    u8: ClassVar[Type]
    u16: ClassVar[Type]
    u32: ClassVar[Type]
    u64: ClassVar[Type]
    boolean: ClassVar[Type]
    string: ClassVar[Type]

    __slots__ = ("dtype",)

    def __init__(self, of: Any) -> None:
        """From a Type, a name, or anything that NumPy takes for a dtype. Raises VinocError."""
        if isinstance(of, Type):
            of = of.dtype
        if isinstance(of, str) and of in DType.registry:
            of = DType.registry[of]
        self.dtype: DType = of if isinstance(of, DType) else _dtype_of(of)

    def get_type_name(self) -> str:
        return self.dtype.name

    def to_dtype(self) -> np.dtype[Any]:
        """The NumPy type."""
        return self.dtype.numpy

    def is_real(self) -> bool:
        return self.dtype.is_float

    def is_integral(self) -> bool:
        return self.dtype.is_integer or self.dtype.kind == "b"

    def is_signed(self) -> bool:
        return self.dtype.kind in "fi"

    @property
    def bitwidth(self) -> int:
        return self.dtype.bits

    @property
    def size(self) -> int:
        """Bytes of an element."""
        return -(-self.dtype.bits // 8)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Type):
            return self.dtype is other.dtype
        if isinstance(other, DType):
            return self.dtype is other
        return isinstance(other, str) and self.dtype.name == other

    def __hash__(self) -> int:
        return hash(self.dtype.name)

    def __str__(self) -> str:
        return self.dtype.name

    def __repr__(self) -> str:
        return f"<Type: '{self.dtype.name}'>"


def _dtype_of(of: Any) -> DType:
    try:
        return from_numpy(of)
    except TypeError:
        raise UsageError(f"no element type '{of}'", help=did_you_mean(str(of), DType.registry) or None) from None


for _name in (n for n in Type.__annotations__ if n in DType.registry):
    setattr(Type, _name, Type(_name))
