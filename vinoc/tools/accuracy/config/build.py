"""The blocks of a configuration become objects; all that is wrong with them is told at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any, TypeVar

from ....ir.errors import VinocError, did_you_mean, nearest
from ...marked import Map, Place, Seq
from ...problems import Notes
from ..adapters.base import adapter
from ..base import Named, data_reader, metric, postprocessor, preprocessor, reader
from ..evaluation import Evaluation, Source
from ..launchers.base import launcher
from ..options import options_of, parse
from ..registry import Registry
from ..results import Wanted
from .choose import device_config, tags_of
from .marked import read_list
from .merge import Entry
from .paths import CONVERSION, DATASET, VOCABULARY, Prefixes, resolved, with_files
from .request import Request

T = TypeVar("T")

KNOWN = (*DATASET, "annotation_conversion", "metrics", "name", "postprocessing", "preprocessing", "reader", "shuffle",
         "subsample_seed", "subsample_size")  # fmt: skip
IGNORED = ("additional_data_source", "analyze_dataset", "annotation", "batch", "dataset_meta", "store_subset")
"""of a data set; annotations are converted each time, which makes their files needless"""
SILENT = ("annotation", "dataset_meta")
"""without effect in Accuracy Checker as well where annotations are converted"""
METRIC = ("abs_threshold", "annotation_source", "name", "prediction_source", "presenter", "reference", "rel_threshold",
          "threshold", "type")  # fmt: skip
SEED = 666
"""Accuracy Checker's"""


@dataclass
class Builder(Notes):
    """Makes objects, notes what is wrong and what is accepted without a meaning."""

    _: KW_ONLY
    request: Request
    defined: Sequence[str] = ()
    """names of data sets that definitions have"""

    @property
    def prefixes(self) -> Prefixes:
        return self.request.prefixes

    # Components

    def made(self, registry: Registry[T], given: Any, where: str, key: str = "type",
             kinds: Sequence[str] = VOCABULARY, dropped: Sequence[str] = ()) -> T | None:  # fmt: skip
        """A component: a name, or a block with `type` and options. `dropped` are options that others read."""
        block = Map({key: given}, _place(given), {}) if isinstance(given, str) else given
        if not isinstance(block, Map) or not isinstance(block.get(key), str):
            self.wrong(f"a {registry.kind} has no `{key}`", block.where() if isinstance(block, Map) else where)
            return None
        where = where if isinstance(given, str) else block.where(key)
        name = block[key]
        try:
            cls = registry.find(name, where)
        except VinocError as error:
            self.problems.append(error)
            return None
        options = with_files(block.without(key, *dropped), self.prefixes, kinds)
        self._remark_ignored(cls, options, f"{registry.kind} '{name}'")
        try:
            return registry.make(name, options, f"{where}: {registry.kind} '{name}'", _places(options))
        except VinocError as error:
            self.problems.append(error)
            return None

    def _remark_ignored(self, cls: type, options: Map, what: str) -> None:
        for key in options:
            if key not in options_of(cls) and key in getattr(cls, "ignored", ()):
                self.remark(f"{options.where(key)}: {what}: '{key}' has no meaning here")

    def several(self, registry: Registry[T], block: Map, key: str) -> tuple[T, ...]:
        """The components of a list below `key`."""
        given = block.get(key)
        items = given if isinstance(given, Seq) else [] if given is None else [given]
        where = given.where if isinstance(given, Seq) else lambda i: block.where(key)
        made = [self.made(registry, item, where(i)) for i, item in enumerate(items)]
        return tuple(m for m in made if m is not None)

    # Parts of an entry

    def evaluation(self, entry: Entry) -> Evaluation | None:
        """An entry as an evaluation; None where something is wrong with it."""
        before = len(self.problems)
        runs = self.launcher(entry.launcher)
        adapts = None
        if entry.launcher.get("adapter") is None:
            self.wrong("the launcher has no adapter", entry.launcher.where("adapter"),
                       f"one of {', '.join(adapter.names())}")  # fmt: skip
        else:
            adapts = self.made(adapter, entry.launcher["adapter"], entry.launcher.where("adapter"))
        source = self.source(entry.dataset)
        metrics = self.metrics(entry.dataset)
        before_model = self.several(preprocessor, entry.dataset, "preprocessing")
        after_model = self.several(postprocessor, entry.dataset, "postprocessing")
        if len(self.problems) > before or runs is None or adapts is None or source is None:
            return None
        self._check_kinds(metrics, adapts, entry)
        tags = tags_of(entry.launcher)
        name = str(entry.dataset.get("name", "data set"))
        return Evaluation(
            entry.name, name, runs, source, adapts, metrics, before_model, after_model, tags, entry.dataset.where()
        )

    def launcher(self, block: Map) -> Any:
        properties = device_config(block, self.request)
        block = block.changed(device_config=properties) if properties else block
        return self.made(launcher, block, block.where(), "framework", ("models",), ("adapter", "tags"))

    def source(self, block: Map) -> Source | None:
        """Annotations and data of a data set."""
        self._check_keys(block)
        block = resolved(block, self.prefixes, DATASET)
        conversion = block.get("annotation_conversion")
        data = self.made(data_reader, block.get("reader", "opencv_imread"), block.where("reader"))
        if not isinstance(conversion, Map):
            self._no_conversion(block)
            return None
        conversion = _with_masks(conversion, block.get("segmentation_masks_source"))
        reads = self.made(reader, conversion, block.where("annotation_conversion"), "converter", CONVERSION)
        only = self.subset(block)
        if reads is None or data is None:
            return None
        return Source(reads, data, block.get("data_source"), self.sample(block), only)

    def _no_conversion(self, block: Map) -> None:
        where = block.where("annotation_conversion")
        if "annotation_conversion" in block:
            self.wrong("annotation_conversion is a block", where, "converter: NAME")
        elif "annotation" in block:
            self.wrong("converted annotations are Python pickles, which run code when they are read",
                       block.where("annotation"), "give `annotation_conversion` in their place")  # fmt: skip
        else:
            name = str(block.get("name"))
            help = did_you_mean(name, self.defined) or "or a definition of that name: -d FILE"
            self.wrong(f"the data set '{name}' has no annotation_conversion", where, help)

    def subset(self, block: Map) -> tuple[str, ...] | None:
        """The identifiers of a `subset_file`: a list in YAML."""
        path = block.get("subset_file")
        if path is None:
            return None
        try:
            return tuple(str(name) for name in read_list(path))
        except VinocError as error:
            self.problems.append(error)
            return None

    def sample(self, block: Map) -> dict[str, Any]:
        """Which of the samples are taken: the command line goes first."""
        size = self.request.subsample_size or block.get("subsample_size")
        shuffle = self.value(block, "shuffle", bool, True) if self.request.shuffle is None else self.request.shuffle
        seed = self.value(block, "subsample_seed", int, SEED) if self.request.seed is None else self.request.seed
        return {"subsample_size": size, "subsample_seed": seed, "shuffle": shuffle}

    def value(self, block: Map, key: str, kind: Any, default: Any = None) -> Any:
        """A value of a block as a type."""
        if block.get(key) is None:
            return default
        try:
            return parse(block[key], kind)
        except ValueError as error:
            self.wrong(f"'{key}' {error}", block.where(key))
            return default

    def _check_keys(self, block: Map) -> None:
        for key in block:
            if key not in KNOWN and key not in IGNORED:
                self.wrong(f"a data set has no '{key}'", block.where(key), nearest(str(key), (*KNOWN, *IGNORED)))
            elif key in IGNORED and key not in SILENT:
                self.remark(f"{block.where(key)}: '{key}' has no meaning here")

    # Metrics

    def metrics(self, block: Map) -> tuple[Wanted, ...]:
        given = block.get("metrics")
        items = given if isinstance(given, Seq) else [] if given is None else [given]
        if not items:
            self.wrong("the data set has no metrics", block.where("metrics"), "metrics: [{type: accuracy}]")
        found = [self._metric(m, block.where("metrics")) for m in items]
        made = [m for m in found if m is not None]
        return tuple(_told_apart(made))

    def _metric(self, given: Any, where: str) -> Wanted | None:
        block = given if isinstance(given, Map) else Map({"type": given}, _place(given), {})
        own = options_of(metric.find(block["type"])) if block.get("type") in metric.names() else {}
        dropped = [k for k in METRIC if k not in own and k != "type"]
        if isinstance(given, Map):
            made = self.made(metric, block, where, dropped=dropped)
        else:
            made = self.made(metric, given, where)
        if made is None:
            return None
        for key in ("annotation_source", "presenter", "prediction_source"):
            if key in block and key in dropped:
                self.remark(f"{block.where(key)}: metric '{block['type']}': '{key}' has no meaning here")
        threshold = None if "threshold" in own else self.value(block, "threshold", float)
        absolute = self.value(block, "abs_threshold", float, threshold)
        relative = self.value(block, "rel_threshold", float)
        name = str(block.get("name") or _title(made, block))
        return Wanted(name, made, self._reference(block), absolute, relative)

    def _reference(self, block: Map) -> float | Mapping[str, float] | None:
        given = block.get("reference")
        if self.request.ignore_reference:
            return None
        if isinstance(given, Map):
            return {str(k): self.value(given, k, float, 0.0) for k in given}
        value = self.value(block, "reference", float)
        return None if value is None else float(value)

    def _check_kinds(self, metrics: Sequence[Wanted], adapts: Any, entry: Entry) -> None:
        gives = type(adapts).prediction
        for wanted in metrics:
            takes = wanted.metric.prediction
            if not issubclass(gives, takes):
                what = f"metric '{wanted.name}' takes {takes.__name__}, adapter '{adapts.name}' gives {gives.__name__}"
                self.wrong(what, entry.dataset.where("metrics"))


def _with_masks(conversion: Map, folder: Path | None) -> Map:
    """With the folder of the masks, where a converter reads masks and does not say where from."""
    name = conversion.get("converter")
    if folder is None or name not in reader.names():
        return conversion
    wanted = [k for k in ("mask_dir", "masks_dir") if k in options_of(reader.find(name)) and k not in conversion]
    return conversion.changed(**dict.fromkeys(wanted, folder))


def _place(given: Any) -> Any:
    return getattr(given, "place", Place("the configuration", 0))


def _places(options: Any) -> dict[str, str]:
    return {str(k): str(p) for k, p in getattr(options, "places", {}).items()}


def _title(made: Named, block: Map) -> str:
    """`accuracy@top5` where a metric has no name of its own."""
    top = getattr(made, "top_k", None)
    return f"{block['type']}@top{top}" if block.get("top_k") is not None else str(block["type"])


def _told_apart(metrics: Sequence[Wanted]) -> list[Wanted]:
    """Metrics of one name are numbered from the second on."""
    out: list[Wanted] = []
    for wanted in metrics:
        same = sum(o.name == wanted.name or o.name.startswith(f"{wanted.name} ") for o in out)
        name = f"{wanted.name} {same + 1}" if same else wanted.name
        out.append(Wanted(name, wanted.metric, wanted.reference, wanted.abs_threshold, wanted.rel_threshold))
    return out
