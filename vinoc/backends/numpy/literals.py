"""Attribute values and small constants as Python expressions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...ir.buffer import Buffer
from ...ir.dtype import Array, DType
from .layout import quoted
from .source import SourceError

INT_LIMIT = 16
"""Integer and boolean constants up to this many elements are written in the code, longer ones are weights."""

FLOAT_LIMIT = 4
"""The same for floating point: numbers that a person reads as settings, not as weights."""

_MAKERS = ("i64", "i32", "f32", "f16", "f64", "boolean")


def is_portable(dtype: DType) -> bool:
    """True when NumPy alone has the type. Types held as codes of another type are not."""
    return not dtype.packed and dtype._numpy[:3] != "ml:"


def dtype_text(dtype: DType) -> str:
    """`np.float32`"""
    if not is_portable(dtype):
        raise SourceError(f"NumPy has no element type {dtype.name}")
    return {"bool": "np.bool_", "object": "np.object_"}.get(dtype.numpy.name, f"np.{dtype.numpy.name}")


def literal(value: Any) -> str:
    """A Python expression of that value. Raises SourceError."""
    if isinstance(value, DType):
        dtype_text(value)
        return f'np.dtype("{value.numpy.name}")'
    if isinstance(value, str):
        return quoted(value)
    if value is None or isinstance(value, bool | int):
        return repr(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, tuple | list):
        items = [literal(v) for v in value]
        if isinstance(value, list):
            return f"[{', '.join(items)}]"
        return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
    if isinstance(value, Buffer):
        return array_text(value.array)
    raise SourceError(f"a value of type {type(value).__name__} cannot be written as Python source")


def small(buffer: Buffer) -> bool:
    """True when a constant is better read in the code than looked up among the weights."""
    if not is_portable(buffer.dtype) or buffer.dtype.kind not in "fiub":
        return False
    return buffer.size <= (FLOAT_LIMIT if buffer.dtype.is_float else INT_LIMIT) or buffer.splat is not None


def buffer_text(buffer: Buffer) -> tuple[str, str | None]:
    """A small constant as an expression, and the maker that it calls, if any.

    Common element types have makers, `f32(0.5)`, `i64([1, -1])`; see `maker_source`.
    """
    name = buffer.dtype.name
    value = buffer.splat
    if value is not None and buffer.size > INT_LIMIT:
        one = f"{dtype_text(buffer.dtype)}({_nested(np.asarray(value))})"
        return f"np.broadcast_to({one}, {literal(buffer.shape)})", None
    array = buffer.array
    if not array.size and array.ndim > 1:
        return f"np.zeros({literal(array.shape)}, {dtype_text(buffer.dtype)})", None
    if name in _MAKERS:
        return f"{name}({_nested(array)})", name
    return array_text(array), None


def maker_source(name: str) -> str:
    """A small function that generated code calls."""
    if name == "only":
        doc = '"""The result of an operation that may wrap it in a tuple."""'
        return f"def only(result):\n    {doc}\n    return result[0] if isinstance(result, tuple) else result"
    numpy = {"boolean": "bool_", "i64": "int64", "i32": "int32", "f64": "float64", "f32": "float32", "f16": "float16"}
    return f"def {name}(values):\n    return np.array(values, np.{numpy[name]})"


def array_text(array: Array) -> str:
    if not array.size:
        return f"np.zeros({literal(array.shape)}, np.{array.dtype.name})"
    return f"np.array({_nested(array)}, {'np.bool_' if array.dtype == bool else f'np.{array.dtype.name}'})"


def _nested(array: Array) -> str:
    if array.ndim:
        return f"[{', '.join(_nested(a) for a in array)}]"
    if array.dtype.kind != "f":
        return repr(array.item())
    value = float(array)
    return _float(value) if not math.isfinite(value) else repr(float(str(array[()])))  # the shortest that reads back


def _float(value: float) -> str:
    if math.isnan(value):
        return "np.nan"
    if math.isinf(value):
        return "np.inf" if value > 0 else "-np.inf"
    return repr(value)
