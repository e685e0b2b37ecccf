"""Tensors: memory with an element type and a shape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import prod
from os import PathLike
from typing import Any
from warnings import warn

import numpy as np

from ..ir.buffer import pack, packed_size, unpack
from ..ir.dtype import Array
from ..ir.errors import ArgumentTypeError, UsageError
from .arrays import as_bytes, as_text, to_strings
from .both import Both
from .element import Type
from .ports import Port
from .vectors import Shape, Strides

_FORMS = (
    "Tensor(array, shared_memory=False), Tensor(array, shape, type), Tensor(list), Tensor(type, shape), Tensor(port), "
    "Tensor(port, array), Tensor(tensor, begin, end), Tensor(image)"
)


class Tensor:
    """Memory with an element type and a shape: of its own, of an array, or a region of another tensor.

    `Tensor(array)` copies, `Tensor(array, shared_memory=True)` and `Tensor(array, shape, type)` do not: what is written
    to one is seen in the other. Elements narrower than a byte are packed, as in files: `data` is the bytes.
    """

    __slots__ = ("__weakref__", "_array", "_memory", "_own", "_shape", "_type")

    _type: Type
    _shape: tuple[int, ...]
    _array: Array
    """The elements in their shape; packed ones as a row of bytes; strings as objects."""
    _memory: Array | None
    """All of the memory, flat, where it lies in one piece: what `set_shape` may use."""
    _own: bool
    """Whether the memory is the tensor's own, so that it may be replaced by more."""

    def __init__(self, *args: Any, **named: Any) -> None:
        """Raises UsageError for what does not fit together, TypeError for what is no tensor at all."""
        given = (*args, *_in_order(named, len(args)))
        if not given or len(given) > 3:
            raise ArgumentTypeError(f"a tensor is not made of {len(given)} arguments", help=_FORMS)
        first, *rest = given
        if isinstance(first, np.ndarray):
            self._of_array(first, rest)
        elif isinstance(first, Tensor) and len(rest) == 2:
            self._region(first, rest[0], rest[1])
        elif isinstance(first, Port) and len(rest) <= 1:
            self._of_port(first, *rest)
        elif len(rest) == 1:
            self._allocate(Type(first), _sizes(rest[0]))
        elif not rest and isinstance(first, list | Tensor):
            self._copy(np.array(first._array if isinstance(first, Tensor) else first))
        elif not rest and hasattr(first, "__array_interface__"):  # an image
            self._copy(np.asarray(first))
        else:
            raise ArgumentTypeError(f"no tensor is made of a {type(first).__name__}", help=_FORMS)

    @classmethod
    def owning(cls, array: Array) -> Tensor:
        """On the memory of an array that is nobody else's: it may be replaced by more."""
        made = cls(array, True)
        made._own = True
        return made

    # The forms of the constructor

    def _of_array(self, array: Array, rest: Sequence[Any]) -> None:
        if not rest or isinstance(rest[0], bool | np.bool_):
            (self._share if rest and rest[0] else self._copy)(array)
            return
        element = Type(rest[1]) if len(rest) > 1 and rest[1] != "dynamic" else Type(array.dtype)
        self._over(array, element, _sizes(rest[0]))

    def _copy(self, array: Array) -> None:
        element = Type(array.dtype)
        self._allocate(element, array.shape)
        self._array[...] = to_strings(array) if element.dtype.kind == "s" else array

    def _share(self, array: Array) -> None:
        if array.dtype.kind in "OSUT":
            raise UsageError("strings cannot be shared, only copied", help="leave `shared_memory` out")
        if not array.dtype.isnative:
            raise UsageError(
                f"an array of type {array.dtype} cannot be shared", help="array.astype(...) swaps its bytes"
            )
        self._over(array, Type(array.dtype), array.shape)

    def _over(self, array: Array, element: Type, shape: tuple[int, ...]) -> None:
        """On the memory of an array, whatever it holds."""
        if not array.flags.c_contiguous:
            raise UsageError("only an array that lies in one piece, row by row, can be shared", help=_CONTIGUOUS)
        dtype = element.dtype
        if dtype.kind == "s":
            raise UsageError("strings cannot be shared, only copied", help="Tensor(array)")
        raw = array.reshape(-1).view(np.uint8)
        whole = raw.size // element.to_dtype().itemsize * element.to_dtype().itemsize
        memory = raw if dtype.packed else raw[:whole].view(dtype.numpy)
        self._take(element, shape, memory, own=False)

    def _allocate(self, element: Type, shape: tuple[int, ...]) -> None:
        dtype = element.dtype
        if dtype.kind == "s":
            memory: Array = np.full(prod(shape), "", object)
        else:
            count = packed_size(dtype, prod(shape)) if dtype.packed else prod(shape)
            memory = np.zeros(count, np.uint8 if dtype.packed else dtype.numpy)
        self._take(element, shape, memory, own=True)

    def _of_port(self, port: Port, array: Array | None = None) -> None:
        if array is None:
            self._allocate(port.element_type, least_shape(port))
            return
        shape = array.shape if port.partial_shape.is_dynamic else tuple(port.shape)
        if prod(shape) > array.size:
            raise UsageError(f"an array of {array.size} elements is too small", port.where, f"it is {port.type}")
        if Type(array.dtype) != port.element_type:
            warn("the array is of another type than the port: it is converted", RuntimeWarning, stacklevel=4)
            array = array.astype(port.element_type.dtype.numpy)
        self._over(array, port.element_type, shape)

    def _region(self, other: Tensor, begin: Any, end: Any) -> None:
        first, last = _sizes(begin), _sizes(end)
        if other._type.dtype.packed or other._type.dtype.kind == "s":
            raise UsageError(f"a tensor of {other._type.type_name} has no regions")
        inside = all(0 <= b <= e <= n for b, e, n in zip(first, last, other._shape))
        if not len(first) == len(last) == len(other._shape) or not inside:
            raise UsageError(f"no region from {list(first)} to {list(last)} in a tensor of shape {list(other._shape)}")
        self._type, self._memory, self._own = other._type, None, False
        self._array = other._array[tuple(slice(b, e) for b, e in zip(first, last))]
        self._shape = self._array.shape

    def _take(self, element: Type, shape: tuple[int, ...], memory: Array, own: bool) -> None:
        self._type, self._memory, self._own = element, memory, own
        self._lay(shape)

    def _lay(self, shape: tuple[int, ...]) -> None:
        """The first part of the memory, in another shape. Raises UsageError when there is not enough."""
        dtype = self._type.dtype
        count = packed_size(dtype, prod(shape)) if dtype.packed else prod(shape)
        if self._memory is None or count > self._memory.size:
            had = 0 if self._memory is None else self._memory.size
            raise UsageError(f"shape {list(shape)} needs memory for {count}, there is some for {had}")
        self._shape = shape
        self._array = self._memory[:count] if dtype.packed else self._memory[:count].reshape(shape)

    # Facts

    def get_element_type(self) -> Type:
        return self._type

    def get_shape(self) -> Shape:
        return Shape(self._shape)

    def set_shape(self, shape: Iterable[Any]) -> None:
        """Another shape over the same memory; memory of its own grows where that is too small.

        Raises UsageError for a region, and for memory of an array that is too small.
        """
        wanted = _sizes(shape)
        if wanted == self._shape:
            return
        if self._own and prod(wanted) > prod(self._shape):
            dtype = self._type.dtype
            count = packed_size(dtype, prod(wanted)) if dtype.packed else prod(wanted)
            if self._memory is None or count > self._memory.size:
                self._allocate(self._type, wanted)
                return
        self._lay(wanted)

    def get_size(self) -> int:
        """How many elements there are."""
        return prod(self._shape)

    def get_byte_size(self) -> int:
        dtype = self._type.dtype
        return packed_size(dtype, self.size) if dtype.packed else self.size * self._type.size

    def get_strides(self) -> Strides:
        """Steps in bytes along each dimension. Raises UsageError for elements narrower than a byte."""
        if self._type.dtype.packed:
            raise UsageError(f"elements of type {self._type.type_name} share bytes: there are no strides")
        if self._type.dtype.kind == "s":
            return Strides([s // self._array.itemsize * self._type.size for s in self._array.strides])
        return Strides(self._array.strides)

    element_type, shape = Both(get_element_type), Both(get_shape, set_shape)
    size, byte_size, strides = Both(get_size), Both(get_byte_size), Both(get_strides)

    def is_continuous(self) -> bool:
        return self._array.flags.c_contiguous

    # Contents

    @property
    def data(self) -> Array:
        """The memory as an array: what is written to it is in the tensor. Strings are copied, as bytes."""
        if self._type.dtype.kind == "s":
            warn("strings are copied: use `str_data` or `bytes_data`", RuntimeWarning, stacklevel=2)
            return as_bytes(self._array)
        return self._array.view(np.int8) if self._type.dtype.packed and self._type.dtype.kind == "i" else self._array

    @property
    def bytes_data(self) -> Array:
        """Strings as an array of bytes. Raises UsageError for other types."""
        return as_bytes(self._strings())

    @bytes_data.setter
    def bytes_data(self, values: Any) -> None:
        self._set_strings(values)

    @property
    def str_data(self) -> Array:
        """Strings as an array of text. Raises UsageError for other types."""
        return as_text(self._strings())

    @str_data.setter
    def str_data(self, values: Any) -> None:
        self._set_strings(values)

    def _strings(self) -> Array:
        if self._type.dtype.kind != "s":
            raise UsageError(f"the tensor holds {self._type.type_name}, no strings", help="use `data`")
        return self._array

    def _set_strings(self, values: Any) -> None:
        mine, given = self._strings(), to_strings(np.asarray(values))
        if given.size != mine.size:
            raise UsageError(f"{given.size} strings are given for a tensor of {mine.size}")
        mine[...] = given.reshape(mine.shape)

    def copy_from(self, source: Any) -> None:
        """Takes contents and shape of a tensor, an array or a list. Raises UsageError for another element type."""
        other = source if isinstance(source, Tensor) else Tensor(source)
        other.copy_to(self)

    def copy_to(self, target_tensor: Tensor) -> None:
        """Gives contents and shape to a tensor of the same element type. Raises UsageError for another one."""
        if not isinstance(target_tensor, Tensor):
            raise ArgumentTypeError(f"a tensor is copied to a tensor, not to a {type(target_tensor).__name__}")
        if target_tensor._type != self._type:
            raise UsageError(
                f"a tensor of {self._type.type_name} cannot be copied to one of {target_tensor._type.type_name}"
            )
        target_tensor.set_shape(self._shape)
        target_tensor._array[...] = self._array

    def elements(self) -> Array:
        """The values in their shape, as devices take them: narrow ones one to a byte. It shares memory where it can."""
        dtype = self._type.dtype
        return unpack(dtype, self._array, self._shape) if dtype.packed else self._array

    def set_elements(self, values: Array) -> None:
        """Takes values in their shape, as devices give them."""
        dtype = self._type.dtype
        self.set_shape(values.shape)
        self._array[...] = np.frombuffer(pack(dtype, values), np.uint8) if dtype.packed else values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        array = self._array if dtype is None else self._array.astype(dtype, copy=False)
        return array.copy() if copy else array

    def __copy__(self) -> Tensor:
        return self

    def __deepcopy__(self, memo: object) -> Tensor:
        copy = Tensor(self._type, self._shape)
        copy._array[...] = self._array
        return copy

    def __repr__(self) -> str:
        return f"<Tensor: shape{self.shape} type: {self._type.type_name}>"


_CONTIGUOUS = "np.ascontiguousarray(array)"
_NAMES = (
    ("array", "list", "type", "port", "other", "image"),
    ("shared_memory", "shape", "array", "begin"),
    ("type", "end"),
)


def _in_order(named: dict[str, Any], begun: int) -> Iterator[Any]:
    """Named arguments by their places. Raises TypeError for names that there are not."""
    left = dict(named)
    for names in _NAMES[begun:]:
        found = next((n for n in names if n in left), None)
        if found is not None:
            yield left.pop(found)
    if left:
        raise ArgumentTypeError(f"a tensor is not made with `{next(iter(left))}`", help=_FORMS)


def _sizes(shape: Any) -> tuple[int, ...]:
    if isinstance(shape, str) or not isinstance(shape, Iterable):
        raise ArgumentTypeError(f"{shape!r} ({type(shape).__name__}) is no shape", help="write a list of numbers")
    return tuple(Shape(shape))


def least_shape(port: Port) -> tuple[int, ...]:
    """The shape of a port with 0 for open dimensions; where the rank is open, (0,)."""
    shape = port.partial_shape
    return (0,) if shape.rank.is_dynamic else tuple(0 if d.is_dynamic else d.get_length() for d in shape)


def tensor_from_file(path: str | PathLike[str]) -> Tensor:
    """The bytes of a file as a tensor of u8."""
    return Tensor(np.fromfile(path, np.uint8), True)


class TensorVector(list[Tensor]):
    """A list of tensors."""
