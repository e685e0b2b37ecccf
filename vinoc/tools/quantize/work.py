"""What algorithms work on: the float graph, statistics of it, and the ranges that it is quantized by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ...ir.dtype import Array
from ...ir.graph import Graph, Node, Value
from ...passes.manager import PassManager
from ...passes.pipeline import Pipeline
from ...passes.quantize import Quantize, Range, Ranges, Setting, needed
from .collect import NOTHING, Draw, collect
from .data import Samples
from .options import Options
from .statistics import Spec, Statistics
from .watch import Watch

UNSET = Setting()


@dataclass
class Work:
    """A quantization under way.

    original  the cleaned-up float graph as it was: what outputs are compared with. Nobody changes it
    graph     the float graph that will be quantized; algorithms may change weights and biases: `changed()` then
    samples   the subset that statistics are collected of
    values, weights   the ranges so far, by the names of `needed`; `activations`, `weight_defaults`: what they say not
    watch     progress, warnings, samples that were left out
    portable  ranges for `original`, where the channels of `graph` are scaled
    unrounded the weights that an algorithm rounded, as they were before, by the names of their constants in `graph`
    shifts    what was added to the biases behind them
    keep_float  nodes that algorithms leave float, with the reason
    float_data  products whose weights alone are quantized, with the reason
    recipes   of each layer, by node or value: what was done, and why
    """

    original: Graph
    graph: Graph
    samples: Samples
    options: Options
    watch: Watch = field(default_factory=Watch)
    values: dict[str, Range] = field(default_factory=dict)
    weights: dict[str, Range] = field(default_factory=dict)
    unrounded: dict[str, Array] = field(default_factory=dict)
    shifts: dict[str, Array] = field(default_factory=dict)
    portable: dict[str, Range] = field(default_factory=dict)
    activations: Setting = UNSET
    weight_defaults: Setting = UNSET
    pass_options: dict[str, Any] = field(default_factory=dict)
    keep_float: dict[str, str] = field(default_factory=dict)
    float_data: dict[str, str] = field(default_factory=dict)
    recipes: dict[str, list[str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    """What else algorithms found out, for the report, by their names."""
    _seen: tuple[Spec, dict[str, Statistics]] | None = None

    def needed(self) -> dict[str, Value]:
        """The values of `graph` that are to be quantized, by name."""
        return needed(self.graph, self.known(), **self.pass_options)

    def known(self) -> Ranges:
        """The ranges so far."""
        ignored = self.options.ignored
        names = tuple(dict.fromkeys((*ignored.names, *self.keep_float)))
        return Ranges(
            dict(self.values), dict(self.weights), self.activations,
            self.weight_defaults.over(Setting(bits=self.options.weight_bits)),
            replace(ignored, names=names), "calibration", tuple(self.float_data),
        )  # fmt: skip

    def for_original(self) -> Ranges:
        """Ranges for the model as it was, which has neither scaled channels nor rounded weights."""
        names = {value.name for node in self.original for value in node.outputs}
        weights = {name: r for name, r in self.weights.items() if name in names and name not in self.unrounded}
        return replace(self.known(), values=dict(self.portable or self.values), weights=weights)

    def statistics(self, what: Spec | None = None, also: Mapping[Value, Draw] = NOTHING) -> dict[str, Statistics]:
        """Statistics of all needed values, collected once, until the graph changes or more is wanted. `also`: what else
        looks at values, of all samples."""
        what = what or Spec()
        if self._seen is None or not self._seen[0].covers(what) or also:
            self._seen = what, self.collect(self.needed(), what, also)
        return self._seen[1]

    def collect(self, wanted: Mapping[str, Value], what: Spec, also: Mapping[Value, Draw]) -> dict[str, Statistics]:
        """Statistics of any values of `graph`. Samples that turn out to be of no use are gone from `samples` then."""
        watch = replace(self.watch, resume=None) if also else self.watch
        found = collect(self.graph, self.samples, wanted, what, watch, also)
        good = [i for i, name in enumerate(self.samples.names) if name not in self.watch.skipped]
        if len(good) < len(self.samples):
            self.samples = self.samples.only(good)
        return found

    def changed(self) -> None:
        """Weights or biases of `graph` are other ones now: statistics are collected anew."""
        self._seen = None

    def quantized(self) -> Graph:
        """A copy of `graph`, quantized by the ranges so far."""
        return self.quantized_twin()[0]

    def quantized_twin(self) -> tuple[Graph, dict[Node, Node]]:
        """The same, and what became of the nodes of `graph`."""
        made = self.graph.clone()
        twin = dict(zip(self.graph, made, strict=True))
        PassManager(Pipeline((Quantize(ranges=self.known(), **self.pass_options),))).run(made)
        return made, twin

    def remark(self, layer: str, text: str) -> None:
        """Says in the report what was done about a layer, and why."""
        self.recipes.setdefault(layer, []).append(text)
