"""The default quantization, from a float model and samples to a quantized graph."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import Any

from ...compiler.config import DEFAULT_PASSES
from ...compiler.driver import Clock, read_model
from ...ir.errors import EvaluationError, UsageError
from ...ir.graph import Graph
from ...ir.quiet import quiet_gc
from ...passes.manager import PassManager
from ...passes.quantize import Ranges, RangesError
from ...passes.quantize.names import Lookup
from ...runtime.model import Model
from ..inputs.slots import inputs_of
from .algorithms import chosen
from .algorithms.keep import AUTO
from .algorithms.target import fit_target, tell_target
from .algorithms.worth import leave_floats
from .blas import one_thread
from .data import Preparation, Samples, open_data
from .memory import apart
from .metrics import Evaluate, Score, evaluator
from .options import Options
from .screen import screened, taken
from .suspicion import suspicions
from .watch import Watch
from .work import Work

ONE_SIDED = 0.8
"""Share of the most frequent label from which on labels do not tell whether a model is better than chance."""


@dataclass
class Result:
    """A quantized graph, the ranges that it was quantized by, and what was found on the way."""

    graph: Graph
    ranges: Ranges
    work: Work
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def model(self) -> Model:
        """The quantized graph as a model that can be compiled and saved."""
        return Model(self.graph)


def graph_of(model: Graph | Model | str | PathLike[str]) -> Graph:
    """The graph of a model; of a file it is read."""
    if isinstance(model, str | PathLike):
        return read_model(model)
    return model.graph if isinstance(model, Model) else model


def cleaned(model: Graph | Model | str | PathLike[str]) -> Graph:
    """The graph of a model after the default passes; a graph that is given stays as it is. What computes in f16 or bf16
    computes in f32: weights and ranges are worked on in f32, and integers become that."""
    graph = graph_of(model).clone()
    with quiet_gc():
        PassManager(f"widen,{DEFAULT_PASSES}").run(graph)
    return graph


@one_thread()
@apart()
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
    raw = graph_of(model)
    graph = cleaned(raw)
    check_words(graph, options)
    clock.lap("clean-up")
    samples = _samples(graph, data, options, preparation, watch)
    try:
        return _quantized(raw, _work(graph, samples, options, watch), preparation, clock)
    except EvaluationError:
        good = taken(graph, samples, watch)
        if len(good) == len(samples):
            raise
        return _quantized(raw, _work(graph, good, options, watch), preparation, clock)


def check_words(graph: Graph, options: Options) -> None:
    """Raises VinocError, before any data are read, for algorithms, nodes, patterns and kinds that there are not."""
    chosen(options)
    names = (*options.ignored.names, *(name for name in options.keep_float if name != AUTO))
    ranges = Ranges(ignored=replace(options.ignored, names=names), source="what is to stay float")
    if problems := list(Lookup(graph, ranges).unknown()):
        raise RangesError(problems, ranges.source)


def _work(graph: Graph, samples: Samples, options: Options, watch: Watch) -> Work:
    work = Work(graph, graph.clone(), samples, options, watch)
    work.keep_float |= {name: "it is to stay float" for name in options.keep_float if name != AUTO}
    return work


def _quantized(raw: Graph, work: Work, preparation: Preparation | None, clock: Clock) -> Result:
    """Runs all algorithms on work at which nothing was done yet."""
    samples, watch = work.samples, work.watch
    steps = chosen(work.options)
    evaluate = _validated(work)
    work.warnings += suspicions(raw, work.graph, samples, preparation)
    for text in work.warnings:
        watch.warn(text)
    clock.lap("data")
    fit_target(work)
    leave_floats(work)
    for name, algorithm in steps:
        algorithm(work)
        clock.lap(name)
    tell_target(work)
    with quiet_gc():
        made = work.quantized()
    if evaluate is not None:
        work.facts["quantized model"] = _shown(evaluate(made), samples)
        clock.lap("validation")
    return Result(made, work.known(), work, clock.laps)


def _validated(work: Work) -> Evaluate | None:
    """With labels the float model is judged first, as a classifier; None where there are none, or they are of another
    task. A model that is no better than chance is warned of."""
    if work.samples.labels is None:
        return None
    evaluate = evaluator(work.samples)
    try:
        score = evaluate(work.original)
    except UsageError as error:
        work.warnings.append(f"the labels cannot be used to validate the model: {error.what}")
        return None
    work.facts["float model"] = _shown(score, work.samples)
    spread = math.sqrt((score.blind or 0.0) * (1 - (score.blind or 0.0)) / len(work.samples))
    if score.blind is not None and score.blind < ONE_SIDED and score.value <= score.blind + 2 * spread:
        why = f"always saying the most frequent class gives {score.blind:.1%}"
        work.warnings.append(
            f"the float model is right in {score.value:.1%} of the samples, and {why}: labels or preparation do not fit"
        )
        return None
    return evaluate


def _shown(score: Score, samples: Samples) -> str:
    return f"right in {score.value:.1%} of {len(samples)} labelled samples"


def _samples(graph: Graph, data: Any, options: Options, preparation: Preparation | None, watch: Watch) -> Samples:
    """The samples to calibrate on, checked; none for weights alone."""
    if data is None:
        if not options.weights_only:
            raise UsageError("no data are given", help="give samples, or weights_only=True")
        return Samples([], lambda index: {}, inputs_of(Model(graph).inputs))
    samples = data if isinstance(data, Samples) else open_data(data, graph, preparation, options.subset)
    return screened(samples.subset(options.subset), watch, graph)


def quantize(model: Any, data: Any = None, *, preparation: Preparation | None = None, **options: Any) -> Result:
    """Quantizes a model by samples, with the fields of `Options` as arguments.

        result = vinoc.quantize("model.onnx", samples, preset="mixed")
        vinoc.save_model(result.model, "model_int8.xml")

    `model` is a file, a `Model` or a graph; `data` what `open_data` takes: a folder of images, a file of arrays, or an
    iterable of arrays, tuples or dicts. Raises VinocError.
    """
    return quantize_model(model, data, Options(**options), preparation)
