"""What is asked of a configuration: the options of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .paths import Prefixes


@dataclass(frozen=True, kw_only=True)
class Request:
    """A configuration and what the command line puts in place of its parts.

    config        a file, or what one would hold, read already; relative paths begin in the working directory then
    models        folders that models are sought in; for launchers without a model, the models themselves
    launchers     run everything by these, whatever `framework` says
    devices, framework, tags   keep only the launchers that are of one of them
    batch, requests, async_mode, subsample_size, shuffle, seed   in place of the configuration's
    without_models   models are given to the evaluations when they run
    """

    config: Path | Mapping[str, Any]
    definitions: Path | None = None
    models: tuple[Path, ...] = ()
    source: Path | None = None
    annotations: Path | None = None
    attributes: Path | None = None
    launchers: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    framework: str | None = None
    tags: tuple[str, ...] = ()
    batch: int | None = None
    subsample_size: str | None = None
    shuffle: bool | None = None
    seed: int | None = None
    requests: int | None = None
    async_mode: bool | None = None
    device_config: Path | None = None
    ignore_reference: bool = False
    without_models: bool = False

    @property
    def folder(self) -> Path:
        """The one of the configuration."""
        return self.config.parent if isinstance(self.config, Path) else Path()

    @property
    def where(self) -> str:
        return str(self.config) if isinstance(self.config, Path) else "configuration"

    @property
    def prefixes(self) -> Prefixes:
        """Without that of models, of which there may be several."""
        return Prefixes(
            self.folder,
            {"source": self.source, "annotations": self.annotations, "attributes": self.attributes},
        )
