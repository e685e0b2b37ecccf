"""How much work the choice of a recipe may take, told from the model before it begins.

What grows with a model are the runs that judge recipes (multiplications of a run * samples * recipes) and the rounding
of weights (weights * columns of a block). Both are kept within bounds by fewer samples, and by narrower blocks; the
report says so. Time is not measured, so that the same model and data give the same result.
"""

from __future__ import annotations

from ....ir.graph import Graph
from ..layers import multiplications, products
from .judge import FEWEST_HELD, HELD_OUT

JUDGED = 5e10
"""Multiplications that judging a recipe may take: about two seconds of a core's floats."""

ROUNDED = 1.5e10
"""Multiplications that rounding all weights may take: three seconds in f64."""

WIDEST, NARROWEST = 128, 32
"""Columns of the blocks in which weights make up for each other's errors, at most and at least."""


def held_out(graph: Graph) -> int:
    """Samples that recipes are judged on; of open shapes, whose cost is not known, all."""
    once = sum(map(multiplications, products(graph)))
    return HELD_OUT if not once else min(HELD_OUT, max(FEWEST_HELD, int(JUDGED / once)))


def columns(weights: int) -> int:
    """The widest block for so many weights."""
    return min(WIDEST, max(NARROWEST, int(ROUNDED / max(weights, 1))))


def told(graph: Graph, weights: int, samples: int) -> str:
    """What is bounded, in words, where `weights` are rounded and there are so many samples; empty where nothing is."""
    held = held_out(graph)
    found = []
    if held < min(HELD_OUT, samples // 4):
        once = sum(map(multiplications, products(graph)))
        found.append(f"recipes are judged on {held} samples, each of {once:.3g} multiplications")
    if columns(weights) < WIDEST:
        found.append(f"{weights / 1e6:.3g} million weights are rounded in blocks of {columns(weights)} columns")
    return "; ".join(found)
