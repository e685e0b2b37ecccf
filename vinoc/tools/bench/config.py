"""From options to the properties of devices, and JSON files of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...backends.files import write_text
from ...ir.errors import UsageError
from .log import Log
from .settings import HINTS, Settings, devices_in, per_device

Config = dict[str, dict[str, Any]]


def device_config(settings: Settings, log: Log) -> Config:
    """Properties by device: those of -load_config, overridden by options."""
    devices = devices_in(settings.device)
    config = read_config(settings.load_config) if settings.load_config else {}
    own = config.setdefault(devices[0], {})
    tuned = bool(settings.nstreams or settings.nthreads or settings.pin is not None)
    if settings.hint is not None:
        own.pop("PERFORMANCE_HINT", None)
        if HINTS[settings.hint]:
            own["PERFORMANCE_HINT"] = HINTS[settings.hint]
    elif "PERFORMANCE_HINT" not in own and not tuned:
        own["PERFORMANCE_HINT"] = "LATENCY" if settings.api == "sync" else "THROUGHPUT"
        log.warn(f"No performance hint was given: {own['PERFORMANCE_HINT']} is set for {devices[0]}")
    if settings.counts:
        own["PERF_COUNT"] = True
        if settings.perf_counts is None:
            log.warn(f"Performance counters of {devices[0]} are turned on, as the reports need them")
    if settings.nireq:
        own["PERFORMANCE_HINT_NUM_REQUESTS"] = settings.nireq
    streams = per_device("-nstreams", settings.nstreams, devices)
    precisions = per_device("-infer_precision", settings.infer_precision, devices)
    for device in devices[1:] or devices:
        if device in streams:
            config.setdefault(device, {})["NUM_STREAMS"] = streams[device]
        if device in precisions:
            config.setdefault(device, {})["INFERENCE_PRECISION_HINT"] = precisions[device]
    if settings.nthreads:
        own["INFERENCE_NUM_THREADS"] = settings.nthreads
    if settings.pin is not None:
        own["ENABLE_CPU_PINNING"] = settings.pin
    if settings.cache_dir:
        own["CACHE_DIR"] = settings.cache_dir
    return config


def compile_config(settings: Settings, config: Config) -> dict[str, Any]:
    """What a model is compiled with: the properties of the device, and with it those of the devices behind it."""
    first, *others = devices_in(settings.device)
    behind = {d: config[d] for d in others if config.get(d)}
    return config.get(first, {}) | ({"DEVICE_PROPERTIES": behind} if behind else {})


def read_config(path: Path) -> Config:
    """A JSON file: {"CPU": {"NUM_STREAMS": "3"}}. Raises UsageError."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot be read as JSON: {error}", f"-load_config {path}") from error
    if not isinstance(found, dict) or not all(isinstance(v, dict) for v in found.values()):
        raise UsageError("is no configuration", f"-load_config {path}", 'for example {"CPU": {"NUM_STREAMS": "2"}}')
    return {str(d): dict(v) for d, v in found.items()}


def write_config(path: Path, config: Config) -> None:
    """The same file, which -load_config reads; properties that are not set are left out."""
    shown = {d: {k: _shown(v) for k, v in values.items()} for d, values in config.items() if values}
    write_text(path, json.dumps(shown, indent=4) + "\n")


def _shown(value: Any) -> str:
    return ("YES" if value else "NO") if isinstance(value, bool) else str(value)
