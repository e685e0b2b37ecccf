"""Steps 2 to 8: from a file to a model that is ready to run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from ... import __version__
from ...compiler.driver import peak_memory
from ...ir.errors import UsageError
from ...ir.types import TensorType
from ...runtime.compiled import CompiledModel
from ...runtime.core import Core
from ...runtime.model import Model
from ..inputs.slots import Input, inputs_of, set_data_shapes, set_layouts
from .config import Config, compile_config, device_config
from .face import give_face, new_shapes, refreshed, reshaped
from .log import Log
from .report import Report
from .settings import Settings, devices_in

T = TypeVar("T")


@dataclass
class Prepared:
    """A model that is ready, and what making it so took, in milliseconds by stage."""

    compiled: CompiledModel
    inputs: list[Input]
    config: Config
    topology: str
    times: dict[str, float] = field(default_factory=dict)

    @property
    def load_ms(self) -> float:
        """All together."""
        return sum(self.times.values())


def timed(call: Callable[[], T]) -> tuple[T, float]:
    """What a call returns, and its milliseconds."""
    began = time.perf_counter()
    result = call()
    return result, (time.perf_counter() - began) * 1e3


def prepare(settings: Settings, log: Log, report: Report) -> Prepared:
    """A model that is ready to run. Raises VinocError."""
    log.step()
    core = _core(settings, log)
    log.step()
    config = device_config(settings, log)
    own = compile_config(settings, config)
    if settings.is_blob or settings.load_from_file:
        return _loaded(settings, log, report, core, config)
    log.step()
    times: dict[str, float] = {}
    model, times["read"] = timed(lambda: core.read_model(settings.model))
    log.info(f"Read model took {times['read']:.2f} ms")
    report.results(("read model time (ms)", f"{times['read']:.2f}"))
    inputs = inputs_of(model.inputs)
    log.info("Original model I/O parameters:")
    show_ports(model, inputs, log)
    log.step()
    set_layouts(inputs, settings.layout)
    shapes = new_shapes(settings, inputs, log)
    if shapes:
        log.info("Reshaping model: " + ", ".join(f"'{n}': [{','.join(s)}]" for n, s in shapes.items()))
        model, times["reshape"] = timed(lambda: reshaped(settings, shapes))
        log.info(f"Reshape model took {times['reshape']:.2f} ms")
        report.results(("reshape model time (ms)", f"{times['reshape']:.2f}"))
        inputs = refreshed(inputs, model)
    for warning in set_data_shapes(inputs, settings.data_shape):
        log.warn(warning)
    log.info(f"Model batch size: {batch_text(inputs)}")
    log.step()
    model, times["configure"] = timed(lambda: give_face(settings, model, inputs))
    show_ports(model, inputs, log)
    log.step()
    compiled = _compile(lambda: core.compile_model(model, settings.device, own), "compile", times, log, report)
    return Prepared(compiled, inputs, config, settings.model.stem, times)


def _core(settings: Settings, log: Log) -> Core:
    log.info("vinoc:")
    log.info(f"{'Build ':.<39} {__version__}")
    core = Core()
    log.info("Device info:")
    for device in devices_in(settings.device):
        log.info(f"{device}")
    for path in filter(None, settings.extensions.split(",")):
        log.info(f"Loading extension {path}")
        core.add_extension(path)
    return core


def _loaded(settings: Settings, log: Log, report: Report, core: Core, config: Config) -> Prepared:
    """A model that was compiled before, or that the device reads itself."""
    own = compile_config(settings, config)
    for _ in range(3):
        log.step("skipped")
    log.step()
    times: dict[str, float] = {}
    if settings.is_blob:
        load: Callable[[], CompiledModel] = lambda: core.import_model(settings.model, settings.device, own)  # noqa: E731
    else:
        load = lambda: core.compile_model(settings.model, settings.device, own)  # noqa: E731
    compiled = _compile(load, "import" if settings.is_blob else "compile", times, log, report)
    inputs = inputs_of(compiled.inputs)
    set_layouts(inputs, settings.layout)
    for warning in set_data_shapes(inputs, settings.data_shape):
        log.warn(warning)
    return Prepared(compiled, inputs, config, settings.model.stem, times)


def _compile(
    load: Callable[[], CompiledModel], verb: str, times: dict[str, float], log: Log, report: Report
) -> CompiledModel:
    before = peak_memory()
    compiled, times[verb] = timed(load)
    log.info(f"{verb.capitalize()} model took {times[verb]:.2f} ms")
    after = peak_memory()
    if after:
        log.info(f"Peak memory: {before / 2**20:.1f} MiB before, {after / 2**20:.1f} MiB behind")
    report.results((f"{verb} model time (ms)", f"{times[verb]:.2f}"))
    return compiled


def show_ports(model: Model, inputs: list[Input], log: Log) -> None:
    """Names, element types, layouts, shapes of all inputs and outputs."""
    log.info("Model inputs:")
    for given, port in zip(inputs, model.inputs, strict=True):
        shape = ",".join(map(str, given.shape))
        names = " , ".join(sorted(port.names)) or given.name
        log.info(
            f"    {names} (node: {given.name}) : {port.tensor_type.dtype.name} / {given.shown_layout()} / [{shape}]"
        )
    log.info("Model outputs:")
    for port in model.outputs:
        names = " , ".join(sorted(port.names)) or str(port.index)
        if not isinstance(port.type, TensorType):
            log.info(f"    {names} : {port.type}")
            continue
        listed = "..." if port.type.shape is None else ",".join(map(str, port.type.shape))
        log.info(f"    {names} : {port.type.dtype.name} / [...] / [{listed}]")


def batch_text(inputs: list[Input]) -> str:
    """The batch of the model: a number, a range, or 1 where no input has any."""
    found = [(i.shape[a]) for i in inputs if (a := i.axis("N")) is not None]
    return str(found[0]) if found else "1"


def show_properties(compiled: CompiledModel, log: Log) -> None:
    """Step 8: what the device has settled on."""
    log.info("Model:")
    for key in supported(compiled):
        log.info(f"  {key}: {compiled.get_property(key)}")


def supported(compiled: CompiledModel) -> list[str]:
    """The properties that a compiled model tells."""
    return [str(k) for k in compiled.get_property("SUPPORTED_PROPERTIES") if str(k) != "SUPPORTED_PROPERTIES"]


def existing(path: Path) -> Path:
    """A model file. Raises UsageError where it is missing."""
    if not path.exists():
        raise UsageError("there is no such model file", str(path))
    return path
