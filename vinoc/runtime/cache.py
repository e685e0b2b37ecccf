"""CACHE_DIR: compiled models on disk, found again by what they were made of and for.

The name of a file is a hash of the model's path, of what was asked for, of vinoc itself and of the processor. In it
stand size and time of the files that the model was read from: where one has changed, the model is compiled again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from ..ir.digest import blake2b, digest
from ..ir.errors import ModelError, VinocError
from .engines import streams_and_threads
from .properties import PROPERTIES, keeps_bits

DECIDE = ("EXECUTION_MODE_HINT", "INFERENCE_PRECISION_HINT", "LP_TRANSFORMS_MODE")
"""Properties that decide about the code."""


def place(model: str | os.PathLike[str], config: Mapping[str, Any]) -> Path:
    """Where a model that is compiled for such a configuration is kept."""
    from ..backends.cpu.codegen.target import host

    target = host()
    asked = {key: str(config.get(key, PROPERTIES[key].default)) for key in DECIDE}
    asked["bits"] = str(keeps_bits(config))
    facts = (os.path.abspath(model), asked, streams_and_threads(config)[1], _stamp(), target.cpu, target.features)
    return Path(config["CACHE_DIR"]) / f"{digest(repr(facts).encode())}.blob"


def find(file: Path) -> Any:
    """The blob in a file, where there is one and the model's files are as they were; else None."""
    from ..backends.cpu import blob

    with suppress(OSError, ModelError):
        about = blob.read_about(file)
        if about == state_of([path for path, _, _ in about]):
            return blob.read(file)
    return None


def keep(file: Path, stored: Any, sources: Sequence[str]) -> None:
    """Writes a blob. Raises VinocError where the folder cannot be written to."""
    from ..backends.cpu import blob
    from ..backends.files import written_together

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VinocError(f"CACHE_DIR cannot be written: {error.strerror or error}", str(file.parent)) from error
    with written_together([file]) as (out,):
        blob.write(stored, out, state_of(sources))


def state_of(files: Sequence[str]) -> list[list[Any]]:
    """Path, size and time of change of files. Raises OSError."""
    found = [(path, os.stat(path)) for path in files]
    return [[path, stat.st_size, stat.st_mtime_ns] for path, stat in found]


@cache
def _stamp() -> str:
    """What tells this vinoc from others: the names, sizes and times of its files."""
    root = Path(__file__).parent.parent
    found = blake2b(digest_size=20)
    for folder, _, names in sorted(os.walk(root)):
        for name in sorted(n for n in names if n.endswith(".py")):
            stat = os.stat(os.path.join(folder, name))
            found.update(f"{folder}/{name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return found.hexdigest()
