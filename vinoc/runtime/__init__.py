"""The runtime: `Core`, models that run, devices.

Its classes are in `vinoc`; programs that are older than that look for them here.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    face = import_module("vinoc")
    if name in face.__all__:
        return getattr(face, name)
    raise AttributeError(f"module 'vinoc.runtime' has no attribute '{name}'")
