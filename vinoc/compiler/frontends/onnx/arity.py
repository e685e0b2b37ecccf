"""How many inputs ONNX's operators take at most: what a node has beyond them no converter looks at."""

from __future__ import annotations

from functools import cache

from .context import NodeContext

ANY = 2**31 - 1
_SAME: dict[int, str] = {
    0: """
        Constant RandomNormal RandomUniform SequenceEmpty
    """,
    1: """
        Abs Acos Acosh ArgMax ArgMin Asin Asinh Atan Atanh AveragePool Bernoulli Binarizer BitCast BitwiseNot
        BlackmanWindow Cast CastMap CategoryMapper Ceil Celu ConcatFromSequence ConstantOfShape Cos Cosh
        DepthToSpace Det DictVectorizer DynamicQuantizeLinear Elu Erf Exp EyeLike Flatten Floor Gelu
        GlobalAveragePool GlobalLpPool GlobalMaxPool HammingWindow HannWindow HardSigmoid HardSwish Hardmax
        Identity If ImageDecoder Imputer IsInf IsNaN LRN LabelEncoder LeakyRelu LinearClassifier LinearRegressor
        Log LogSoftmax LpNormalization LpPool MaxPool MeanVarianceNormalization Mish Multinomial Neg NonZero
        Normalizer Not OneHotEncoder Optional OptionalGetElement OptionalHasElement RandomNormalLike
        RandomUniformLike Reciprocal RegexFullMatch Relu Round SVMClassifier SVMRegressor Scaler Selu
        SequenceLength Shape Shrink Sigmoid Sign Sin Sinh Size Softmax Softplus Softsign SpaceToDepth Sqrt
        StringNormalizer StringSplit Swish Tan Tanh TfIdfVectorizer ThresholdedRelu Transpose TreeEnsemble
        TreeEnsembleClassifier TreeEnsembleRegressor Unique ZipMap
    """,
    2: """
        Add AffineGrid And ArrayFeatureExtractor BitShift BitwiseAnd BitwiseOr BitwiseXor CastLike CenterCropPad
        Compress CumProd CumSum Div Equal Expand Gather GatherElements GatherND Greater GreaterOrEqual
        GridSample Less LessOrEqual MatMul MaxRoiPool Mod Mul Or PRelu Pow RMSNormalization ReverseSequence
        SequenceAt SequenceErase SplitToSequence StringConcat Sub SwiGLU Trilu Xor
    """,
    3: """
        Col2Im Conv ConvTranspose DequantizeLinear Gemm GroupNormalization InstanceNormalization
        LayerNormalization MaxUnpool NegativeLogLikelihoodLoss OneHot QuantizeLinear Range RoiAlign Scatter
        ScatterElements ScatterND SequenceInsert SoftmaxCrossEntropyLoss TensorScatter Where
    """,
    4: """
        CausalConvWithState ConvInteger MatMulInteger RotaryEmbedding STFT
    """,
    5: """
        BatchNormalization DeformConv MelWeightMatrix NonMaxSuppression
    """,
    6: """
        GRU LinearAttention RNN
    """,
    8: """
        LSTM QLinearMatMul
    """,
    9: """
        QLinearConv
    """,
}
"""Number -> the operators that take that many in all versions."""

_CHANGED: dict[str, tuple[tuple[int, int], ...]] = {
    "Attention": ((23, 6), (24, 7)),
    "Clip": ((1, 1), (11, 3)),
    "DFT": ((17, 2), (20, 3)),
    "Dropout": ((1, 1), (12, 3)),
    "Pad": ((1, 1), (11, 3), (18, 4)),
    "ReduceL1": ((1, 1), (18, 2)),
    "ReduceL2": ((1, 1), (18, 2)),
    "ReduceLogSum": ((1, 1), (18, 2)),
    "ReduceLogSumExp": ((1, 1), (18, 2)),
    "ReduceMax": ((1, 1), (18, 2)),
    "ReduceMean": ((1, 1), (18, 2)),
    "ReduceMin": ((1, 1), (18, 2)),
    "ReduceProd": ((1, 1), (18, 2)),
    "ReduceSum": ((1, 1), (13, 2)),
    "ReduceSumSquare": ((1, 1), (18, 2)),
    "Reshape": ((1, 1), (5, 2)),
    "Resize": ((10, 2), (11, 4)),
    "Slice": ((1, 1), (10, 5)),
    "Split": ((1, 2), (2, 1), (13, 2)),
    "Squeeze": ((1, 1), (13, 2)),
    "Tile": ((1, 3), (6, 2)),
    "TopK": ((1, 1), (10, 2)),
    "Unsqueeze": ((1, 1), (13, 2)),
    "Upsample": ((1, 1), (9, 2)),
}
"""Operator -> (version, number from it on)."""

_LIMITS = {op: ((1, n),) for n, ops in _SAME.items() for op in ops.split()} | _CHANGED


@cache
def most_inputs(op: str, version: int) -> int:
    """The largest number of inputs of an operator of `ai.onnx` or `ai.onnx.ml`; ANY where there is no limit."""
    most = ANY
    for since, number in _LIMITS.get(op, ()):
        if since <= version or most == ANY:
            most = number
    return most


def check_inputs(ctx: NodeContext) -> None:
    """Fails where a node of ONNX's own domains has more inputs than its operator takes."""
    if ctx.domain in ("", "ai.onnx.ml") and len(ctx.inputs) > (most := most_inputs(ctx.op_type, ctx.opset)):
        ctx.fail(f"it has {len(ctx.inputs)} inputs, {ctx.op_type} of opset {ctx.opset} takes {most} at most")
