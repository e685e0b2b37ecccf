"""Which tensors of two runs are the same one, and how far they are apart."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...ir.dtype import Array
from .trace import Layer, Trace

TINY = 1e-30
QUANTIZERS = frozenset({"FakeQuantize", "QuantizeLinear"})


@dataclass(frozen=True)
class Difference:
    """How far B is from A, element by element; where either is NaN or infinite and they agree, they agree.

    max_abs, mean_abs  |a - b|
    max_rel, mean_rel  |a - b| / |a|, where a is not 0
    of_range           the largest |a - b| over the largest |a|; of truth values, and of integers of more than eight
                       bits, which are indices, the share that differs
    rms                the root of the mean (a - b)^2 over the largest |a|
    snr                10 log10(sum a^2 / sum (a - b)^2), in decibels; infinite where they are equal
    a_bad, b_bad       how many elements are NaN or infinite
    a_range, b_range   the least and the largest finite value
    """

    max_abs: float
    mean_abs: float
    max_rel: float
    mean_rel: float
    of_range: float
    rms: float
    snr: float
    a_bad: tuple[int, int]
    b_bad: tuple[int, int]
    a_range: tuple[float, float]
    b_range: tuple[float, float]

    @property
    def broke(self) -> bool:
        """Whether B has NaN or infinities where A is finite."""
        return sum(self.b_bad) > 0 and sum(self.b_bad) != sum(self.a_bad)


@dataclass(frozen=True)
class Pair:
    """A tensor of A and the same of B. `stepwise`: of quantized models, in which a sum that is rounded otherwise moves
    single values by a step."""

    a: Layer
    b: Layer
    difference: Difference
    stepwise: bool = False

    @property
    def name(self) -> str:
        return self.a.name

    @property
    def error(self) -> float:
        """What is held against the tolerance: the largest difference, of quantized models the root mean square."""
        return self.difference.rms if self.stepwise else self.difference.of_range

    def diverges(self, tolerance: float) -> bool:
        return self.difference.broke or not self.error <= tolerance


@dataclass
class Matching:
    """Pairs in the order of A, and the names of what has no partner."""

    pairs: list[Pair] = field(default_factory=list)
    only_a: list[str] = field(default_factory=list)
    only_b: list[str] = field(default_factory=list)
    reshaped: list[str] = field(default_factory=list)

    def first(self, tolerance: float) -> Pair | None:
        """The first pair that diverges."""
        return next((p for p in self.pairs if p.diverges(tolerance)), None)

    def last_good(self, tolerance: float) -> Pair | None:
        """The pair before it."""
        before: Pair | None = None
        for pair in self.pairs:
            if pair.diverges(tolerance):
                return before
            before = pair
        return before


def compare(a: Trace, b: Trace, names: Sequence[str] | None = None) -> Matching:
    """Compares the tensors that both runs have; `names` are those that are wanted."""
    found = Matching()
    taken: set[str] = set()
    stepwise = is_quantized(a, b)
    partners = dict(partner(a, b))
    for name, layer in a.layers.items():
        other = partners.get(name)
        if names is not None and name not in names:
            continue
        if other is None:
            found.only_a.append(name)
            continue
        taken.add(other.name)
        if layer.array.shape != other.array.shape:
            found.reshaped.append(name)
        elif layer.array.dtype.kind != "O":
            found.pairs.append(Pair(layer, other, difference(layer.array, other.array), stepwise))
    found.only_b = [n for n in b.layers if n not in taken] if names is None else []
    return found


def is_quantized(*traces: Trace) -> bool:
    """Whether a model rounds to few levels."""
    return any(layer.kind in QUANTIZERS for trace in traces for layer in trace.layers.values())


def partner(a: Trace, b: Trace) -> Iterator[tuple[str, Layer]]:
    """(name in A, layer of B): of the same tensor name, else at the end of the same framework nodes.

    A rewrite gives its result the name of what it replaces, so that names hold across fusion; provenance serves for
    files in which names were lost.
    """
    by_name = {alias: layer for layer in b.layers.values() for alias in (*layer.aliases, layer.name)}
    free = {n: layer for n, layer in a.layers.items() if n not in by_name}
    used = set()
    for name in a.layers:
        if name in by_name:
            used.add(by_name[name].name)
            yield name, by_name[name]
    place = {layer.nodes[-1]: n for n, layer in free.items() if layer.nodes}
    order = {n: i for i, n in enumerate(a.layers)}
    for layer in b.layers.values():
        ends = [place[n] for n in layer.nodes if n in place and layer.name not in used]
        fitting = [n for n in ends if free[n].array.shape == layer.array.shape]
        if fitting:
            yield max(fitting, key=order.__getitem__), layer


def difference(a: Array, b: Array) -> Difference:
    """Of arrays of one shape."""
    x, y = _wide(a), _wide(b)
    bad = [(int(np.isnan(v).sum()), int(np.isinf(v).sum())) for v in (x, y)]
    spans = [_span(v) for v in (x, y)]
    if not x.size:
        return Difference(0, 0, 0, 0, 0, 0, math.inf, bad[0], bad[1], spans[0], spans[1])
    same = (x == y) | (np.isnan(x) & np.isnan(y))
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        apart = np.where(same, 0.0, np.abs(x - y))
        apart = np.where(np.isnan(apart), np.inf, apart)
        size = np.abs(x)
        relative = np.where(size > 0, apart / np.maximum(size, TINY), 0.0)
        relative = np.where(np.isnan(relative), np.inf, relative)
        noise = float(np.sum(apart**2))
        signal = float(np.sum(np.where(np.isfinite(x), x, 0.0) ** 2))
    largest = float(np.max(size[np.isfinite(size)], initial=0.0))
    exact = a.dtype.kind in "iub" and (a.dtype.kind == "b" or a.dtype.itemsize > 1)
    of_range = float(np.mean(~same)) if exact else float(apart.max()) / (largest or 1.0)
    snr = math.inf if noise == 0 else -math.inf if not math.isfinite(noise) else _decibels(signal, noise)
    return Difference(
        float(apart.max()), float(apart.mean()), float(relative.max()), float(relative.mean()), of_range,
        math.sqrt(noise / x.size) / (largest or 1.0), snr,
        bad[0], bad[1], spans[0], spans[1],
    )  # fmt: skip


def _decibels(signal: float, noise: float) -> float:
    return 10 * math.log10(signal / noise) if signal else -math.inf


def _span(values: Array) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def _wide(array: Array) -> Array:
    """In double precision; of complex numbers real and imaginary parts."""
    if array.dtype.kind == "c":
        return np.stack([array.real, array.imag]).astype(np.float64)
    return array.astype(np.float64)
