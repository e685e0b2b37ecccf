"""Tensors: made of arrays, shared or copied, filled, cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .calls import Raises, checked

CALLS: dict[str, Any] = {
    "list(ov.Tensor(np.zeros((2, 3), np.float32)).shape)": [2, 3],
    "list(ov.Tensor(np.zeros((2, 3), np.float32)).get_shape())": [2, 3],
    "ov.Tensor(np.zeros((2, 3), np.int8)).element_type == ov.Type.i8": True,
    "ov.Tensor(np.zeros(2, np.float16)).get_element_type() == ov.Type.f16": True,
    "ov.Tensor(np.zeros((2, 3), np.float32)).size": 6,
    "ov.Tensor(np.zeros((2, 3), np.float32)).get_size()": 6,
    "ov.Tensor(np.zeros((2, 3), np.float32)).byte_size": 24,
    "ov.Tensor(np.zeros((2, 3), np.float32)).get_byte_size()": 24,
    "list(ov.Tensor(np.zeros((2, 3), np.float32)).strides)": [12, 4],
    "list(ov.Tensor(np.zeros((2, 3), np.float32)).get_strides())": [12, 4],
    "ov.Tensor(np.arange(6).reshape(2, 3)).data": [[0, 1, 2], [3, 4, 5]],
    "ov.Tensor(np.arange(6, dtype=np.float32)).data.dtype.name": "float32",
    "ov.Tensor(np.arange(6)).is_continuous()": True,
    "list(ov.Tensor(ov.Type.f32, [2, 3]).shape)": [2, 3],
    "list(ov.Tensor(ov.Type.f32, ov.Shape([2, 3])).shape)": [2, 3],
    "ov.Tensor(ov.Type.i32, [2, 3]).data.dtype.name": "int32",
    "list(ov.Tensor(np.float32, [2]).shape)": [2],
    "list(ov.Tensor(shape=ov.Shape([4]), type=ov.Type.u8).shape)": [4],
    "ov.Tensor([1.0, 2.0, 3.0]).data": [1.0, 2.0, 3.0],
    "ov.Tensor([1, 2, 3]).data": [1, 2, 3],
    "ov.Tensor(np.array([1, 2], np.int64), shared_memory=True).data": [1, 2],
    "shared(ov, True)": [7.0, 0.0],
    "shared(ov, False)": [0.0, 0.0],
    "written(ov)": [1.0, 2.0, 3.0],
    "set_shape(ov)": [2, 2, 3],
    "copy_to(ov)": [3.0, 4.0],
    "copy_from(ov)": [5.0, 6.0, 7.0, 8.0],
    "roi(ov)": [[5.0, 6.0], [9.0, 10.0]],
    'ov.Tensor(np.array(["a", "bcd"])).element_type == ov.Type.string': True,
    'ov.Tensor(np.array(["a", "bcd"])).str_data': ["a", "bcd"],
    'ov.Tensor(np.array(["a", "bcd"])).bytes_data': [b"a", b"bcd"],
    'ov.Tensor(["x", "yz"]).str_data': ["x", "yz"],
    "ov.Tensor(np.zeros(8, np.uint8), [4, 4], ov.Type.u4).shape == ov.Shape([4, 4])": True,
    "ov.Tensor(np.zeros((2, 3), np.float32), ov.Shape([3, 2])).shape == ov.Shape([3, 2])": True,
    "ov.Tensor(np.zeros((4, 4), np.float32)[:, ::2], shared_memory=True)": Raises(RuntimeError),
    "repr(ov.Tensor(np.zeros((2, 3), np.float32)))": "<Tensor: shape[2,3] type: f32>",
    "len(ov.TensorVector([ov.Tensor([1.0]), ov.Tensor([2.0])]))": 2,
    "np.asarray(ov.Tensor([1.0, 2.0]).data) * 2": [2.0, 4.0],
    "ov.Tensor(np.zeros(0, np.float32)).size": 0,
    "ov.Tensor(np.ones((1, 2), bool)).element_type == ov.Type.boolean": True,
}


def shared(ov: Any, share: bool) -> list[float]:
    """What a tensor holds after its array was written to."""
    array = np.zeros(2, np.float32)
    tensor = ov.Tensor(array, shared_memory=share)
    array[0] = 7
    return list(tensor.data)


def written(ov: Any) -> list[float]:
    tensor = ov.Tensor(ov.Type.f32, [3])
    tensor.data[:] = [1, 2, 3]
    return list(tensor.data)


def set_shape(ov: Any) -> list[int]:
    tensor = ov.Tensor(ov.Type.f32, [4])
    tensor.shape = [2, 2]
    first = list(tensor.shape)
    tensor.set_shape(ov.Shape([3]))
    return first + list(tensor.get_shape())


def copy_to(ov: Any) -> list[float]:
    target = ov.Tensor(ov.Type.f32, [2])
    ov.Tensor(np.array([3, 4], np.float32)).copy_to(target)
    return list(target.data)


def copy_from(ov: Any) -> list[float]:
    target = ov.Tensor(ov.Type.f32, [2])
    target.copy_from(ov.Tensor(np.array([5, 6], np.float32)))
    target2 = ov.Tensor(ov.Type.f32, [2])
    target2.copy_from(np.array([7, 8], np.float32))
    return [*target.data, *target2.data]


def roi(ov: Any) -> list[list[float]]:
    whole = ov.Tensor(np.arange(12, dtype=np.float32).reshape(3, 4))
    part = ov.Tensor(whole, ov.Coordinate([1, 1]), ov.Coordinate([3, 3]))
    return part.data.tolist()  # type: ignore[no-any-return]


def world(ov: Any, folder: Path) -> dict[str, Any]:
    return {**globals(), "ov": ov}


test_call = checked(CALLS, world)
