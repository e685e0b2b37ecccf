"""How long the float model and the quantized one take on the CPU device: as a whole, in turn, and by layer."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...ir.dtype import Array
from ...ir.graph import Graph
from ...ir.quiet import quiet_gc
from ...runtime.core import Core
from ...runtime.model import Model
from ..bench.interleave import interleaved, ratio
from .data import Samples
from .layers import layer_name, products

ROUNDS, SECONDS = 9, 0.03
"""Rounds in which the models take turns, and how long each of them runs in a round."""

PROFILED = 7
"""Inferences with a clock for each step, of which the least time counts."""


@dataclass(frozen=True)
class Times:
    """Milliseconds: of the least inference, and of each layer by name. `integer`: the share of the time that is spent
    where integers come out of products."""

    least: float
    layers: dict[str, float] = field(default_factory=dict)
    integer: float = 0.0


@dataclass(frozen=True)
class Compared:
    """Times of several models by name, and the median over the rounds of each one's time over the first one's."""

    times: dict[str, Times]
    ratios: dict[str, float]


def compared(graphs: Mapping[str, Graph], samples: Samples, by_layer: bool = True) -> Compared:
    """Measures the graphs in turn on the first sample."""
    arrays = samples.load(0)
    requests = {name: _request(graph, by_layer) for name, graph in graphs.items()}
    feeds = {name: _feeds(graph, arrays) for name, graph in graphs.items()}
    runs = {n: (lambda r=r, f=feeds[n]: r.infer(f, share_inputs=True, share_outputs=True)) for n, r in requests.items()}
    found = interleaved(runs, ROUNDS, SECONDS, False, time.perf_counter)
    first = next(iter(graphs))
    times = {
        name: Times(min(found[name]), *(_profile(requests[name], feeds[name], graph) if by_layer else ()))
        for name, graph in graphs.items()
    }
    return Compared(times, {name: ratio(found, name, first) for name in graphs})


def _request(graph: Graph, timed: bool) -> Any:
    with quiet_gc():
        compiled = Core().compile_model(Model(graph.clone()), "CPU", {"PERF_COUNT": timed})
    return compiled.create_infer_request()


def _feeds(graph: Graph, arrays: Mapping[str, Array]) -> list[Array]:
    return [arrays[next(iter(n), v.name)] for v, n in zip(graph.inputs, graph.input_names, strict=True)]


def _profile(request: Any, feeds: Sequence[Array], graph: Graph) -> tuple[dict[str, float], float]:
    """Milliseconds of each product with what is computed together with it, and the share of integer products."""
    best: list[float] = []
    steps: Sequence[Any] = ()
    for _ in range(PROFILED):
        request.infer(feeds, share_inputs=True, share_outputs=True)
        steps = request.get_profiling_info()
        seconds = [s.seconds for s in steps]
        best = [min(pair) for pair in zip(best, seconds, strict=True)] if best else seconds
    names = {node.label: layer_name(node) for node in products(graph)}
    names |= {name: name for name in names.values()}
    layers: dict[str, float] = {}
    integer = 0.0
    for step, seconds_ in zip(steps, best, strict=True):
        owner = next((names[n] for n in reversed(step.node_name.split(" + ")) if n in names), None)
        if owner is not None:
            layers[owner] = layers.get(owner, 0.0) + 1e3 * seconds_
        if str(step.node_type).startswith("integer"):
            integer += seconds_
    return layers, integer / max(sum(best), 1e-12)
