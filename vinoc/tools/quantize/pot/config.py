"""A configuration file of POT, checked and as vinoc's options."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ....ir.errors import UsageError, nearest
from ...marked import Map
from ...problems import Notes, check
from ..algorithms.accuracy_aware import Aware
from ..options import Options
from .algorithms import Steps, aware_of, steps_of
from .commented import read_commented
from .kinds import read_block
from .schema import ALGORITHMS, CHECKER, SEARCH, TOP, Known

PLACEHOLDER = re.compile(r"<.*>|PATH_TO_\w+")
"""What stands in POT's own files where a name or a path belongs."""

AWARE, CHECKED, SIMPLE, FREE = "AccuracyAwareQuantization", "accuracy_checker", "simplified", "data_free"


@dataclass(frozen=True)
class Engine:
    """Where samples come from.

    kind     simplified: images or arrays of `source`; data_free: made up, unless `source` has some; accuracy_checker
    checker  a file of Accuracy Checker, or the blocks that it would hold
    """

    kind: str
    source: str = ""
    layout: str = ""
    generate: bool = True
    checker: Path | Mapping[str, Any] | None = None
    where: str = ""


@dataclass(frozen=True)
class Scope:
    """What stays float: `names`; `operations`, kinds with the attributes that they must have."""

    names: tuple[str, ...] = ()
    operations: tuple[tuple[str, Mapping[str, Any]], ...] = ()


@dataclass(frozen=True)
class Config:
    """What a file asks for. Paths are as they stand there; "" is what it leaves open.

    shuffle  the seed by which samples are drawn; None: evenly spaced ones are taken
    aware    for accuracy-aware quantization; `unlabelled`: the float model's own answers are its labels
    metrics  those that count; none: all that the data have
    """

    file: Path
    name: str
    model: str
    weights: str
    engine: Engine
    options: Options
    scope: Scope = field(default_factory=Scope)
    output: str = ""
    direct: bool = False
    shuffle: int | None = None
    aware: Aware | None = None
    metrics: tuple[str, ...] = ()
    unlabelled: bool = False
    algorithms: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def path(self, text: str | Path) -> Path:
        """A path of the file: of the working directory, as POT has it, or beside the file where it is there alone."""
        path = Path(text).expanduser()
        beside = self.file.parent / path
        if path.exists() or not (beside.exists() or beside.parent.is_dir()):
            return path
        return path if path.parent.is_dir() and not beside.exists() else beside  # a pattern stands in a folder


def read_config(path: Path | str) -> Config:
    """A configuration file. Raises a UsageError with all that is wrong with it, by line and column."""
    path = Path(path)
    data = read_commented(path)
    notes = Notes()
    top = read_block(data, TOP, "the file", str(path), notes)
    for name in ("model", "engine", "compression"):
        if name not in data:
            notes.wrong(f"there is no '{name}'", data.where(), f"the file has {', '.join(TOP)}")
    compression = top.get("compression", {})
    found = _algorithms(data, compression, notes)
    made = _config(path, data, top, found, notes)
    check(sorted(notes.problems, key=lambda p: _place(p.where)), str(path))
    assert made is not None
    return made


def _place(where: str | None) -> list[int]:
    """Line and column of a problem."""
    return [int(n) for n in (where or "").split(":")[-2:] if n.isdecimal()]


def placeholder(text: str | None) -> str:
    """A text, or "" where it is one of POT's placeholders."""
    return "" if text is None or PLACEHOLDER.fullmatch(text) else text


Algorithms = list[tuple[str, dict[str, Any]]]


def _algorithms(data: Map, compression: Mapping[str, Any], notes: Notes) -> Algorithms:
    block = data.get("compression")
    where = block.where("algorithms") if isinstance(block, Map) else data.place.file
    given = compression.get("algorithms") or []
    if not given:
        notes.wrong("there are no algorithms", where, 'algorithms: [{"name": "DefaultQuantization", "params": {}}]')
    raw = block["algorithms"] if isinstance(block, Map) and given else []
    return algorithms_of(given, raw, where, notes)


def algorithms_of(
    given: Sequence[Mapping[str, Any]], raw: Sequence[Any], where: str, notes: Notes
) -> list[tuple[str, dict[str, Any]]]:
    """The algorithms with their parameters, of those that are known. `raw`: the blocks, which know where they stand."""
    names = [a.get("name") for a in given]
    out = []
    for place, (entry, block) in enumerate(zip(given, raw, strict=True)):
        at = block.where("name") if isinstance(block, Map) else where
        name = entry.get("name")
        known = ALGORITHMS.get(name or "")
        if name is None:
            notes.wrong("an algorithm has no name", at)
        elif known is None:
            notes.wrong(f"there is no algorithm '{name}'", at, nearest(name, ALGORITHMS))
        elif known.refused:
            notes.wrong(f"algorithm '{name}' cannot be had: {known.refused}", at, "take it out of the list")
        elif names.index(name) != place:
            notes.wrong(f"algorithm '{name}' stands in the list twice", at)
        else:
            inside = block.where("params") if isinstance(block, Map) else where
            out.append((name, _params(name, known, entry, at, inside, notes)))
    if AWARE in names and len(names) > 1:
        notes.wrong(f"'{AWARE}' begins with its base algorithm: it stands alone in the list", where)
    return out


def _params(name: str, known: Known, entry: Mapping[str, Any], at: str, inside: str, notes: Notes) -> dict[str, Any]:
    if known.remark:
        notes.remark(f"'{name}': {known.remark}", at)
    if name == "TunableQuantization":
        notes.remark(f"'{name}': {SEARCH}", at)
    return read_block(entry["params"], known.keys, name, inside, notes) if "params" in entry else {}


def _config(
    path: Path, data: Map, top: Mapping[str, Any], algorithms: Sequence[tuple[str, dict[str, Any]]], notes: Notes
) -> Config | None:
    model, compression = top.get("model", {}), top.get("compression", {})
    where = data.where("compression")
    names = tuple(name for name, _ in algorithms)
    if model.get("cascade"):
        notes.wrong(
            "cascades of models are not quantized", _inside(data, "model", "cascade"), "quantize one after the other"
        )
    steps = steps_of(algorithms, _inside(data, "compression", "algorithms"), notes)
    engine = _engine(data, top.get("engine", {}), model, notes)
    if AWARE in names and engine.kind == FREE:
        notes.wrong(f"'{AWARE}' needs labels, which data that are made up do not have", _inside(data, "engine", "type"))
    _devices(data, compression, notes)
    if notes.problems:
        return None
    aware, metrics, unlabelled = aware_of(dict(algorithms).get(AWARE), notes, where)
    return Config(
        path, model.get("model_name") or model.get("name") or "", placeholder(model.get("model")),
        placeholder(model.get("weights")), engine, options_of(steps, where), scope_of(steps, notes, where),
        placeholder(model.get("output_dir")), bool(model.get("direct_dump")), steps.shuffle, aware, metrics,
        unlabelled, names, tuple(notes.remarks),
    )  # fmt: skip


def options_of(steps: Steps, where: str) -> Options:
    """Vinoc's options; POT takes all samples where no number is given, and all products. Raises UsageError."""
    try:
        return Options(
            preset=steps.preset, subset=steps.subset or 0, bits=steps.bits,
            weight_bits=steps.weight_bits, algorithms=steps.names, schemes=steps.schemes, integers="always",
        )  # fmt: skip
    except UsageError as error:
        raise UsageError(error.what, where, error.help) from None


def scope_of(steps: Steps, notes: Notes, where: str) -> Scope:
    """What stays float."""
    names = [n for n in steps.scope if placeholder(n)]
    kinds = [(o["type"], o.get("attributes") or {}) for o in steps.operations if placeholder(o.get("type"))]
    if len(names) < len(steps.scope) or len(kinds) < len(steps.operations):
        notes.remark("'ignored': placeholders name nothing", where)
    return Scope(tuple(dict.fromkeys(names)), tuple(kinds))


def _devices(data: Map, compression: Mapping[str, Any], notes: Notes) -> None:
    device = compression.get("target_device")
    if device not in (None, "ANY", "CPU", "CPU_SPR", "GPU"):
        notes.remark(
            f"'{device}' has rules of its own: those for CPUs are taken", _inside(data, "compression", "target_device")
        )
    if compression.get("model_type") == "transformer":
        notes.remark(
            "'transformer': attention is found in the graph, unasked", _inside(data, "compression", "model_type")
        )


def _engine(data: Map, engine: Mapping[str, Any], model: Mapping[str, Any], notes: Notes) -> Engine:
    if "type" in engine and engine["type"] is None:  # what it is said to be is wrong
        return Engine(CHECKED)
    kind = engine.get("type") or CHECKED
    raw = data.get("engine")
    where = raw.where() if isinstance(raw, Map) else data.where()
    inline = {key: engine[key] for key in CHECKER if key in engine}
    if kind != CHECKED:
        for key in (*inline, *(k for k in ("config",) if k in engine)):
            notes.remark(f"'{key}': not used, since the engine is '{kind}'", _inside(data, "engine", key))
        if "central_fraction" in engine:
            notes.remark("'central_fraction': images are taken whole", _inside(data, "engine", "central_fraction"))
        source = engine.get("data_source") or ""
        if not source and kind == SIMPLE:
            notes.wrong("the simplified engine has no 'data_source'", where, "a folder of images, or an .npz")
        layout = engine.get("layout") or ""
        return Engine(kind, placeholder(source), layout, engine.get("generate_data", True) is not False, None, where)
    if "data_source" in engine:
        notes.remark("'data_source': not used, the data set has its own", _inside(data, "engine", "data_source"))
    if "module" in inline or "module_config" in inline:
        notes.wrong("evaluators in Python of Accuracy Checker's are not run here", _inside(data, "engine", "module"))
        return Engine(kind)
    if engine.get("config"):
        text = placeholder(engine["config"])
        return Engine(kind, checker=Path(text) if text else None, where=_inside(data, "engine", "config"))
    if not inline:
        notes.wrong("the engine has neither 'config' nor 'datasets'", where, "or give type: simplified")
    name = inline.pop("name", None) or model.get("model_name") or "model"
    return Engine(kind, checker={"name": name, **inline}, where=where)


def _inside(data: Map, section: str, key: str) -> str:
    """Where a key of a section stands."""
    block = data.get(section)
    return block.where(key) if isinstance(block, Map) else data.where(section)
