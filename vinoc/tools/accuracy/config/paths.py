"""Where the relative paths of a configuration begin: folders of the command line or of the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ....ir.errors import UsageError
from ...marked import Map

VARIABLES = {
    "source": "DATA_DIR",
    "annotations": "ANNOTATIONS_DIR",
    "models": "MODELS_DIR",
    "attributes": "MODEL_ATTRIBUTES_DIR",
}
"""Accuracy Checker's: what stands in for an option that is not given"""

DATASET = {
    "annotation": ("annotations",),
    "dataset_meta": ("annotations",),
    "subset_file": ("annotations",),
    "data_source": ("source",),
    "additional_data_source": ("source",),
    "segmentation_masks_source": ("source",),
}
CONVERSION = ("source",)
VOCABULARY = ("attributes", "models", "source")
"""of files that belong to a model: of adapters and preprocessors"""


@dataclass(frozen=True)
class Prefixes:
    """Folders by kind: models, source, annotations, attributes. `here` is the folder of the configuration."""

    here: Path
    folders: Mapping[str, Path | None] = field(default_factory=dict)

    def folder(self, kind: str) -> Path | None:
        """Of the command line, else of the environment."""
        given = self.folders.get(kind)
        if given is None and os.environ.get(VARIABLES[kind]):
            given = Path(os.environ[VARIABLES[kind]])
        return given

    def path(self, text: Any, kinds: Sequence[str]) -> Path:
        """A path below the first of the kinds' folders where it exists; without a folder below the working directory,
        or else beside the configuration."""
        path = Path(str(text)).expanduser()
        if path.is_absolute():
            return path
        folders = [f for f in map(self.folder, kinds) if f is not None] or [Path(), self.here]
        below = [folder / path for folder in folders]
        return next((p for p in below if p.exists()), below[0])

    def check(self) -> list[UsageError]:
        """What is given and is no folder."""
        found = {kind: self.folder(kind) for kind in VARIABLES}
        return [
            UsageError(f"there is no folder '{folder}'", f"--{kind}")
            for kind, folder in found.items()
            if folder is not None and not folder.is_dir()
        ]


def resolved(block: Map, prefixes: Prefixes, keys: Mapping[str, Sequence[str]]) -> Map:
    """With these values as paths."""
    names = [k for k in keys if isinstance(block.get(k), str)]
    return block.changed(**{k: prefixes.path(block[k], keys[k]) for k in names})


def with_files(block: Any, prefixes: Prefixes, kinds: Sequence[str]) -> Any:
    """With the values of names that end in `file` or `dir` as paths, as Accuracy Checker reads them."""
    if not isinstance(block, Map):
        return block
    names = [k for k in block if str(k).endswith(("file", "dir")) and isinstance(block[k], str)]
    return resolved(block, prefixes, dict.fromkeys(names, tuple(kinds)))
