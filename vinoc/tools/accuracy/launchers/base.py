"""Launchers: a model on an engine, as a configuration describes it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ....ir.errors import UsageError
from ...engines.base import Asked, Loaded
from ..base import Named
from ..options import option
from ..registry import Registry
from .inputs import CONSTANT, DATA, Filled, Spec, specs
from .layouts import channels_last

PRECISIONS = ("", "f32", "f16", "bf16")


class Launcher(Named, ABC):
    """The options of a launcher; `start` loads the model."""

    ignored: ClassVar[tuple[str, ...]] = (
        "affinity_map", "bitstream", "cpu_extensions", "gpu_extensions", "mo_flags", "mo_params", "output_names",
        "reset_memory_state", "vpu_log_level",
    )  # fmt: skip

    model: Any = option(None, "the model: a file, or a folder with one")
    weights: Path | None = option(None, "of an IR, where they are not beside it by the same name")
    device: str = option("CPU", "the device of the engine")
    batch: int | None = option(None, "samples of one inference; without it as the model has it", low=1)
    inputs: Any = option((), "the inputs: blocks of `name`, `type`, `value`, `shape`, `layout`, `precision`")
    allow_reshape_input: bool = option(False, "the input takes the height and the width of the data")
    async_mode: bool = option(False, "several inferences at a time")
    num_requests: str = option("AUTO", "how many, with `async_mode`")
    precision: str = option("", "what the engine may compute with", choices=PRECISIONS)
    threads: int = option(0, "of the engine; 0: as it likes", low=0)
    device_config: dict[str, Any] = option({}, "properties of the device")

    def __post_init__(self) -> None:
        if self.requests < 1:
            raise UsageError(f"option 'num_requests' is {self.num_requests!r}", help="a number from 1 on, or AUTO")

    @property
    def requests(self) -> int:
        """How many inferences run at a time."""
        if not self.async_mode:
            return 1
        if str(self.num_requests).upper() == "AUTO":
            return 2
        first = str(self.num_requests).split(",")[0].strip()
        return int(first) if first.isdecimal() else 0

    def asked(self) -> Asked:
        path = self.model if isinstance(self.model, Path) else Path(str(self.model))
        streams = self.requests if self.async_mode else 0
        return Asked(path, self.device.upper(), self.precision, self.threads, streams, self.device_config)

    def start(self, model: Any = None) -> Running:
        """The model made ready; `model` is one of the engine's own in place of the file. Raises VinocError."""
        if model is None and self.model is None:
            raise UsageError("no model is given", f"launcher '{self.name}'")
        wanted = specs(self.inputs)
        loaded = self.load(model, {})
        shapes = _reshaped(self, loaded)
        if shapes:
            loaded = self.load(model, shapes)
        return Running(loaded, Filled(loaded.slots, wanted, self.batch), self.requests, tuple(self.remarks(loaded)))

    def remarks(self, loaded: Any) -> Iterable[str]:
        """What a person who reads the figures should know of how they came about."""
        return ()

    @abstractmethod
    def load(self, model: Any, shapes: Mapping[str, Sequence[int]]) -> Loaded:
        """With these shapes of inputs, -1 for what is open. Raises VinocError."""


def _reshaped(launcher: Launcher, loaded: Loaded) -> dict[str, list[int]]:
    """The shapes that a configuration wants and the model does not have."""
    named = {s.name: s for s in specs(launcher.inputs)}
    given = [named.get(slot.name, Spec(name=slot.name)) for slot in loaded.slots]
    batches = {
        slot.shape[0] for slot, spec in zip(loaded.slots, given, strict=True) if spec.type == DATA and slot.shape
    }
    found: dict[str, list[int]] = {}
    for slot, spec in zip(loaded.slots, given, strict=True):
        has = [-1 if d is None else d for d in slot.shape or ()]
        new = list(spec.shape or has)
        if launcher.batch is not None and spec.type != CONSTANT and new and new[0] != -1 and new[0] in batches:
            new[0] = launcher.batch
        if launcher.allow_reshape_input and spec.type == DATA and len(new) == 4:
            channels = 3 if channels_last(slot, spec.layout) else 1
            new = [d if i in (0, channels) else -1 for i, d in enumerate(new)]
        if new != has:
            found[slot.name] = new
    return found


class Running:
    """A model that is ready, and how samples become its inputs."""

    def __init__(self, loaded: Loaded, filled: Filled, requests: int, remarks: tuple[str, ...] = ()) -> None:
        self.remarks = remarks
        self.loaded = loaded
        self.filled = filled
        self.requests = 1 if filled.states else requests
        """one where the state goes from one inference to the next"""
        self.outputs = list(loaded.outputs)

    @property
    def batch(self) -> int:
        return self.filled.batch

    @property
    def size(self) -> tuple[int, int] | None:
        """(height, width) of the image input where they are known."""
        return self.filled.size


launcher: Registry[Launcher] = Registry("launcher", __name__.rpartition(".")[0])
