"""What the options of the command line say about data, which needs the names of the model's inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...ir.errors import UsageError
from ..inputs.files import split
from ..inputs.fill import LOOK, Look
from ..inputs.normalize import normalization
from ..inputs.slots import Input, by_input, checked_name
from .data import Numbers, Preparation


@dataclass(frozen=True)
class Asked:
    """Options as `vinoc run` takes them; `files` are paths, or input:path."""

    files: tuple[str, ...] = ()
    look: Look = LOOK
    layout: str = ""
    normalize: str | None = None
    mean_values: str | None = None
    scale_values: str | None = None
    scale: float | None = None

    def preparation(self, inputs: Sequence[Input]) -> Preparation:
        """Mean and scale, by input. Raises UsageError where they are given twice."""
        names = [i.name for i in inputs]
        if self.normalize is not None:
            others = (self.mean_values, self.scale_values, self.scale)
            return Preparation(self.look, self.layout, *normalization(self.normalize, self.look.bgr, inputs, *others))
        if self.scale is not None and self.scale_values:
            raise UsageError("the scale is given twice", "--scale", "leave --scale_values out")
        scale = numbers("--scale_values", self.scale_values, names) if self.scale is None else (self.scale,)
        return Preparation(self.look, self.layout, numbers("--mean_values", self.mean_values, names), scale)

    def source(self, inputs: Sequence[Input]) -> Any:
        """What `open_data` takes: a path, or paths by input. Raises UsageError."""
        names = [i.name for i in inputs]
        found: dict[str, Path] = {}
        for word in self.files:
            for name, paths in split(word, names):
                key = checked_name("--data", name, names) if name is not None else ""
                if key in found or len(paths) != 1:
                    raise UsageError("several files or folders are given for an input", "--data", "give one folder")
                found[key] = Path(paths[0])
        if "" in found and len(found) > 1:
            raise UsageError("some data are given by input, others not", "--data", "write input:path for all")
        return found.get("", found)


def numbers(option: str, text: str | None, names: Sequence[str]) -> Numbers:
    """`[1,2,3]`, `1,2,3`, or `a[1,2,3],b[4]`. Raises UsageError."""
    if not text:
        return ()
    if "[" not in text:
        text = f"[{text}]"
    lists = by_input(option, text, names)
    for name, several in lists.items():
        if len(several) > 1:
            raise UsageError(f"{len(several)} lists of numbers are given for input '{name}'", option, "give one")
    found = {n: _floats(option, v[0]) for n, v in lists.items()}
    return next(iter(found.values())) if text.lstrip().startswith("[") and text.count("[") == 1 else found


def _floats(option: str, text: str) -> tuple[float, ...]:
    try:
        return tuple(float(t) for t in text.split(","))
    except ValueError:
        raise UsageError(f"[{text}] is no list of numbers", option) from None
