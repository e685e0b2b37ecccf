"""The nodes for which the ports of a compiled model stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .anyvalue import RTMap

if TYPE_CHECKING:
    from .element import Type
    from .ports import Port
    from .shapes import PartialShape
    from .vectors import Shape


class PortNode:
    """The Parameter or the Result of a port: its names, its type and its shape. It is no part of a graph."""

    __slots__ = ("_port",)

    def __init__(self, port: Port) -> None:
        self._port = port

    @property
    def friendly_name(self) -> str:
        port = self._port
        first = port._names[0] if port._names else f"{'input' if port.is_input else 'output'}_{port.index}"
        return first if self._port.is_input else f"{first}/sink_port_0"

    def get_friendly_name(self) -> str:
        return self.friendly_name

    @property
    def name(self) -> str:
        return self.friendly_name

    def get_name(self) -> str:
        return self.friendly_name

    def get_type_name(self) -> str:
        return "Parameter" if self._port.is_input else "Result"

    def get_element_type(self) -> Type:
        return self._port.element_type

    def get_partial_shape(self) -> PartialShape:
        return self._port.partial_shape

    def get_shape(self) -> Shape:
        return self._port.shape

    def output(self, output_index: int = 0) -> Port:
        return self._port

    @property
    def rt_info(self) -> RTMap:
        return RTMap()

    def get_rt_info(self) -> RTMap:
        return self.rt_info

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PortNode) and self._port == other._port

    def __hash__(self) -> int:
        return hash(self._port)

    def __repr__(self) -> str:
        type: Any = self._port.element_type.type_name
        return f"<{self.get_type_name()}: '{self.friendly_name}' ({self._port.partial_shape}, {type})>"
