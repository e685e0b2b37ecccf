"""Values of any type, as runtime information holds them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from ..ir.errors import UsageError


class OVAny:
    """A value of any type. Compares equal to what it holds; texts are read as what `astype` asks for."""

    __slots__ = ("value",)

    value: Any

    def __init__(self, value: Any) -> None:
        self.value = value.value if isinstance(value, OVAny) else value

    def get(self) -> Any:
        return self.value

    def set(self, value: Any) -> None:
        self.value = value

    def astype(self, dtype: type) -> Any:
        """The value as bool, int, float, str or dict. Raises UsageError for a text that is none."""
        if dtype is bool and isinstance(self.value, str):
            return self.value.strip().upper() in ("YES", "TRUE", "1")
        try:
            return dtype(self.value)
        except (TypeError, ValueError):
            raise UsageError(f"{self.value!r} cannot be read as {dtype.__name__}") from None

    def aslist(self, dtype: Any = None) -> list[Any]:
        """The value as a list; a text is a list of words, which need a type."""
        if not isinstance(self.value, str):
            return list(self.value)
        return [] if dtype is None else [OVAny(word).astype(dtype) for word in self.value.split()]

    def __getitem__(self, key: Any) -> Any:
        return self.value[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.value[key] = value

    def __len__(self) -> int:
        return len(self.value)

    def __eq__(self, other: object) -> bool:
        return bool(self.value == (other.value if isinstance(other, OVAny) else other))

    def __hash__(self) -> int:
        return hash(self.value)

    def __str__(self) -> str:
        return str(self.value)

    def __repr__(self) -> str:
        return f"<OVAny: {self.value!r}>"


class RTMap(MutableMapping[str, Any]):
    """Runtime information by name: plain values are set, `OVAny`s are read; what is nested is a map again."""

    __slots__ = ("_held",)

    def __init__(self, held: dict[str, Any] | None = None) -> None:
        """A view of a dictionary, or of an empty one."""
        self._held = {} if held is None else held

    def __getitem__(self, key: str) -> Any:
        value = self._held[key]
        return RTMap(value) if isinstance(value, dict) else OVAny(value)

    def __setitem__(self, key: str, value: Any) -> None:
        self._held[key] = plain(value)

    def __delitem__(self, key: str) -> None:
        del self._held[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def __repr__(self) -> str:
        return f"<RTMap: {self._held}>"


def plain(value: Any) -> Any:
    """A value without its wrapping."""
    if isinstance(value, OVAny):
        return value.value
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    return value


def look_up(info: Mapping[str, Any], path: Any) -> Any:
    """The value at a path: a name, or the names of nested maps. Raises UsageError where there is none."""
    found: Any = info
    names = [path] if isinstance(path, str) else list(path)
    for name in names:
        if not isinstance(found, Mapping) or name not in found:
            known = ", ".join(found) if isinstance(found, Mapping) else ""
            raise UsageError(
                f"there is no runtime information {' / '.join(names)}", help=f"there is: {known or 'none'}"
            )
        found = found[name]
    return found


def put(info: dict[str, Any], path: Any, value: Any) -> None:
    """Sets the value at a path; maps on the way are made."""
    *way, last = [path] if isinstance(path, str) else list(path)
    for name in way:
        below = info.get(name)
        if not isinstance(below, dict):
            below = info[name] = {}
        info = below
    info[last] = plain(value)
