"""The fusions, as one word."""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.errors import UsageError, did_you_mean
from .base import Pass, graph_pass
from .cse import Cse
from .dropout import Dropout
from .rewrite import Group, Rewrite
from .rules import (
    activation,
    attention,
    batch_norm,
    blocks,
    cells,
    convolution,
    factors,
    images,
    layer_norm,
    limits,
    linear,
    movement,
    noop,
    norms,
    pad,
    quantize,
    reduce,
    shapes,
)
from .sequences import FuseSequence
from .sink_transposes import SinkTransposes
from .slices import SlicesToSplit
from .strides import MoveStrides


@graph_pass("fuse")
class Fuse(Group):
    """What OpenVINO does to any model by default: eliminations, fusions, movements; each member has a name.

    Written-out activations, norms, attention and recurrent cells become operations; factors and terms go into weights;
    transposes sink, strides rise, equal nodes merge. `without` names members to leave out: `fuse{without=[fuse-gelu]}`.
    """

    without: tuple[str, ...] = ()

    def rules(self) -> Sequence[Rewrite]:
        return tuple(r for r in _rules() if r.name not in self.without)

    def passes(self) -> Sequence[Pass]:
        return tuple(p for p in _passes() if p.name not in self.without)

    def validate(self) -> None:
        known = {r.name for r in (*_rules(), *_passes())} if self.without else set()
        for name in self.without:
            if name not in known:
                raise UsageError(f"'fuse' has no rule '{name}'", help=did_you_mean(name, known) or None)


def _passes() -> tuple[Pass, ...]:
    return Cse(), SinkTransposes(), MoveStrides(), FuseSequence(), SlicesToSplit()


def _rules() -> tuple[Rewrite, ...]:
    return (*Dropout().rules(), *_eliminations(), *_activations(), *_products(), *_movements(), *_quantizations())


def _eliminations() -> tuple[Rewrite, ...]:
    return (
        noop.EliminateSplit(),
        noop.EliminateSplitConcat(),
        noop.EliminateEmptyConcatInput(),
        noop.EliminateScatter(),
        noop.EliminateGather(),
        noop.EliminateUnsqueezeGather(),
        noop.GatherToKeepAxis(),
        noop.EliminateSelect(),
        noop.EliminateConvertNonZero(),
        noop.MergeConverts(),
        noop.EliminateTwice(),
        noop.EliminateSliceBeforeGatherElements(),
        noop.BroadcastIntoElementwise(),
        shapes.ReshapeToConstant(),
    )


def _activations() -> tuple[Rewrite, ...]:
    return (
        activation.FuseSwish(),
        activation.FuseHSigmoid(),
        activation.FuseHSwish(),
        activation.FuseSoftPlus(),
        activation.FuseMish(),
        activation.FuseGelu(),
        activation.FuseGeluTanh(),
        limits.FuseRelu(),
        limits.FuseClamp(),
        limits.MergeClamps(),
        limits.FusePrelu(),
        limits.FuseLinearClamp(),
        limits.FuseSigmoid(),
        limits.FuseSwishBeta(),
        limits.FuseSoftSign(),
        layer_norm.FuseLayerNorm(),
        norms.FuseMvn(),
        norms.FuseGroupNorm(),
        norms.FuseNormalizeL2(),
        norms.FuseSoftmax(),
        norms.FuseLogSoftmax(),
        attention.FuseAttention(),
        cells.FuseLstmCell(),
        cells.FuseGruCell(),
    )


def _products() -> tuple[Rewrite, ...]:
    return (
        batch_norm.FoldBatchNorm(),
        batch_norm.BatchNormToAffine(),
        linear.SubtractToAdd(),
        linear.MergeAdds(),
        linear.MergeMultiplies(),
        linear.MultiplyIntoConvolution(),
        linear.MultiplyBeforeConvolution(),
        linear.MultiplyIntoMatMul(),
        linear.MultiplyBeforeAdd(),
        factors.MultiplyByInverse(),
        factors.DivideToMultiply(),
        factors.NegativeToMultiply(),
        factors.MultiplyBeforeMatMul(),
        factors.AddBeforeMatMul(),
        factors.AddBeforeConvolution(),
        pad.PadIntoConvolution(),
        pad.PadIntoAvgPool(),
        convolution.PadIntoMaxPool(),
        convolution.MergePads(),
        convolution.GroupConvolutionToConvolution(),
        convolution.ConvolutionsToGroup(),
        convolution.FuseDilation(),
        convolution.GatherIntoConvolution(),
        images.SinkChannelOrder(),
    )


def _movements() -> tuple[Rewrite, ...]:
    return (
        movement.MergeTransposes(),
        movement.TransposeIntoMatMul(),
        movement.MergeReshapes(),
        blocks.FuseDepthToSpace(),
        blocks.FuseSpaceToDepth(),
        blocks.FuseShuffleChannels(),
        blocks.FuseNearestUpsampling(),
        blocks.SplitConcatToInterpolate(),
        blocks.MergeInterpolates(),
        blocks.ConcatToTile(),
        blocks.TransposeToReshape(),
        blocks.FuseSplitConcat(),
        reduce.ReduceKeepsAxes(),
        reduce.ReduceDropsAxes(),
        reduce.MergeReduces(),
        reduce.TransposeIntoReduce(),
        reduce.AdaptivePoolToReduce(),
    )


def _quantizations() -> tuple[Rewrite, ...]:
    return (
        quantize.QuantizeDequantize(),
        quantize.ReluIntoFakeQuantize(),
        quantize.FakeQuantizeMultiply(),
        quantize.MultiplyIntoFakeQuantize(),
        quantize.AddIntoFakeQuantize(),
        quantize.FakeQuantizeReshape(),
    )
