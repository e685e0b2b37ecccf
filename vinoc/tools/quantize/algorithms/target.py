"""What the processor a model is made for asks of its weights.

Without VNNI the products of bytes of OpenVINO add two of them in 16 bits, which saturate where the weights are large.
Where many do, weights have seven bits: 2 * 255 * 63 = 32130, so that none can; where few do, what is too much is taken
off these. vinoc's own kernels are exact on all processors, with weights of all levels.
"""

from __future__ import annotations

from ....backends.cpu.codegen.target import Target, host, target
from ....passes.quantize.planned import planned
from ....passes.quantize.saturation import SEVEN_BITS
from ..layers import layer_name
from ..work import Work


def processor(name: str) -> Target:
    """The target of the kernels, by that of `Options`."""
    return host() if name == "host" else target("avx2" if name == "avx2" else "avx2vnni")


def fit_target(work: Work) -> None:
    """Weights of seven bits where they would saturate, if the target is a processor without VNNI."""
    known, options = processor(work.options.target), work.options
    saturates = known.triple.startswith("x86") and not known.dots
    if saturates and options.weight_bits == 8 and not options.weights_only:
        work.pass_options["pairs"] = True


def tell_target(work: Work) -> None:
    """Says which weights have seven bits."""
    if not work.pass_options.get("pairs"):
        return
    found = planned(work.graph, work.known(), missing="float", **work.pass_options)
    seven = [plan for plan in found if plan.setting.levels == SEVEN_BITS]
    for plan in seven:
        work.remark(layer_name(plan.weights.readers[0]), "weights: of seven bits, since many neighbours would saturate")
    told = "have seven bits: on processors without VNNI two neighbours would saturate"
    work.facts["weights"] = f"{len(seven)} of {len(found)} {told}"
