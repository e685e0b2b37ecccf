"""What a compilation is asked to do, and the defaults."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from ..ir.errors import UsageError, did_you_mean
from ..ir.record import record
from .face.options import Face

DEFAULT_PASSES = "inline-if,mark-weights,fold,dropout,cse,fuse,dce"
"""What `vinoc MODEL` runs when `--passes` is not given."""

RUNTIME_PASSES = "inline-if,fold,dropout,cse,dce"
"""What `Core.compile_model` runs before the reference interpreter: what is cheap and keeps every number."""

CPU_PASSES = (
    "widen,resize-in-floats,decompress{keep-products=true},integer-weights,inline-if,collect-states,batch-loops,fold,cse,"
    "cpu-integer-sums,fuse{without=[fuse-attention,multiply-by-inverse]},dce"
)
"""What it runs before kernels are chosen, none of which reads integers as weights; `fuse` does what `dropout` does.
Attention is found by the kernels' own rule, which knows what fits them; one inverse for many products is cheaper than
as many quotients."""

HALF_PASSES = f"{CPU_PASSES},fp16{{rounding=nearest,products=true}}"
"""The same, where a user allows for weights in half precision."""

FP16_PASS = "fp16"

REPORTS = (".json", ".html")
"""The files that can give an account of a compilation."""

NO_FACE = Face()
"""The model as it is."""

Verification: TypeAlias = Literal["off", "structure", "numeric"]


@record(frozen=True)
class Options:
    """All that a compilation can be told. Raises UsageError for values that make no sense.

    passes      pipeline string, "" for none
    target      name of a backend
    out_dir     where the files go; made when it does not exist
    model_name  stem of the files; None: the model's
    face        the inputs: where the model begins, shapes, types, layouts, what is done to them first
    framework   name of a frontend; None: found by extension and contents
    outputs     tensors or nodes (`name:port`) to compute in place of the model's outputs; empty: the model's own
    verify      off, structure (types, links, order after every pass), numeric (outputs on random inputs too)
    dump_dir    where the graph is written as text, after `dump_after` or after every pass that changed it
    explain     passes whose refusals are collected; `record` collects what every pass replaced
    """

    passes: str = DEFAULT_PASSES
    target: str = "ir"
    out_dir: Path = Path()
    model_name: str | None = None
    framework: str | None = None
    outputs: Sequence[str] = ()
    face: Face = NO_FACE
    verify: Verification = "structure"
    dump_dir: Path | None = None
    dump_after: Sequence[str] = ()
    explain: Sequence[str] = ()
    record: bool = False

    def __post_init__(self) -> None:
        if self.verify not in get_args(Verification):
            hint = did_you_mean(self.verify, get_args(Verification))
            raise UsageError(f"no verification '{self.verify}'", help=hint or "off, structure or numeric")
        name = self.model_name
        if name is not None and (not name or Path(name).name != name or name in (".", "..")):
            raise UsageError(
                f"'{name}' cannot be the name of files", "--model_name", "give a plain name; the folder is --output_dir"
            )
        if self.dump_after and self.dump_dir is None:
            raise UsageError("--dump-after needs a folder", help="add --dump-dir DIR")


def with_fp16(passes: str) -> str:
    """The pipeline with weight compression at its end, unless it is there already."""
    from ..passes.pipeline import parse

    if any(p.name == FP16_PASS for p in parse(passes).passes()):
        return passes
    return f"{passes.rstrip().rstrip(',')},{FP16_PASS}" if passes.strip() else FP16_PASS
