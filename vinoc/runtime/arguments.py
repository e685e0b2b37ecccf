"""What programs pass to a model, as arrays of the types that it declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..ir.dim import Dim, Sym, bounds
from ..ir.dtype import Array, DType, from_numpy
from ..ir.errors import UsageError, VinocError
from ..ir.types import OptionalType, SequenceType, Shape, TensorType, Type
from .ports import Port, find_port
from .results import Results
from .tensor import Tensor


class Keep:
    """Says that an input stays as it was."""


KEEP = Keep()
Stands = Callable[[int], bool]
"""Whether the input of that index has a value from before."""


def _nothing_stands(index: int) -> bool:
    return False


class Binder:
    """`bind` for the same ports again and again: what is given as it was the last time is taken at once."""

    def __init__(self, ports: Sequence[Port], stands: Stands = _nothing_stands) -> None:
        self.ports = ports
        self.stands = stands
        self._index = {name: p.index for p in ports for name in p.names}
        self._seen: list[tuple[Any, Any]] = [(None, None)] * len(ports)

    def __call__(self, inputs: Any) -> tuple[list[Any], bool]:
        """A value for each port, and whether there is no Tensor and no KEEP among them. Raises as `bind` does."""
        kind = type(inputs)
        if kind is dict:
            values = self._by_name(inputs)
        else:
            values = list(inputs) if kind is list or kind is tuple else [inputs]
        if values and len(values) == len(self._seen) and self._are_as_before(values):
            return values, True
        bound = bind(inputs, self.ports, self.stands)
        plain = True
        for i, (value, port) in enumerate(zip(bound, self.ports, strict=True)):
            if _fits(value, port.type):
                self._seen[i] = value.dtype, value.shape
            elif isinstance(value, Keep | Tensor):
                plain = False
        return bound, plain

    def _by_name(self, inputs: dict[Any, Any]) -> list[Any]:
        """The values in order; nothing where a key is no name, or one of an input that has its value."""
        values: list[Any] = [None] * len(self._seen)
        for key, value in inputs.items():
            index = self._index.get(key, -1) if type(key) is str else -1
            if index < 0 or values[index] is not None:
                return []
            values[index] = value
        return values

    def _are_as_before(self, values: list[Any]) -> bool:
        for value, (dtype, shape) in zip(values, self._seen):
            if type(value) is not np.ndarray or value.dtype is not dtype or value.shape != shape:
                return False
        return True


def bind(inputs: Any, ports: Sequence[Port], stands: Stands = _nothing_stands) -> list[Any]:
    """An array for each port, from a dict (by name, index or port), a sequence, or one array for the only input.

    Tensors stay what they are; KEEP is there for an input that is not given but has a value from before.
    Raises UsageError for unknown, repeated and missing inputs, and for values that do not fit.
    """
    given = _by_port(inputs, ports)
    kept = [p.index for p in ports if p.index not in given and stands(p.index)]
    given.update(dict.fromkeys(kept, KEEP))
    missing = [p for p in ports if p.index not in given and not isinstance(p.type, OptionalType)]
    if missing:
        raise UsageError(
            f"{', '.join(p.where for p in missing)} {'is' if len(missing) == 1 else 'are'} not given",
            help="the model needs: " + ", ".join(f"{p.where} {p.type}" for p in ports),
        )
    values = [(given.get(p.index), p) for p in ports]
    return [v if _fits(v, p.type) else fit(v, p.type, p.where) for v, p in values]


def _fits(value: Any, type: Type) -> bool:
    """Whether a value is an array of just the type: the usual case, told at once."""
    return (
        value.__class__ is np.ndarray
        and isinstance(type, TensorType)
        and value.dtype == type.dtype.numpy
        and type.dtype.kind != "s"
        and (value.shape == type.shape or _within(value.shape, type.shape))
    )


def _within(sizes: tuple[int, ...], shape: Shape | None) -> bool:
    """Whether sizes are those of a shape that may be open."""
    if shape is None:
        return True
    return len(sizes) == len(shape) and all(n == d or _in_bounds(n, d) for n, d in zip(sizes, shape))


def _in_bounds(size: int, dim: Dim) -> bool:
    lo, hi = bounds(dim)
    return lo <= size <= hi


def _by_port(inputs: Any, ports: Sequence[Port]) -> dict[int, Any]:
    if inputs is None:
        return {}
    if isinstance(inputs, Results):  # of another model: in their order
        inputs = inputs.to_tuple()
    if isinstance(inputs, Mapping):
        out: dict[int, Any] = {}
        for key, value in inputs.items():
            port = find_port(ports, key, "input")
            if port.index in out:
                raise UsageError(f"{port.where} is given twice", help="by two of its names, or by name and index")
            out[port.index] = value
        return out
    if isinstance(inputs, list | tuple):
        if len(ports) == 1 and _is_one_value(inputs, ports[0].type):
            return {0: inputs}
        if len(inputs) != len(ports):
            hint = "for a model with one input, pass [array], or a NumPy array" if len(ports) == 1 else None
            raise UsageError(f"{len(inputs)} inputs are given, the model has {len(ports)}", help=hint)
        return dict(enumerate(inputs))
    if len(ports) != 1:
        raise UsageError(f"one array is given, the model has {len(ports)} inputs", help="pass a dict or a list")
    return {0: inputs}


def _is_one_value(inputs: Sequence[Any], type: Type) -> bool:
    """Whether a list holds numbers or texts, so that it is a value itself and not a list of them."""
    if isinstance(type, TensorType) and type.shape == () and len(inputs) == 1:  # a list with a number for an input
        return False
    return bool(inputs) and all(isinstance(v, str | bytes | int | float | np.number) for v in inputs)


def fit(value: Any, type: Type, where: str) -> Any:
    """A value as a type wants it. Raises UsageError that says what was expected and what was given."""
    if value is KEEP:
        return value
    if isinstance(type, OptionalType):
        return None if value is None else fit(value, type.element, where)
    if isinstance(type, SequenceType):
        if not isinstance(value, list | tuple):
            raise UsageError(f"expected {type}, a list of values; got {_described(value)}", where)
        return [fit(v, type.element, f"{where}[{i}]") for i, v in enumerate(value)]
    if value is None:
        raise UsageError(f"expected {type}, got None", where)
    if isinstance(value, Tensor):
        if value.element_type != type.dtype:
            raise UsageError(f"expected {type}, got {value!r}", where, "convert it: tensors are taken as they are")
        _check_shape(value.elements(), type, where)
        return value
    array = _array(value, type, where)
    _check_shape(array, type, where)
    return array


def _array(value: Any, type: TensorType, where: str) -> Array:
    """An array of the declared element type; values of another one are converted where nothing is lost by kind."""
    wanted = type.dtype
    try:
        array = np.asarray(value)
        if wanted.kind == "s":
            return _strings(array, type, where)
        given = from_numpy(array.dtype)
    except (ValueError, TypeError, VinocError) as error:
        raise UsageError(f"expected {type}, got something that is no array of numbers: {error}", where) from None
    if array.dtype == wanted.numpy:
        return array
    if not array.size and isinstance(value, list | tuple):  # an empty list has no type of its own
        return array.astype(wanted.numpy)
    if not _convertible(array, given, wanted):
        raise UsageError(
            f"expected {type}, got {_described(array)}: converting {given.name} to {wanted.name} would change values",
            where,
            f"convert it yourself: array.astype('{wanted.numpy}')",
        )
    return array.astype(wanted.numpy)


def _convertible(array: Array, given: DType, wanted: DType) -> bool:
    """Booleans to numbers, integers to floats, floats to floats, whole numbers to integers that can hold them."""
    if given.kind == "b":
        return wanted.kind in "fiu"
    if wanted.is_integer and (given.is_integer or given.is_float):
        return not array.size or (_whole(array) and _held(array, wanted))
    if given.is_float or given.is_integer:
        return wanted.is_float or (wanted.kind == "c" and given.is_float)
    return given.kind == "c" and wanted.kind == "c"


def _whole(array: Array) -> bool:
    return array.dtype.kind in "iu" or bool((np.isfinite(array) & (array == np.trunc(array))).all())


def _held(array: Array, wanted: DType) -> bool:
    """Whether an integer type holds all of some whole numbers."""
    lo = -(1 << (wanted.bits - 1)) if wanted.kind == "i" else 0
    hi = (1 << (wanted.bits - (wanted.kind == "i"))) - 1
    return lo <= int(array.min()) and int(array.max()) <= hi


def _strings(array: Array, type: TensorType, where: str) -> Array:
    if array.dtype.kind not in "OSUT":
        raise UsageError(f"expected {type}, got {_described(array)}", where, "pass an array of str")
    return array.astype(object)


def check_shape(array: Array, port: Port) -> None:
    """Raises UsageError when an array does not have the shape that a port declares."""
    _check_shape(array, port.tensor_type, port.where)


def _check_shape(array: Array, type: TensorType, where: str) -> None:
    shape = type.shape
    if shape is None or array.shape == shape:
        return
    if len(array.shape) != len(shape):
        raise UsageError(
            f"expected {type} (rank {len(shape)}), got {_described(array)} (rank {array.ndim})",
            where,
            "add or drop dimensions of size 1 with reshape",
        )
    for axis, (d, size) in enumerate(zip(shape, array.shape)):
        if not _in_bounds(size, d):
            lo, hi = bounds(d)
            wanted = f"{d} ({lo:g} to {hi:g})" if isinstance(d, Sym) else str(d)
            raise UsageError(f"expected {type}, got {_described(array)}: dimension {axis} must be {wanted}", where)


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}[{','.join(map(str, value.shape))}]"
    return type(value).__name__
