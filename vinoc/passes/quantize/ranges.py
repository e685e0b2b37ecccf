"""Ranges of values, and how they are to be quantized: what a ranges file holds, and Python passes.

    {
      "defaults": {"activations": {"mode": "asymmetric"}, "weights": {"bits": 8}},
      "values": {"conv1": {"min": -1.5, "max": 2.25}, "relu2": {"min": [0, 0], "max": [1.5, 3.0], "axis": 1}},
      "weights": {"fc": {"bits": 4}},
      "ignored": {"names": ["head"], "patterns": ["^box_.*"], "types": ["Add"]},
      "weights_only": ["conv_1"]
    }

`values` are called by their names, or by those of the nodes that compute them; `weights` by the constant's name or by
that of a node that reads it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from ...ir.dtype import Array
from ...ir.errors import UsageError, VinocError

Mode = Literal["symmetric", "asymmetric"]
Granularity = Literal["channel", "tensor"]


@dataclass(frozen=True)
class Setting:
    """How something is quantized; None is what the defaults say. `levels` are at most 2 ** bits."""

    mode: Mode | None = None
    bits: int | None = None
    levels: int | None = None
    granularity: Granularity | None = None

    def over(self, other: Setting) -> Setting:
        """This setting, and what the other one says where this one says nothing. Levels go with their bits."""
        if self.bits is not None and self.levels is None:
            other = Setting(other.mode, self.bits, None, other.granularity)
        return Setting(*(a if a is not None else b for a, b in zip(self.parts(), other.parts(), strict=True)))

    def full(self, narrow: bool) -> Setting:
        """The levels that the bits have, where none are given; `narrow`: one less where they are symmetric."""
        if self.levels is not None or self.bits is None:
            return self
        return replace(self, levels=2**self.bits - (narrow and self.mode == "symmetric"))

    def parts(self) -> tuple[Any, ...]:
        return tuple(getattr(self, f.name) for f in fields(self))


ACTIVATIONS = Setting("asymmetric", 8)
WEIGHTS = Setting("symmetric", 8, granularity="channel")


@dataclass(frozen=True, eq=False)
class Range:
    """Smallest and largest value: scalars, or vectors over `axis`. None, for weights: as they are."""

    low: Array | None = None
    high: Array | None = None
    axis: int = 1
    setting: Setting = Setting()

    @property
    def channels(self) -> int | None:
        """How many channels have ranges of their own; None where one range is for all."""
        return None if self.low is None or self.low.ndim == 0 else int(self.low.size)

    def whole(self) -> Range:
        """One range for all channels, the widest."""
        if self.low is None or self.high is None:
            return self
        return replace(self, low=self.low.min(), high=self.high.max())


@dataclass(frozen=True)
class Ignored:
    """Nodes that stay float: by name, by a regular expression that their name begins with, by kind of operation."""

    names: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    types: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises UsageError."""
        for pattern in self.patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise UsageError(f"pattern '{pattern}' is no regular expression: {error}", "ignored") from error


@dataclass(frozen=True, eq=False)
class Ranges:
    """All that a ranges file says. `source` is what errors call it; products `weights_only` read floats."""

    values: Mapping[str, Range] = field(default_factory=dict)
    weights: Mapping[str, Range] = field(default_factory=dict)
    activations: Setting = Setting()
    weight_defaults: Setting = Setting()
    ignored: Ignored = Ignored()
    source: str = "ranges"
    weights_only: tuple[str, ...] = ()

    @staticmethod
    def of(data: Mapping[str, Any], source: str = "ranges") -> Ranges:
        """Ranges from what a ranges file holds; `min` and `max` may be arrays. Raises RangesError with all faults."""
        from .schema import checked

        return checked(data, source)

    @staticmethod
    def load(path: str | Path) -> Ranges:
        """Ranges from a JSON file. Raises RangesError with all faults, VinocError when it cannot be read."""
        from .schema import checked, parsed

        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
            raise VinocError(f"the ranges cannot be read: {reason}", str(path)) from None
        return checked(parsed(text, str(path)), str(path))

    def text(self) -> str:
        """The ranges as JSON, an entry a line."""
        blocks = {
            "defaults": _plain({"activations": _written(self.activations), "weights": _written(self.weight_defaults)}),
            "values": {name: _entry(r) for name, r in self.values.items()},
            "weights": {name: _entry(r) for name, r in self.weights.items()},
            "ignored": _plain({f.name: list(getattr(self.ignored, f.name)) for f in fields(self.ignored)}),
        }
        parts = []
        for key, block in blocks.items():
            if block:
                lines = ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in block.items())
                parts.append(f"  {json.dumps(key)}: {{\n{lines}\n  }}")
        if self.weights_only:
            parts.append(f'  "weights_only": {json.dumps(self.weights_only)}')
        return "{\n" + ",\n".join(parts) + "\n}\n"

    def __repr__(self) -> str:
        return f"<Ranges {self.source}: {len(self.values)} values>"


def _plain(block: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in block.items() if v}


def _written(setting: Setting) -> dict[str, Any]:
    return {f.name: getattr(setting, f.name) for f in fields(setting) if getattr(setting, f.name) is not None}


def _entry(r: Range) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if r.low is not None and r.high is not None:
        out = {"min": r.low.tolist(), "max": r.high.tolist()}
        if r.channels is not None and r.axis != 1:
            out["axis"] = r.axis
    return out | _written(r.setting)


@dataclass(frozen=True)
class Problem:
    """What is wrong with one entry, and what to do."""

    name: str
    what: str
    help: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.what}" + (f" ({self.help})" if self.help else "")


class RangesError(VinocError):
    """All that is wrong with ranges, in one message."""

    def __init__(self, problems: Iterable[Problem], source: str) -> None:
        self.problems = tuple(problems)
        n = len(self.problems)
        listed = "".join(f"\n  {p}" for p in self.problems)
        super().__init__(f"{n} problems{listed}" if n > 1 else str(self.problems[0]), source)
