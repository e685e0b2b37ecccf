"""The configuration keys of devices and what may stand behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..ir.errors import ArgumentTypeError, UsageError, did_you_mean, nearest
from ..ir.record import record
from .element import Type
from .words import ExecutionMode, Level, PerformanceMode, Priority, SchedulePolicy, SchedulingCoreType, Word


@record(frozen=True)
class Property:
    """A key with its default and what it takes.

    kind    bool, int, str or dict; an enumeration; Type (an element type); "streams" (a number, AUTO or NUMA)
    values  of an element type: those that may be asked for
    about   what it does, for the documentation
    """

    default: Any
    kind: Any = str
    values: tuple[str, ...] = ()
    about: str = ""


_NOTHING = "accepted for programs that set it; it changes nothing"

CPU: dict[str, Property] = {
    "CACHE_DIR": Property("", about="a folder in which compiled model files are kept"),
    "DEVICE_ID": Property("", about=_NOTHING),
    "ENABLE_CPU_PINNING": Property(True, bool, about=_NOTHING),
    "ENABLE_HYPER_THREADING": Property(True, bool, about=_NOTHING),
    "EXECUTION_MODE_HINT": Property(
        ExecutionMode.PERFORMANCE, ExecutionMode, about="ACCURACY: nothing is rounded more than in a plain sum of f32"
    ),
    "INFERENCE_NUM_THREADS": Property(0, int, about="threads of all streams together; 0: as many as there are cores"),
    "INFERENCE_PRECISION_HINT": Property(
        Type("f32"),
        Type,
        ("f32", "f16", "bf16", "dynamic"),
        "f16, bf16: large weights are kept in half precision; f32, where it is asked for: all bits of weights are kept",
    ),
    "LP_TRANSFORMS_MODE": Property(
        True, bool, about="NO: quantized models are computed in floats, to tell what integers change"
    ),
    "LOG_LEVEL": Property(Level.NO, Level, about=f"{_NOTHING}: what is logged goes to Python's logger `vinoc`"),
    "MODEL_PRIORITY": Property(Priority.MEDIUM, Priority, about=_NOTHING),
    "NUM_STREAMS": Property("AUTO", "streams", about="inferences at a time; AUTO: what PERFORMANCE_HINT asks for"),
    "PERFORMANCE_HINT": Property(
        PerformanceMode.LATENCY,
        PerformanceMode,
        about="LATENCY: one inference on all threads; THROUGHPUT, CUMULATIVE_THROUGHPUT: one inference a thread",
    ),
    "PERFORMANCE_HINT_NUM_REQUESTS": Property(0, int, about="with THROUGHPUT: no more streams than that"),
    "PERF_COUNT": Property(False, bool, about="every step is timed: `get_profiling_info`, `get_runtime_model`"),
    "SCHEDULING_CORE_TYPE": Property(SchedulingCoreType.ANY_CORE, SchedulingCoreType, about=_NOTHING),
}
"""What the CPU takes. TEMPLATE takes the same, so that programs run on it unchanged, and computes in NumPy whatever
they say."""

SEVERAL: dict[str, Property] = {
    "MULTI_DEVICE_PRIORITIES": Property("", about="the devices, as behind the colon of the name"),
    "DEVICE_PROPERTIES": Property({}, dict, about="properties for one of the devices: `{'CPU': {...}}`"),
}
"""What every device takes that hands models on to others; the other keys are for these."""

_FALLBACK = Property(True, bool, about="a device that fails while it runs is left for the next")
_POLICY = Property(
    SchedulePolicy.DEVICE_PRIORITY, SchedulePolicy, about="the first device that is free, or each in turn (ROUND_ROBIN)"
)

AUTO: dict[str, Property] = {
    **SEVERAL,
    **{k: CPU[k] for k in ("PERFORMANCE_HINT", "EXECUTION_MODE_HINT", "PERF_COUNT", "MODEL_PRIORITY", "LOG_LEVEL")},
    "PERFORMANCE_HINT_NUM_REQUESTS": CPU["PERFORMANCE_HINT_NUM_REQUESTS"],
    "ENABLE_RUNTIME_FALLBACK": _FALLBACK,
    "ENABLE_STARTUP_FALLBACK": Property(True, bool, about="begin on the CPU while a better device compiles"),
    "SCHEDULE_POLICY": _POLICY,
}

MULTI: dict[str, Property] = {
    **SEVERAL,
    "PERFORMANCE_HINT": Property(PerformanceMode.THROUGHPUT, PerformanceMode, about=CPU["PERFORMANCE_HINT"].about),
    "ENABLE_RUNTIME_FALLBACK": _FALLBACK,
    "SCHEDULE_POLICY": _POLICY,
}

BATCH: dict[str, Property] = {
    **SEVERAL,
    "AUTO_BATCH_TIMEOUT": Property(1000, int, about="milliseconds that a request waits for others at most"),
}

CORE: dict[str, Property] = {"CACHE_DIR": CPU["CACHE_DIR"], "ENABLE_MMAP": Property(True, bool, about=_NOTHING)}
"""What belongs to no device."""

PROPERTIES: dict[str, Property] = CPU

MOST = 4096
"""Streams or threads: each takes memory, and no machine has more processors."""

_BOOLEANS = {"YES": True, "NO": False, "TRUE": True, "FALSE": False}
_LEVELS = {"LOG_NONE": "NO", "LOG_ERROR": "ERR"}


def checked(config: Mapping[str, Any] | None, known: Mapping[str, Property] = PROPERTIES) -> dict[str, Any]:
    """The configuration with its values brought to their types.

    Raises UsageError for unknown keys, with the nearest, and for values that make no sense.
    """
    if config is not None and not isinstance(config, Mapping):
        raise ArgumentTypeError(f"`config` is a {type(config).__name__}", help='give a dict: {"NUM_STREAMS": 2}')
    out: dict[str, Any] = {}
    for key, value in (config or {}).items():
        out[str(key)] = value_of(key, value, find(key, known))
    return out


def keeps_bits(settings: Mapping[str, Any]) -> bool:
    """Whether weights must keep all of their bits: for the sake of accuracy, or because f32 was asked for.

    What was asked for is another object than the default, which equals it.
    """
    default = CPU["INFERENCE_PRECISION_HINT"].default
    precision = settings.get("INFERENCE_PRECISION_HINT", default)
    asked = precision == default and precision is not default
    return asked or settings.get("EXECUTION_MODE_HINT") == ExecutionMode.ACCURACY


def find(key: str, known: Mapping[str, Property] = PROPERTIES) -> Property:
    """The property of that name. Raises UsageError with the nearest name."""
    if not isinstance(key, str) or key not in known:
        raise unknown(key, known)
    return known[key]


def unknown(key: Any, known: Mapping[str, Any]) -> UsageError:
    """The error about a key that is not there."""
    return UsageError(f"no configuration key '{key}'", help=nearest(str(key).upper(), known))


def pairs(given: Any, value: Any = None) -> list[tuple[str, Any]]:
    """Keys and values of a dict, of a pair, of several pairs, or of a key with its value."""
    if isinstance(given, Mapping):
        return list(given.items())
    if isinstance(given, str):
        return [(given, value)]
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], str):
        return [given]
    if isinstance(given, list | tuple) and all(isinstance(p, tuple) and len(p) == 2 for p in given):
        return list(given)
    raise UsageError(f"{given!r} is no property", help="give a dict of names and values, or a pair")


def shown(key: str, value: Any) -> Any:
    """A setting as programs read it: the number of streams is a number."""
    if key == "NUM_STREAMS" and isinstance(value, str):
        return 1
    return dict(value) if isinstance(value, dict) else value


def value_of(key: str, value: Any, p: Property) -> Any:
    """A value of the property's type. Raises UsageError for one that makes no sense."""
    if isinstance(p.kind, type) and issubclass(p.kind, Word):
        return _word(key, value, p.kind)
    return _KINDS[p.kind](key, value, p)


def _word(key: str, value: Any, words: type[Word]) -> Word:
    """The word that a member, of this enumeration or of another library's, or a text names."""
    text = str(value).rpartition(".")[2]
    text = _LEVELS.get(text.upper(), text.removeprefix("LOG_")) if words is Level else text
    found = words.__members__.get(text.upper())
    if found is None:
        expected = list(words.__members__)
        raise _refused(key, value, ", ".join(expected), did_you_mean(text.upper(), expected))
    return found


def _element(key: str, value: Any, p: Property) -> Type:
    name = getattr(value, "get_type_name", None)
    text = str(name() if name else value).rpartition(".")[2]
    text = "dynamic" if text == "undefined" else text
    found = next((v for v in p.values if v.lower() == text.lower()), None)
    if found is None:
        raise _refused(key, value, ", ".join(p.values), did_you_mean(text, p.values))
    return Type(found)


def _bool(key: str, value: Any, _: Property) -> bool:
    if isinstance(value, str) and value.upper() in _BOOLEANS:
        return _BOOLEANS[value.upper()]
    if not isinstance(value, bool):
        raise _refused(key, value, "True or False")
    return value


def _streams(key: str, value: Any, p: Property) -> Any:
    text = str(value).upper()
    if text in ("AUTO", "-1", "NUM.AUTO"):
        return "AUTO"
    if text in ("NUMA", "-2", "NUM.NUMA"):
        return "NUMA"
    return _count(key, value, p)


def _count(key: str, value: Any, _: Property) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise _refused(key, value, "a number") from None
    if isinstance(value, bool | float) or number < 0:
        raise _refused(key, value, "a number from 0 on")
    if key in ("NUM_STREAMS", "INFERENCE_NUM_THREADS") and number > MOST:
        raise _refused(key, value, f"a number up to {MOST}")
    return number


def _dict(key: str, value: Any, _: Property) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(v, Mapping) for v in value.values()):
        raise _refused(key, value, "a dict of properties for each device")
    return {str(name).upper(): dict(given) for name, given in value.items()}


def _text(key: str, value: Any, _: Property) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


_KINDS: dict[Any, Callable[[str, Any, Property], Any]] = {
    bool: _bool,
    int: _count,
    str: _text,
    dict: _dict,
    Type: _element,
    "streams": _streams,
}


def _refused(key: str, value: Any, expected: str, hint: str = "") -> UsageError:
    return UsageError(f"{key} is {value!r}, expected {expected}", help=hint or None)
