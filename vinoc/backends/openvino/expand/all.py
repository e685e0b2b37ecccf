"""The rules of this package, as one word."""

from __future__ import annotations

from collections.abc import Sequence

from ....passes.base import graph_pass
from ....passes.rewrite import Group, Rewrite
from . import (
    axes,
    bits,
    casts,
    coupling,
    cumprod,
    fourier,
    integers,
    lengths,
    masks,
    ngrams,
    pools,
    resample,
    shifts,
    signals,
    trees,
)

_RULES: tuple[Rewrite, ...] = (
    masks.MaximumIsNothing(),
    casts.ClampKeepsNan(),
    casts.NanToFourBits(),
    shifts.BoundedShift(),
    axes.UnsqueezeComputedAxes(),
    axes.ReduceComputedAxes(),
    axes.LogicalReduceComputedAxes(),
    cumprod.ExpandCumProd(),
    integers.IntegerProductInFloats(),
    bits.ExpandBitCast(),
    ngrams.ExpandNgramCount(),
    resample.ExpandResample(),
    fourier.RealTransformComputedAxis(),
    pools.PadBeforeAvgPool(),
    lengths.ExpandSequenceLengths(),
    signals.ReduceSignalAsImage(),
    trees.ExpandTreeEnsemble(),
    coupling.ExpandCoupleProbabilities(),
)


@graph_pass("expand-for-openvino")
class ExpandForOpenVino(Group):
    """Writes out what OpenVINO's operation set lacks or its CPU device gets wrong; each member has a name."""

    def rules(self) -> Sequence[Rewrite]:
        return _RULES
