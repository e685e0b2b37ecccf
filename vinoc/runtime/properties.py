"""The configuration keys of devices and what may stand behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..ir.errors import UsageError, did_you_mean


@dataclass(frozen=True, slots=True)
class Property:
    """A key with its default and its values: a list of words, or a kind (int, bool, str, number_or_auto)."""

    default: Any
    values: tuple[str, ...] = ()
    kind: str = "str"


PROPERTIES: dict[str, Property] = {
    "CACHE_DIR": Property(""),
    "ENABLE_CPU_PINNING": Property(True, kind="bool"),
    "ENABLE_HYPER_THREADING": Property(True, kind="bool"),
    "EXECUTION_MODE_HINT": Property("PERFORMANCE", ("PERFORMANCE", "ACCURACY")),
    "INFERENCE_NUM_THREADS": Property(0, kind="int"),
    "INFERENCE_PRECISION_HINT": Property("f32", ("f32", "f16", "bf16", "dynamic")),
    "LOG_LEVEL": Property("LOG_NONE"),
    "MODEL_PRIORITY": Property("MEDIUM", ("LOW", "MEDIUM", "HIGH")),
    "NUM_STREAMS": Property("AUTO", kind="number_or_auto"),
    "PERFORMANCE_HINT": Property("LATENCY", ("LATENCY", "THROUGHPUT", "CUMULATIVE_THROUGHPUT", "UNDEFINED")),
    "PERFORMANCE_HINT_NUM_REQUESTS": Property(0, kind="int"),
    "PERF_COUNT": Property(False, kind="bool"),
    "SCHEDULING_CORE_TYPE": Property("ANY_CORE", ("ANY_CORE", "PCORE_ONLY", "ECORE_ONLY")),
}
"""What a program may set. The reference backend computes in NumPy whatever they say."""

_BOOLEANS = {"YES": True, "NO": False, "TRUE": True, "FALSE": False}


def checked(config: Mapping[str, Any] | None, known: Mapping[str, Property] = PROPERTIES) -> dict[str, Any]:
    """The configuration with its values brought to their types.

    Raises UsageError for unknown keys, with the nearest, and for values that make no sense.
    """
    out: dict[str, Any] = {}
    for key, value in (config or {}).items():
        out[key] = _value(key, value, find(key, known))
    return out


def find(key: str, known: Mapping[str, Property] = PROPERTIES) -> Property:
    """The property of that name. Raises UsageError with the nearest name."""
    if not isinstance(key, str) or key not in known:
        hint = did_you_mean(str(key).upper(), known)
        raise UsageError(f"no configuration key '{key}'", help=f"{hint} known: {', '.join(known)}".strip())
    return known[key]


def _value(key: str, value: Any, p: Property) -> Any:
    if p.values:
        text = _word(value)
        found = next((v for v in p.values if v.lower() == text.lower()), None)
        if found is None:
            raise _refused(key, value, ", ".join(p.values), did_you_mean(text.upper(), p.values))
        return found
    if p.kind == "bool":
        if isinstance(value, str) and value.upper() in _BOOLEANS:
            return _BOOLEANS[value.upper()]
        if not isinstance(value, bool):
            raise _refused(key, value, "True or False")
        return value
    if p.kind == "number_or_auto" and str(value).upper() == "AUTO":
        return "AUTO"
    if p.kind in ("int", "number_or_auto"):
        return _count(key, value)
    return str(value)


def _word(value: Any) -> str:
    """What a value is called: an element type by its name, a member of an enumeration by its own."""
    name = getattr(value, "get_type_name", None)
    text = str(name() if name else value).rpartition(".")[2]
    return "dynamic" if text == "undefined" else text


def _count(key: str, value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise _refused(key, value, "a number") from None
    if isinstance(value, bool | float) or number < 0:
        raise _refused(key, value, "a number from 0 on")
    return number


def _refused(key: str, value: Any, expected: str, hint: str = "") -> UsageError:
    return UsageError(f"{key} is {value!r}, expected {expected}", help=hint or None)
