"""Small networks that are easy, and hard, to quantize."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

FEATURES, HIDDEN, CLASSES = 16, 24, 4


def classifier(path: Path, huge: float = 1.0, seed: int = 0) -> Path:
    """x [n, 16] -> three products with ReLU between -> [n, 4]. `huge`: one channel that the second product reads is so
    many times larger than the others, and its weights are as much smaller, so that the outputs stay the same."""
    draw = np.random.default_rng(seed)
    weights = [
        draw.standard_normal(s) / np.sqrt(s[0]) for s in ((FEATURES, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, CLASSES))
    ]
    weights[0][:, 0] *= huge
    weights[1][0] /= huge
    nodes, name = [], "x"
    for i, _ in enumerate(weights):
        nodes.append(helper.make_node("MatMul", [name, f"w{i}"], [f"m{i}"], name=f"fc{i}"))
        name = f"m{i}"
        if i < 2:
            nodes.append(helper.make_node("Relu", [name], [f"r{i}"], name=f"relu{i}"))
            name = f"r{i}"
    graph = helper.make_graph(
        nodes, "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, FEATURES])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, CLASSES])],
        [numpy_helper.from_array(w.astype(np.float32), f"w{i}") for i, w in enumerate(weights)],
    )  # fmt: skip
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


def features(count: int, seed: int = 1) -> np.ndarray:
    """Inputs [count, 1, 16]."""
    return np.random.default_rng(seed).standard_normal((count, 1, FEATURES)).astype(np.float32)
