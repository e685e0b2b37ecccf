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
    hidden = features(500, seed + 1)[:, 0]
    for w in weights[:2]:
        hidden = np.maximum(hidden @ w, 0)
    usual = hidden.mean(axis=0)
    weights[2] -= np.outer(usual, usual @ weights[2]) / (usual @ usual)  # so that no class is much more frequent
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


def clear(rows: np.ndarray, count: int) -> np.ndarray:
    """Indices of the `count` rows [n, classes] whose largest element is furthest from the next, in their order."""
    ordered = np.sort(rows, axis=1)
    return np.sort(np.argsort(ordered[:, -2] - ordered[:, -1], kind="stable")[:count])


def pictures_net(path: Path, seed: int = 0) -> Path:
    """image [1, 3, 16, 16] -> conv0, relu0, conv1, relu1, mean, product -> [1, 4]."""
    draw = np.random.default_rng(seed)
    arrays = {
        "w0": draw.standard_normal((8, 3, 3, 3)) / 400,
        "b0": draw.standard_normal(8) / 10,
        "w1": draw.standard_normal((8, 8, 3, 3)) / 8,
        "fc": draw.standard_normal((8, CLASSES)) * 4,
    }
    nodes = [
        helper.make_node("Conv", ["image", "w0", "b0"], ["c0"], name="conv0", strides=[2, 2]),
        helper.make_node("Relu", ["c0"], ["r0"], name="relu0"),
        helper.make_node("Conv", ["r0", "w1"], ["c1"], name="conv1"),
        helper.make_node("Relu", ["c1"], ["r1"], name="relu1"),
        helper.make_node("ReduceMean", ["r1"], ["m"], name="mean", axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["m", "fc"], ["out"], name="product"),
    ]
    graph = helper.make_graph(
        nodes, "net",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 16, 16])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, CLASSES])],
        [numpy_helper.from_array(a.astype(np.float32), n) for n, a in arrays.items()],
    )  # fmt: skip
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


def picture_files(folder: Path, count: int = 12) -> Path:
    """PNG files of smooth random colours in a new folder."""
    from PIL import Image

    folder.mkdir()
    draw = np.random.default_rng(3)
    for i in range(count):
        small = Image.fromarray(draw.integers(0, 256, (4, 4, 3), np.uint8).astype(np.uint8))
        small.resize((20, 18), Image.Resampling.BICUBIC).save(folder / f"{'ab'[i % 2]}{i:02}.png")
    return folder
