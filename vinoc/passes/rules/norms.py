"""Soft maxima and normalizations from their written-out forms."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ir.builder import Builder
from ...ir.dtype import Array
from ...ir.graph import Value
from ..pattern import Const, Match, OpPattern, Tracer
from ..rewrite import Decline, Rewrite, rewrite
from .channels import is_float
from .limits import one_number


def axes_of(x: Value, *lists: Array) -> list[int] | Decline:
    """The axes that all lists name, counted from the front."""
    rank = x.rank
    if rank is None:
        return Decline("the rank is not known")
    found = [sorted(int(a) % rank for a in axes.reshape(-1)) for axes in lists]
    if any(f != found[0] for f in found):
        return Decline("the reductions are over different axes")
    return found[0]


@rewrite
class FuseSoftmax(Rewrite):
    """SoftMax(x) = exp(x - max x) / sum exp(x - max x), also without the maximum, along one axis."""

    def pattern(self, p: Tracer, x: Any, axes: Const, axes2: Const) -> tuple[OpPattern, ...]:
        top = p.ReduceMax(x, axes2, keep_dims=True)
        stable, plain = p.Exp(p.Subtract(x, top)), p.Exp(x)
        return tuple(p.Divide(e, p.ReduceSum(e, axes, keep_dims=True)) for e in (stable, plain))

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        axes = axes_of(m.x, m.axes, *([m.axes2] if m.has("axes2") else []))
        if isinstance(axes, Decline):
            return axes
        if len(axes) != 1:
            return Decline(f"it sums over {len(axes)} axes")
        return b.SoftMax(m.x, axis=axes[0])


@rewrite
class FuseLogSoftmax(Rewrite):
    """LogSoftmax(x) = log(SoftMax(x)) = (x - max x) - log sum exp(x - max x)."""

    def pattern(self, p: Tracer, x: Any, axes: Const, axes2: Const) -> tuple[OpPattern, ...]:
        shifted = p.Subtract(x, p.ReduceMax(x, axes2, keep_dims=True), name="shifted")
        total = p.ReduceSum(p.Exp(shifted), axes, keep_dims=True)
        return p.Log(p.SoftMax(x)), p.Subtract(shifted, p.Log(total), name="outer")

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        if m.has("SoftMax"):
            return b.LogSoftmax(m.x, axis=m.SoftMax.axis)
        axes = axes_of(m.x, m.axes, m.axes2)
        if isinstance(axes, Decline):
            return axes
        if len(axes) != 1:
            return Decline(f"it sums over {len(axes)} axes")
        return b.LogSoftmax(m.x, axis=axes[0])


@rewrite
class FuseNormalizeL2(Rewrite):
    """NormalizeL2(x) = x / sqrt(max(sum x^2, eps)) = x / sqrt(sum x^2 + eps);  x / max(|x|_2, e) has eps = e^2."""

    def pattern(self, p: Tracer, x: Any, axes: Const, eps: Const) -> tuple[OpPattern, ...]:
        out = []
        for square in (p.Power(x, 2.0, name="square"), p.Multiply(x, x, name="square")):
            total = p.ReduceSum(square, axes, keep_dims=True)
            for inside in (p.Add(total, eps), p.Maximum(total, eps)):
                out.append(p.Divide(x, p.Sqrt(inside)))
                out.append(p.Divide(x, p.Power(inside, 0.5, name="root")))
            out.append(p.Divide(x, p.Maximum(p.Sqrt(total), eps, name="outside")))
        length = p.ReduceL2(x, axes, keep_dims=True)
        out.append(p.Divide(x, p.Maximum(length, eps, name="outside")))
        out.append(p.Divide(x, p.Clamp(length, max=lambda v: v >= 1e30), name="limited"))
        return tuple(out)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        eps = m.Clamp.min if m.has("limited") else one_number(m.eps)
        if eps is None or eps <= 0:
            return Decline("epsilon is not one positive number")
        axes = axes_of(m.x, m.axes)
        if isinstance(axes, Decline):
            return axes
        outside = m.has("outside") or m.has("limited")
        if outside:
            eps = eps * eps
            if np.float32(eps) < np.finfo(np.float32).tiny:
                return Decline("the square of epsilon is no f32 number")
        mode = "max" if outside or m.has("Maximum") else "add"
        return b.NormalizeL2(m.x, np.array(axes, np.int64), eps=eps, eps_mode=mode)


@rewrite
class FuseRmsNorm(Rewrite):
    """x / sqrt(mean x^2 + eps) = NormalizeL2(x; n * eps) * sqrt(n), n elements along the axes.

    (Zhang and Sennrich 2019, arXiv:1910.07467.) Not a part of `fuse`: OpenVINO's device has a kernel of its own for
    the form that is written out.
    """

    def pattern(self, p: Tracer, x: Any, axes: Const, eps: Const) -> tuple[OpPattern, ...]:
        out = []
        for square in (p.Power(x, 2.0, name="square"), p.Multiply(x, x, name="square")):
            inside = p.Add(p.ReduceMean(square, axes, keep_dims=True), eps)
            root = p.Sqrt(inside)
            out += [
                p.Divide(x, root, name="outer"),
                p.Multiply(x, p.Divide(1.0, root, name="inverse"), name="outer"),
                p.Multiply(x, p.Power(inside, -0.5, name="inverse"), name="outer"),
                p.Multiply(x, p.Power(root, -1.0, name="inverse"), name="outer"),
            ]
        return tuple(out)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        eps = one_number(m.eps)
        axes = axes_of(m.x, m.axes)
        if isinstance(axes, Decline):
            return axes
        lengths = [m.x.shape[a] for a in axes]
        if eps is None or eps <= 0:
            return Decline("epsilon is not one positive number")
        if not all(isinstance(n, int) for n in lengths):
            return Decline("the number of elements is not known")
        n = int(np.prod(lengths))
        unit = b.NormalizeL2(m.x, np.array(axes, np.int64), eps=n * eps, eps_mode="add")
        return b.Multiply(unit, float(np.sqrt(n)))


@rewrite
class FuseMvn(Rewrite):
    """MVN(x) = (x - mean) / (sqrt(mean((x - mean)^2)) + eps), and (x - mean) / sqrt(...) by SquaredDifference.

    The forms that layer normalization has by other means: epsilon outside the root, the inverse as a factor.
    """

    def pattern(self, p: Tracer, x: Any, axes: Const, axes2: Const, eps: Const) -> tuple[OpPattern, ...]:
        mean = p.ReduceMean(x, axes, keep_dims=True, name="mean")
        centred = p.Subtract(x, mean, name="centred")
        out = []
        squares = (
            p.SquaredDifference(x, mean),
            p.Power(centred, 2.0, name="square"),
            p.Multiply(centred, centred, name="square"),
        )
        for i, square in enumerate(squares):
            variance = p.ReduceMean(square, axes2, keep_dims=True, name="variance")
            inside = p.Add(variance, eps, name="inside")
            out.append(p.Divide(centred, p.Add(p.Sqrt(variance), eps, name="outside")))
            out.append(p.Multiply(centred, p.Power(inside, -0.5, name="inverse"), name="outer"))
            out.append(p.Multiply(centred, p.Divide(1.0, p.Sqrt(inside), name="inverse"), name="outer"))
            if i == 0:
                out.append(p.Divide(centred, p.Sqrt(inside)))
        return tuple(out)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        eps = one_number(m.eps)
        if eps is None or eps <= 0:
            return Decline("epsilon is not one positive number")
        axes = axes_of(m.x, m.axes, m.axes2)
        if isinstance(axes, Decline):
            return axes
        mode = "OUTSIDE_SQRT" if m.has("outside") else "INSIDE_SQRT"
        return b.MVN(m.x, np.array(axes, np.int64), normalize_variance=True, eps=eps, eps_mode=mode)


@rewrite
class FuseGroupNorm(Rewrite):
    """GroupNormalization(x) = Reshape(MVN(Reshape(x; [N, G, -1]))) * gamma + beta, one number a channel.

    (Wu and He 2018, arXiv:1803.08494.)
    """

    def pattern(
        self, p: Tracer, x: Any, s: Any, axes: Const, t: Any, gamma: Const, beta: Const
    ) -> tuple[OpPattern, ...]:
        normal = p.Reshape(p.MVN(p.Reshape(x, s, name="parted"), axes), t, name="joined")
        return (p.Add(p.Multiply(normal, gamma), beta),)

    def replace(self, b: Builder, m: Match) -> Value | Decline:
        x, parted = m.x, m.node("parted").output.shape
        if x.shape is None or parted is None or m.root.output.type != x.type or not is_float(x):
            return Decline("the result does not have the shape of the input")
        channels = x.shape[1] if len(x.shape) > 2 else None
        if len(parted) < 3 or parted[0] != x.shape[0] or not isinstance(channels, int) or not channels:
            return Decline("the first dimension is not kept, or the channels are not known")
        groups = parted[1]
        if not isinstance(groups, int) or groups < 1 or channels % groups:
            return Decline("the second dimension is not the number of groups")
        if sorted(int(a) % len(parted) for a in m.axes.reshape(-1)) != list(range(2, len(parted))):
            return Decline("it does not normalize all but the first two dimensions")
        if m.MVN.eps_mode != "INSIDE_SQRT" or not m.MVN.normalize_variance:
            return Decline("epsilon is outside the root, or the variance stays")
        factors = [_a_channel(c, len(x.shape), channels) for c in (m.gamma, m.beta)]
        if factors[0] is None or factors[1] is None:
            return Decline("scale and shift are not one number a channel")
        return b.GroupNormalization(x, factors[0], factors[1], num_groups=groups, epsilon=m.MVN.eps)


def _a_channel(c: Array, rank: int, channels: int) -> Array | None:
    full = (1,) * (rank - c.ndim) + c.shape
    if len(full) != rank or any(n != 1 for i, n in enumerate(full) if i != 1) or full[1] not in (1, channels):
        return None
    return np.ascontiguousarray(np.broadcast_to(c.reshape(-1), (channels,)))
