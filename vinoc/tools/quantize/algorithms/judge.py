"""The error of a quantized graph on samples, against the float model."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ....ir.dtype import Array
from ....ir.graph import Graph
from ..collect import Runner
from ..data import Samples
from ..judged import judged_values, same_in
from ..measure import SIMULATED, dot
from ..memory import give_back

HELD_OUT = 24
"""Samples that recipes are judged on."""

FEWEST_HELD = 4
"""The same, of models of which a run takes long."""

FAINT = 1e-4
"""Relative error below which it does not matter how small it is."""

FEWEST, SHARED = 24, 8
"""Samples from which on some are held out; of fewer all calibrate, and so many of them judge: what recipes have in
common with their samples they all have, and to calibrate on a quarter more brings more."""


def split(samples: Samples, most: int = HELD_OUT) -> tuple[Samples, Samples]:
    """Samples to calibrate on, and evenly spaced ones to judge by, so many and a quarter of all at most."""
    n = len(samples)
    if n < FEWEST:
        return samples, samples.subset(min(SHARED, most))
    held = min(most, n // 4)
    places = {int((i + 0.5) * n / held) for i in range(held)}
    return samples.only([i for i in range(n) if i not in places]), samples.only(sorted(places))


class Judge:
    """What the float model gives for some samples; those for which it gives NaN or infinity do not count."""

    def __init__(self, original: Graph, samples: Samples) -> None:
        self.original = original
        self.wanted = judged_values(original)
        self.inputs = [arrays for _, arrays in samples]
        expected = self.outputs(original)
        good = [i for i, arrays in enumerate(expected) if all(np.isfinite(a).all() for a in arrays)]
        self.inputs, self.expected = [self.inputs[i] for i in good], [expected[i] for i in good]
        self.signal = [max(sum(dot(a[i], a[i]) for a in self.expected), np.finfo(np.float32).tiny) for i in self.places]

    @property
    def places(self) -> range:
        return range(len(self.wanted))

    def outputs(self, graph: Graph, owned: bool = False) -> list[list[Array]]:
        """What a graph is judged by: the original, or a quantized one, which is simulated; one that is `owned` is used
        up."""
        run = Runner(graph, same_in(self.wanted, self.original, graph), SIMULATED, owned)
        found = [[np.asarray(a, np.float32).reshape(-1) for a in run(arrays)] for arrays in self.inputs]
        del run
        give_back()
        return found

    def errors(self, graph: Graph) -> list[float]:
        """|q - x| / |x| of each value over all samples, of L2 norms; infinite where it is not finite. `graph` is used
        up."""
        got: Sequence[Sequence[Array]] = self.outputs(graph, owned=True)
        out = []
        for i in self.places:
            wrong = sum(dot(x[i] - q[i], x[i] - q[i]) for x, q in zip(self.expected, got, strict=True))
            out.append(math.sqrt(wrong / self.signal[i]) if math.isfinite(wrong) else math.inf)
        return out

    def error(self, graph: Graph) -> float:
        """The root of the mean of the squared relative errors. `graph` is used up."""
        return root_mean_square(self.errors(graph))


def root_mean_square(errors: Sequence[float]) -> float:
    return math.sqrt(sum(e * e for e in errors) / len(errors)) if errors else 0.0


def geometric_mean(errors: Sequence[float]) -> float:
    """By which recipes are compared: all outputs count alike. By the squares the one with the largest error decides,
    such as a single score, of which few samples tell little. What is below FAINT counts as that."""
    return math.exp(sum(math.log(max(e, FAINT)) for e in errors) / len(errors)) if errors else 0.0
