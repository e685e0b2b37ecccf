"""`Core`: the door to reading, compiling and running models."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..ir.errors import ArgumentTypeError
from ..ir.op import Op, op_class
from ..ir.quiet import quiet_gc
from ..ir.record import record
from .compiled import CompiledModel
from .devices.given import Given
from .devices.host import Settings, is_virtual, names
from .devices.host import find as find_device
from .devices.names import listed, split
from .properties import pairs
from .reading import Source, is_path, read_graph, read_model

if TYPE_CHECKING:
    from .model import Model


@record(frozen=True)
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

    def read_model(self, model: Source, weights: Source = None, config: Mapping[str, Any] | None = None) -> Model:
        """A model from a file: a path, the contents of the file, or a binary stream. Raises VinocError.

        `weights`: the .bin of an OpenVINO IR, where it is not found beside the .xml.
        """
        return read_model(model, weights, config)

    def add_extension(self, library_path: Any) -> None:
        """Loads a plugin file, or several: operations, converters, CPU kernels. They are there for the whole process.

        An operation's class, which is known by its declaration, is taken as well. Raises UsageError for a file that is
        missing or declares nothing, VinocError when it fails.
        """
        from ..compiler.plugins import load_plugin

        for extension in library_path if isinstance(library_path, list | tuple) else [library_path]:
            if isinstance(extension, type) and issubclass(extension, Op):
                op_class(extension.kind)
            elif isinstance(extension, str | PathLike):
                load_plugin(Path(extension))
            else:
                raise ArgumentTypeError(
                    f"an extension is a Python file or the class of an operation, not {type(extension).__name__}",
                    help="declare operations with @op, converters with @converter and kernels with @cpu_kernel",
                )

    def compile_model(
        self,
        model: Model | Source,
        device_name: str | None = None,
        config: Mapping[str, Any] | None = None,
        *,
        weights: Source = None,
    ) -> CompiledModel:
        """Makes a model, or a model file, ready to run. The model itself is not changed. Without a device: AUTO.

        With CACHE_DIR a model file is compiled for the CPU once: what is compiled is kept there, and found again until
        the file changes. Property LOADED_FROM_CACHE tells; models that need more than generated code are not kept.
        Raises UsageError for an unknown device or configuration key.
        """
        name = str(device_name or "AUTO")
        settings = self._settings.checked(name, config)
        with quiet_gc():
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
        from .devices.query import named_nodes

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
        devices = [*(e.name for e in listed(named.rest)), named.device]
        return {n: Version(f"vinoc {n}: {self._settings.device(n).full_name}", __version__) for n in devices}


def _given(model: Model | Source, weights: Source = None) -> Given:
    """A model, or a file that is read when it is needed."""
    path: Any = model if is_path(model) else None
    if path is None:
        from .model import Model

        if isinstance(model, Model):
            return Given.of(model.graph)
    return Given(lambda: read_graph(model, weights), path if weights is None else None)


def get_version() -> str:
    """The version of vinoc."""
    return __version__


def compile_model(
    model: Model | Source, device_name: str | None = "AUTO", config: Mapping[str, Any] | None = None
) -> CompiledModel:
    """Makes a model, or a model file, ready to run: `Core().compile_model`."""
    return Core().compile_model(model, device_name, config)
