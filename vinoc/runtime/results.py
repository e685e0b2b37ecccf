"""What an inference gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..ir.types import TensorType
from .arrays import as_bytes, as_text
from .ports import Port, find_port


class Results(Mapping[Any, Any]):
    """Output arrays, found by name, by index or by port; the keys are the ports. Cannot be changed."""

    __slots__ = ("__weakref__", "_ports", "_values")

    def __init__(self, ports: Sequence[Port], values: list[Any]) -> None:
        self._ports = ports
        self._values = values

    def __getitem__(self, key: Any) -> Any:
        return self._values[find_port(self._ports, key, "output").index]

    def __iter__(self) -> Iterator[Port]:
        return iter(self._ports)

    def __len__(self) -> int:
        return len(self._ports)

    def names(self) -> tuple[set[str], ...]:
        """The names of every output."""
        return tuple(p.get_names() for p in self._ports)

    def to_dict(self) -> dict[Port, Any]:
        """A plain dict from ports to arrays."""
        return dict(zip(self._ports, self._values, strict=True))

    def to_tuple(self) -> tuple[Any, ...]:
        """The arrays in order."""
        return tuple(self._values)

    def __repr__(self) -> str:
        return repr(self.to_dict())


class TextForms:
    """Strings in results as NumPy has them: of kind U, or of kind S."""

    def __init__(self, ports: Sequence[Port]) -> None:
        self._which = [p.index for p in ports if _is_text(p)]

    def __bool__(self) -> bool:
        return bool(self._which)

    def given(self, values: list[Any], decode: bool) -> list[Any]:
        """The values with strings in the form that is asked for."""
        form = as_text if decode else as_bytes
        return [form(v) if i in self._which else v for i, v in enumerate(values)]


def _is_text(port: Port) -> bool:
    return isinstance(port.type, TensorType) and port.type.dtype.kind == "s"
