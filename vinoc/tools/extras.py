"""Packages that only some tools need, imported when they do."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..ir.errors import VinocError


def require(module: str, extra: str, what: str) -> Any:
    """A module of an optional package. Raises VinocError that says how it is installed.

    `extra` is the optional dependency of vinoc that brings it, `what` is what needs it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise VinocError(
            f"{what} needs the package {package}: {error}", help=f"pip install 'vinoc[{extra}]'"
        ) from error
