"""Forms of control flow, sequences and optionals, and of operators of ai.onnx.ml."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper

from .base import Maybe, f32, form, ints

N = helper.make_node


def body(nodes: list[onnx.NodeProto], inputs: list[tuple[str, int, list[int]]], outputs: list[str]) -> onnx.GraphProto:
    infos = [helper.make_tensor_value_info(*i) for i in inputs]
    made = [
        helper.make_tensor_value_info(o, TensorProto.FLOAT if o != "go_on" else TensorProto.BOOL, None) for o in outputs
    ]
    return helper.make_graph(nodes, "body", infos, made)


LOOP = body(
    [N("Add", ["carried", "carried"], ["next"]), N("Identity", ["again"], ["go_on"]), N("Abs", ["carried"], ["each"])],
    [("i", TensorProto.INT64, []), ("again", TensorProto.BOOL, []), ("carried", TensorProto.FLOAT, [3])],
    ["go_on", "next", "each"],
)
SCAN = body(
    [N("Add", ["state", "item"], ["sum"]), N("Neg", ["sum"], ["out"])],
    [("state", TensorProto.FLOAT, [3]), ("item", TensorProto.FLOAT, [3])],
    ["sum", "out"],
)


def constant(name: str, value: float) -> onnx.NodeProto:
    return N("Constant", [], [name], value=helper.make_tensor(name, TensorProto.FLOAT, [1], [value]))


CHOICE = {
    "then_branch": body([constant("t", 1)], [], ["t"]),
    "else_branch": body([constant("e", 2)], [], ["e"]),
}
for condition in (True, False):
    form("If", np.array(condition), **CHOICE)
    form("If", np.array([condition]), **CHOICE, constant=(0,))
form("Loop", ints(3)[0], np.array(True), f32(3), body=LOOP, outputs=2)
form("Loop", ints(3)[0], None, f32(3), body=LOOP, outputs=2, constant=(0,))
BATCH, START = f32(2, 4, 3), f32(2, 3)
RUNNING = START[:, None] + BATCH.cumsum(1)
form("Scan", None, START, BATCH, until=8, body=SCAN, num_scan_inputs=1, outputs=2, want=(RUNNING[:, -1], -RUNNING),
     why="over batches then")  # fmt: skip
REVERSED = START[:, None] + BATCH[:, ::-1].cumsum(1)
form("Scan", None, START, BATCH, until=8, body=SCAN, num_scan_inputs=1, directions=[1], outputs=2,
     want=(REVERSED[:, -1], -REVERSED), why="over batches then")  # fmt: skip
form("Scan", f32(3), f32(4, 3), since=9, body=SCAN, num_scan_inputs=1, outputs=2)
form("Scan", f32(3), f32(4, 3), since=9, body=SCAN, num_scan_inputs=1, scan_input_directions=[1],
     scan_output_directions=[1], outputs=2)  # fmt: skip
form(
    "Scan",
    f32(3),
    f32(3, 4),
    since=9,
    body=SCAN,
    num_scan_inputs=1,
    scan_input_axes=[1],
    scan_output_axes=[1],
    outputs=2,
)
form("Scan", f32(3), f32(3, 4), since=11, body=SCAN, num_scan_inputs=1, scan_input_axes=[-1], outputs=2)

form("SplitToSequence", f32(4, 3))
form("SplitToSequence", f32(4, 3), ints(2)[0], axis=0)
form("SplitToSequence", f32(4, 3), ints(1, 2), axis=1)
form("SplitToSequence", f32(4, 3), keepdims=0, axis=1)
TENSOR = helper.make_tensor_type_proto(TensorProto.FLOAT, [2])
form("Optional", type=TENSOR, want=[None], why="runtimes differ in how they hand it out")
form("Optional", f32(2), want=f32(2), why="the evaluator hands out a list")
form("OptionalHasElement", Maybe(f32(2)), want=np.array(True))
form("OptionalHasElement", f32(2), since=18)
form("OptionalHasElement", since=18)
form("OptionalGetElement", Maybe(f32(2)), want=f32(2))
form("OptionalGetElement", f32(2), since=18)
form("OptionalGetElement", [f32(2), f32(3)], since=18)

# ai.onnx.ml

ML = "ai.onnx.ml"
TREE = {
    "nodes_treeids": [0, 0, 0], "nodes_nodeids": [0, 1, 2], "nodes_featureids": [1, 0, 0],
    "nodes_values": [0.1, 0.0, 0.0], "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
    "nodes_truenodeids": [1, 0, 0], "nodes_falsenodeids": [2, 0, 0],
}  # fmt: skip
"""x[1] <= 0.1 ? leaf 1 : leaf 2."""
VOTES = {"class_treeids": [0, 0], "class_nodeids": [1, 2], "class_ids": [0, 2], "class_weights": [1.0, 1.0]}
TARGETS = {"target_treeids": [0, 0], "target_nodeids": [1, 2], "target_ids": [0, 0], "target_weights": [1.5, -2.0]}
form("TreeEnsembleClassifier", f32(5, 3), domain=ML, outputs=2, classlabels_int64s=[4, 7, 9], **TREE, **VOTES)
form("TreeEnsembleClassifier", f32(5, 3), domain=ML, outputs=2, classlabels_strings=["a", "b", "c"], **TREE, **VOTES,
     post_transform="SOFTMAX")  # fmt: skip
form("TreeEnsembleRegressor", f32(5, 3), domain=ML, n_targets=1, **TREE, **TARGETS)
form("TreeEnsembleRegressor", f32(5, 3), domain=ML, n_targets=1, **TREE, **TARGETS, aggregate_function="AVERAGE",
     base_values=[0.5])  # fmt: skip
AS_TENSOR = {
    **{k: v for k, v in TREE.items() if k != "nodes_values"},
    "nodes_values_as_tensor": helper.make_tensor("v", TensorProto.DOUBLE, [3], [0.1, 0, 0]),
    "target_weights_as_tensor": helper.make_tensor("w", TensorProto.DOUBLE, [2], [1.5, -2.0]),
    **{k: v for k, v in TARGETS.items() if k != "target_weights"},
}
form("TreeEnsembleRegressor", f32(5, 3).astype(np.float64), domain=ML, since=3, n_targets=1, **AS_TENSOR)
WORDS = np.array(["a", "c", "z"], object)
form("LabelEncoder", WORDS, domain=ML, until=1, classes_strings=["a", "b", "c"], default_int64=9,
     want=ints(0, 2, 9), why="opset 1")  # fmt: skip
form("LabelEncoder", ints(0, 2, 5), domain=ML, until=1, classes_strings=["a", "b", "c"], default_string="no",
     want=np.array(["a", "c", "no"], object), why="opset 1")  # fmt: skip
form("LabelEncoder", WORDS, domain=ML, since=2, keys_strings=["a", "c"], values_int64s=[3, 4], default_int64=-1)
form("LabelEncoder", ints(1, 2, 3), domain=ML, since=2, keys_int64s=[1, 3], values_floats=[0.5, 1.5], default_float=9.0)
form("LabelEncoder", ints(1, 2, 3), domain=ML, since=4,
     keys_tensor=helper.make_tensor("k", TensorProto.INT64, [2], [1, 3]),
     values_tensor=helper.make_tensor("v", TensorProto.FLOAT, [2], [0.5, 1.5]),
     default_tensor=helper.make_tensor("d", TensorProto.FLOAT, [1], [9.0]))  # fmt: skip
