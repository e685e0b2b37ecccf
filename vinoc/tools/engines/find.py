"""Engines by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...ir.errors import VinocError, check_known
from .base import Asked, Loaded

ENGINES = ("vinoc", "onnxruntime", "openvino")
ALIASES = {"ort": "onnxruntime", "ov": "openvino"}


def engine_called(name: str) -> str:
    """The full name of an engine. Raises UsageError with the nearest."""
    found = ALIASES.get(name.lower(), name.lower())
    check_known("engine", found, ENGINES)
    return found


@contextmanager
def errors_of(engine: str, model: Path) -> Iterator[None]:
    """What another engine raises is no fault of vinoc's: it becomes a VinocError with the last lines of it."""
    try:
        yield
    except VinocError:
        raise
    except Exception as error:
        told = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        raise VinocError(f"{engine} cannot run it: {' '.join(told[-2:])}", str(model)) from error


def load(engine: str, asked: Asked) -> Loaded:
    """A model made ready. Raises VinocError where the engine is not installed or cannot take it."""
    if engine == "vinoc":
        from .own import Own

        return Own(asked)
    with errors_of(engine, asked.model):
        return _load_other(engine, asked)


def _load_other(engine: str, asked: Asked) -> Loaded:
    if engine == "onnxruntime":
        from .ort import Ort

        return Ort(asked)
    from .ov import OpenVino

    return OpenVino(asked)
