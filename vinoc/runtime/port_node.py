"""The nodes for which the ports of a compiled model stand."""

from __future__ import annotations

from typing import Any

from ..ir.types import TensorType
from .anyvalue import RTMap
from .both import Both
from .ports import Port, Typed


class PortNode(Typed):
    """The Parameter or the Result of a port: its names, its type and its shape. It is no part of a graph."""

    __slots__ = ("_port",)

    def __init__(self, port: Port) -> None:
        self._port = port

    def get_friendly_name(self) -> str:
        port = self._port
        first = port._names[0] if port._names else f"{'input' if port.is_input else 'output'}_{port.index}"
        return first if self._port.is_input else f"{first}/sink_port_0"

    get_name = get_friendly_name
    friendly_name, name = Both(get_friendly_name), Both(get_name)

    def get_type_name(self) -> str:
        return "Parameter" if self._port.is_input else "Result"

    @property
    def tensor_type(self) -> TensorType:
        return self._port.tensor_type

    def output(self, output_index: int = 0) -> Port:
        return self._port

    def get_rt_info(self) -> RTMap:
        return RTMap()

    rt_info = Both(get_rt_info)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PortNode) and self._port == other._port

    def __hash__(self) -> int:
        return hash(self._port)

    def __repr__(self) -> str:
        type: Any = self._port.element_type.type_name
        return f"<{self.get_type_name()}: '{self.friendly_name}' ({self._port.partial_shape}, {type})>"
