"""The devices that are installed, and the settings that a program gave them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...ir.entries import entries, owner
from ...ir.errors import UsageError, VinocError, nearest
from ...ir.graph import Graph, Node
from ..properties import CORE, Property, checked, shown, unknown
from .base import GROUP, Device, Prepared
from .given import Given
from .names import split

_devices: dict[str, Device] = {}


def find(name: str) -> Device:
    """The device of that plain name. Raises UsageError with the nearest, VinocError when its package fails."""
    found = _devices.get(name)
    if found is None:
        known = entries(GROUP)
        if name not in known:
            raise UsageError(f"no device '{name}'", help=nearest(name, sorted(known)))
        try:
            found = _devices[name] = known[name].load()()
        except Exception as error:
            why = error.what if isinstance(error, VinocError) else f"{type(error).__name__}: {error}"
            raise VinocError(f"device {name} of {owner(known[name])} fails: {why}") from error
    return found


def names() -> list[str]:
    """All devices by name: those that compute, by rank, and then those that hand models on to them."""

    def order(name: str) -> tuple[bool, bool, int, str]:
        device = find(name)
        return is_virtual(device), device.rank is None, -(device.rank or 0), name

    return sorted(entries(GROUP), key=order)


def is_virtual(device: Device) -> bool:
    """Whether a device computes nothing itself."""
    return bool(getattr(device, "virtual", False))


class Settings:
    """What a `Core` was told about devices; it is the `Host` of those that hand models on."""

    def __init__(self) -> None:
        self._common: dict[str, Any] = {}
        self._own: dict[str, dict[str, Any]] = {}

    # The protocol Host

    def device(self, name: str) -> Device:
        return find(split(name).device)

    def ranked(self) -> list[str]:
        ranked = [(find(n).rank, n) for n in entries(GROUP)]
        return [n for rank, n in sorted(((-r, n) for r, n in ranked if r is not None))]

    def compile(self, model: Given, name: str, settings: Mapping[str, Any]) -> Prepared:
        return self.device(name).compile(model, self.known(name, settings), self)

    def load(self, data: Any, name: str, settings: Mapping[str, Any]) -> Prepared:
        return self.device(name).load(data, self.known(name, settings), self)

    def query(self, graph: Graph, name: str, settings: Mapping[str, Any]) -> dict[Node, str]:
        return self.device(name).query(graph, self.known(name, settings), self)

    # Settings

    def known(self, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """All settings of a device: defaults, what was set, what is given now; keys of other devices are left out."""
        named = split(name)
        device = find(named.device)
        keys = self.keys_of(device)
        found = {key: p.default for key, p in keys.items()}
        for layer in (self._common, self._own.get(named.device, {}), given):
            found.update((k, v) for k, v in layer.items() if k in keys)
        apart = given.get("DEVICE_PROPERTIES", {}).get(named.device)
        if apart and not is_virtual(device):
            found.update(checked(apart, device.properties))
        if named.rest:
            if not is_virtual(device):
                raise UsageError(f"device {named.device} takes nothing behind a colon, '{named.rest}' is given")
            found["MULTI_DEVICE_PRIORITIES"] = named.rest
        if named.id and named.id != "0":
            raise UsageError(f"no device '{named.device}.{named.id}'", help=f"there is one {named.device}")
        return found

    def checked(self, name: str, config: Mapping[str, Any] | None) -> dict[str, Any]:
        """A configuration for a device, brought to its types. Raises UsageError for keys that it does not know."""
        return checked(config, {**self.keys_of(self.device(name)), "DEVICE_PROPERTIES": _DEVICE_PROPERTIES})

    def keys_of(self, device: Device) -> dict[str, Property]:
        """The keys that may be given for a device; one that hands models on takes those of all others."""
        if not is_virtual(device):
            return dict(device.properties)
        return {**self.all_keys(), **device.properties}

    def all_keys(self) -> dict[str, Property]:
        return {key: p for n in reversed(names()) for key, p in find(n).properties.items()}

    def set(self, name: str | None, properties: Mapping[str, Any]) -> None:
        """Defaults for what is compiled later: of one device, or of all that know the keys."""
        if name is None:
            self._common.update(checked(properties, {**CORE, **self.all_keys()}))
        else:
            self._own.setdefault(split(name).device, {}).update(self.checked(name, properties))

    def get(self, name: str | None, key: str) -> Any:
        """A default of a device, or a fact about it. Raises UsageError for an unknown key."""
        if name is None:
            if key not in CORE:
                raise unknown(key, CORE)
            return self._common.get(key, CORE[key].default)
        device = self.device(name)
        settings = self.known(name, {})
        facts = self.facts(device, settings)
        if key == "SUPPORTED_PROPERTIES":
            writable = dict.fromkeys(device.properties, "RW")
            return {"SUPPORTED_PROPERTIES": "RO", **dict.fromkeys(facts, "RO"), **writable}
        if key in facts:
            return facts[key]
        if key not in settings:
            raise unknown(key, {**facts, **settings})
        return shown(key, settings[key])

    def facts(self, device: Device, settings: Mapping[str, Any]) -> dict[str, Any]:
        """What there is to know of every device, and of this one."""
        return {
            "AVAILABLE_DEVICES": [""],
            "FULL_DEVICE_NAME": device.full_name,
            "OPTIMIZATION_CAPABILITIES": self._optimizations(device),
            **device.facts(),
        }

    def _optimizations(self, device: Device) -> list[str]:
        """Of a device that hands models on: what any that AUTO may choose has."""
        if not is_virtual(device):
            return list(device.capabilities.optimizations)
        return sorted({o for n in self.ranked() for o in find(n).capabilities.optimizations})


_DEVICE_PROPERTIES = Property({}, dict)
