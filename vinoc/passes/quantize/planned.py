"""What `quantize` would do to a graph, before it does."""

from __future__ import annotations

from dataclasses import dataclass

from ...ir.graph import Graph, Node, Value
from ..base import Context
from .grid import Grid
from .insert import Quantize, _Run
from .ranges import Ranges, Setting
from .weights import Weights


@dataclass(frozen=True)
class Planned:
    """Weights with the grid that they will be rounded to; `paired`: no two neighbours of them may saturate."""

    weights: Weights
    grid: Grid
    setting: Setting
    paired: bool = False


def planned(graph: Graph, ranges: Ranges, **options: object) -> list[Planned]:
    """What `quantize` with these options would make of the weights of a graph, in its order, and of its bodies."""
    step, run = _begun(graph, ranges, options)
    out = []
    for found in (run.found(), *run.inner()):
        for weights, grid, setting in run.chosen(found):
            short = step.half and run.form(weights, setting, found) == "scale"
            paired = run.paired(weights, setting, found)
            out.append(Planned(weights, grid.shortened() if short else grid, setting, paired))
    return out


def groups(graph: Graph, ranges: Ranges, **options: object) -> list[dict[str, Value]]:
    """The values that it would quantize, by name, those together that get one range."""
    _, run = _begun(graph, ranges, options)
    return [{run.lookup.name_of(place.value): place.value for place in group} for group in run.found().groups]


def by_channel(graph: Graph, ranges: Ranges, **options: object) -> set[str]:
    """The names of values whose channels may have ranges of their own: depthwise convolutions alone read them."""
    _, run = _begun(graph, ranges, options)
    alone = (group[0] for group in run.found().groups if len(group) == 1)
    return {run.lookup.name_of(place.value) for place in alone if place.channelwise}


def _begun(graph: Graph, ranges: Ranges, options: dict[str, object]) -> tuple[Quantize, _Run]:
    step = Quantize(ranges=ranges, **options)  # type: ignore[arg-type]
    return step, _Run(step, graph, Context())


def integer_products(graph: Graph, ranges: Ranges, **options: object) -> set[Node]:
    """The products that would read quantized data."""
    _, run = _begun(graph, ranges, options)
    return run.found().products
