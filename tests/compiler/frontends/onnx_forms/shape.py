"""Forms of what moves, picks, joins, pads and reduces."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from .base import bools, distinct, f32, form, ints, positive

X = f32(2, 3, 4)
OLD = "of opset 1: no runtime has it"

form("Concat", X, X, until=3, want=np.concatenate([X, X], 1), why="`axis` is 1 where it is left out")
form("Concat", X, X, axis=2)
form("Concat", X, f32(2, 1, 4), axis=1)
form("Concat", X, X, since=11, axis=-1)
form("Split", X, until=1, axis=2, split=[1, 3], outputs=2, want=np.split(X, [1], 2), why=OLD)
form("Split", X, ints(1, 3).astype("f4"), until=1, axis=2, outputs=2, constant=(1,), want=np.split(X, [1], 2), why=OLD)
form("Split", X, since=2, until=12, axis=2, split=[1, 3], outputs=2)
form("Split", X, since=2, until=17, outputs=2)
form("Split", X, since=11, until=17, axis=-1, outputs=2)
form("Split", X, ints(1, 3), since=13, axis=-1, outputs=2)
form("Split", X, since=18, axis=2, num_outputs=3, outputs=3)
form("Reshape", X, until=4, shape=[0, -1], want=X.reshape(2, 12), why=OLD)
form("Reshape", X, until=4, shape=[4, 6], consumed_inputs=[0], want=X.reshape(4, 6), why=OLD)
form("Reshape", X, ints(0, -1), since=5)
form("Reshape", X, ints(4, 3, 2), since=5)
form("Reshape", np.zeros((0, 3), np.float32), ints(3, 0), since=14, allowzero=1)
form("Flatten", X)
form("Flatten", X, axis=0)
form("Flatten", X, axis=3)
form("Flatten", X, since=11, axis=-1)
form("Flatten", ints([1, 2]), since=9)
form("Transpose", X)
form("Transpose", X, perm=[1, 2, 0])
form("Squeeze", f32(1, 3, 1), until=10, axes=[0, 2])
form("Squeeze", f32(1, 3, 1), until=10, axes=[0])
form("Squeeze", f32(1, 3, 1))
form("Squeeze", f32(1, 3, 1), since=11, until=12, axes=[-1])
form("Squeeze", f32(1, 3, 1), ints(-1), since=13, constant=(1,))
form("Squeeze", f32(1, 3, 1), ints(0), since=13)
form("Unsqueeze", X, until=12, axes=[0, 2])
form("Unsqueeze", X, since=11, until=12, axes=[-1, 0])
form("Unsqueeze", X, ints(-1, 0), since=13, constant=(1,))
form("Unsqueeze", X, ints(2), since=13)
form("Tile", X, np.float32(2), np.float32(1), until=5, want=np.tile(X, (1, 2, 1)), why=OLD)
form("Tile", X, np.float32(3), np.float32(2), until=5, want=np.tile(X, (1, 1, 3)), why=OLD, constant=(1, 2))
form("Tile", X, ints(1, 2, 3), since=6)
form("Expand", f32(3, 1), ints(2, 1, 4))
form("Pad", X, until=1, paddings=[0, 1, 0, 0, 0, 2], value=0.5, why=OLD,
     want=np.pad(X, ((0, 0), (1, 0), (0, 2)), constant_values=0.5))  # fmt: skip
form(
    "Pad",
    X,
    until=1,
    paddings=[0, 1, 1, 0, 0, 2],
    mode="edge",
    want=np.pad(X, ((0, 0), (1, 0), (1, 2)), "edge"),
    why=OLD,
)
form("Pad", X, since=2, until=10, pads=[0, 1, 0, 0, 0, 2], value=0.5)
form("Pad", X, since=2, until=10, pads=[0, 1, 1, 0, 0, 2], mode="reflect")
form("Pad", X, since=2, until=10, pads=[0, -1, 0, 0, 0, 2])
form("Pad", X, ints(0, 1, 0, 0, 0, 2), np.float32(0.5), since=11)
form("Pad", X, ints(0, 1, 1, 0, 0, 2), since=11, mode="edge")
form("Pad", X, ints(1, 2), None, ints(-1), since=18)
form("Pad", X, ints(0, 1, 2, 0, 2, 1), since=19, mode="wrap")
form("Slice", X, until=9, starts=[0, 1], ends=[1, 3])
form("Slice", X, until=9, starts=[-2, 1], ends=[1000, -1], axes=[1, 2])
form("Slice", X, ints(0, 1), ints(1, 3), since=10)
form("Slice", X, ints(-1, 1), ints(-1000, 1000), ints(2, 1), ints(-2, 1), since=10)
form("Slice", X, ints(1), ints(3), ints(-1), since=11)
form("Gather", X, ints([0, 2], [1, 1]), axis=1)
form("Gather", X, ints(1))
form("Gather", X, ints(-1, 0), since=11, axis=-1)
form("GatherElements", X, ints([[0, 1, 0, 1]]), axis=0)
form("GatherElements", X, ints([[-1, 1, 0, 1]]), axis=-1)
form("GatherND", X, ints([0, 1], [1, 2]))
form("GatherND", X, ints([-1, 1], [1, -2]))
form("GatherND", X, ints([[1]], [[2]]), since=12, batch_dims=1)
UPDATES = f32(1, 2, 4)
PLACES = ints([[0, 2, 1, 0], [2, 1, 0, 1]])
form("Scatter", X, PLACES, UPDATES, until=10, axis=1)
for since, reduction in ((11, "none"), (16, "add"), (16, "mul"), (18, "max"), (18, "min")):
    given = {} if reduction == "none" else {"reduction": reduction}
    form("ScatterElements", X, PLACES, UPDATES, axis=1, since=since, **given)
    form("ScatterND", X, ints([0, 1], [1, 2]), f32(2, 4), since=since, **given)
form("ScatterElements", X, PLACES - 3, UPDATES, axis=-2)
form("Compress", X, np.array([True, False, True]), axis=1)
form("Compress", X, np.array([True, False, True]))
form("Compress", X, np.array([True, False, True]), since=11, axis=-2)
form("OneHot", ints(0, 2, 1), ints(3), np.array([0, 5], np.float32))
form("OneHot", ints(0, 2, 1), ints(3), np.array([1, 5], np.float32), axis=0)
form("OneHot", ints(0, -1, 7), ints(3), np.array([1, 5], np.float32), since=11)
form("Shape", X)
form("Shape", X, since=15, start=1)
form("Shape", X, since=15, start=-2, end=-1)
form("Size", X)
form("NonZero", bools(2, 3))
form("NonZero", X.round())
form("ConstantOfShape", ints(2, 3))
form("ConstantOfShape", ints(2, 3), value=helper.make_tensor("v", TensorProto.INT32, [1], [7]))
form("EyeLike", f32(3, 4))
form("EyeLike", f32(3, 4), k=-1, dtype=TensorProto.INT32)
form("Range", ints(2)[0], ints(11)[0], ints(3)[0])
form("Range", np.float32(2), np.float32(-1), np.float32(-0.5))
form("CumSum", X, np.int32(1))
form("CumSum", X, np.int32(-1), exclusive=1, reverse=1)
form("DepthToSpace", f32(1, 8, 2, 3), blocksize=2)
form("DepthToSpace", f32(1, 8, 2, 3), blocksize=2, mode="CRD", since=11)
form("SpaceToDepth", f32(1, 2, 4, 6), blocksize=2)
form("ReverseSequence", f32(4, 3, 2), ints(1, 2, 4))
form("ReverseSequence", f32(3, 4, 2), ints(1, 2, 4), batch_axis=0, time_axis=1)
form("Unique", ints(2, 1, 1, 3), outputs=4)
form("Unique", ints([1, 0], [1, 0], [2, 3]), axis=0, outputs=4)
form("Unique", ints(2, 1, 1, 3), sorted=0, outputs=4)

# Reductions

REDUCTIONS = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum",
              "ReduceLogSumExp", "ReduceSumSquare")  # fmt: skip
P = positive(2, 3, 4)
for op in REDUCTIONS:
    moved = 13 if op == "ReduceSum" else 18
    form(op, P)
    form(op, P, keepdims=0)
    form(op, P, until=moved - 1, axes=[0, 2])
    form(op, P, until=moved - 1, axes=[1], keepdims=0)
    form(op, P, since=11, until=moved - 1, axes=[-1])
    form(op, P, ints(0, -1), since=moved)
    form(op, P, ints(1), since=moved, keepdims=0, constant=(1,))
    form(op, P, since=moved, noop_with_empty_axes=1)
for op in ("ReduceMax", "ReduceMin"):
    form(op, bools(2, 3), ints(1), since=20)
for op in ("ArgMax", "ArgMin"):
    form(op, X)
    form(op, X, axis=1, keepdims=0)
    form(op, X, axis=-1, since=11)
    form(op, np.array([[1, 3, 3], [2, 1, 1]], np.float32), axis=1, select_last_index=1, since=12)
D = distinct(3, 5)
form("TopK", D, until=9, k=2, outputs=2)
form("TopK", D, until=9, k=2, axis=0, outputs=2)
form("TopK", D, ints(2), since=10, outputs=2)
form("TopK", D, ints(2), since=11, axis=0, largest=0, outputs=2)
form("TopK", D.astype(np.int64), ints(3), since=11, axis=-1, sorted=1, outputs=2)

# Constants, and numbers at random

VALUE = numpy_helper.from_array(X)
form("Constant", value=VALUE)
SPARSE = helper.make_sparse_tensor(
    helper.make_tensor("v", TensorProto.FLOAT, [2], [1.5, 2.5]),
    helper.make_tensor("i", TensorProto.INT64, [2], [1, 4]),
    [6],
)
form("Constant", since=11, sparse_value=SPARSE, want=np.array([0, 1.5, 0, 0, 2.5, 0], np.float32), why="no oracle")
form("Constant", since=12, value_float=1.5)
form("Constant", since=12, value_ints=[1, 2, 3])
form("Constant", since=12, value_strings=["a", "b"])
form("RandomNormal", shape=[2, 3], random=True)
form("RandomNormal", shape=[2, 3], mean=1.0, scale=0.5, seed=3.0, dtype=TensorProto.DOUBLE, random=True)
form("RandomUniform", shape=[2, 3], low=1.0, high=2.0, random=True)
form("RandomNormalLike", X, random=True)
form("RandomUniformLike", X, dtype=TensorProto.DOUBLE, random=True)
form("Bernoulli", positive(2, 3), random=True)
form("Bernoulli", positive(2, 3), dtype=TensorProto.INT32, random=True)
form("Multinomial", f32(2, 5), sample_size=4, random=True)
form("Multinomial", f32(2, 5), sample_size=4, dtype=TensorProto.INT64, random=True)
