"""Weights alone, without data: of each output channel the scale that makes the squared error of its weights least."""

from __future__ import annotations

import numpy as np

from ....ir.dtype import Array
from ....passes.quantize import Range
from ....passes.quantize.grid import symmetric
from ....passes.quantize.planned import Planned, planned
from ..layers import layer_name
from ..work import Work
from .classes import constant_of
from .rounding import names_taken, replace_constant, unused

SHARES = np.linspace(1.0, 0.5, 26)
"""Of the largest weight of a channel, that are tried as its range. With eight bits the first is nearly always best."""


def weights_alone(work: Work) -> None:
    """Symmetric scales of least squared error for all weights; values stay float."""
    work.pass_options |= {"activations": False, "group": work.options.group}
    taken = names_taken(work)
    for plan in planned(work.graph, work.known(), **work.pass_options):
        by_least_squares(work, plan, taken)


def weights_without_data(work: Work) -> None:
    """The same for weights of fewer than eight bits whose data are not looked at: of recurrent nodes, and in bodies."""
    taken = names_taken(work)
    for plan in planned(work.graph, work.known(), missing="float", **work.pass_options):
        apart = plan.weights.recurrent or plan.weights.constant.graph is not work.graph
        if apart and (plan.setting.bits or 8) < 8:
            by_least_squares(work, plan, taken)


def by_least_squares(work: Work, plan: Planned, taken: set[str]) -> None:
    """Symmetric scales of least squared error for some weights."""
    weights, graph = constant_of(plan.weights.expanded), plan.weights.constant.graph
    if weights is None or graph is None or plan.setting.mode != "symmetric" or plan.setting.granularity == "tensor":
        return
    split = plan.weights.split or weights.shape
    reach, share = least_squares(weights.reshape(split), plan.weights.axes, plan.grid.levels)
    reader = layer_name(plan.weights.readers[0])
    name = unused(f"{reader}/weights", taken)
    replace_constant(graph, plan.weights.expanded, weights, name)
    work.weights[name] = Range(-reach, reach, setting=plan.setting)
    work.remark(reader, f"weights: up to {share:.2f} of their extremes, on average, by the least squared error")


def least_squares(weights: Array, axes: tuple[int, ...], levels: int) -> tuple[Array, float]:
    """How far the levels of each channel reach, [channels], and which share of the extremes that is on average."""
    others = tuple(i for i in range(weights.ndim) if i not in axes)
    wide = weights.astype(np.float64)
    extreme = np.abs(wide).max(axis=others, keepdims=True)
    best, found = np.full(extreme.shape, np.inf), np.ones(extreme.shape)
    for share in SHARES:
        grid = symmetric(-share * extreme, share * extreme, levels, signed=True)
        near = np.clip(np.rint(wide / grid.scale), -grid.zero, levels - 1 - grid.zero) * grid.scale
        error = np.square(near - wide).sum(axis=others, keepdims=True)
        better = error < best
        best, found = np.where(better, error, best), np.where(better, share, found)
    return (found * extreme).reshape(-1), float(found.mean())
