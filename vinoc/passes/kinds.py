"""Kinds of operations that many passes speak of together."""

CONVOLUTIONS = ("Convolution", "GroupConvolution", "ConvolutionBackpropData", "GroupConvolutionBackpropData")

REDUCTIONS = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2")
LOGICAL_REDUCTIONS = ("ReduceLogicalAnd", "ReduceLogicalOr")

RESHAPES = ("Reshape", "Squeeze", "Unsqueeze")

UNARY = frozenset({
    "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "BitwiseNot", "Ceiling", "Clamp", "Convert", "Cos",
    "Cosh", "Elu", "Erf", "Exp", "Floor", "Gelu", "HSigmoid", "HSwish", "Identity", "IsFinite", "IsInf", "IsNaN",
    "Log", "LogicalNot", "Mish", "Negative", "ReLU", "Round", "Sigmoid", "Sign", "Sin", "Sinh", "SoftPlus",
    "SoftSign", "Sqrt", "Swish", "Tan", "Tanh",
})  # fmt: skip
"""An element of the result follows from one of the operand; further operands, as Swish may have, are numbers."""

BINARY = frozenset({
    "Add", "BitwiseAnd", "BitwiseLeftShift", "BitwiseOr", "BitwiseRightShift", "BitwiseXor", "Divide", "Equal",
    "FloorMod", "Greater", "GreaterEqual", "Less", "LessEqual", "LogicalAnd", "LogicalOr", "LogicalXor", "Maximum",
    "Minimum", "Mod", "Multiply", "NotEqual", "Power", "SquaredDifference", "Subtract",
})  # fmt: skip
"""An element of the result follows from one of each operand, which are broadcast."""
