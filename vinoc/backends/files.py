"""Files that appear together, complete or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ..ir.errors import VinocError


@contextmanager
def written_together(paths: Sequence[Path]) -> Iterator[list[BinaryIO]]:
    """Files open for writing under temporary names beside `paths`, moved to them at the end in that order.

    On any error the temporary files are removed and what stood at `paths` before stays. Links stay: what they lead to
    is written. So do devices and pipes, `/dev/stdout` for one, which are written to at once. Raises VinocError when the
    folder cannot be written.
    """
    for path in paths:
        _check_target(path)
    files: list[BinaryIO] = []
    moved: list[tuple[Path, Path]] = []
    try:
        for path in paths:
            place = path
            if not is_stream(path):
                target = Path(os.path.realpath(path))
                place = target.with_name(f".{target.name}.{os.getpid()}.tmp")
                moved.append((place, target))
            files.append(open(place, "wb", buffering=1 << 20))  # noqa: SIM115  # closed below, all of them
        yield files
        for file in files:
            file.close()
        for source, target in moved:
            os.replace(source, target)
    except OSError as error:
        where = str(paths[0] if len(paths) == 1 else paths[0].parent)
        raise VinocError(f"cannot write: {error.strerror or error}", where, _help(error)) from error
    finally:
        for file in files:
            with suppress(OSError):
                file.close()
        for source, _ in moved:
            with suppress(OSError):
                source.unlink(missing_ok=True)


def is_stream(path: Path) -> bool:
    """Whether a path leads to a device or a pipe, or to what this process writes to: there is nothing to replace."""
    return path.parent in (Path("/dev"), Path("/dev/fd")) or (
        path.exists() and not path.is_file() and not path.is_dir()
    )


def write_text(path: Path, text: str) -> Path:
    """A file of text, complete or not at all."""
    with written_together([path]) as (file,):
        file.write(text.encode())
    return path


def _check_target(path: Path) -> None:
    if not path.parent.is_dir():
        what = "is not a folder" if path.parent.exists() else "does not exist"
        raise VinocError(f"the output folder {what}", str(path.parent), "create it first, or name another one")
    if path.is_dir():
        raise VinocError("a folder is in the place of an output file", str(path), "choose another name")


def _help(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "choose a folder that you may write to"
    return "check free space and permissions of the output folder"
