"""Kinds of operations that many passes speak of together."""

CONVOLUTIONS = ("Convolution", "GroupConvolution", "ConvolutionBackpropData", "GroupConvolutionBackpropData")

REDUCTIONS = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2")
LOGICAL_REDUCTIONS = ("ReduceLogicalAnd", "ReduceLogicalOr")

RESHAPES = ("Reshape", "Squeeze", "Unsqueeze")
