"""Element types: all of OpenVINO's and ONNX's, with their NumPy representation.

Types that NumPy lacks come from `ml_dtypes`, imported when the first of them is touched. Types narrower
than a byte are held one element to a byte in memory and packed only in files (`DType.packed`).
"""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

import numpy as np

from .cached import Cached
from .errors import VinocError, did_you_mean

Array = np.ndarray[Any, np.dtype[Any]]


class DType:
    """An element type. Instances are unique, so `is` and `==` agree.

    kind: 'f' float, 'i' signed, 'u' unsigned, 'b' boolean, 'c' complex, 's' string.
    bits: width of an element in a file; `itemsize` is its width in memory, in bytes.
    """

    registry: ClassVar[dict[str, DType]] = {}

    def __init__(self, name: str, kind: str, bits: int, numpy: str, ir: str | None) -> None:
        self.name = name
        self.kind = kind
        self.bits = bits
        self._numpy = numpy
        self.ir = ir  # spelling of a port's `precision` in OpenVINO IR, None: IR lacks the type
        DType.registry[name] = self

    @Cached
    def numpy(self) -> np.dtype[Any]:
        """The NumPy dtype that arrays of this type have in memory."""
        if self._numpy.startswith("ml:"):
            import ml_dtypes

            found: np.dtype[Any] = np.dtype(getattr(ml_dtypes, self._numpy[3:]))
            return found
        return np.dtype(self._numpy)

    @property
    def is_float(self) -> bool:
        return self.kind == "f"

    @property
    def is_integer(self) -> bool:
        return self.kind in "iu"

    @property
    def packed(self) -> bool:
        """True when several elements share a byte in a file."""
        return self.bits % 8 != 0

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return (dtype, (self.name,))


f64 = DType("f64", "f", 64, "float64", "FP64")
f32 = DType("f32", "f", 32, "float32", "FP32")
f16 = DType("f16", "f", 16, "float16", "FP16")
bf16 = DType("bf16", "f", 16, "ml:bfloat16", "BF16")
f8e4m3 = DType("f8e4m3", "f", 8, "ml:float8_e4m3fn", "F8E4M3")
f8e5m2 = DType("f8e5m2", "f", 8, "ml:float8_e5m2", "F8E5M2")
f8e8m0 = DType("f8e8m0", "f", 8, "ml:float8_e8m0fnu", "F8E8M0")
f8e4m3fnuz = DType("f8e4m3fnuz", "f", 8, "ml:float8_e4m3fnuz", None)
f8e5m2fnuz = DType("f8e5m2fnuz", "f", 8, "ml:float8_e5m2fnuz", None)
f4e2m1 = DType("f4e2m1", "f", 4, "ml:float4_e2m1fn", "F4E2M1")
i64 = DType("i64", "i", 64, "int64", "I64")
i32 = DType("i32", "i", 32, "int32", "I32")
i16 = DType("i16", "i", 16, "int16", "I16")
i8 = DType("i8", "i", 8, "int8", "I8")
i4 = DType("i4", "i", 4, "ml:int4", "I4")
i2 = DType("i2", "i", 2, "ml:int2", None)
u64 = DType("u64", "u", 64, "uint64", "U64")
u32 = DType("u32", "u", 32, "uint32", "U32")
u16 = DType("u16", "u", 16, "uint16", "U16")
u8 = DType("u8", "u", 8, "uint8", "U8")
u4 = DType("u4", "u", 4, "ml:uint4", "U4")
u2 = DType("u2", "u", 2, "ml:uint2", "U2")
# Without a NumPy type of their own: arrays hold the codes as uint8.
u6 = DType("u6", "u", 6, "uint8", "U6")
u3 = DType("u3", "u", 3, "uint8", "U3")
u1 = DType("u1", "u", 1, "uint8", "BIN")
nf4 = DType("nf4", "f", 4, "uint8", "NF4")
boolean = DType("boolean", "b", 8, "bool", "BOOL")
c64 = DType("c64", "c", 64, "complex64", None)
c128 = DType("c128", "c", 128, "complex128", None)
string = DType("string", "s", 8, "object", "STRING")

_BY_NUMPY = {
    d._numpy: d for d in reversed(list(DType.registry.values())) if d not in (u6, u3, u1, nf4) and d._numpy[:3] != "ml:"
}


def dtype(name: str) -> DType:
    """The type of that name, e.g. `dtype("f32")`. Raises VinocError with the nearest name."""
    found = DType.registry.get(name)
    if found is None:
        raise VinocError(f"no element type '{name}'", help=did_you_mean(name, DType.registry) or None)
    return found


@cache
def from_numpy(np_dtype: np.dtype[Any] | type) -> DType:
    """The element type of a NumPy dtype (any byte order, `ml_dtypes` included)."""
    d = np.dtype(np_dtype)
    found = _BY_NUMPY.get(d.name)
    if found is not None:
        return found
    if d.kind in "OSUT":
        return string
    for candidate in DType.registry.values():
        if candidate._numpy == "ml:" + d.name:
            return candidate
    raise VinocError(
        f"NumPy type '{d}' has no counterpart", help="convert the array to one of: " + ", ".join(DType.registry)
    )
