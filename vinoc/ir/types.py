"""Types of values: tensors, and the sequences and optionals that ONNX adds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

import numpy as np

from . import dim as _dim
from .dim import Dim, Sym
from .dtype import DType
from .errors import InferenceError
from .record import record

Shape: TypeAlias = tuple[Dim, ...]
"""Dimensions, outermost first. Where the rank itself is unknown, `None` stands in place of a Shape."""


class TensorType:
    """Element type and shape; `shape` None means that the rank is not known. Immutable."""

    __slots__ = ("dtype", "shape")

    def __init__(self, dtype: DType, shape: Shape | None = None) -> None:
        self.dtype: Final = dtype
        self.shape: Final = shape

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, TensorType) and self.dtype is other.dtype and self.shape == other.shape
        )

    def __hash__(self) -> int:
        return hash((self.dtype, self.shape))

    def __repr__(self) -> str:
        return f"TensorType({self})"

    @property
    def rank(self) -> int | None:
        return None if self.shape is None else len(self.shape)

    @property
    def is_static(self) -> bool:
        return static_shape(self.shape) is not None

    def __str__(self) -> str:
        dims = "..." if self.shape is None else ",".join(map(str, self.shape))
        return f"{self.dtype.name}[{dims}]"


class _Box:
    """A type that is no tensor's: to ask for what only tensors have raises InferenceError."""

    @property
    def dtype(self) -> DType:
        raise no_tensor(self)

    @property
    def shape(self) -> Shape | None:
        raise no_tensor(self)


@record(frozen=True)
class SequenceType(_Box):
    """A list of values of one type, of any length."""

    element: Type

    def __str__(self) -> str:
        return f"seq<{self.element}>"


@record(frozen=True)
class OptionalType(_Box):
    """A value or nothing."""

    element: Type

    def __str__(self) -> str:
        return f"optional<{self.element}>"


Type: TypeAlias = TensorType | SequenceType | OptionalType


def no_tensor(type: object) -> InferenceError:
    return InferenceError(f"expected a tensor, got {type}")


def static_shape(shape: Shape | None) -> tuple[int, ...] | None:
    """The shape as plain numbers, or None where any of it is unknown."""
    if shape is None or Sym in map(type, shape):
        return None
    return shape  # type: ignore[return-value]  # no Sym is in it


def numel(shape: Iterable[Dim]) -> Dim:
    """The number of elements."""
    n: Dim = 1
    for d in shape:
        n = n * d
    return n


MAX_SIZE = (1 << 63) - 1
"""Bytes. No tensor has more, and no dimension is larger: both are counted in i64 everywhere."""
MAX_RANK = 32
"""What every NumPy can hold."""


def check_size(type: Type) -> None:
    """Raises InferenceError for a tensor that no machine can hold."""
    if not isinstance(type, TensorType) or type.shape is None:
        return
    if len(type.shape) > MAX_RANK:
        raise InferenceError(f"a tensor of {len(type.shape)} dimensions is asked for, {MAX_RANK} are the most")
    n = type.dtype.bits
    for d in type.shape:
        if d.__class__ is not Sym:
            n *= d or 1  # type: ignore[assignment]  # a number
    if n > 8 * MAX_SIZE:
        raise InferenceError(f"{type} takes more bytes than can be counted in 64 bits")


def normalize_axis(axis: int, rank: int, what: str = "axis") -> int:
    """The axis counted from the front. Raises InferenceError when it is out of range."""
    if not -rank <= axis < rank:
        raise InferenceError(f"{what} {axis} is out of range for rank {rank}")
    return int(axis) % rank


def normalize_axes(axes: Iterable[int], rank: int, what: str = "axis") -> tuple[int, ...]:
    out = tuple(normalize_axis(int(a), rank, what) for a in axes)
    if len(set(out)) != len(out):
        raise InferenceError(f"{what} {list(axes)} names a dimension twice")
    return out


def broadcast(*shapes: Shape | None) -> Shape | None:
    """The shape of an elementwise result, by NumPy's rule; None when a rank is unknown."""
    out: Shape = ()
    for shape in shapes:
        if shape is None:
            return None
        if shape == out:
            continue
        a, b = (out, shape) if len(out) >= len(shape) else (shape, out)
        b = (1,) * (len(a) - len(b)) + b
        try:
            out = tuple(map(_dim.broadcast_dim, a, b))
        except InferenceError:
            raise InferenceError(f"shapes {' and '.join(_text(s) for s in shapes)} do not broadcast") from None
    return out


def merge(a: Shape | None, b: Shape | None) -> Shape | None:
    """The better known of two shapes that must be equal."""
    if a is None or b is None:
        return b if a is None else a
    if len(a) != len(b):
        raise InferenceError(f"shapes {_text(a)} and {_text(b)} differ in rank")
    return tuple(map(_dim.merge_dim, a, b))


def join(a: Type, b: Type) -> Type:
    """A type that covers both (the result of a branch)."""
    if a == b:
        return a
    if isinstance(a, TensorType) and isinstance(b, TensorType) and a.dtype is b.dtype:
        if a.shape is None or b.shape is None or len(a.shape) != len(b.shape):
            return TensorType(a.dtype, None)
        return TensorType(a.dtype, tuple(map(_dim.join_dim, a.shape, b.shape)))
    for box in (SequenceType, OptionalType):
        if isinstance(a, box) and isinstance(b, box):
            return box(join(a.element, b.element))
    if isinstance(a, OptionalType) or isinstance(b, OptionalType):  # a value is an optional that holds something
        inner = [t.element if isinstance(t, OptionalType) else t for t in (a, b)]
        return OptionalType(join(*inner))
    raise InferenceError(f"types {a} and {b} have nothing in common")


def accepts(declared: Type, actual: Type) -> bool:
    """True when a value of type `actual` may stand where `declared` is expected."""
    if declared == actual:
        return True
    if isinstance(declared, TensorType) and isinstance(actual, TensorType):
        if declared.dtype is not actual.dtype:
            return False
        if declared.shape is None or actual.shape is None:
            return True
        return len(declared.shape) == len(actual.shape) and all(map(_may_equal, declared.shape, actual.shape))
    if isinstance(declared, SequenceType | OptionalType) and isinstance(actual, type(declared)):
        return accepts(declared.element, actual.element)
    return isinstance(declared, OptionalType) and accepts(declared.element, actual)


def _may_equal(a: Dim, b: Dim) -> bool:
    (alo, ahi), (blo, bhi) = _dim.bounds(a), _dim.bounds(b)
    return alo <= bhi and blo <= ahi


def permute(shape: Shape, order: Sequence[int]) -> Shape:
    return tuple(shape[i] for i in order)


def as_dims(values: np.ndarray) -> Shape:
    """The elements of a one-dimensional array of ints or symbols, as dimensions."""
    dims = values.reshape(-1).tolist()
    if values.dtype.kind in "iu":
        return tuple(dims)
    return tuple([v if isinstance(v, Sym) else int(v) for v in dims])


def _text(shape: Shape | None) -> str:
    return "[...]" if shape is None else f"[{','.join(map(str, shape))}]"
