"""Running graphs and IR files: by the operations' own meaning, and by OpenVINO."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov

from vinoc.backends.openvino import write_ir
from vinoc.ir import Builder, Graph, TensorType, Value, symbol
from vinoc.ir.dtype import dtype
from vinoc.ir.op import as_tuple

CORE = ov.Core()
EXACT = {"INFERENCE_PRECISION_HINT": "f32"}


def interpret(graph: Graph, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The outputs of a graph, node by node."""
    values: dict[Value, Any] = dict(zip(graph.inputs, arrays, strict=True))
    with np.errstate(all="ignore"):
        for node in graph:
            operands = [None if v is None else values[v] for v in node.inputs]
            bodies = [lambda ins, body=body: interpret(body, ins) for body in node.bodies]
            results = node.op.evaluate(*operands, bodies=bodies) if bodies else node.op.evaluate(*operands)
            for out, array in zip(node.outputs, as_tuple(results), strict=True):
                values[out] = np.asarray(array)
    return [values[v] for v in graph.outputs]


def compiled(path: Path | ov.Model) -> Any:
    model = CORE.read_model(str(path)) if isinstance(path, Path) else path
    return CORE.compile_model(model, "CPU", EXACT)


def run(path: Path | ov.Model, arrays: Sequence[np.ndarray] | Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """The outputs of an IR file or a model in OpenVINO, in order."""
    request = compiled(path).create_infer_request()
    request.infer(arrays if isinstance(arrays, Mapping) else list(arrays))
    return [np.array(request.get_output_tensor(i).data) for i in range(len(request.model_outputs))]


def start(*shapes: Any, element: str = "f32", **names: Any) -> tuple[Builder, list[Value]]:
    """A builder over a new graph with inputs x0, x1, ...; a str in a shape is a symbol."""
    graph = Graph("net")
    inputs = []
    for i, shape in enumerate(shapes):
        dims = tuple(symbol(d) if isinstance(d, str) else d for d in shape)
        inputs.append(graph.add_input(TensorType(dtype(element), dims), f"x{i}"))
    return Builder(graph), inputs


def roundtrip(graph: Graph, folder: Path, arrays: Sequence[np.ndarray], tolerance: float = 1e-5) -> ov.Model:
    """Writes a graph; OpenVINO must compute what the graph does. Returns OpenVINO's model."""
    files = write_ir(graph, folder / "net.xml")
    expected = interpret(graph, arrays)
    actual = run(files.xml, arrays)
    assert len(actual) == len(expected)
    for a, e in zip(actual, expected, strict=True):
        assert a.shape == e.shape
        if e.dtype != object:
            np.testing.assert_allclose(a.astype(np.float64), e.astype(np.float64), rtol=tolerance, atol=tolerance)
    return CORE.read_model(str(files.xml))


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
