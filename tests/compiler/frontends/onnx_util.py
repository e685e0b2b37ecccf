"""One-node models, run by ONNX Runtime and by vinoc's graph, and compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

from vinoc.compiler.frontends.onnx import load
from vinoc.ir.graph import Graph, Value
from vinoc.ir.op import as_tuple
from vinoc.ir.types import TensorType
from vinoc.ir.verify import verify

Arrays = Sequence[Any]


def make_model(
    nodes: onnx.NodeProto | Sequence[onnx.NodeProto],
    inputs: dict[str, np.ndarray],
    opset: int,
    constants: dict[str, np.ndarray] | None = None,
    outputs: Sequence[str] | None = None,
    symbolic: bool = False,
    domain: str = "",
) -> onnx.ModelProto:
    """A model of those nodes. `symbolic` gives every dimension of every input a name of its own."""
    nodes = [nodes] if isinstance(nodes, onnx.NodeProto) else list(nodes)
    infos = []
    for name, array in inputs.items():
        shape: list[Any] = [f"{name}_{i}" for i in range(array.ndim)] if symbolic else list(array.shape)
        infos.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), shape))
    names = list(outputs) if outputs is not None else [n for n in nodes[-1].output if n]
    graph = helper.make_graph(
        nodes,
        "test",
        infos,
        [helper.make_empty_tensor_value_info(n) for n in names],
        [numpy_helper.from_array(a, n) for n, a in (constants or {}).items()],
    )
    opsets = [helper.make_opsetid("", opset)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def run_reference(model: onnx.ModelProto, inputs: dict[str, np.ndarray]) -> list[Any]:
    """The outputs by ONNX Runtime, without its graph optimizations."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return list(session.run(None, inputs))


def read(model: onnx.ModelProto) -> Graph:
    """vinoc's graph of a model, verified."""
    graph = load(model.SerializeToString())
    verify(graph)
    return graph


def run_graph(graph: Graph, arrays: Arrays) -> list[Any]:
    """The outputs of a graph by its operations' own meaning; each result is checked against its inferred type."""
    known: dict[Value, Any] = dict(zip(graph.inputs, arrays, strict=True))
    with np.errstate(all="ignore"):
        for node in graph:
            args = [None if v is None else known[v] for v in node.inputs]
            bodies = {"bodies": [_callable(body) for body in node.bodies]} if node.bodies else {}
            results = as_tuple(node.op.evaluate(*args, **bodies))
            for out, result in zip(node.outputs, results, strict=False):
                _check_type(node, out, result)
                known[out] = result
    return [known[v] for v in graph.outputs]


def _callable(body: Graph) -> Any:
    return lambda arrays: run_graph(body, arrays)


def _check_type(node: Any, out: Value, result: Any) -> None:
    if not isinstance(out.type, TensorType):
        return
    result = np.asarray(result)
    assert result.dtype == out.type.dtype.numpy, f"{node}: computed {result.dtype}, inferred {out.type}"
    if out.type.shape is not None:
        assert result.ndim == len(out.type.shape), f"{node}: computed {result.shape}, inferred {out.type}"
        for n, d in zip(result.shape, out.type.shape, strict=True):
            assert not isinstance(d, int) or n == d, f"{node}: computed {result.shape}, inferred {out.type}"


def compare(got: Arrays, expected: Arrays, rtol: float = 1e-5, atol: float = 1e-6) -> None:
    for i, (g, e) in enumerate(zip(got, expected, strict=True)):
        g, e = np.asarray(g), np.asarray(e)
        g = g.astype(object) if g.dtype.kind == "U" else g  # strings, as a program gets them
        assert g.dtype == e.dtype, f"output {i} is {g.dtype}, expected {e.dtype}"
        assert g.shape == e.shape, f"output {i} is {g.shape}, expected {e.shape}"
        if e.dtype.kind == "c":
            np.testing.assert_allclose(g, e, rtol=rtol, atol=atol)
        elif "float" in e.dtype.name:  # those of ml_dtypes too
            np.testing.assert_allclose(g.astype(np.float64), e.astype(np.float64), rtol=rtol, atol=atol)
        else:
            np.testing.assert_array_equal(g, e)


def check(
    op_type: str,
    inputs: Sequence[np.ndarray | None],
    opset: int,
    n_outputs: int = 1,
    constant: Sequence[int] = (),
    symbolic: bool = True,
    domain: str = "",
    rtol: float = 1e-5,
    atol: float = 1e-6,
    expected: Arrays | None = None,
    **attributes: Any,
) -> Graph:
    """Converts one node and compares its results with ONNX Runtime's (or `expected`); returns the static graph.

    `constant` lists inputs that are initializers. With `symbolic`, once more with every dimension unknown.
    """
    arrays = {f"x{i}": np.asarray(a) for i, a in enumerate(inputs) if a is not None}
    names = [f"x{i}" if a is not None else "" for i, a in enumerate(inputs)]
    node = helper.make_node(op_type, names, [f"y{i}" for i in range(n_outputs)], "node", domain=domain, **attributes)
    constants = {f"x{i}": arrays.pop(f"x{i}") for i in constant}
    model = make_model(node, arrays, opset, constants, domain=domain)
    wanted = list(expected) if expected is not None else run_reference(model, arrays)
    graph = read(model)
    compare(run_graph(graph, list(arrays.values())), wanted, rtol, atol)
    if symbolic and arrays:
        model = make_model(node, arrays, opset, constants, symbolic=True, domain=domain)
        compare(run_graph(read(model), list(arrays.values())), wanted, rtol, atol)
    return graph


RNG = np.random.default_rng(0)


def floats(*shape: int) -> np.ndarray:
    """Standard normal numbers of f32, others each time."""
    return RNG.normal(size=shape).astype(np.float32)


def kinds(graph: Graph) -> list[str]:
    """The operations of a graph, constants left out."""
    return [n.kind for n in graph if n.kind != "Constant"]
