"""What the processor a model is made for asks of its weights.

Without VNNI the products of bytes of OpenVINO and onnxruntime add two of them in 16 bits, which saturate: 2 * 255 * 127
= 64770 is more than 32767. With weights of 127 levels it is 2 * 255 * 63 = 32130, so that none can. vinoc's own
kernels are exact on all processors, with weights of all levels.
"""

from __future__ import annotations

from dataclasses import replace

from ..work import Work

SEVEN_BITS = 127
"""Levels of weights of seven bits."""


def fit_target(work: Work) -> None:
    """Weights of seven bits where the target is a processor without VNNI."""
    if work.options.target == "avx2" and work.options.weight_bits == 8 and not work.options.weights_only:
        work.weight_defaults = replace(work.weight_defaults, levels=SEVEN_BITS)
        work.facts["weights"] = "of seven bits: on processors without VNNI sums of two products would saturate"
