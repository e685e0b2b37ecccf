"""What a quantization is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from ...ir.errors import UsageError, check_known
from ...passes.quantize import Ignored
from .schemes import Schemes

Preset: TypeAlias = Literal["performance", "mixed", "accuracy"]

Integers: TypeAlias = Literal["auto", "always"]

NOTHING = Ignored()

TARGETS = ("host", "avx2", "vnni", "any")

SUBSET = 300
"""Samples that are taken, POT's `stat_subset_size`."""


@dataclass(frozen=True)
class Options:
    """The options of `vinoc quantize`. Raises UsageError.

    preset       performance: symmetric levels; mixed, accuracy: asymmetric ones where values have a sign
    subset       samples that statistics are collected of, evenly spaced; 0: all
    bits, weight_bits   of values, of weights
    weights_only compresses weights alone; needs no data
    group        of those of matrix products: elements that share a scale; 0: a whole output channel does
    ignored      nodes that stay float
    keep_float   further nodes by name; ("auto",): those that cost most
    algorithms   names, in their order; () is what the preset stands for
    schemes      how ranges are taken from data, for the algorithm `estimators`; None: as the preset has it
    target       the processor it is made for: the one at hand, avx2 without VNNI, vnni; any: as vnni, eight bits in all
    integers     auto: what would not be faster by them on the target reads floats, and its weights alone are integers
    """

    preset: Preset = "accuracy"
    subset: int = SUBSET
    bits: int = 8
    weight_bits: int = 8
    weights_only: bool = False
    group: int = 0
    ignored: Ignored = NOTHING
    keep_float: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ()
    schemes: Schemes | None = None
    target: str = "host"
    integers: Integers = "auto"

    def __post_init__(self) -> None:
        check_known("preset", self.preset, get_args(Preset), "preset")
        check_known("target", self.target, TARGETS, "target")
        if self.integers not in get_args(Integers):
            raise UsageError(f"integers are not '{self.integers}'", "integers", ", ".join(get_args(Integers)))
        if self.subset < 0:
            raise UsageError(f"{self.subset} samples cannot be taken", "subset", "a number, or 0 for all")
        if self.group < 0 or (self.group and not self.weights_only):
            raise UsageError(f"groups of {self.group}", "group", "they go with weights_only")
        if self.weight_bits not in (4, 8) or not 2 <= self.bits <= 8:
            raise UsageError(
                f"{self.bits} and {self.weight_bits} bits", "bits", "2 to 8 for values, 4 or 8 for weights"
            )
