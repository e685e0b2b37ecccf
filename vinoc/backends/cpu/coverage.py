"""Which operations the CPU device has kernels for, and why the others are islands: what the reference computes.

ISLANDS is what docs/cpu.md lists; a test compares the two, and both with the lowerings that there are.
"""

from __future__ import annotations

AROUND = frozenset({"If", "Loop", "TensorIterator"})
"""Their bodies run on kernels, and Python chooses and repeats them."""

FOLDED = frozenset({"Constant", "ShapeOf", "Region", "Range", "Eye"})
"""Computed while a plan is made, once shapes are known: nothing is left to run. Range and Eye of numbers that are
known only at run time make the unknown shapes of a stage, as NonZero does."""

UNKNOWN_SHAPE = "the shape of its result is known only when it is computed: it stands between two stages"
ONCE = "it is rare, and no model of the collection has it"
RANDOM = "its numbers must be those of the reference, whose generator is sequential"
STATE = "it moves a variable of the request into the plan, or out of it: one copy"
CLEVER = "NumPy's routine is better than a simple kernel"
CAMERA = "it stands once, at the input of a model that takes a camera's images"

ISLANDS = {
    "NonZero": UNKNOWN_SHAPE,
    "Unique": UNKNOWN_SHAPE,
    "NonMaxSuppression": UNKNOWN_SHAPE,
    "ReadValue": STATE,
    "Assign": STATE,
    "DFT": CLEVER,
    "IDFT": CLEVER,
    "RDFT": CLEVER,
    "IRDFT": CLEVER,
    "Inverse": CLEVER,
    "Einsum": CLEVER,
    "Bucketize": CLEVER,
    "SearchSorted": CLEVER,
    "RandomUniform": RANDOM,
    "Multinomial": RANDOM,
    "AdaptiveAvgPool": ONCE,
    "AdaptiveMaxPool": ONCE,
    "Col2Im": ONCE,
    "ExtractImagePatches": ONCE,
    "FakeConvert": ONCE,
    "GatherTree": ONCE,
    "ROIPooling": ONCE,
    "NV12toRGB": CAMERA,
    "NV12toBGR": CAMERA,
    "I420toRGB": CAMERA,
    "I420toBGR": CAMERA,
}
"""OpenVINO's operations without a kernel, each with the reason. Internal ones without a kernel (sequences, strings,
what a framework alone has) are islands too."""


def has_kernel(kind: str) -> bool:
    """Whether nodes of a kind can be computed by kernels."""
    from . import device  # noqa: F401  # declares all lowerings
    from .codegen.operations import OPERATIONS
    from .lowering.plan import is_lowered
    from .lowering.regions import CONVOLUTIONS, TRANSPOSED

    return kind in OPERATIONS or kind in CONVOLUTIONS or kind in TRANSPOSED or kind in ALIASES or is_lowered(kind)


ALIASES = frozenset({"ConvertLike", "DeformableConvolution", "IntegerConvolution", "IntegerMatMul"})
"""They are computed as other operations, by chains or behind a rewrite."""


def support(kind: str) -> str:
    """What the table of operations says: kernel, folded, around kernels, island."""
    if kind in FOLDED:
        return "folded"
    if has_kernel(kind):
        return "kernel"
    return "around kernels" if kind in AROUND else "island"
