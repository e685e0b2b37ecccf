"""Element types and arrays of what programs give for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..runtime.element import Type


def get_element_type(data_type: Any) -> Type:
    """The element type of a NumPy type, a Python type (int is i32, float f32) or a name. Raises UsageError."""
    return {int: Type.i32, float: Type.f32}.get(data_type) or Type(data_type)


def get_element_type_str(data_type: Any) -> str:
    """Its name."""
    return get_element_type(data_type).type_name


def get_dtype(openvino_type: Type) -> np.dtype[Any]:
    """The NumPy type of an element type."""
    return openvino_type.to_dtype()


def get_ndarray(data: Any) -> np.ndarray[Any, np.dtype[Any]]:
    """An array of what NumPy makes one of."""
    return np.asarray(data)


def get_shape(data: Any) -> list[int]:
    """The shape of an array, a number or nested lists."""
    return list(np.asarray(data).shape)
