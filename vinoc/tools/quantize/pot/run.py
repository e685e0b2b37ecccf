"""A configuration file done: its model, its data, its algorithms, and where the results go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np

from ....ir.errors import UsageError
from ....ir.graph import Graph
from ....runtime.model import Model
from ...inputs.fill import Look
from ...inputs.slots import inputs_of, set_layouts
from ..algorithms.accuracy_aware import accuracy_aware
from ..asked import Asked
from ..collect import outputs
from ..data import Preparation, Samples, open_data
from ..metrics import Evaluate
from ..options import Options
from ..quantize import Result, cleaned, quantize_model
from ..synthetic import made_up
from ..watch import Watch
from .checker import data_of
from .config import CHECKED, FREE, Config, read_config
from .scope import ignored

PLAIN = Asked()

RESULTS, OPTIMIZED = "results", "optimized"
"""Folders of POT's: results/NAME_ALGORITHMS/optimized/NAME.xml, here without one for the time of day."""


@dataclass(frozen=True)
class Quantizer:
    """What a job calls: quantizes a graph as the configuration says. `data` of the command line go first; `asked`: what
    the command line says of mean and scale."""

    config: Config
    asked: Asked = PLAIN

    def __call__(self, graph: Graph, data: Any, options: Options, preparation: Preparation, watch: Watch) -> Result:
        config = self.config
        for text in config.remarks:
            watch.warn(text)
        graph = cleaned(graph)
        options = ignored(options, config.scope, graph, watch, str(config.file))
        evaluate: Evaluate | None = None
        if data is not None:
            samples = open_data(data, graph, preparation)
        elif config.engine.kind == CHECKED:
            samples, evaluate = data_of(config, graph)
        else:
            samples = simple_samples(config, graph, self.asked, options.subset, watch)
        if config.shuffle is not None:
            samples = samples.only(np.random.default_rng(config.shuffle).permutation(len(samples)).tolist())
        if config.aware is None:
            return quantize_model(graph, samples, options, watch=watch)
        if config.unlabelled:
            samples, evaluate = answered(samples, graph), None
        return accuracy_aware(graph, samples, options, config.aware, watch=watch, evaluate=evaluate).result


def simple_samples(config: Config, graph: Graph, asked: Asked, count: int, watch: Watch) -> Samples:
    """Images, blue first as POT's simplified engine reads them, of a folder or of a pattern of names; arrays of a file;
    pictures that are made up."""
    engine, inputs = config.engine, inputs_of(Model(graph).inputs)
    layout = engine.layout if len(engine.layout) != 3 else f"N{engine.layout}"
    asked = replace(asked, look=Look(bgr=True), layout=asked.layout or (f"[{layout}]" if layout else ""))
    set_layouts(inputs, asked.layout)
    pictures = asked.preparation(inputs)
    path = config.path(engine.source) if engine.source else None
    if engine.kind == FREE and (path is None or not path.exists()):
        if not engine.generate:
            raise UsageError(f"there is no '{engine.source}', and nothing is to be made up", engine.where)
        watch.warn("quantized without data: ranges are those of pictures that are made up")
        return made_up(inputs, pictures, min(count or 300, 300))
    if path is None:
        raise UsageError("the path of the data is a placeholder", engine.where, "write it there, or give --data")
    if path.is_file() and path.suffix in (".npy", ".npz"):
        return open_data(path, graph, replace(pictures, look=Look()))
    watch.warn(f"{engine.where}: images are given to the model blue first, as POT gave them")
    if path.exists():
        return open_data(path, graph, pictures)
    return _matching(path, graph, pictures, engine.where)


def _matching(path: Path, graph: Graph, preparation: Preparation, where: str) -> Samples:
    """The files of a folder whose names are of a pattern: images/*_a.jpg. Raises UsageError."""
    if not path.parent.is_dir():
        raise UsageError(f"there is no file or folder '{path}'", where)
    samples = open_data(path.parent, graph, preparation)
    kept = [i for i, name in enumerate(samples.names) if fnmatch(name, path.name)]
    if not kept:
        raise UsageError(f"no file of '{path.parent}' is called '{path.name}'", where, f"{len(samples)} are there")
    return samples.only(kept)


def answered(samples: Samples, graph: Graph) -> Samples:
    """The samples with what the float model finds as their labels."""
    labels = np.array([found[0].reshape(-1).argmax() for found in outputs(graph, samples)])
    return replace(samples, labels=labels)


def run_config(path: Path, model: Path | None, given: Mapping[str, Any]) -> Any:
    """Does what a configuration file asks for. What the command line has goes first: model, data, -o, --subset.

    Raises UsageError.
    """
    from ...bench.prepare import existing
    from ..cli import asked_of, told
    from ..job import Job

    config = read_config(path)
    source = model if model is not None else (config.path(config.model) if config.model else None)
    if source is None:
        raise UsageError("the path of the model is a placeholder", str(path), "write it there, or name the model")
    if (
        model is None
        and config.weights
        and config.path(config.weights).resolve() != source.with_suffix(".bin").resolve()
    ):
        raise UsageError(
            f"weights in '{config.weights}' do not stand beside '{source}'", str(path), "give both the same name"
        )
    options = config.options if given.get("subset") is None else replace(config.options, subset=given["subset"])
    job = Job(
        model=existing(source), data=asked_of(dict(given)), out=output(config, source, given), options=options,
        reports=[Path(r) for r in given.get("reports", ())], ranges=given.get("save_ranges"),
        resume=given.get("resume"), input_shape=given.get("shape"),
        quantizer=Quantizer(config, asked_of({**given, "data": ("",)})),
    )  # fmt: skip
    return told(job, bool(given.get("silent")))


def output(config: Config, model: Path, given: Mapping[str, Any]) -> Path:
    """The .xml to write: where -o says, else in POT's folders."""
    name = given.get("name") or config.name or model.stem
    out: Path | None = given.get("out")
    if out is not None and out != Path():
        return out if out.suffix == ".xml" else out / f"{name}.xml"
    folder = Path(config.output or RESULTS)
    if not config.direct:
        folder /= "_".join((name, *config.algorithms))
    return folder / OPTIMIZED / f"{name}.xml"
