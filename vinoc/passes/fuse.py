"""The fusions, as one word."""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.errors import UsageError, did_you_mean
from .base import graph_pass
from .dropout import Dropout
from .rewrite import Group, Rewrite
from .rules import activation, batch_norm, layer_norm, linear, movement, pad


@graph_pass("fuse")
class Fuse(Group):
    """Fuses: BatchNorm, Multiply and Add into weights, Pad into its user, pairs of movements, written-out activations.

    `without` names rules to leave out: `fuse{without=[fuse-gelu]}`.
    """

    without: tuple[str, ...] = ()

    def rules(self) -> Sequence[Rewrite]:
        return tuple(r for r in _rules() if r.name not in self.without)

    def validate(self) -> None:
        known = {r.name for r in _rules()} if self.without else set()
        for name in self.without:
            if name not in known:
                raise UsageError(f"'fuse' has no rule '{name}'", help=did_you_mean(name, known) or None)


def _rules() -> tuple[Rewrite, ...]:
    return (
        *Dropout().rules(),
        batch_norm.FoldBatchNorm(),
        batch_norm.BatchNormToAffine(),
        activation.FuseSwish(),
        activation.FuseHSigmoid(),
        activation.FuseHSwish(),
        activation.FuseSoftPlus(),
        activation.FuseMish(),
        activation.FuseGelu(),
        activation.FuseGeluTanh(),
        layer_norm.FuseLayerNorm(),
        linear.SubtractToAdd(),
        linear.MergeAdds(),
        linear.MergeMultiplies(),
        linear.MultiplyIntoConvolution(),
        linear.MultiplyBeforeConvolution(),
        linear.MultiplyIntoMatMul(),
        linear.MultiplyBeforeAdd(),
        pad.PadIntoConvolution(),
        pad.PadIntoAvgPool(),
        movement.MergeTransposes(),
        movement.TransposeIntoMatMul(),
        movement.MergeReshapes(),
    )
