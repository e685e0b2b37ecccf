"""The default quantization, from a float model and samples to a quantized graph."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from ...compiler.config import DEFAULT_PASSES
from ...compiler.driver import read_model
from ...ir.errors import UsageError
from ...ir.graph import Graph
from ...ir.quiet import quiet_gc
from ...passes.manager import PassManager
from ...passes.quantize import Ranges
from ...runtime.model import Model
from ..inputs.slots import inputs_of
from .algorithms import chosen
from .data import Preparation, Samples, open_data
from .options import Options
from .screen import screened
from .watch import Watch
from .work import Work


@dataclass
class Result:
    """A quantized graph, the ranges that it was quantized by, and what was found on the way."""

    graph: Graph
    ranges: Ranges
    work: Work
    seconds: dict[str, float] = field(default_factory=dict)


def cleaned(model: Graph | Model | str | PathLike[str]) -> Graph:
    """The graph of a model after the default passes; a graph that is given stays as it is."""
    if isinstance(model, str | PathLike):
        graph = read_model(model)
    else:
        graph = (model.graph if isinstance(model, Model) else model).clone()
    with quiet_gc():
        PassManager(DEFAULT_PASSES).run(graph)
    return graph


def quantize_model(
    model: Graph | Model | str | PathLike[str],
    data: Any,
    options: Options | None = None,
    preparation: Preparation | None = None,
    watch: Watch | None = None,
) -> Result:
    """Quantizes a model by statistics of data: `Samples`, or what `open_data` takes. Raises VinocError."""
    options = options or Options()
    watch = watch or Watch()
    clock = Clock()
    graph = cleaned(model)
    clock.lap("clean-up")
    work = Work(graph, graph.clone(), _samples(graph, data, options, preparation, watch), options, watch)
    clock.lap("data")
    for name, algorithm in chosen(options):
        algorithm(work)
        clock.lap(name)
    with quiet_gc():
        made = work.quantized()
    return Result(made, work.known(), work, clock.laps)


def _samples(graph: Graph, data: Any, options: Options, preparation: Preparation | None, watch: Watch) -> Samples:
    """The samples to calibrate on, checked; none for weights alone."""
    if data is None:
        if not options.weights_only:
            raise UsageError("no data are given", help="give samples, or weights_only=True")
        return Samples([], lambda index: {}, inputs_of(Model(graph).inputs))
    samples = data if isinstance(data, Samples) else open_data(data, graph, preparation, options.subset)
    return screened(samples.subset(options.subset), watch)


class Clock:
    """Wall seconds by phase."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self.last = time.perf_counter()

    def lap(self, name: str) -> None:
        """Ends a phase."""
        now = time.perf_counter()
        self.laps[name], self.last = self.laps.get(name, 0.0) + now - self.last, now


def quantize(model: Any, data: Any, **options: Any) -> Result:
    """`quantize_model` with the fields of `Options` as arguments: `quantize("model.onnx", "images", subset=50)`."""
    source = Path(model) if isinstance(model, str) else model
    return quantize_model(source, data, Options(**options))
