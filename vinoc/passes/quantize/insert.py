"""The pass that quantizes a model by the ranges of its values."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from os import PathLike
from typing import Literal

import numpy as np

from ...ir.builder import Builder
from ...ir.dtype import Array
from ...ir.errors import UsageError
from ...ir.graph import Graph, Node, Value
from ...ir.loc import UNKNOWN, fuse
from ...ir.ops.quantize import FakeQuantize
from ..base import Context, Pass, graph_pass
from .exact import align
from .grid import Grid, asymmetric, symmetric
from .misread import loses_transpose
from .names import Lookup
from .places import Choice, Found, Place, find
from .ranges import ACTIVATIONS, WEIGHTS, Problem, Range, Ranges, RangesError, Setting
from .saturation import SEVEN_BITS, saturate, unsaturated
from .weights import Form, Weights, grid_of, halve_terms, store, weights_of

WORTH = 0.01
"""Of the bytes of all weights, that scales of fewer bits must save: each takes a Convert, which the XML must hold."""

MANY = 127
"""Levels from which on a scale of three bits is fine enough."""


@graph_pass("quantize")
class Quantize(Pass):
    """Puts FakeQuantize where OpenVINO computes on integers, by the ranges of a file, and stores weights as integers.

    `ranges` names a JSON file (docs/quantization.md), in Python it may be a `Ranges` too. Convolutions and matrix
    products read quantized values, and so do additions, multiplications and averages from which a product follows;
    what only moves values carries integers through. `unify` names the operations whose operands get one range.
    Weights are i8 with a scale for each output channel, or what the file says; `form` is what expands them: `auto` is
    `scale`, and `fake-quantize` for four bits that integers are computed with. `activations=false` compresses weights
    alone; `tail=true` quantizes what follows the last product too. With `half` scales and biases are stored as f16,
    where that saves a hundredth of the weights: scales are chosen so that it holds them exactly.
    Of recurrent nodes, and of all that stands in bodies of loops and branches, weights alone become integers.
    With `exact` scales have three bits and biases are odd halves of the unit of the sums that they are added to: f32
    holds these sums exactly, and none of them is halfway between two levels, so that all runtimes agree, whatever
    order they sum in.
    With `pairs` no two neighbouring weights saturate on processors without VNNI: they have seven bits where need be.
    `group`, with activations=false, gives weights of matrix products a scale for every so many elements of a sum.
    `missing` and `unknown` say what to do about values without a range and ranges without a value.
    """

    face = True

    ranges: object = ""
    activations: bool = True
    weight_bits: int | None = None
    form: Literal["auto", "scale", "fake-quantize"] = "auto"
    unify: tuple[str, ...] = ("Concat",)
    tail: bool = False
    half: bool = True
    exact: bool = True
    pairs: bool = False
    group: int = 0
    missing: Literal["error", "float"] = "error"
    unknown: Literal["error", "ignore"] = "error"

    def validate(self) -> None:
        if not isinstance(self.ranges, str | PathLike | Ranges):
            raise UsageError(f"'ranges' of quantize is {self.ranges!r}, expected a file or Ranges")
        if isinstance(self.ranges, PathLike):
            object.__setattr__(self, "ranges", str(self.ranges))
        if self.activations and not self.ranges:
            raise UsageError(
                "pass 'quantize' needs the ranges of values",
                help='quantize{ranges="ranges.json"}, or quantize{activations=false} to compress weights alone',
            )
        if self.weight_bits not in (None, 4, 8):
            raise UsageError(f"'weight-bits' of quantize is {self.weight_bits}, expected 4 or 8")
        if self.group < 0 or (self.group and self.activations):
            raise UsageError(
                f"'group' of quantize is {self.group}",
                help="the elements that share a scale; it goes with activations=false, whose products are of floats",
            )
        for kind in self.unify:
            if kind not in ("Concat", "Add", "Multiply"):
                raise UsageError(f"'unify' of quantize names '{kind}', expected Concat, Add or Multiply")

    def run(self, graph: Graph, context: Context) -> int:
        return _Run(self, graph, context).run()


def needed(graph: Graph, ranges: Ranges | None = None, **options: object) -> dict[str, Value]:
    """The values that `quantize` wants ranges of, by the names that it knows them by; before there are any.

    `ranges`: what is known already, of which the ignored nodes matter. `options` are those of the pass.
    """
    run = _Run(Quantize(ranges=ranges or Ranges(), **options), graph, Context())  # type: ignore[arg-type]
    values = [place.value for group in run.found().groups for place in group]
    return {run.lookup.name_of(value): value for value in values}


class _Run:
    def __init__(self, options: Quantize, graph: Graph, context: Context) -> None:
        self.options = options
        self.graph = graph
        self.context = context
        given = options.ranges
        self.ranges = given if isinstance(given, Ranges) else Ranges.load(str(given)) if given else Ranges()
        self.lookup = Lookup(graph, self.ranges)
        self.problems: list[Problem] = []
        self.activations = self.ranges.activations.over(ACTIVATIONS)
        bits = Setting(bits=options.weight_bits) if options.weight_bits else Setting()
        self.weights = bits.over(self.ranges.weight_defaults).over(WEIGHTS)
        self.exact = options.exact and options.activations

    def found(self) -> Found:
        lookup, options = self.lookup, self.options
        choice = Choice(lookup.is_ignored, frozenset(options.unify), options.tail, lookup.is_weights_only)
        return find(self.graph, choice, self.context, Quantize.name)

    def run(self) -> int:
        self.names()
        found = self.found()
        grids = [(group, self.grid(group, found)) for group in found.groups] if self.options.activations else []
        chosen = self.chosen(found)
        inner = [(part, self.chosen(part)) for part in self.inner()]
        if self.problems:
            raise RangesError(self.problems, self.ranges.source)
        count = 0
        scales: dict[Value, Array] = {}
        for group, grid in grids:
            for place in group:
                if grid is not None:
                    scales[self.insert(place, grid)] = grid.scale
                    count += 1
        parts = [(found, chosen), *inner]
        half = self.narrows([entry for _, own in parts for entry in own])
        aligned = align(found, scales, [(w, g) for w, g, setting in chosen if self.is_exact(w, setting)], half)
        for part, own in parts:
            self.store(part, own, half)
            count += len(own)
            if half:
                halve_terms([node for weights, _, _ in own for node in weights.readers], aligned)
        if count:
            self.context.matches[Quantize.name] += count
        return count

    def inner(self) -> list[Found]:
        """What is found in the bodies: weights alone."""
        choice = Choice(self.lookup.is_ignored, frozenset(), weights_only=lambda node: True)
        bodies = [part for part in self.graph.walk() if part is not self.graph]
        return [find(body, choice, self.context, Quantize.name) for body in bodies]

    def names(self) -> None:
        """Faults of names that the model lacks."""
        for problem in self.lookup.unknown():
            if self.options.unknown == "error":
                self.problems.append(problem)
            else:
                self.context.decline(Quantize.name, self.ranges.source, str(problem))

    # Activations

    def grid(self, group: list[Place], found: Found) -> Grid | None:
        """The levels of all places of a group, None where it stays float; faults are noted.

        Channels keep ranges of their own where depthwise convolutions read them; elsewhere the widest counts.
        """
        ranges: list[Range] = []
        complete = True
        for place in group:
            given = self.lookup.range_of(place, found.carriers)
            if not given:
                self.without(place)
            fitting = [self.fits(place, r) for r in given]
            complete &= bool(given) and all(fitting)
            ranges += given
        if not complete:
            return None
        settings = {r.setting.over(self.activations).full(narrow=False) for r in ranges}
        if len(settings) > 1:
            listed = ", ".join(f"'{self.lookup.name_of(p.value)}'" for p in group)
            kinds = " and ".join(sorted({str(u.kind) for p in group for u, _ in p.reads}))
            what = "have settings of their own, but are quantized alike"
            self.problems.append(Problem(listed, what, f"{kinds} reads them"))
            return None
        return self.levels(group, ranges, settings.pop())

    def levels(self, group: list[Place], ranges: list[Range], setting: Setting) -> Grid:
        assert setting.levels is not None
        exact = self.exact and setting.levels >= MANY
        apart = len(group) == 1 and group[0].channelwise and all(_is_of_channels(r, group[0]) for r in ranges)
        lows = [r.low for r in ranges if r.low is not None]
        highs = [r.high for r in ranges if r.high is not None]
        low = np.min(lows, axis=0) if apart else np.min([v.min() for v in lows])
        high = np.max(highs, axis=0) if apart else np.max([v.max() for v in highs])
        if setting.mode == "asymmetric" and not any(p.even for p in group):
            return asymmetric(low, high, setting.levels, exact)
        return symmetric(low, high, setting.levels, True if any(p.signed for p in group) else None, exact)

    def fits(self, place: Place, r: Range) -> bool:
        """Whether the number of channels is the value's; notes it where it is not."""
        value = place.value
        if r.channels is None:
            return True
        rank, shape = value.rank, value.shape
        if rank is not None and shape is not None and -rank <= r.axis < rank and shape[r.axis] == r.channels:
            return True
        what = f"{r.channels} ranges are given along axis {r.axis} of {value.type}"
        self.problems.append(
            Problem(f"'{self.lookup.name_of(value)}'", what, "give one range, or one for each channel")
        )
        return False

    def without(self, place: Place) -> None:
        """A value that nobody gave a range of."""
        name = self.lookup.name_of(place.value)
        readers = ", ".join(dict.fromkeys(f"'{n.label}' ({n.kind})" for n, _ in place.reads))
        what = f"has no range ({place.value.type}, read by {readers})"
        if self.options.missing == "error":
            help = "give it, name the nodes in `ignored`, or take missing=float"
            self.problems.append(Problem(f"'{name}'", what, help))
            return
        for node, _ in place.reads:
            self.context.decline(Quantize.name, node.where, f"'{name}' {what}")

    def insert(self, place: Place, grid: Grid) -> Value:
        """Puts a FakeQuantize behind a value, for those that are to read it; returns what it gives."""
        value = place.value
        node = value.node
        b = Builder(self.graph, before=node.next if node else self.graph.first)
        low, high = (b.const(_laid(v, place), value.dtype) for v in (grid.low, grid.high))
        name = self.lookup.name_of(value)
        made = b.node(FakeQuantize(levels=grid.levels), value, low, high, low, high, name=f"{name}/quantized")
        made.loc = fuse([node.loc], Quantize.name) if node else UNKNOWN
        for reader, port in place.reads:
            self.graph.set_input(reader, port, made.outputs[0])
        return made.outputs[0]

    # Weights

    def chosen(self, found: Found) -> list[tuple[Weights, Grid, Setting]]:
        """What weights become; faults are noted."""
        weights, others = weights_of(found.weights)
        for node, why in others:
            self.context.decline(Quantize.name, node.where, why)
        out = []
        for whole in weights:
            w = self.grouped(whole)
            given = self.lookup.weights_range(w)
            setting = given.setting.over(self.weights).full(narrow=True)
            try:
                grid = grid_of(w, given, setting, self.is_exact(w, setting))
                if self.paired(w, setting, found) and saturate(w, grid, setting):
                    setting = replace(setting, levels=SEVEN_BITS)
                    grid = grid_of(w, given, setting, self.is_exact(w, setting))
                out.append((w, grid, setting))
            except ValueError as error:
                self.problems.append(Problem(f"'{w.name}'", f"the weights of '{w.readers[0].label}': {error}"))
        return out

    def narrows(self, chosen: list[tuple[Weights, Grid, Setting]]) -> bool:
        """Whether scales and biases are stored in fewer bits: of f8 each scale takes three bytes less."""
        stored = sum(weights.array.size * (setting.bits or 8) / 8 for weights, _, setting in chosen)
        return self.options.half and 3 * sum(grid.scale.size for _, grid, _ in chosen) >= WORTH * stored

    def store(self, found: Found, chosen: list[tuple[Weights, Grid, Setting]], half: bool) -> None:
        """Puts integers in place of the weights of a graph."""
        for weights, grid, setting in chosen:
            paired = partial(unsaturated, nodes=weights.readers) if self.paired(weights, setting, found) else None
            store(weights, grid, setting, self.form(weights, setting, found), half, Quantize.name, paired)

    def paired(self, weights: Weights, setting: Setting, found: Found) -> bool:
        """Whether products of bytes read weights, of which no two neighbours may saturate."""
        integers = self.options.activations and any(node in found.products for node in weights.readers)
        return self.options.pairs and integers and setting.bits == 8 and setting.mode == "symmetric"

    def is_exact(self, weights: Weights, setting: Setting) -> bool:
        """Whether scales of weights have three bits, which is too coarse for fewer than eight, and of no use where
        data are never quantized."""
        floats = weights.recurrent or weights.constant.graph is not self.graph
        return self.exact and setting.bits == 8 and not floats

    def grouped(self, weights: Weights) -> Weights:
        """Weights as they are, or in groups, if that is asked for and they can be."""
        size = self.options.group
        found = weights.grouped(size) if size else weights
        if found is None:
            why = f"its weights are no matrix whose sums have several groups of {size}: a scale for each output channel"
            self.context.decline(Quantize.name, weights.readers[0].where, why)
        return found or weights

    def form(self, weights: Weights, setting: Setting, found: Found) -> Form:
        if weights.split or weights.recurrent:  # OpenVINO compiles no sequence with weights of the other form
            return "scale"
        if any(loses_transpose(node) for node in weights.readers):
            return "fake-quantize"
        if self.options.form != "auto":
            return self.options.form
        computes = all(_reads_quantized(node, found) for node in weights.readers)
        return "fake-quantize" if setting.bits == 4 and computes and setting.mode == "symmetric" else "scale"


def _reads_quantized(node: Node, found: Found) -> bool:
    producer = node.operand(0).node
    return producer is not None and (producer.kind == "FakeQuantize" or producer in found.carriers)


def _is_of_channels(r: Range, place: Place) -> bool:
    return r.channels is not None and r.axis in (1, 1 - (place.value.rank or 0))


def _laid(values: Array, place: Place) -> Array:
    """A number, or a vector along the channels."""
    rank = place.value.rank or 0
    return values.reshape([1, -1, *[1] * (rank - 2)]) if values.ndim else values
