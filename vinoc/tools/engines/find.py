"""Engines by name."""

from __future__ import annotations

from ...ir.errors import UsageError, did_you_mean
from .base import Asked, Loaded

ENGINES = ("vinoc", "onnxruntime", "openvino")
ALIASES = {"ort": "onnxruntime", "ov": "openvino"}


def engine_called(name: str) -> str:
    """The full name of an engine. Raises UsageError with the nearest."""
    found = ALIASES.get(name.lower(), name.lower())
    if found not in ENGINES:
        hint = did_you_mean(found, ENGINES)
        raise UsageError(f"no engine '{name}'", help=f"{hint} there are: {', '.join(ENGINES)}".strip())
    return found


def load(engine: str, asked: Asked) -> Loaded:
    """A model made ready. Raises VinocError where the engine is not installed or cannot take it."""
    if engine == "onnxruntime":
        from .ort import Ort

        return Ort(asked)
    if engine == "openvino":
        from .ov import OpenVino

        return OpenVino(asked)
    from .own import Own

    return Own(asked)
