"""`Core`: the door to reading, compiling and running models."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

from ..compiler.config import CPU_PASSES, DEFAULT_PASSES, FP16_PASS, HALF_PASSES, RUNTIME_PASSES, with_fp16
from ..compiler.driver import open_model, quiet_gc
from ..compiler.driver import read_model as read_graph
from ..compiler.face.options import Face, options_named
from ..ir.errors import UsageError, VinocError, did_you_mean
from ..ir.graph import Graph
from ..passes.manager import PassManager
from ..passes.pipeline import Pipeline, parse
from .compiled import CompiledModel
from .model import Model
from .properties import PROPERTIES, checked, find

Source: TypeAlias = str | PathLike[str] | bytes | bytearray | memoryview
"""A path, or the contents of a model file."""

_log = logging.getLogger("vinoc")

DEVICES = ("CPU", "TEMPLATE")
"""TEMPLATE is the reference: it computes every operation by its definition."""


class Core:
    """Reads models and makes them ready for devices."""

    def __init__(self) -> None:
        self._config: dict[str, dict[str, Any]] = {device: {} for device in DEVICES}

    @property
    def available_devices(self) -> list[str]:
        return list(DEVICES)

    def read_model(self, model: Source, weights: Source | None = None) -> Model:
        """A model from a file, or from the bytes of one. Raises VinocError.

        `weights`: the .bin of an OpenVINO IR, where it is not found beside the .xml.
        """
        return read_model(model, weights)

    def add_extension(self, path: str | PathLike[str]) -> None:
        """Loads a plugin file: operations, converters, CPU kernels. They are there for the whole process.

        Raises UsageError for a file that is missing or declares nothing, VinocError when it fails.
        """
        from ..compiler.plugins import load_plugin

        load_plugin(Path(path))

    def compile_model(
        self,
        model: Model | Source,
        device_name: str = "CPU",
        config: Mapping[str, Any] | None = None,
    ) -> CompiledModel:
        """Makes a model, or a model file, ready to run. The model itself is not changed.

        With CACHE_DIR a model file is compiled for the CPU once: what is compiled is kept there, and found again until
        the file changes. Property LOADED_FROM_CACHE tells; models that need more than generated code are not kept.
        Raises UsageError for an unknown device or configuration key.
        """
        device = _device(device_name)
        settings = {**self._config[device], **checked(config)}
        stored = settings.get("CACHE_DIR") and not settings.get("PERF_COUNT")  # what is stored keeps no times
        if device == "CPU" and stored and isinstance(model, str | PathLike):
            return _compiled_once(model, device, settings)
        graph = model.graph.clone() if isinstance(model, Model) else read_model(model).graph
        with quiet_gc():
            PassManager(_passes(device, settings)).run(graph)
            return CompiledModel(graph, device, settings)

    def import_model(
        self, model_stream: Any, device_name: str = "CPU", config: Mapping[str, Any] | None = None
    ) -> CompiledModel:
        """A model that `CompiledModel.export_model` gave: bytes, a binary stream, or a path, which stays mapped.

        Raises ModelError for what is none, or was made by another version of vinoc or for another processor.
        """
        from ..backends.cpu.blob import read

        device = _device(device_name)
        if device != "CPU":
            raise UsageError(f"compiled models run on the CPU, not on {device}")
        source = model_stream.read() if hasattr(model_stream, "read") else model_stream
        blob = read(Path(source) if isinstance(source, str | PathLike) else bytes(source))
        return CompiledModel(blob, device, {**self._config[device], **checked(config)})

    def set_property(self, device_name: str | Mapping[str, Any], properties: Mapping[str, Any] | None = None) -> None:
        """Sets defaults for what is compiled later: for one device, or, without a name, for all."""
        if isinstance(device_name, str):
            self._config[_device(device_name)].update(checked(properties))
            return
        for device in DEVICES:
            self._config[device].update(checked(device_name))

    def get_property(self, device_name: str, key: str) -> Any:
        """A default of a device, or a fact about it. Raises UsageError for an unknown key."""
        device = _device(device_name)
        what = "reference" if device == "TEMPLATE" else "generated kernels"
        facts = {"FULL_DEVICE_NAME": f"vinoc {what}", "AVAILABLE_DEVICES": [""]}
        return facts[key] if key in facts else self._config[device].get(key, find(key, PROPERTIES).default)


def _compiled_once(model: str | PathLike[str], device: str, settings: Mapping[str, Any]) -> CompiledModel:
    """A model file compiled for the CPU, from CACHE_DIR where it is there."""
    from . import cache

    file = cache.place(model, settings)
    stored = cache.find(file)
    if stored is not None:
        return CompiledModel(stored, device, settings)
    graph = read_model(model).graph
    sources = graph.sources
    with quiet_gc():
        PassManager(_passes(device, settings)).run(graph)
        compiled = CompiledModel(graph, device, settings)
    try:
        stored = compiled.blob() if sources else None
    except VinocError as error:
        _log.info("%s is not kept in CACHE_DIR: %s", model, error)
    if stored is not None:
        cache.keep(file, stored, sources)
    return compiled


def _passes(device: str, settings: Mapping[str, Any]) -> str:
    """What a graph goes through: INFERENCE_PRECISION_HINT may allow for rounded weights on the CPU."""
    if device == "TEMPLATE":
        return RUNTIME_PASSES
    return HALF_PASSES if settings.get("INFERENCE_PRECISION_HINT") in ("f16", "bf16") else CPU_PASSES


def _device(name: str) -> str:
    """The device that a name means; AUTO is the CPU."""
    wanted = str(name).upper().partition(".")[0]
    if wanted == "AUTO":
        return "CPU"
    if wanted not in DEVICES:
        hint = did_you_mean(wanted, DEVICES)
        raise UsageError(f"no device '{name}'", help=f"{hint} available: {', '.join(DEVICES)}".strip())
    return wanted


def read_model(model: Source, weights: Source | None = None) -> Model:
    """A model from a file, or from the bytes of one. Raises VinocError."""
    with quiet_gc():
        if isinstance(model, str | PathLike) and weights is None:
            return Model(read_graph(model))
        return Model(_read_together(model, weights))


def _read_together(model: Source, weights: Source | None) -> Graph:
    with _file_of(model, weights) as path:
        return read_graph(path)


@contextmanager
def _file_of(model: Source, weights: Source | None = None) -> Iterator[Path]:
    """The file of a model. Contents, or files that do not lie side by side, lie in a folder under one stem."""
    if isinstance(model, str | PathLike) and weights is None:
        yield Path(model)
        return
    with tempfile.TemporaryDirectory(prefix="vinoc-") as folder:
        path = Path(folder) / "model"
        if isinstance(model, str | PathLike):
            path = path.with_suffix(Path(model).suffix)
            path.symlink_to(Path(model).resolve())
        else:
            path.write_bytes(model)
        if isinstance(weights, str | PathLike):
            path.with_suffix(".bin").symlink_to(Path(weights).resolve())
        elif weights is not None:
            path.with_suffix(".bin").write_bytes(weights)
        yield path


def compile_model(
    model: Model | Source, device_name: str = "CPU", config: Mapping[str, Any] | None = None
) -> CompiledModel:
    """Makes a model, or a model file, ready to run: `Core().compile_model`."""
    return Core().compile_model(model, device_name, config)


def convert_model(
    model: Source,
    passes: str = DEFAULT_PASSES,
    *,
    output: str | Sequence[str] | None = None,
    compress_to_fp16: bool = False,
    **face: Any,
) -> Model:
    """Reads a model and optimizes it as the command line does. Raises VinocError.

    Further arguments are those of the Model Optimizer, as text or as Python's values: `input`, `input_shape`, `batch`,
    `mean_values`, `scale_values`, `scale`, `reverse_input_channels`, `layout`, `source_layout`, `target_layout`,
    `freeze_placeholder_with_value`, `static_shape`, `transform`. Raises TypeError for any other.
    """
    asked = Face(**face)
    wanted = [n.strip() for n in output.split(",")] if isinstance(output, str) else list(output or ())
    with quiet_gc(), _file_of(model) as path:
        graph, first = open_model(path, outputs=wanted, face=asked)
        steps = parse(with_fp16(passes) if compress_to_fp16 else passes).steps
        with options_named(asked):
            PassManager(Pipeline((*first, *steps))).run(graph)
    return Model(graph)


def save_model(model: Model, output_model: str | PathLike[str], compress_to_fp16: bool = True) -> None:
    """Writes a model as OpenVINO IR: `output_model`, which ends in .xml, and the .bin beside it.

    With `compress_to_fp16` weights are stored in half precision. Nothing is left after a failure.
    Raises VinocError.
    """
    from ..backends.base import backend

    path = Path(output_model)
    if path.suffix != ".xml":
        raise UsageError(f"a model is saved as .xml, not '{path.suffix}'", str(path))
    target = backend("ir")
    graph = model.graph.clone()
    with quiet_gc():
        PassManager(target.lowering).run(graph)
        if compress_to_fp16:
            PassManager(FP16_PASS).run(graph)
        target.write(graph, path.parent, path.stem)
