"""A configuration and its definitions, merged: each model with each of its launchers and data sets."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ....ir.errors import UsageError, nearest
from ...marked import Map, Seq, as_map
from ...problems import Notes
from .marked import read_yaml
from .request import Request

TOP = ("models", "evaluations", "global_definitions")
MODEL = ("name", "launchers", "datasets")
DEFINED = ("launchers", "datasets", "preprocessing", "postprocessing", "metrics", "models")
STEPS = ("preprocessing", "postprocessing", "metrics")


@dataclass(frozen=True)
class Entry:
    """A model with one launcher and one data set."""

    name: str
    launcher: Map
    dataset: Map


@dataclass
class Merged(Notes):
    """All entries, what is wrong, and what a person should know."""

    entries: list[Entry] = field(default_factory=list)
    defined: list[str] = field(default_factory=list)
    """names of the data sets in the definitions"""


def merged(request: Request) -> Merged:
    """The entries of a configuration. Raises a UsageError where it cannot be read at all."""
    config = read_yaml(request.config) if isinstance(request.config, Path) else as_map(request.config, request.where)
    out = Merged(problems=list(request.prefixes.check()))
    definitions = _definitions(request, config, out)
    out.defined = [str(d.get("name")) for d in blocks(definitions.get("datasets"), out, "datasets")]
    for key in config:
        if key not in TOP:
            out.wrong(f"there is no entry '{key}'", config.where(key), nearest(str(key), TOP))
    if "evaluations" in config:
        out.wrong(
            "`evaluations` name Python modules of Accuracy Checker's, which are not run here",
            config.where("evaluations"), "write the model, its launchers and its data sets below `models`",
        )  # fmt: skip
    elif not config.get("models"):
        out.wrong("has no models", config.where("models"), "models: [{name: ..., launchers: [...], datasets: [...]}]")
    for model in blocks(config.get("models"), out, "models"):
        out.entries += _of_model(model, definitions, out)
    return out


def _definitions(request: Request, config: Map, out: Merged) -> Map:
    """Of the command line, of the environment, or of the configuration itself: relative to it."""
    inside = os.environ.get("DEFINITIONS_FILE") or config.get("global_definitions")
    path = request.definitions or (request.folder / Path(str(inside)) if inside else None)
    if path is None:
        return Map({}, config.place, {})
    definitions = read_yaml(path)
    for key in definitions:
        if key not in DEFINED:
            out.wrong(f"there is no entry '{key}'", definitions.where(key), nearest(str(key), DEFINED))
    for dataset in blocks(definitions.get("datasets"), out, "datasets"):
        for step in STEPS:  # what definitions say of a step in general, a data set of theirs inherits
            general = blocks(definitions.get(step), out, step)
            if general and isinstance(dataset.get(step), Seq):
                own = dataset[step]
                dataset[step] = Seq([_with(general, e, "type") for e in own], own.place, own.places)
    return definitions


def blocks(value: Any, out: Merged, what: str) -> list[Map]:
    """The blocks of a list, of one block alone, or of a block of named blocks. Notes what is none."""
    if value is None:
        return []
    if isinstance(value, Map):
        inner = [v for v in value.values() if isinstance(v, Map)]
        return inner if inner and len(inner) == len(value) else [value]
    if not isinstance(value, Seq):
        out.problems.append(UsageError(f"`{what}` is {value!r}: a list of blocks is needed"))
        return []
    for i, item in enumerate(value):
        if not isinstance(item, Map):
            out.wrong(f"an element of `{what}` is {item!r}: a block is needed", value.where(i))
    return [item for item in value if isinstance(item, Map)]


def _of_model(model: Map, definitions: Map, out: Merged) -> Iterator[Entry]:
    for key in model:
        if key not in MODEL:
            out.wrong(f"a model has no '{key}'", model.where(key), nearest(str(key), MODEL))
    missing = [key for key in MODEL if not model.get(key)]
    for key in missing:
        out.wrong(f"the model has no {key}", model.where(), f"a model has {', '.join(MODEL)}")
    if missing:
        return
    launchers = [
        _with(blocks(definitions.get("launchers"), out, "launchers"), launcher, "framework")
        for launcher in blocks(model["launchers"], out, "launchers")
    ]
    datasets = [
        _with(blocks(definitions.get("datasets"), out, "datasets"), dataset, "name")
        for dataset in blocks(model["datasets"], out, "datasets")
    ]
    for launcher in launchers:
        for dataset in datasets:
            yield Entry(str(model["name"]), launcher, dataset)


def _with(general: Sequence[Map], own: Any, key: str) -> Any:
    """A block with what a definition of the same name has and it has not itself."""
    if not isinstance(own, Map) or own.get(key) is None:
        return own
    same = next((g for g in general if g.get(key) == own[key]), None)
    return own if same is None else own.over(same)
