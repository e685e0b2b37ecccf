"""Forms of what works element by element, of casts, and of products."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from .base import bools, f32, form, ints, positive

X, Y = f32(2, 3, 4), f32(2, 3, 4) + np.float32(0.05)
PART, TAIL, CHANNEL = f32(3), f32(3, 4), f32(3, 1)
OLD = "of opset 1: no runtime has it"

for op in ("Abs", "Ceil", "Exp", "Floor", "Neg", "Relu", "Sigmoid", "Tanh"):
    form(op, X)
for op in ("Log", "Reciprocal", "Sqrt"):
    form(op, positive(2, 3))
for op, result in (("Abs", np.abs(X)), ("Neg", -X), ("Relu", np.maximum(X, 0)), ("Exp", np.exp(X)),
                   ("Ceil", np.ceil(X)), ("Floor", np.floor(X)), ("Tanh", np.tanh(X))):  # fmt: skip
    form(op, X, until=5, want=result, why=OLD, consumed_inputs=[0])
for op in ("Sin", "Cos", "Tan", "Sinh", "Cosh", "Asinh", "Atan", "Softplus", "Softsign", "HardSwish", "Mish", "Sign",
           "Erf", "Round", "Identity", "IsNaN"):  # fmt: skip
    form(op, X)
form("Round", np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5], np.float32))
form("IsNaN", np.array([1, np.nan, np.inf], np.float32))
SIGNED = np.array([1, np.nan, np.inf, -np.inf], np.float32)
form("IsInf", SIGNED)
form("IsInf", SIGNED, detect_negative=0)
form("IsInf", SIGNED, detect_positive=0)
for op in ("Asin", "Acos", "Atanh"):
    form(op, positive(2, 3) - np.float32(0.5))
form("Acosh", positive(2, 3) + 1)
form("Identity", [f32(2), f32(3)], since=14)

# With parameters

form("Elu", X)
form("Elu", X, alpha=0.3)
form(
    "Elu", X, until=5, want=np.where(X > 0, X, 0.3 * np.expm1(X)).astype("f4"), why=OLD, alpha=0.3, consumed_inputs=[0]
)
A1, G1 = 1.6732, 1.0507
form("Selu", X, until=5, why="the defaults had four digits then",
     want=(G1 * np.where(X > 0, X, A1 * np.expm1(X))).astype("f4"))  # fmt: skip
form("Selu", X, since=6)
form("Selu", X, alpha=0.5, gamma=2.0)
form("LeakyRelu", X)
form("LeakyRelu", X, alpha=0.3)
form("HardSigmoid", X * 3)
form("HardSigmoid", X, alpha=0.5, beta=0.25)
form("ThresholdedRelu", X)
form("ThresholdedRelu", X, alpha=0.25)
form("Celu", X)
form("Celu", X, alpha=0.5)
form("Clip", X, until=10, min=-0.5, max=0.25)
form("Clip", X, until=10, min=-0.5)
form("Clip", X, until=10)
form("Clip", X, np.float32(-0.5), np.float32(0.25), since=11)
form("Clip", X, None, np.float32(0.25), since=11)
form("Clip", (X * 10).astype(np.int32), np.int32(-5), np.int32(7), since=12)
form("PRelu", X, np.array([0.25], np.float32))
form("PRelu", X, PART, until=6, want=np.where(X < 0, X * PART[:, None], X), why="a slope for each channel then")
form("PRelu", X, CHANNEL, since=7)
form("PRelu", X, f32(4), since=7)
form("Dropout", X, until=1, is_test=1, consumed_inputs=[0], want=X, why=OLD)
form("Dropout", X, until=6, is_test=1, ratio=0.3, want=X, why=OLD)
form("Dropout", X, since=7)
form("Dropout", X, since=7, until=11, ratio=0.3)
form("Dropout", X, since=7, until=9, ratio=0.3, outputs=2, why="the mask was of the data's type or none then",
     want=(X, np.ones_like(X)))  # fmt: skip
form("Dropout", X, since=10, outputs=2, asked=12)
form("Dropout", X, np.float32(0.5), since=12)
form("Dropout", X, np.float32(0.5), np.array(False), since=12, outputs=2)

# Two operands. Up to opset 6 the second one is spread on request: from `axis` on, or over the last dimensions.

OLD_PAIRS = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide}
SPREAD = "the broadcast of opset 1 to 6"
for op, function in OLD_PAIRS.items():
    form(op, X, Y)
    form(op, X, TAIL, until=6, broadcast=1, want=function(X, TAIL), why=SPREAD)
    form(op, X, PART, until=6, broadcast=1, axis=1, want=function(X, PART[:, None]), why=SPREAD)
    form(op, X, f32(2, 3), until=6, broadcast=1, axis=0, want=function(X, f32(2, 3)[..., None]), why=SPREAD)
    form(op, X, np.float32(0.5), until=6, broadcast=1, want=function(X, np.float32(0.5)), why=SPREAD)
    form(op, X, CHANNEL, since=7)
    form(op, CHANNEL, f32(2, 1, 1, 5), since=7)
    form(op, ints(7, -8, 9), ints(2, 3, -4), since=7)
    form(op, np.array([7, 8, 9], np.uint8), np.array([2, 3, 4], np.uint8), since=14)
form("Pow", positive(2, 3), f32(2, 3))
form("Pow", positive(2, 3), f32(2), until=6, broadcast=1, axis=0, want=positive(2, 3) ** f32(2)[:, None], why=SPREAD)
form("Pow", positive(2, 3), f32(3), since=7)
form("Pow", positive(2, 3), ints(2, 0, 3), since=12)
form("Pow", ints(2, 3, 4), np.array([2, 0.5, 1], np.float32), since=12)
for op, logical in (("And", np.logical_and), ("Or", np.logical_or), ("Xor", np.logical_xor)):
    form(op, bools(2, 3), ~bools(2, 3))
    form(
        op,
        bools(2, 3),
        bools(2),
        until=6,
        broadcast=1,
        axis=0,
        want=logical(bools(2, 3), bools(2)[:, None]),
        why=SPREAD,
    )
    form(op, bools(2, 3), bools(3), since=7)
for op, relation in (("Greater", np.greater), ("Less", np.less)):
    form(op, X, Y)
    form(op, X, PART, until=6, broadcast=1, axis=1, want=relation(X, PART[:, None]), why=SPREAD)
    form(op, X, CHANNEL, since=7)
    form(op, ints(1, 2, 3), ints(3, 2, 1), since=9)
for op in ("GreaterOrEqual", "LessOrEqual"):
    form(op, X, CHANNEL)
    form(op, ints(1, 2, 3), ints(3, 2, 1))
form("Equal", ints(1, 2, 3), ints(3, 2, 1))
form("Equal", ints([1, 2, 3], [4, 2, 6]), ints(1, 4), until=6, broadcast=1, axis=0,
     want=np.array([[True, False, False], [True, False, False]]), why=SPREAD)  # fmt: skip
form("Equal", ints([1, 2, 3], [3, 2, 1]), ints(3, 2, 1), since=7)
form("Equal", X, X.round(1), since=11)
form("Equal", np.array(["a", "b"], object), np.array(["a", "c"], object), since=19)
for op in ("Max", "Min", "Sum", "Mean"):
    form(op, X, Y, X * 2)
    form(op, X)
    form(op, X, CHANNEL, f32(4), since=8)
for op in ("Max", "Min"):
    form(op, ints(1, 5), ints(4, 2), since=12)
form("Mod", ints(7, -7, 7, -7), ints(3, 3, -3, -3))
form("Mod", ints(7, -7, 7, -7), ints(3, 3, -3, -3), fmod=1)
form("Mod", np.array([7.5, -7.5], np.float32), np.array([2, 2], np.float32), fmod=1)
form("BitShift", np.array([16, 4, 1], np.uint8), np.array([1, 2, 3], np.uint8), direction="RIGHT")
form("BitShift", np.array([16, 4, 1], np.uint32), np.array([1, 2, 3], np.uint32), direction="LEFT")
form("Where", bools(2, 3), f32(2, 3), f32(3))
form("Where", bools(2, 1), ints(1, 2, 3), ints(4, 5, 6))

# Casts. Up to opset 5 the type is spelt.

MIXED = np.array([-1.7, 0.0, 2.5, 100], np.float32)
form("Cast", MIXED, until=5, to="INT32", want=MIXED.astype(np.int32), why=OLD)
form("Cast", MIXED, until=5, to="BOOL", want=MIXED.astype(bool), why=OLD)
form("Cast", ints(1, 0, -3), until=5, to="FLOAT", want=ints(1, 0, -3).astype("f4"), why=OLD)
for code in (TensorProto.INT32, TensorProto.BOOL, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.INT64):
    form("Cast", MIXED, since=6, to=code)
form("Cast", np.array(["1.5", "-2"], object), since=9, to=TensorProto.FLOAT)
form("Cast", np.array([1000, -1000, 0.3], np.float32), since=19, to=TensorProto.FLOAT8E4M3FN)
form("Cast", np.array([1000, -1000, 0.3], np.float32), since=19, to=TensorProto.FLOAT8E4M3FN, saturate=0)
form("CastLike", MIXED, ints(1))
form("CastLike", MIXED, np.float64(1))

# Products

A, B = f32(2, 3), f32(3, 4)
form("MatMul", A, B)
form("MatMul", f32(2, 1, 2, 3), f32(4, 3, 2))
form("MatMul", ints([1, 2], [3, 4]), ints([5, 6], [7, 8]), since=9)
form("Gemm", A, B, f32(2, 4), alpha=0.5, beta=2.0, asked=7)
form("Gemm", A, B, f32(4), until=6, broadcast=1, want=A @ B + f32(4), why=SPREAD)
form("Gemm", A.T.copy(), B.T.copy(), f32(2, 4), transA=1, transB=1, asked=7)
form("Gemm", A, B, f32(4), since=7)
form("Gemm", A, B, f32(2, 1), since=7, beta=0.5)
form("Gemm", A, B, since=11)
form("Einsum", A, B, equation="ij,jk->ik")
form("Einsum", f32(2, 3, 3), equation="...ii->...i")
