"""What is done between statistics and the quantized graph, in order.

An algorithm is a function of the work: it changes ranges, weights or biases, and leaves remarks for the report.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ....ir.errors import UsageError, did_you_mean
from ..options import Options
from ..work import Work
from .min_max import min_max
from .named_ranges import estimators

Algorithm = Callable[[Work], None]

ALGORITHMS: dict[str, Algorithm] = {"min-max": min_max, "estimators": estimators}

DEFAULT = ("min-max",)
"""In this order."""


def chosen(options: Options) -> Sequence[tuple[str, Algorithm]]:
    """The algorithms that are asked for, else the default ones, by name. Raises UsageError for one unknown."""
    names = options.algorithms or DEFAULT
    for name in names:
        if name not in ALGORITHMS:
            hint = did_you_mean(name, ALGORITHMS) or f"there are: {', '.join(ALGORITHMS)}"
            raise UsageError(f"no algorithm '{name}'", "--algorithm", hint)
    return [(n, ALGORITHMS[n]) for n in names]
