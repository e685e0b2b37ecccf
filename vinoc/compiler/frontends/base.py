"""What a frontend is, and how one is found.

A frontend is an object with a name, the file extensions that it claims, `recognizes(path)` for files of other
names, and `load`. They come in through the entry-point group `vinoc.frontends`, the built-in ones too; an entry
point names the class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from os import PathLike
from pathlib import Path
from typing import Protocol, TypeAlias

from ...ir.buffer import Buffer
from ...ir.entries import entries
from ...ir.errors import ModelError, UsageError, did_you_mean
from ...ir.graph import Graph
from ...ir.types import TensorType

GROUP = "vinoc.frontends"

Inputs: TypeAlias = Mapping[str, TensorType | Buffer | None]
"""Where a model is to begin: tensor names, with the type that the input is given, None for the model's own, or the
contents of a constant that takes its place."""


class Frontend(Protocol):
    """A reader of one model format."""

    name: str
    extensions: tuple[str, ...]

    def recognizes(self, path: Path) -> bool:
        """True when the contents look like this format. Cheap: reads the beginning of the file at most."""

    def load(
        self, path: str | PathLike[str], *, inputs: Inputs | None = None, outputs: Sequence[str] | None = None
    ) -> Graph:
        """The model as a graph, cut at `inputs` and `outputs` where they are given.

        Raises ModelError for a damaged file, ConversionError with all that cannot be converted.
        """


def frontends() -> dict[str, Frontend]:
    """All frontends by name. Raises VinocError when two packages bring one of the same name."""
    return {name: _loaded(name) for name in entries(GROUP)}


@cache
def _loaded(name: str) -> Frontend:
    made: Frontend = entries(GROUP)[name].load()()
    return made


def find_frontend(name: str) -> Frontend:
    """The frontend of that name. Raises UsageError with the nearest name."""
    known = entries(GROUP)
    if name not in known:
        hint = did_you_mean(name, known)
        raise UsageError(f"no frontend named '{name}'", help=f"{hint + ' ' if hint else ''}known: {', '.join(known)}")
    return _loaded(name)


def frontend_for(path: str | PathLike[str]) -> Frontend:
    """The frontend that reads a file: by extension, else by contents. Raises ModelError when there is none."""
    path = Path(path)
    if not path.exists():
        raise ModelError("no such file", str(path), "check the path")
    # One that is called like the extension comes first: the others then need not be imported.
    for name in sorted(entries(GROUP), key=lambda name: f".{name}" != path.suffix.lower()):
        if path.name.lower().endswith(_loaded(name).extensions):
            return _loaded(name)
    found = frontends().values()
    if path.is_file():
        for frontend in found:
            if frontend.recognizes(path):
                return frontend
    known = ", ".join(sorted({e for f in found for e in f.extensions}))
    raise ModelError(
        "not a model format that vinoc knows", str(path), f"known extensions: {known}; name the format with --framework"
    )
