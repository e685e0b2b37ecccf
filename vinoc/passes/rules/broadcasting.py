"""Which constants leave the shape of the other operand as it is."""

from __future__ import annotations

from ...ir.dtype import Array
from ...ir.types import Shape


def keeps_shape(shape: Shape | None, constant: Array | None) -> bool:
    """Whether an elementwise operation of a value with a constant surely has the shape of the value.

    A dimension of the constant must be 1, or the known length of the value there.
    """
    if shape is None or constant is None or constant.ndim > len(shape):
        return False
    return all(n in (1, d) for n, d in zip(reversed(constant.shape), reversed(shape), strict=False))
