"""Data sets of Accuracy Checker: samples to calibrate on, and metrics of graphs, float or quantized."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ....ir.dtype import Array
from ....ir.errors import UsageError, nearest
from ....ir.graph import Graph
from ....runtime.model import Model
from ...accuracy.annotations import Images, prepared
from ...accuracy.judge import Judge
from ...inputs.slots import inputs_of
from ...marked import Map, as_map
from ..data import Samples
from ..metrics import Evaluate, Score
from .config import Config

CALIBRATED, JUDGED = "optimization", "evaluation"
"""Data sets by their names where a configuration has one for each."""


def judges(config: Config) -> tuple[Judge, Judge]:
    """The data set to calibrate on and the one to judge on, which may be the same. Raises UsageError."""
    engine = config.engine
    given = engine.checker
    if given is None:
        raise UsageError(
            "the path of Accuracy Checker's configuration is a placeholder", engine.where, "write it there"
        )
    if isinstance(given, Path):
        one = Judge(config.path(given))
        return one, one
    sets = given.get("datasets")
    if not isinstance(sets, Mapping) or JUDGED not in sets:
        one = Judge(_model(given, sets))
        return one, one
    common = sets.get("preprocessing")
    found = [_with(sets.get(name, sets[JUDGED]), common) for name in (CALIBRATED, JUDGED)]
    for key in ("annotation_conversion", "metrics"):  # statistics need neither, but the samples are found by them
        found[0].setdefault(key, found[1].get(key))
    first, second = (Judge(_model(given, [block])) for block in found)
    return first, second


def _with(block: Mapping[str, Any], common: Any) -> Map:
    own = as_map(block, "the engine's data set")
    return own.changed() if common is None else own.changed(preprocessing=own.get("preprocessing", common))


def _model(given: Mapping[str, Any], sets: Any) -> Mapping[str, Any]:
    """What a file of Accuracy Checker holds, of the blocks in the engine's."""
    launchers = given.get("launchers") or [{"framework": "vinoc"}]
    entry = {"name": given["name"], "launchers": launchers, "datasets": sets}
    return {"models": [entry]}


def samples_of(judge: Judge, graph: Graph) -> Samples:
    """The samples of a data set, as the model is fed with them."""
    evaluation = judge.evaluation
    running = evaluation.launcher.start(Model(graph))
    dataset = judge.dataset
    images = Images(dataset, evaluation.source.folder, evaluation.source.data)
    steps = evaluation.preprocessing
    fitted = tuple(s.fitted(running.size) for s in steps) if running.size is not None else steps
    annotations = dataset.annotations

    def load(index: int) -> dict[str, Array]:
        annotation = annotations[index]
        image = prepared(images.read(annotation), fitted, annotation)
        feeds = running.filled.feeds([image] * running.batch, {})
        return {name: np.asarray(array) for name, array in feeds.items()}

    return Samples([a.identifier for a in annotations], load, inputs_of(Model(graph).inputs))


def evaluator(judge: Judge, wanted: Sequence[str], where: str) -> Evaluate:
    """The first of the wanted metrics, by name or type; without any the first of the data set. More is better.

    Where the metric is the mean of what it is of each sample, these are kept, to be compared one by one.
    """
    names = [w.name for w in judge.evaluation.metrics]
    kinds = {w.metric.name: w.name for w in judge.evaluation.metrics}
    asked = wanted[0] if wanted else names[0]
    name = asked if asked in names else kinds.get(asked, "")
    if not name:
        raise UsageError(f"the data set has no metric '{asked}'", where, nearest(asked, [*names, *kinds]))
    metric = next(w.metric for w in judge.evaluation.metrics if w.name == name)

    def evaluate(graph: Graph) -> Score:
        outcome = judge.run(Model(graph), keep=True)
        found = next(f for f in outcome.findings if f.name.split("@")[0] == name.split("@")[0] or f.name == name)
        sign = 1.0 if found.result.higher_is_better else -1.0
        each = []
        for pair in zip(outcome.annotations, outcome.predictions, strict=True):
            counted = metric.start(judge.dataset)
            metric.add(counted, *pair)
            each.append(metric.result(counted).value)
        return scored(sign * found.value, sign * np.array(each, np.float64))

    return evaluate


def scored(value: float, each: Array) -> Score:
    """A score, with the values of the samples where their mean it is."""
    if not len(each) or not np.isfinite(each).all() or abs(float(each.mean()) - value) > 1e-6 * max(abs(value), 1):
        return Score(value)
    return Score(value, each.astype(bool)) if np.isin(each, (0.0, 1.0)).all() else Score(value, each)


def data_of(config: Config, graph: Graph) -> tuple[Samples, Evaluate | None]:
    """Samples, and the metric where quantization is to be within a bound of it."""
    first, second = judges(config)
    samples = samples_of(first, graph)
    return samples, evaluator(second, config.metrics, config.engine.where) if config.aware is not None else None
