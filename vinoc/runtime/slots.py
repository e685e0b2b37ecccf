"""What the inputs and outputs of a request stand at from one inference to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..ir.dtype import Array
from ..ir.errors import ArgumentTypeError, UsageError
from .arguments import KEEP, check_shape
from .ports import Port
from .tensor import Tensor, least_shape


class Inputs:
    """The values that a request reads: arrays, or tensors that programs set or asked for."""

    def __init__(self, ports: Sequence[Port]) -> None:
        self.ports = ports
        self._values: list[Any] = [KEEP] * len(ports)
        self._own: list[Any] = [None] * len(ports)
        self._tensors: list[Tensor | None] = [None] * len(ports)
        self._parts: dict[int, list[Tensor]] = {}
        self._lent: set[int] = set()
        """Inputs whose tensor lies on an array of the program, which copies of other inputs must not overwrite."""
        self.has_tensors = False

    def stands(self, index: int) -> bool:
        """Whether there is a value from before."""
        return self._values[index] is not KEEP or self._tensors[index] is not None

    def take(self, given: list[Any], share: bool, plain: bool) -> list[Any]:
        """The values to compute with. Those that are given stay: shared, or copied to memory of the request.

        `plain`: there is no tensor and no KEEP among them.
        """
        if self.has_tensors or not plain:
            return self._take_each(given, share)
        self._values = given if share else [self._copied(i, value) for i, value in enumerate(given)]
        return self._values

    def _take_each(self, given: list[Any], share: bool) -> list[Any]:
        values = list(self._values)
        for i, value in enumerate(given):
            tensor = self._tensors[i]
            if isinstance(value, Tensor):
                self._tensors[i] = tensor = value
                self.has_tensors = True
            elif value is KEEP:
                if i in self._parts and tensor is not None:
                    tensor.set_elements(_joined(self._parts[i]))
            elif share or tensor is None or i in self._lent:
                self._tensors[i] = tensor = None
                values[i] = value if share else self._copied(i, value)
            else:
                tensor.set_elements(value)
            if value is not KEEP:
                self._parts.pop(i, None)
                self._lent.discard(i)
            if tensor is not None:
                check_shape(tensor.elements(), self.ports[i])
                values[i] = tensor.elements()
        self._values = values
        return values

    def _copied(self, index: int, value: Any) -> Any:
        """A copy in memory that is used again as long as the shape stays."""
        own = self._own[index]
        if type(value) is np.ndarray and type(own) is np.ndarray and own.shape == value.shape:
            own[...] = value
            return own
        self._own[index] = own = _copy(value)
        return own

    def tensor(self, index: int) -> Tensor:
        """A tensor whose memory the request reads. Raises VinocError for an input that is no tensor."""
        tensor = self._tensors[index]
        if tensor is None:
            self._tensors[index] = tensor = self._tensor_of(index)
            self.has_tensors = True
        return tensor

    def _tensor_of(self, index: int) -> Tensor:
        """The value that stands as a tensor, on its own memory where that can be written to."""
        port, value = self.ports[index], self._values[index]
        dtype = port.tensor_type.dtype
        plain = isinstance(value, np.ndarray) and value.dtype == dtype.numpy and not dtype.packed and dtype.kind != "s"
        if plain and value.flags.carray:
            if value is self._own[index]:
                return Tensor.owning(value)
            self._lent.add(index)
            return Tensor(value, True)
        tensor = Tensor(port.element_type, least_shape(port))
        if value is not KEEP and value is not None:
            tensor.set_elements(value)
        return tensor

    def set(self, index: int, tensor: Tensor) -> None:
        """The request reads the memory of a tensor from now on. Raises UsageError where it does not fit."""
        port = self.ports[index]
        check_tensor(tensor, port)
        check_shape(tensor.elements(), port)
        self._parts.pop(index, None)
        self._lent.discard(index)
        self._tensors[index] = tensor
        self.has_tensors = True

    def set_parts(self, index: int, tensors: list[Tensor]) -> None:
        """The request reads several tensors, one behind the other. Raises UsageError where they do not fit."""
        port = self.ports[index]
        for tensor in tensors:
            check_tensor(tensor, port)
        if len({t.shape[1:].to_string() if t.shape else "" for t in tensors}) != 1:
            raise UsageError(f"{len(tensors)} tensors cannot be joined: {tensors}", port.where)
        if len(tensors) == 1:
            self.set(index, tensors[0])
            return
        whole = Tensor(port.element_type, (0,))
        whole.set_elements(_joined(tensors))
        self.set(index, whole)
        self._parts[index] = tensors


class Outputs:
    """Tensors that receive results, where programs set them or asked for them."""

    def __init__(self, ports: Sequence[Port]) -> None:
        self.ports = ports
        self._tensors: list[Tensor | None] = [None] * len(ports)
        self.wanted = False

    def tensor(self, index: int, result: Any = None) -> Tensor:
        """A tensor that receives this result and those to come. Raises VinocError for an output that is no tensor."""
        tensor = self._tensors[index]
        if tensor is None:
            port = self.ports[index]
            tensor = Tensor(port.element_type, least_shape(port))
            if result is not None:
                tensor.set_elements(result)
            self._tensors[index] = tensor
            self.wanted = True
        return tensor

    def set(self, index: int, tensor: Tensor) -> None:
        """Results go to the memory of a tensor from now on. Raises UsageError where it does not fit."""
        port = self.ports[index]
        check_tensor(tensor, port)
        if port.partial_shape.is_static and tensor.shape != port.shape:
            raise UsageError(f"expected a tensor of {port.type}, got {tensor!r}", port.where)
        self._tensors[index] = tensor
        self.wanted = True

    def receive(self, results: Sequence[Any]) -> None:
        """Hands results to the tensors."""
        for tensor, result in zip(self._tensors, results):
            if tensor is not None:
                tensor.set_elements(result)

    def shared(self, results: list[Any]) -> list[Any]:
        """The results as the memory of tensors."""
        views = []
        for i, result in enumerate(results):
            plain = isinstance(result, np.ndarray) and not self.ports[i].tensor_type.dtype.packed
            views.append(self.tensor(i, result).elements() if plain else result)
        return views


def check_tensor(tensor: Any, port: Port) -> None:
    """Raises TypeError for what is no tensor, UsageError for one of another element type."""
    if not isinstance(tensor, Tensor):
        raise ArgumentTypeError(f"expected a Tensor, got {type(tensor).__name__}", port.where, "Tensor(array)")
    if tensor.element_type != port.element_type:
        raise UsageError(f"expected a tensor of {port.type}, got {tensor!r}", port.where)


def _joined(tensors: Sequence[Tensor]) -> Array:
    """Tensors one behind the other, along the first dimension."""
    return np.concatenate([t.elements() for t in tensors])


def _copy(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_copy(v) for v in value]
    return value.copy() if isinstance(value, np.ndarray) else value
