"""The device CPU: generated kernels."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...ir.errors import VinocError
from ...ir.graph import Graph, Node
from ...ir.quiet import quiet_gc
from ...ir.types import TensorType
from ..engines import Native, streams_and_threads
from ..ports import Port, ports_of
from ..properties import CPU, keeps_bits
from ..states import declared_variables
from ..words import DeviceType
from .base import Capabilities, Fixed, Host, PlainDevice, Prepared
from .given import Given

if TYPE_CHECKING:
    from ...backends.cpu.blob import Blob
    from ...passes.pipeline import Pipeline
    from ..execution import Done, Schedule


class Cpu(PlainDevice):
    """Kernels generated for this processor; what has none is computed by its definition."""

    name = "CPU"
    rank = 0
    properties = CPU
    capabilities = Capabilities(
        optimizations=("FP32", "FP16", "WINOGRAD", "EXPORT_IMPORT"),
        layouts=("rows", "channels last", "blocks of packed weights"),
    )

    @property
    def full_name(self) -> str:
        return _processor()

    def facts(self) -> Mapping[str, Any]:
        from ...backends.cpu.cores import cores

        return {
            "DEVICE_ARCHITECTURE": _architecture(),
            "DEVICE_TYPE": DeviceType.INTEGRATED,
            "EXECUTION_DEVICES": [self.name],
            "RANGE_FOR_ASYNC_INFER_REQUESTS": (1, 1, 1),
            "RANGE_FOR_STREAMS": (1, cores()),
        }

    def compile(self, model: Given, settings: Mapping[str, Any], host: Host) -> Prepared:
        """With CACHE_DIR a model file is compiled once: what is compiled is kept there, and found again until the file
        changes. Models that need more than generated code are not kept."""
        stored = settings["CACHE_DIR"] and not settings["PERF_COUNT"]  # what is stored keeps no times
        if not stored or model.path is None:
            return self._made(model.graph(), settings)
        from .. import cache

        file = cache.place(model.path, settings)
        found = cache.find(file)
        if found is not None:
            return CpuModel(found, settings)
        graph = model.graph()
        sources = graph.sources
        compiled = self._made(graph, settings)
        try:
            blob = compiled.as_blob() if sources else None
        except VinocError as error:
            from logging import getLogger

            getLogger("vinoc").info("%s is not kept in CACHE_DIR: %s", model.path, error)
            blob = None
        if blob is not None:
            cache.keep(file, blob, sources)
        return compiled

    def _made(self, graph: Graph, settings: Mapping[str, Any]) -> CpuModel:
        from ...passes.manager import PassManager  # what CACHE_DIR holds needs no passes

        with quiet_gc():
            PassManager(_pipeline(_passes(settings))).run(graph)
            return CpuModel(graph, settings)

    def load(self, data: Any, settings: Mapping[str, Any], host: Host) -> Prepared:
        """A path stays mapped."""
        from ...backends.cpu.blob import read

        return CpuModel(read(Path(data) if isinstance(data, str | os.PathLike) else bytes(data)), settings)

    def query(self, graph: Graph, settings: Mapping[str, Any], host: Host) -> dict[Node, str]:
        return dict.fromkeys(graph, self.name)


class CpuModel(Fixed):
    """A model with its streams: of a graph, which it takes over, or of a blob, a model that was compiled before."""

    device = "CPU"

    def __init__(self, source: Graph | Blob, settings: Mapping[str, Any]) -> None:
        self.name = str(source.name)
        self.graph: Graph | None = source if isinstance(source, Graph) else None
        self._blob: Any = None if isinstance(source, Graph) else source
        self._count, self._threads = streams_and_threads(settings)
        self._timed = self.graph is not None and bool(settings.get("PERF_COUNT"))
        if isinstance(source, Graph):
            from ...backends.cpu.streams import of_graph

            self.inputs, self.outputs = ports_of(source)
            accuracy = settings.get("EXECUTION_MODE_HINT") == "ACCURACY"
            integers = bool(settings.get("LP_TRANSFORMS_MODE", True))
            exact = keeps_bits(settings)
            self._streams = of_graph(source, self._count, self._threads, accuracy, self._timed, integers, exact)
        else:
            from ...backends.cpu.streams import of_blob

            self.inputs, self.outputs = (
                [Port(side, i, *port) for i, port in enumerate(ports)]
                for side, ports in ((True, source.inputs), (False, source.outputs))
            )
            self._streams = of_blob(source, self._count, self._threads)

    def variables(self) -> Mapping[str, TensorType]:
        return declared_variables(self.graph) if self.graph is not None else {}

    def start(self) -> Native:
        return Native(self._streams, self._timed)

    def facts(self) -> Mapping[str, Any]:
        return {
            "EXECUTION_DEVICES": ["CPU"],
            "OPTIMAL_NUMBER_OF_INFER_REQUESTS": self._count,
            "LOADED_FROM_CACHE": self._blob is not None,
            "NUM_STREAMS": self._count,
            "INFERENCE_NUM_THREADS": self._count * self._threads,
        }

    def as_blob(self) -> Any:
        """The compiled model as data. Raises VinocError where it needs more than generated code."""
        return self._blob if self._blob is not None else self._streams.all[0].blob()  # type: ignore[attr-defined]

    def export(self, file: Any) -> None:
        from ...backends.cpu.blob import write

        write(self.as_blob(), file)

    def schedule(self) -> Schedule | None:
        """The schedule that ran last, or was made last; where that has stages of its own, or none was made, the nodes
        as they are before kernels are chosen. None for what was loaded compiled."""
        from ..execution import Schedule  # few programs ask for it

        if self.graph is None:
            return None
        program = max((p for p in map(_program, self._streams.all) if p), key=lambda p: p.runs, default=None)
        if program is None:
            return Schedule.of(self.graph, "CPU")
        return Schedule.of(program.plan.graph, "CPU", _done(program, self._timed))


def _program(executable: Any) -> Any:
    return executable.current()


def _done(program: Any, timed: bool) -> dict[Node, Done]:
    """How the nodes of a schedule were computed: of several steps the one with most arithmetic tells the kernel."""
    from ...backends.cpu.report import steps_of
    from ..execution import Done

    times = program.times() if timed and program.runs else None
    steps: dict[Node, list[Any]] = {}
    for step, told in zip(program.plan.steps, steps_of(program, times, program.runs), strict=True):
        if step.node is not None:
            steps.setdefault(step.node, []).append(told)
    found = {}
    for node, those in steps.items():
        most = max(those, key=lambda s: s.flops)
        seconds = None if times is None else sum(s.seconds for s in those)
        found[node] = Done(most.kernel or f"island: {most.island}", those[-1].layout or "rows", seconds)
    return found


def _passes(settings: Mapping[str, Any]) -> str:
    """What a graph goes through: INFERENCE_PRECISION_HINT may allow for rounded weights."""
    from ...compiler.config import CPU_PASSES, HALF_PASSES

    return HALF_PASSES if settings.get("INFERENCE_PRECISION_HINT") in ("f16", "bf16") else CPU_PASSES


@cache
def _pipeline(passes: str) -> Pipeline:
    """Parsed once in a process: it is the same for all models."""
    from ...passes.pipeline import parse

    return parse(passes)


@cache
def _processor() -> str:
    """What the system calls the processor."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not on every system
    return platform.processor() or platform.machine()


def _architecture() -> str:
    machine = platform.machine().lower()
    return {"x86_64": "intel64", "amd64": "intel64", "aarch64": "arm64"}.get(machine, machine)
