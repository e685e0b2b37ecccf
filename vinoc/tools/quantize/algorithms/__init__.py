"""What is done between statistics and the quantized graph, in order.

An algorithm is a function of the work: it changes ranges, weights or biases, and leaves remarks for the report.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ....ir.errors import check_known
from ..options import Options
from ..work import Work
from .alignment import align_channels, smooth_quant
from .bias import bias_correction, fast_bias_correction
from .min_max import min_max
from .named_ranges import estimators
from .recipes import best_recipe
from .rounding import round_by_data
from .spans import least_error_ranges

Algorithm = Callable[[Work], None]

ALGORITHMS: dict[str, Algorithm] = {
    "best-recipe": best_recipe,
    "channel-alignment": align_channels,
    "smooth-quant": smooth_quant,
    "min-max": min_max,
    "estimators": estimators,
    "least-error": least_error_ranges,
    "rounding": round_by_data,
    "fast-bias-correction": fast_bias_correction,
    "bias-correction": bias_correction,
}

DEFAULT = ("best-recipe",)
"""In this order."""


def chosen(options: Options) -> Sequence[tuple[str, Algorithm]]:
    """The algorithms that are asked for, else the default ones, by name. Raises UsageError for one unknown."""
    names = options.algorithms or DEFAULT
    for name in names:
        check_known("algorithm", name, ALGORITHMS, "--algorithm")
    return [(n, ALGORITHMS[n]) for n in names]
