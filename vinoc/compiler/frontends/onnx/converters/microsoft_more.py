"""Other fused operators of ONNX Runtime, and its older forms of what ai.onnx has now (domain com.microsoft)."""

from __future__ import annotations

from .....ir import dtype as dt
from .....ir.graph import Value
from ..context import NodeContext
from ..registry import MICROSOFT, converter
from . import gather, matrix, shape
from .values import ints, number, rank, reshape, to

ACTIVATIONS = {"Relu": "ReLU", "Tanh": "Tanh", "Sigmoid": "Sigmoid"}


@converter("FusedGemm", domain=MICROSOFT)
def fused_gemm(ctx: NodeContext) -> Value:
    """Gemm, then an activation."""
    y, name = matrix.gemm(ctx), ctx.attr("activation", "")
    assert isinstance(y, Value)
    if name == "LeakyRelu":
        return ctx.b.PReLU(y, number(ctx.b, ctx.attr("activation_alpha", 0.01), y.dtype))
    if name and name not in ACTIVATIONS:
        ctx.fail(f"attribute `activation` is '{name}'", f"known: LeakyRelu, {', '.join(ACTIVATIONS)}")
    return getattr(ctx.b, ACTIVATIONS[name])(y) if name else y


@converter("BiasAdd", domain=MICROSOFT)
def bias_add(ctx: NodeContext) -> Value:
    """x + bias + skip."""
    return ctx.b.Add(ctx.b.Add(ctx.input(0), ctx.input(1)), ctx.input(2))


@converter("BiasSoftmax", domain=MICROSOFT)
def bias_softmax(ctx: NodeContext) -> Value:
    """SoftMax of the sum, over the last dimension."""
    b, x, bias = ctx.b, ctx.input(0), ctx.input(1)
    axis = int(ctx.attr("axis", 1))
    if axis % rank(ctx, x) != rank(ctx, x) - 1:
        ctx.fail("BiasSoftmax over several dimensions is not supported", "export without the fusion")
    missing = rank(ctx, x) - rank(ctx, bias)
    if not ctx.attr("is_inner_broadcast") and missing > 0:
        ctx.fail("BiasSoftmax with an outer broadcast is not supported", "export without the fusion")
    return b.SoftMax(b.Add(x, bias), axis=-1)


@converter("BiasSplitGelu", domain=MICROSOFT)
def bias_split_gelu(ctx: NodeContext) -> Value:
    """left * gelu(right) of the halves of x + bias."""
    b = ctx.b
    left, right = b.Split(b.Add(ctx.input(0), ctx.input(1)), number(b, -1, dt.i64), num_splits=2)
    return b.Multiply(left, b.Gelu(right, approximation_mode="ERF"))


@converter("GroupNorm", domain=MICROSOFT)
def group_norm(ctx: NodeContext) -> Value:
    """GroupNormalization, channels last unless asked otherwise, then Swish where asked for."""
    b, x = ctx.b, ctx.input(0)
    last = bool(ctx.attr("channels_last", 1))
    x = b.Transpose(x, ints(b, [0, 3, 1, 2])) if last else x
    y = b.GroupNormalization(
        to(b, x, dt.f32),
        to(b, ctx.input(1), dt.f32),
        to(b, ctx.input(2), dt.f32),
        num_groups=int(ctx.attr("groups")),
        epsilon=ctx.attr("epsilon", 1e-5),
    )
    y = to(b, b.Swish(y) if ctx.attr("activation") else y, x.dtype)
    return b.Transpose(y, ints(b, [0, 2, 3, 1])) if last else y


@converter("IsAllFinite", domain=MICROSOFT)
def is_all_finite(ctx: NodeContext) -> Value:
    """True where no input has an element that is infinite or NaN (or one of these alone)."""
    b, result = ctx.b, None
    for i in range(len(ctx.inputs)):
        x = ctx.input(i)
        if ctx.attr("isinf_only", 0):
            bad = b.IsInf(x, detect_negative=True, detect_positive=True)
        elif ctx.attr("isnan_only", 0):
            bad = b.IsNaN(x)
        else:
            bad = b.LogicalNot(b.IsFinite(x))
        found = b.LogicalNot(b.ReduceLogicalOr(reshape(b, bad, [-1]), [0], keep_dims=False))
        result = found if result is None else b.LogicalAnd(result, found)
    assert result is not None
    return result


@converter("ExpandDims", domain=MICROSOFT)
def expand_dims(ctx: NodeContext) -> Value:
    """Unsqueeze."""
    return ctx.b.Unsqueeze(ctx.input(0), reshape(ctx.b, ctx.input(1), [-1]))


@converter("ComplexMul", domain=MICROSOFT)
@converter("ComplexMulConj", domain=MICROSOFT)
def complex_mul(ctx: NodeContext) -> Value:
    """a b, or a conj(b), of complex numbers held as pairs."""
    b, axis = ctx.b, number(ctx.b, -1, dt.i64)
    (ar, ai), (br, bi) = (b.Split(ctx.input(i), axis, num_splits=2) for i in (0, 1))
    first, second = b.Multiply(ar, br), b.Multiply(ai, bi)
    cross, other = b.Multiply(ar, bi), b.Multiply(ai, br)
    if ctx.op_type == "ComplexMulConj":
        return b.Concat(b.Add(first, second), b.Subtract(other, cross), axis=-1)
    return b.Concat(b.Subtract(first, second), b.Add(cross, other), axis=-1)


@converter("CDist", domain=MICROSOFT)
def c_dist(ctx: NodeContext) -> Value:
    """[M, N]: the (squared) distances between the rows of two matrices."""
    b, metric = ctx.b, ctx.attr("metric", "sqeuclidean")
    if metric not in ("sqeuclidean", "euclidean"):
        ctx.fail(f"attribute `metric` is '{metric}'", "known: sqeuclidean, euclidean")
    apart = b.Subtract(b.Unsqueeze(ctx.input(0), [1]), b.Unsqueeze(ctx.input(1), [0]))
    squares = b.ReduceSum(b.Multiply(apart, apart), [2], keep_dims=False)
    return squares if metric == "sqeuclidean" else b.Sqrt(squares)


@converter("Inverse", domain=MICROSOFT)
def inverse(ctx: NodeContext) -> Value:
    """The inverses of matrices."""
    return ctx.b.Inverse(ctx.input(0), adjoint=False)


converter("GatherND", domain=MICROSOFT)(gather.gather_nd)
converter("Trilu", domain=MICROSOFT)(shape.trilu)
