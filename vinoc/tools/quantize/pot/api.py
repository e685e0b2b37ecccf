"""POT's Python names, over vinoc's quantization: scripts written for `openvino.tools.pot` need another import.

from vinoc.tools.quantize.pot.api import DataLoader, IEEngine, Metric, create_pipeline, load_model, save_model
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ....backends.base import backend
from ....backends.openvino import write_ir
from ....compiler.driver import read_model
from ....ir.dtype import Array
from ....ir.errors import UsageError
from ....ir.graph import Graph
from ....passes.manager import PassManager
from ....runtime.model import Model
from ...inputs.slots import inputs_of
from ...problems import Notes, check
from ..algorithms.accuracy_aware import accuracy_aware
from ..collect import Runner
from ..data import Preparation, Samples, fitted
from ..job import SHORTEN
from ..metrics import Score
from ..quantize import cleaned, quantize_model
from ..watch import Watch
from .algorithms import aware_of, steps_of
from .checker import scored
from .config import algorithms_of, options_of, scope_of
from .scope import ignored

AWARE = "AccuracyAwareQuantization"
WHERE = "create_pipeline"


class DataLoader(ABC):
    """Samples by index: (data, annotation), or ((index, annotation), data), either with metadata behind. The data are
    an array, or arrays by the names of the inputs."""

    def __init__(self, config: Any = None) -> None:
        self.config = config

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, index: int) -> Any: ...


class Metric(ABC):
    """A metric: fed with the outputs of samples, then asked. A data loader's annotations are its targets."""

    @property
    @abstractmethod
    def value(self) -> dict[str, Any]:
        """By name a list with the values of the last update."""

    @property
    @abstractmethod
    def avg_value(self) -> dict[str, float]:
        """By name the value over all updates since `reset`."""

    @abstractmethod
    def update(self, output: Any, target: Any) -> None: ...

    @abstractmethod
    def reset(self) -> None: ...

    @abstractmethod
    def get_attributes(self) -> dict[str, dict[str, str]]:
        """By name `direction`, which is higher-better or higher-worse, and `type`."""


@dataclass
class CompressedModel:
    """A model with its name; `facts`: what was found while it was quantized."""

    graph: Graph
    name: str = "model"
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """What a data loader gave."""

    data: Any
    annotation: Any = None
    metadata: Any = None


def sample_of(item: Any) -> Sample:
    """An item of a data loader, in any of POT's forms."""
    if not isinstance(item, tuple | list):
        return Sample(item)
    first, *rest = item
    if isinstance(first, tuple | list) and len(first) == 2 and rest:
        return Sample(rest[0], first[1], rest[1] if len(rest) > 1 else None)
    return Sample(first, rest[0] if rest else None, rest[1] if len(rest) > 1 else None)


class IEEngine:
    """Data and a metric for a pipeline. Subclasses may override `postprocess_output`."""

    def __init__(self, config: Any = None, data_loader: DataLoader | None = None, metric: Metric | None = None) -> None:
        self.config = config
        self.data_loader = data_loader
        self.metric = metric

    def postprocess_output(self, outputs: list[Array], metadata: Any) -> Any:
        """What the metric gets of the outputs of a sample."""
        return outputs

    def samples(self, graph: Graph) -> Samples:
        """The data for a model. Raises UsageError where there are none."""
        if self.data_loader is None:
            raise UsageError("the engine has no data", "IEEngine", "data_loader=...")
        loader, inputs, plain = self.data_loader, inputs_of(Model(graph).inputs), Preparation()

        def load(index: int) -> dict[str, Array]:
            data = sample_of(loader[index]).data
            given = data if isinstance(data, Mapping) else {inputs[0].name: data}
            missing = [i.name for i in inputs if i.name not in given]
            if missing:
                raise UsageError(f"the data loader gives nothing for input {', '.join(missing)}", f"sample {index}")
            return {i.name: fitted(np.asarray(given[i.name]), i, plain) for i in inputs}

        return Samples([f"sample {i}" for i in range(len(loader))], load, inputs)

    def evaluate(self, graph: Graph) -> Score:
        """The metric of a graph on all samples; more is better. Raises UsageError without a metric."""
        if self.metric is None or self.data_loader is None:
            raise UsageError("the engine has no metric", "IEEngine", "metric=...")
        metric, samples = self.metric, self.samples(graph)
        run = Runner(graph, list(graph.outputs))
        metric.reset()
        each = []
        name = next(iter(metric.get_attributes()))
        for index in range(len(samples)):
            sample = sample_of(self.data_loader[index])
            found = [np.array(a) for a in run(samples.load(index))]
            metric.update(self.postprocess_output(found, sample.metadata), [sample.annotation])
            each.append(float(np.mean(metric.value[name])))
        worse = metric.get_attributes()[name].get("direction") == "higher-worse"
        sign = -1.0 if worse else 1.0
        return scored(sign * float(metric.avg_value[name]), sign * np.array(each))


@dataclass(frozen=True)
class Pipeline:
    """Algorithms, as a configuration file has them, and the engine that feeds them."""

    algorithms: Sequence[tuple[str, Mapping[str, Any]]]
    engine: IEEngine
    warn: Any = print

    def run(self, model: CompressedModel) -> CompressedModel:
        """The quantized model. Raises VinocError."""
        notes = Notes()
        steps = steps_of(self.algorithms, WHERE, notes)
        aware, _, _ = aware_of(dict(self.algorithms).get(AWARE), notes, WHERE)
        watch = Watch(warn=self.warn)
        graph = cleaned(model.graph)
        options = ignored(options_of(steps, WHERE), scope_of(steps, notes, WHERE), graph, watch, WHERE)
        check(notes.problems, WHERE)
        samples = self.engine.samples(graph)
        if steps.shuffle is not None:
            samples = samples.only(np.random.default_rng(steps.shuffle).permutation(len(samples)).tolist())
        if aware is None:
            result = quantize_model(graph, samples, options, watch=watch)
        else:
            found = accuracy_aware(graph, samples, options, aware, watch=watch, evaluate=self.engine.evaluate)
            result = found.result
        return CompressedModel(result.graph, model.name, dict(result.work.facts))

    def evaluate(self, model: CompressedModel) -> dict[str, float]:
        """The metrics of a model, by name."""
        self.engine.evaluate(model.graph)
        assert self.engine.metric is not None
        return dict(self.engine.metric.avg_value)


def create_pipeline(algorithms: Sequence[Mapping[str, Any]], engine: IEEngine, warn: Any = print) -> Pipeline:
    """A pipeline of algorithms: [{"name": "DefaultQuantization", "params": {...}}]. Raises UsageError."""
    notes = Notes()
    found = algorithms_of(algorithms, algorithms, WHERE, notes)
    check(notes.problems, WHERE)
    for text in notes.remarks:
        warn(text)
    return Pipeline(found, engine, warn)


def load_model(model_config: Mapping[str, Any]) -> CompressedModel:
    """The model of {"model_name": ..., "model": ..., "weights": ...}. Raises VinocError."""
    if "cascade" in model_config or "model" not in model_config:
        raise UsageError("one model with a path is needed", "load_model", "cascades are quantized one after the other")
    path = Path(model_config["model"])
    weights = model_config.get("weights")
    if weights is not None and path.suffix == ".xml" and Path(weights).resolve() != path.with_suffix(".bin").resolve():
        raise UsageError(f"weights in '{weights}' do not stand beside '{path}'", "load_model", "give both one name")
    return CompressedModel(read_model(path), model_config.get("model_name") or path.stem)


def save_model(model: CompressedModel, save_path: str | Path, model_name: str | None = None) -> list[dict[str, str]]:
    """Writes a model as IR; returns where: [{"name": ..., "model": ..., "weights": ...}]."""
    name = model_name or model.name
    path = Path(save_path) / f"{name}.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    copy = model.graph.clone()
    PassManager(f"{SHORTEN},{backend('ir').lowering}").run(copy)
    write_ir(copy, path, short=True)
    return [{"name": name, "model": str(path), "weights": str(path.with_suffix(".bin"))}]


def compress_model_weights(model: CompressedModel) -> None:
    """Nothing is left to do: weights are stored as integers already."""
