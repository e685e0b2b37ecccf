"""Reading ranges: what an entry may say. All faults are found before one is reported."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from ...ir.dtype import Array
from ...ir.errors import UsageError, did_you_mean
from .ranges import Ignored, Problem, Range, Ranges, RangesError, Setting

KEYS = ("version", "defaults", "values", "weights", "ignored", "weights_only")
KINDS = ("activations", "weights")
VERSION = 1
WEIGHT_BITS = (4, 8)
ACTIVATION_BITS = range(2, 9)


def parsed(text: str, source: str) -> Any:
    """The content of a JSON file in which no key stands twice."""
    doubled: list[Problem] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key, value in pairs:
            if key in out:
                doubled.append(Problem(f"'{key}'", "stands twice in the same block"))
            out[key] = value
        return out

    try:
        data = json.loads(text, object_pairs_hook=unique)
    except (json.JSONDecodeError, RecursionError) as error:
        at = f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "the file"
        what = error.msg if isinstance(error, json.JSONDecodeError) else "nests too deeply"
        raise RangesError([Problem(at, f"not JSON: {what}")], source) from None
    if doubled:
        raise RangesError(doubled, source)
    return data


def checked(data: Any, source: str) -> Ranges:
    """Ranges from their plain form. Raises RangesError with all faults."""
    reader = _Reader()
    found = reader.read(data, source)
    if reader.problems:
        raise RangesError(reader.problems, source)
    return found


class _Reader:
    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def fault(self, name: str, what: str, help: str = "") -> None:
        self.problems.append(Problem(name, what, help))

    def read(self, data: Any, source: str) -> Ranges:
        top = self.block(data, "the ranges", KEYS)
        if top.get("version", VERSION) != VERSION:
            self.fault("'version'", f"is {top['version']!r}, expected {VERSION}")
        defaults = self.block(top.get("defaults", {}), "'defaults'", KINDS)
        activations, weights = (
            self.setting(self.block(defaults.get(kind, {}), f"defaults of {kind}", _allowed(kind)), f"{kind}", kind)
            for kind in KINDS
        )
        return Ranges(
            self.entries(top.get("values", {}), "values", "activations"),
            self.entries(top.get("weights", {}), "weights", "weights"),
            activations,
            weights,
            self.ignored(top.get("ignored", {})),
            source,
            self.texts(top.get("weights_only", ()), "'weights_only'"),
        )

    def block(self, data: Any, what: str, known: tuple[str, ...] | None) -> Mapping[str, Any]:
        if not isinstance(data, Mapping):
            self.fault(what, f"is {_shown(data)}, expected names with their values: {{...}}")
            return {}
        for key in data:
            if known is not None and key not in known:
                hint = did_you_mean(str(key), known) or f"known: {', '.join(known)}"
                self.fault(what, f"there is no '{key}'", hint)
        return data

    def entries(self, data: Any, what: str, kind: str) -> dict[str, Range]:
        names = self.block(data, f"'{what}'", None)
        return {str(name): self.entry(f"'{name}'", entry, kind) for name, entry in names.items()}

    def entry(self, name: str, data: Any, kind: str) -> Range:
        entry = self.block(data, name, ("min", "max", "axis", *_allowed(kind)))
        if entry is not data:
            return Range()
        setting = self.setting(entry, name, kind)
        low, high = self.number(entry, name, "min"), self.number(entry, name, "max")
        axis = entry.get("axis", 1)
        if type(axis) is not int:
            self.fault(name, f"axis is {_shown(axis)}, expected an int")
            axis = 1
        if ("min" in entry) != ("max" in entry) or (kind == "activations" and "min" not in entry):
            missing = [k for k in ("min", "max") if k not in entry]
            self.fault(name, f"has no {' and no '.join(missing)}")
        if low is None or high is None:
            return Range(setting=setting)
        if low.shape != high.shape:
            self.fault(name, f"min has {_counted(low)}, max {_counted(high)}")
        elif (low > high).any():
            i = int(np.argmax(np.atleast_1d(low > high)))
            at = f" of channel {i}" if low.ndim else ""
            a, b = np.atleast_1d(low)[i], np.atleast_1d(high)[i]
            self.fault(name, f"min{at} is {a:g}, more than max, which is {b:g}")
        return Range(low, high, axis, setting)

    def number(self, entry: Mapping[str, Any], name: str, key: str) -> Array | None:
        """A number, or a list of them, all of which f32 holds; None after a fault or where there is none."""
        if key not in entry:
            return None
        value = entry[key]
        try:
            array = np.asarray(value)
            if array.dtype.kind not in "iuf" or array.ndim > 1 or not array.size:
                raise ValueError
            array = array.astype(np.float64)
        except (ValueError, OverflowError):
            self.fault(name, f"{key} is {_shown(value)}, expected a number, or one for each channel")
            return None
        with np.errstate(over="ignore"):
            bad = ~np.isfinite(array.astype(np.float32))
        if bad.any():
            i = int(np.argmax(np.atleast_1d(bad)))
            at = f" of channel {i}" if array.ndim else ""
            self.fault(name, f"{key}{at} is {np.atleast_1d(array)[i]:g}, expected a finite number")
            return None
        return array

    def setting(self, entry: Mapping[str, Any], name: str, kind: str) -> Setting:
        mode = self.choice(entry, name, "mode", ("symmetric", "asymmetric"))
        granularity = self.choice(entry, name, "granularity", ("channel", "tensor"))
        allowed = WEIGHT_BITS if kind == "weights" else ACTIVATION_BITS
        listed = " or ".join(map(str, allowed)) if kind == "weights" else f"{allowed[0]} to {allowed[-1]}"
        bits = self.integer(entry, name, "bits", lambda n: n in allowed, listed)
        most = 2 ** (bits or 8)
        levels = self.integer(entry, name, "levels", lambda n: 3 <= n <= most, f"3 to {most}")
        return Setting(mode, bits, levels, granularity)

    def choice(self, entry: Mapping[str, Any], name: str, key: str, known: tuple[str, ...]) -> Any:
        value = entry.get(key)
        if value is None or value in known:
            return value
        hint = did_you_mean(value, known) if isinstance(value, str) else ""
        self.fault(name, f"{key} is {_shown(value)}, expected {' or '.join(known)}", hint)
        return None

    def integer(
        self, entry: Mapping[str, Any], name: str, key: str, fits: Callable[[int], bool], listed: str
    ) -> int | None:
        value = entry.get(key)
        if value is None or (type(value) is int and fits(value)):
            return value
        self.fault(name, f"{key} is {_shown(value)}, expected {listed}")
        return None

    def ignored(self, data: Any) -> Ignored:
        keys = tuple(f.name for f in fields(Ignored))
        block = self.block(data, "'ignored'", keys)
        lists = {}
        for key in keys:
            lists[key] = self.texts(block.get(key, ()), "'ignored'", f"{key} ")
        try:
            return Ignored(**lists)
        except UsageError as error:
            self.fault("'ignored'", error.what)
            return Ignored()

    def texts(self, value: Any, where: str, what: str = "") -> tuple[str, ...]:
        """A list of texts; () after a fault."""
        if isinstance(value, list | tuple) and all(isinstance(v, str) for v in value):
            return tuple(value)
        self.fault(where, f"{what}is {_shown(value)}, expected a list of texts")
        return ()


def _allowed(kind: str) -> tuple[str, ...]:
    return ("mode", "bits", "levels", *(("granularity",) if kind == "weights" else ()))


def _counted(array: Array) -> str:
    return f"{array.size} numbers" if array.ndim else "one number"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
