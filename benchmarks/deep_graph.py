"""Writes a synthetic ONNX model of N nodes: blocks as exporters leave them, every weight different.

    python benchmarks/deep_graph.py 10000 g10k.onnx

A block is Conv, BatchNormalization, Sigmoid and Mul (a swish), Dropout, and two Transposes that cancel; every third
block adds the output of an earlier one.
"""

from __future__ import annotations

import sys

import numpy as np
import onnx
from onnx import helper, numpy_helper

CHANNELS = 16


def block(
    i: int, x: str, weights: list[onnx.TensorProto], rng: np.random.Generator
) -> tuple[list[onnx.NodeProto], str]:
    """The nodes of block i over value x, and the name of its result; appends its weights."""
    shapes = {"filters": (CHANNELS, CHANNELS, 3, 3), **dict.fromkeys(("scale", "shift", "mean", "var"), (CHANNELS,))}
    names = {}
    for role, shape in shapes.items():
        spread = rng.normal(0, 0.05, shape) if role == "filters" else np.abs(rng.normal(1, 0.1, shape))
        names[role] = f"{role}.{i}"
        weights.append(numpy_helper.from_array(spread.astype(np.float32), names[role]))
    steps = [
        ("Conv", [x, names["filters"]], {"pads": [1, 1, 1, 1]}),
        ("BatchNormalization", ["Conv", names["scale"], names["shift"], names["mean"], names["var"]], {}),
        ("Sigmoid", ["BatchNormalization"], {}),
        ("Mul", ["BatchNormalization", "Sigmoid"], {}),
        ("Dropout", ["Mul"], {}),
        ("Transpose", ["Dropout"], {"perm": [0, 2, 3, 1]}),
        ("Transpose", ["Transpose"], {"perm": [0, 3, 1, 2]}),
    ]
    results: dict[str, str] = {}
    nodes = []
    for step, (kind, inputs, attributes) in enumerate(steps):
        out = f"{kind.lower()}.{i}.{step}"
        nodes.append(helper.make_node(kind, [results.get(n, n) for n in inputs], [out], name=out, **attributes))
        results[kind] = out
    return nodes, results["Transpose"]


def model(n: int, seed: int = 0) -> onnx.ModelProto:
    """A model of at least n nodes."""
    rng = np.random.default_rng(seed)
    nodes: list[onnx.NodeProto] = []
    weights: list[onnx.TensorProto] = []
    value = earlier = "x"
    i = 0
    while len(nodes) < n:
        more, value = block(i, value, weights, rng)
        nodes += more
        if i % 3 == 2:
            nodes.append(helper.make_node("Add", [value, earlier], [f"add.{i}"], name=f"add.{i}"))
            value = earlier = f"add.{i}"
        i += 1
    kind = helper.make_tensor_value_info
    shape = [1, CHANNELS, 8, 8]
    graph = helper.make_graph(
        nodes, "deep", [kind("x", onnx.TensorProto.FLOAT, shape)], [kind(value, onnx.TensorProto.FLOAT, shape)], weights
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


if __name__ == "__main__":
    onnx.save(model(int(sys.argv[1])), sys.argv[2])
