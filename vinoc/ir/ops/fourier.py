"""Discrete Fourier transforms. Complex numbers are a last dimension of two: real and imaginary part.

`axes` count the dimensions of the numbers, so a negative one never means the dimension of two. `signal_size` cuts
each of the axes, or fills it up with zeros, before a transform; -1 leaves an axis as it is.

Source: the operation specifications of OpenVINO (DFT-7, IDFT-7, RDFT-9, IRDFT-9).
"""

from __future__ import annotations

from collections.abc import Sequence

from ..dim import Dim, Sym, bounds, unknown
from ..dtype import Array
from ..errors import InferenceError
from ..kernels import fourier
from ..op import Op, Operand, op
from ..types import Shape, TensorType, normalize_axes
from .elementwise import floating
from .shape import known_dims, known_ints, static_length, unknowns

PAIR = 2


def complex_shape(data: Operand) -> Shape | None:
    """The shape of complex numbers, without the dimension of two. Raises InferenceError."""
    shape = floating(data, "data").shape
    if shape is None:
        return None
    if not shape or not bounds(shape[-1])[0] <= PAIR <= bounds(shape[-1])[1]:
        raise InferenceError(
            f"data is {data.type}, its last dimension must be 2", help="complex numbers are pairs of real numbers"
        )
    return shape[:-1]


def transformed(axes: Operand, signal_size: Operand | None, rank: int | None) -> tuple[int, ...] | None:
    """The axes that are transformed, counted from the front; None where they are not known. Raises InferenceError."""
    count = static_length(axes, "axes")
    sizes = None if signal_size is None else static_length(signal_size, "signal_size")
    if count is not None and sizes is not None and count != sizes:
        raise InferenceError(f"`signal_size` has {sizes} entries for {count} axes")
    if count == 0:
        raise InferenceError("`axes` is empty, at least one must be transformed")
    if rank is not None and count is not None and count > rank:
        raise InferenceError(f"{count} axes are transformed, there are {rank}")
    chosen = known_ints(axes)
    return None if chosen is None or rank is None else normalize_axes(chosen, rank, "axes")


def resized(shape: Shape, along: tuple[int, ...], signal_size: Operand | None) -> list[Dim]:
    """The shape after `signal_size` has cut or filled the axes `along`. Raises InferenceError for axes of no points."""
    out = list(shape)
    if signal_size is not None:
        for axis, size in zip(along, known_dims(signal_size) or (unknown(),) * len(along), strict=True):
            out[axis] = _size(shape[axis], size)
    for axis in along:
        if bounds(out[axis])[1] < 1:
            raise InferenceError(f"axis {axis} has {out[axis]} points, a transform needs one")
    return out


def _size(old: Dim, given: Dim) -> Dim:
    """A dimension after it is cut or filled. A named size is taken to be positive."""
    if given == -1:
        return old
    if isinstance(given, int) and given < 1:
        raise InferenceError(f"`signal_size` has the entry {given}, expected -1 or a positive number")
    return unknown() if isinstance(given, Sym) and given.is_unknown and given.lo < 0 else given


class Fourier(Op):
    """What the transforms from complex to complex numbers share."""

    def infer(self, data: Operand, axes: Operand, signal_size: Operand | None = None) -> TensorType:
        shape = complex_shape(data)
        along = transformed(axes, signal_size, None if shape is None else len(shape))
        if shape is None:
            return TensorType(data.dtype, None)
        if along is not None:
            return TensorType(data.dtype, (*resized(shape, along, signal_size), PAIR))
        if signal_size is None:
            return TensorType(data.dtype, (*shape, PAIR))
        return TensorType(data.dtype, (*(unknown(),) * len(shape), PAIR))


@op(opset=7)
class DFT(Fourier):
    """The spectrum of complex numbers [..., 2] along `axes`."""

    def evaluate(self, data: Array, axes: Array, signal_size: Array | None = None) -> Array:
        return fourier.dft(data, axes, signal_size)


@op(opset=7)
class IDFT(Fourier):
    """The complex numbers [..., 2] of which DFT gives this spectrum: divided by the number of points."""

    def evaluate(self, data: Array, axes: Array, signal_size: Array | None = None) -> Array:
        return fourier.dft(data, axes, signal_size, inverse=True)


@op(opset=9)
class RDFT(Op):
    """The spectrum [..., 2] of real numbers along `axes`: n // 2 + 1 points of the last axis, which give the others."""

    def infer(self, data: Operand, axes: Operand, signal_size: Operand | None = None) -> TensorType:
        shape = floating(data, "data").shape
        along = transformed(axes, signal_size, data.rank)
        if shape is None:
            return TensorType(data.dtype, None)
        if along is None:
            return TensorType(data.dtype, (*(unknown(),) * len(shape), PAIR))
        out = resized(shape, along, signal_size)
        out[along[-1]] = out[along[-1]] // 2 + 1
        return TensorType(data.dtype, (*out, PAIR))

    def evaluate(self, data: Array, axes: Array, signal_size: Array | None = None) -> Array:
        return fourier.rdft(data, axes, signal_size)


@op(opset=9)
class IRDFT(Op):
    """The real numbers of which RDFT gives this half of a spectrum [..., 2]: 2 * (n - 1) points along the last axis,
    where `signal_size` does not say how many."""

    def infer(self, data: Operand, axes: Operand, signal_size: Operand | None = None) -> TensorType:
        shape = complex_shape(data)
        along = transformed(axes, signal_size, None if shape is None else len(shape))
        if shape is None or along is None:
            return TensorType(data.dtype, unknowns(None if shape is None else len(shape)))
        return TensorType(data.dtype, tuple(resized(_whole(shape, along[-1]), along, signal_size)))

    def evaluate(self, data: Array, axes: Array, signal_size: Array | None = None) -> Array:
        return fourier.irdft(data, axes, signal_size)


def _whole(shape: Sequence[Dim], axis: int) -> Shape:
    """The shape of the signal, from that of half its spectrum."""
    return (*shape[:axis], 2 * (shape[axis] - 1), *shape[axis + 1 :])
