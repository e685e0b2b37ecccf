"""Files that are to be written, checked before any work; texts that are read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..backends.files import is_stream
from ..ir.errors import UsageError


def check_file(path: Path | None, option: str, suffixes: Sequence[str] = (), what: str = "a file") -> None:
    """Raises UsageError where a file is of none of the kinds, or its folder is not there; None is no file."""
    if path is None:
        return
    if suffixes and path.suffix not in suffixes:
        kinds = f"{', '.join(suffixes[:-1])} or {suffixes[-1]}" if len(suffixes) > 1 else suffixes[0]
        raise UsageError(f"{what} is {kinds}, not '{path.suffix}'", f"{option} {path}")
    if path.is_dir():
        raise UsageError("there is a folder of that name", f"{option} {path}", "choose another")
    check_folder(path.parent, f"{option} {path}")


def check_target(path: Path, option: str) -> None:
    """Raises UsageError where a file cannot be written, or the folders that it needs cannot be made."""
    if path.is_dir():
        raise UsageError("there is a folder of that name", option, "choose another")
    if is_stream(path):
        return
    nearest = next(p for p in path.absolute().parents if p.exists())
    if not nearest.is_dir():
        raise UsageError(f"'{nearest}' is no folder", option, "choose another")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise UsageError(f"folder '{nearest}' cannot be written to", option, "choose one that you may write to")


def check_folder(path: Path, option: str) -> None:
    """Raises UsageError where a folder is not there."""
    if not path.is_dir():
        raise UsageError(f"there is no folder '{path}'", option, "create it first")


def read_text(path: Path) -> str:
    """The text of a file in UTF-8. Raises UsageError."""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror or error}", str(path)) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"is not UTF-8: {error.reason} at byte {error.start}", str(path)) from error
