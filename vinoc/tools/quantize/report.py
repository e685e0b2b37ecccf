"""What a quantization did: figures by value, by layer, by output, and of the whole; as text, JSON, and a page."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ...ir.constant import Constant
from ...ir.graph import Graph, Node
from ...passes.mark_weights import RECURRENT
from .algorithms.judge import Judge, split
from .algorithms.keep import SAMPLES, own_errors, ranked
from .judged import judged_values
from .layers import layer_name, multiplications, products, source_names, stored, weights_of
from .measure import PROBES, Noise, output_noise, quantizers, value_noise, weight_noise

if TYPE_CHECKING:
    from .quantize import Result
    from .timing import Compared
    from .work import Work

BOUND = 0.1
"""Relative error of an output from which on a warning says which layers it comes from."""

COST = "cost"
"""The fact that holds, by the name of a layer, how much less the outputs' error is when it alone stays float."""

SLOWER = 1.03
"""Of the float model's time, from which on a warning says so; less is noise."""

WORST = 8
"""Layers that a warning names."""


@dataclass(frozen=True)
class Sizes:
    """Bytes of the files of the float model and of the quantized one."""

    float_bin: int
    float_xml: int
    bin: int
    xml: int


@dataclass(frozen=True)
class ValueRow:
    """A value that is quantized. `seen`: its extremes in the samples; `range`: of its levels, widest where channels
    have their own; `sqnr`: of its rounding alone; `saturated`: the share of elements beyond the range."""

    name: str
    seen: tuple[float, float]
    range: tuple[float, float]
    levels: int
    channels: int
    sqnr: float
    saturated: float
    readers: tuple[str, ...]
    recipe: tuple[str, ...]


@dataclass(frozen=True)
class LayerRow:
    """A product. `integers`: whether it is computed in integers; `why`: the reason where it is not; `inputs`: the
    quantized values that it reads; `saved`: bytes of weights; `own`: |y_q - y| / |y| of its result when it alone is
    quantized; `cost`: how much less the outputs' error is when it alone stays float, of the layers whose own errors
    are largest; None where they were not asked for."""

    name: str
    kind: str
    integers: bool
    why: str
    inputs: tuple[str, ...]
    weight_bits: int
    weight_sqnr: float | None
    multiplications: int
    bytes: int
    saved: int
    own: float | None
    cost: float | None
    recipe: tuple[str, ...]
    milliseconds: tuple[float, float] | None = None


@dataclass(frozen=True)
class OutputRow:
    """An output, or a value that outputs are chosen by, against the float model's: |x - q| / |x|, cosine, SQNR."""

    name: str
    error: float
    cosine: float
    sqnr: float
    kind: str = "output"


@dataclass(frozen=True)
class Speed:
    """Milliseconds of an inference on the CPU device, of the float model and of the quantized one; the median of their
    ratios when they take turns; the share of the time of integer products."""

    float_ms: float
    ms: float
    ratio: float
    integer: float


@dataclass
class Report:
    """All of it. `share`: of multiplications that are computed in integers, None where open shapes hide their number;
    `outputs`: none where there were no samples to measure them on; `values`: none of a report that is not thorough."""

    model: str
    options: dict[str, Any]
    samples: int
    skipped: dict[str, str]
    sizes: Sizes
    values: list[ValueRow]
    layers: list[LayerRow]
    outputs: list[OutputRow]
    share: float | None
    seconds: dict[str, float]
    warnings: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    speed: Speed | None = None

    @property
    def error(self) -> float:
        """The largest relative error of an output."""
        return max((o.error for o in self.outputs), default=0.0)

    def ranking(self) -> list[LayerRow]:
        """The quantized layers, worst first: by their cost where it is known, then by their own error, else by that of
        their weights and of what they read."""
        sqnr = {v.name: v.sqnr for v in self.values}

        def badness(row: LayerRow) -> tuple[bool, float]:
            if row.cost is not None:
                return True, row.cost
            if row.own is not None:
                return False, row.own
            ratios = [r for r in (row.weight_sqnr, *(sqnr.get(n) for n in row.inputs)) if r is not None]
            return False, math.sqrt(sum(10 ** (-r / 10) for r in ratios))

        quantized = [row for row in self.layers if row.integers or row.weight_bits < 32]
        return sorted(quantized, key=badness, reverse=True)

    def rendered(self, suffix: str) -> bytes:
        """The report as a file of that ending."""
        if suffix == ".json":
            return (json.dumps(plain(asdict(self)), indent=1) + "\n").encode()
        if suffix == ".html":
            from .report_page import page_of

            html: str = page_of(self).html()
            return html.encode()
        from .report_text import lines

        return "".join(f"{line}\n" for line in lines(self)).encode()


def plain(value: Any) -> Any:
    """Values that JSON has: infinities and NaN as null, tuples as lists."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def report_of(model: str, result: Result, sizes: Sizes, thorough: bool = False) -> Report:
    """Measures what a quantization did; `thorough`: how long it takes, what layers cost and how each value fares, as
    well."""
    work = result.work
    places = work.needed() if not work.options.weights_only else {}
    outputs = []
    if len(work.samples):
        outputs = output_rows(work.original, output_noise(work.original, result.graph, work.samples, watch=work.watch))
    far = max((o.error for o in outputs), default=0.0) > BOUND
    own = _own_errors(work, thorough) if thorough or far else {}
    noise = value_noise(work.graph, result.graph, places, work.samples) if thorough else {}
    times = None
    if thorough and len(work.samples):
        from .timing import compared

        times = compared({"float": work.original, "quantized": result.graph}, work.samples)
    layers = layer_rows(work, result.graph, times, own)
    total = sum(r.multiplications for r in layers)
    report = Report(
        model, _asked(work), sum(n not in work.watch.skipped for n in work.samples.names),
        dict(work.watch.skipped), sizes,
        value_rows(work, result.graph, noise, places), layers, outputs,
        sum(r.multiplications for r in layers if r.integers) / total if total else None,
        dict(result.seconds), list(work.warnings), dict(work.facts), _speed(times),
    )  # fmt: skip
    report.warnings += judged(report)
    if report.speed is not None and report.speed.ratio > SLOWER:
        report.warnings.append(f"on this machine it takes {report.speed.ratio:.2f} of the float model's time")
    return report


def _own_errors(work: Work, thorough: bool) -> Mapping[Node, float]:
    """The layers' own errors; with `thorough` what the worst of them cost becomes a fact, if it is none yet."""
    if not len(work.samples):
        return {}
    if thorough and COST not in work.facts:
        judge = Judge(work.original, split(work.samples)[1].subset(PROBES))
        work.facts[COST] = {layer_name(n): cost for n, cost in ranked(work, judge, judge.error(work.quantized()))}
    return own_errors(work, work.samples.subset(SAMPLES))


def _speed(times: Compared | None) -> Speed | None:
    if times is None:
        return None
    before, after = times.times.values()
    return Speed(before.least, after.least, list(times.ratios.values())[1], after.integer)


def judged(report: Report) -> list[str]:
    """A warning with the ranking, where an output is far from the float model's."""
    if not report.error > BOUND:
        return []
    worst = max(report.outputs, key=lambda o: o.error)
    ranking = report.ranking()[:WORST]
    by = "what they cost" if any(row.cost is not None for row in ranking) else "their own errors"
    listed = ", ".join(f"{row.name}" + _figure(row) for row in ranking)
    told = f"{worst.kind} '{worst.name}' differs by {worst.error:.2g} of its norm from the float model's"
    return [f"{told}; layers by {by}: {listed}; --keep-float auto leaves float those that cost most"]


def _figure(row: LayerRow) -> str:
    """By what a layer is ranked."""
    figure = row.own if row.cost is None else row.cost
    return "" if figure is None else f" ({figure:.3g})"


def _asked(work: Work) -> dict[str, Any]:
    return plain({k: v for k, v in asdict(work.options).items() if v not in ((), None, "")})  # type: ignore[no-any-return]


def value_rows(work: Work, made: Graph, noise: dict[str, Noise], places: dict[str, Any]) -> list[ValueRow]:
    rows = []
    statistics = work.statistics() if places else {}
    for name, node in quantizers(made).items():
        if name not in places or name not in noise:
            continue
        low, high = (v.const for v in node.inputs[1:3] if v is not None)
        assert low is not None
        assert high is not None
        seen = statistics[name]
        readers = tuple(dict.fromkeys(user.label for out in node.outputs for user in out.users))
        rows.append(
            ValueRow(
                name, (seen.low, seen.high), (float(low.min()), float(high.max())),
                int(getattr(node.op, "levels", 0)), low.size, noise[name].sqnr, noise[name].saturated, readers,
                tuple(work.recipes.get(name, ())),
            )
        )  # fmt: skip
    return rows


def layer_rows(work: Work, made: Graph, times: Compared | None, own: Mapping[Node, float]) -> list[LayerRow]:
    """A row for each product: the pass leaves their number and order."""
    names = {value: name for name, node in quantizers(made).items() for value in node.outputs}
    costs = work.facts.get(COST, {})
    rows = []
    for node, other in zip(products(work.graph), products(made), strict=True):
        before, after = _bytes(node), _bytes(other)
        inputs = tuple(source_names(other, names))
        noise = weight_noise(node, other, work.unrounded)
        kinds = [c.outputs[0].dtype for w in weights_of(other) for c in stored(w)]
        bits = min((k.bits for k in kinds if k.is_integer), default=32)
        integers = bool(inputs) and node.kind not in RECURRENT and (bits <= 8 or not kinds)
        name = layer_name(node)
        rows.append(
            LayerRow(
                name, node.kind, integers, "" if integers else why(work, node, bool(inputs)), inputs, bits,
                noise.sqnr if noise and bits < 32 else None, multiplications(node), after, before - after,
                own.get(node), costs.get(name), tuple(work.recipes.get(name, ())),
                _milliseconds(times, name),
            )
        )  # fmt: skip
    return rows


def _milliseconds(times: Compared | None, name: str) -> tuple[float, float] | None:
    """Of a layer, in the float model and in the quantized one."""
    found = [t.layers.get(name) for t in times.times.values()] if times else [None]
    return None if None in found else (found[0] or 0.0, found[1] or 0.0)


def why(work: Work, node: Node, reads_integers: bool) -> str:
    """Why a product stays float."""
    for leaf in (node.label, layer_name(node), node.outputs[0].name):
        if leaf in work.keep_float:
            return work.keep_float[leaf]
        if leaf in work.float_data:
            return work.float_data[leaf]
    if work.options.weights_only:
        return "weights alone are quantized"
    if node.kind in RECURRENT:
        return "weights alone: what goes round stays float"
    return "its weights stay float" if reads_integers else "what it reads stays float"


def _bytes(node: Node) -> int:
    return sum(c.op.value.nbytes for w in weights_of(node) for c in stored(w) if isinstance(c.op, Constant))


def output_rows(original: Graph, noise: Sequence[Noise]) -> list[OutputRow]:
    """Of what the model is judged by."""
    names = {v: n[0] if n else v.name for v, n in zip(original.outputs, original.output_names, strict=True)}
    return [
        OutputRow(names.get(v, v.name), n.relative, n.cosine, n.sqnr, "output" if v in names else "value")
        for v, n in zip(judged_values(original), noise, strict=True)
    ]
