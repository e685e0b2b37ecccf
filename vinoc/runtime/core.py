"""`Core`: the door to reading, compiling and running models."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

from .. import __version__
from ..compiler.config import DEFAULT_PASSES, FP16_PASS, with_fp16
from ..compiler.driver import open_model, quiet_gc
from ..compiler.driver import read_model as read_graph
from ..compiler.face.options import Face, options_named
from ..ir.errors import UsageError, VinocError
from ..ir.graph import Graph
from ..passes.manager import PassManager
from ..passes.pipeline import Pipeline, parse
from .compiled import CompiledModel
from .devices.given import Given
from .devices.host import Settings, is_virtual, names
from .devices.host import find as find_device
from .devices.names import listed, split
from .devices.query import named_nodes
from .model import Model
from .properties import pairs
from .shapes import Dimension, PartialShape
from .tensor import Tensor

Source: TypeAlias = str | PathLike[str] | bytes | bytearray | memoryview | Tensor
"""A path, or the contents of a model file: bytes, or a Tensor of them."""


@dataclass(frozen=True)
class Version:
    """Of what a device is made of."""

    description: str
    build_number: str

    @property
    def major(self) -> int:
        return self._part(0)

    @property
    def minor(self) -> int:
        return self._part(1)

    @property
    def patch(self) -> int:
        return self._part(2)

    def _part(self, index: int) -> int:
        parts = self.build_number.split(".")
        return int(parts[index]) if index < len(parts) and parts[index].isdecimal() else 0

    def __repr__(self) -> str:
        return f"<Version: {self.build_number} {self.description}>"


class Core:
    """Reads models and makes them ready for devices."""

    def __init__(self) -> None:
        self._settings = Settings()

    @property
    def available_devices(self) -> list[str]:
        """The devices that compute; AUTO, MULTI, HETERO and BATCH hand models on to them."""
        return [n for n in names() if not is_virtual(find_device(n))]

    def get_available_devices(self) -> list[str]:
        return self.available_devices

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
        device_name: str | None = None,
        config: Mapping[str, Any] | None = None,
        *,
        weights: Source | None = None,
    ) -> CompiledModel:
        """Makes a model, or a model file, ready to run. The model itself is not changed. Without a device: AUTO.

        With CACHE_DIR a model file is compiled for the CPU once: what is compiled is kept there, and found again until
        the file changes. Property LOADED_FROM_CACHE tells; models that need more than generated code are not kept.
        Raises UsageError for an unknown device or configuration key.
        """
        name = str(device_name or "AUTO")
        settings = self._settings.checked(name, config)
        prepared = self._settings.compile(_given(model, weights), name, settings)
        return CompiledModel(prepared, split(name).device, self._settings.known(name, settings))

    def unload_plugin(self, device_name: str) -> None:
        """Does nothing: devices hold nothing beyond the models that are compiled for them. Raises UsageError for an
        unknown device."""
        self.get_versions(device_name)

    def query_model(
        self, model: Model | Source, device_name: str, config: Mapping[str, Any] | None = None
    ) -> dict[str, str]:
        """The device of every node that the device can compute, by the nodes' names, inputs and results included.

        Of AUTO and MULTI it is their own name, as in OpenVINO; of HETERO the device that each node goes to.
        """
        graph = _given(model).look()
        settings = self._settings.checked(device_name, config)
        return named_nodes(graph, self._settings.query(graph, device_name, settings))

    def import_model(
        self, model_stream: Any, device_name: str = "CPU", config: Mapping[str, Any] | None = None
    ) -> CompiledModel:
        """A model that `CompiledModel.export_model` gave: bytes, a binary stream, or a path, which stays mapped.

        Raises ModelError for what is none, or was made by another version of vinoc or for another processor.
        """
        settings = self._settings.checked(device_name, config)
        source = model_stream.read() if hasattr(model_stream, "read") else model_stream
        prepared = self._settings.load(source, device_name, settings)
        return CompiledModel(prepared, split(device_name).device, self._settings.known(device_name, settings))

    def set_property(self, device_name: Any, properties: Any = None) -> None:
        """Sets defaults for what is compiled later: for one device, or, without a name, for all.

        Properties are a dict, or a pair such as `hint.performance_mode(PerformanceMode.LATENCY)`.
        """
        name = device_name if isinstance(device_name, str) else None
        self._settings.set(name, dict(pairs(device_name if name is None else properties)))

    def get_property(self, device_name: str, property: str | None = None) -> Any:
        """A default of a device, or a fact about it; with one argument a property of the core itself.

        Raises UsageError for an unknown key.
        """
        if property is None:
            return self._settings.get(None, device_name)
        return self._settings.get(device_name, property)

    def get_versions(self, device_name: str) -> dict[str, Version]:
        """Of a device, and of those that it hands models on to."""
        named = split(device_name)
        devices = [e.name for e in listed(named.rest)] or [named.device]
        return {n: Version(f"vinoc {n}: {self._settings.device(n).full_name}", __version__) for n in devices}


def _given(model: Model | Source, weights: Source | None = None) -> Given:
    """A model, or a file that is read when it is needed."""
    if isinstance(model, Model):
        return Given.of(model.graph)
    path = model if isinstance(model, str | PathLike) and weights is None else None
    return Given(lambda: read_model(model, weights).graph, path)


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
            path.write_bytes(_contents(model))
        if isinstance(weights, str | PathLike):
            path.with_suffix(".bin").symlink_to(Path(weights).resolve())
        elif weights is not None:
            path.with_suffix(".bin").write_bytes(_contents(weights))
        yield path


def _contents(given: Any) -> bytes | memoryview:
    return given.data.tobytes() if isinstance(given, Tensor) else memoryview(given)


def get_version() -> str:
    """The version of vinoc."""
    from .. import __version__

    return __version__


def serialize(model: Model, xml_path: str | PathLike[str], bin_path: str | PathLike[str] = "") -> None:
    """Writes a model as OpenVINO IR with its weights as they are; they go to `bin_path`, by default beside the XML.

    Raises VinocError.
    """
    save_model(model, xml_path, compress_to_fp16=False)
    beside = Path(xml_path).with_suffix(".bin")
    if bin_path and Path(bin_path) != beside:
        beside.replace(bin_path)


def compile_model(
    model: Model | Source, device_name: str | None = None, config: Mapping[str, Any] | None = None
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
    if _is_shape(face.get("input")):
        face["input_shape"] = str(PartialShape(face.pop("input")))
    asked = Face(**face)
    wanted = [n.strip() for n in output.split(",")] if isinstance(output, str) else list(output or ())
    with quiet_gc(), _file_of(model) as path:
        graph, first = open_model(path, outputs=wanted, face=asked)
        steps = parse(with_fp16(passes) if compress_to_fp16 else passes).steps
        with options_named(asked):
            PassManager(Pipeline((*first, *steps))).run(graph)
    return Model(graph)


def _is_shape(given: Any) -> bool:
    """Whether `input` is the shape of the only input rather than a name."""
    if isinstance(given, PartialShape):
        return True
    return isinstance(given, list | tuple) and bool(given) and all(isinstance(d, int | Dimension) for d in given)


def save_model(model: Model, output_model: str | PathLike[str], compress_to_fp16: bool = True) -> None:
    """Writes a model as OpenVINO IR: `output_model`, which ends in .xml, and the .bin beside it.

    With `compress_to_fp16` weights are stored in half precision. Folders that are not there are made; nothing else
    is left after a failure. Raises VinocError.
    """
    from ..backends.base import backend

    path = Path(output_model)
    if path.suffix != ".xml":
        raise UsageError(f"a model is saved as .xml, not '{path.suffix}'", str(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VinocError(f"the folder cannot be made: {error.strerror or error}", str(path.parent)) from error
    target = backend("ir")
    graph = model.graph.clone()
    with quiet_gc():
        PassManager(target.lowering).run(graph)
        if compress_to_fp16:
            PassManager(FP16_PASS).run(graph)
        target.write(graph, path.parent, path.stem)
