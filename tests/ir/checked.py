"""Running one operation in a graph, with all that a graph says of it checked against what it computes."""

from __future__ import annotations

from typing import Any

import numpy as np

from vinoc.ir.buffer import Buffer
from vinoc.ir.constant import Constant
from vinoc.ir.dtype import DType, from_numpy
from vinoc.ir.graph import Graph, Value
from vinoc.ir.op import Op, as_tuple, op_class
from vinoc.ir.types import Shape, TensorType


def make(kind: str, **attributes: Any) -> Op:
    """An operation by name."""
    op: Op = op_class(kind)(**attributes)
    return op


def infer(op: Op, *operands: Any) -> tuple[TensorType, ...]:
    """The output types for operands that are (dtype, shape), arrays (constants), values of a graph, or None."""
    graph = Graph()
    values: list[Value | None] = []
    for operand in operands:
        if operand is None or isinstance(operand, Value):
            values.append(operand)
        elif isinstance(operand, np.ndarray):
            values.append(graph.insert(Constant(Buffer.of(operand)), ()).output)
        else:
            values.append(graph.add_input(TensorType(*operand)))
    return tuple(out.type for out in graph.insert(op, values).outputs)  # type: ignore[misc]


def one(op: Op, *operands: Any) -> TensorType:
    """The type of the only output."""
    (found,) = infer(op, *operands)
    return found


def known(op: Op, *operands: Any) -> Any:
    """What the graph knows of the output's value, for operands that are arrays or shapes of an input (tuples)."""
    graph = Graph()
    values = []
    for operand in operands:
        if isinstance(operand, np.ndarray) and operand.dtype != object:
            values.append(graph.insert(Constant(Buffer.of(operand)), ()).output)
        else:
            value = graph.add_input(TensorType(from_numpy(np.int64), (len(operand),)))
            value.known = np.empty(len(operand), object)
            value.known[:] = list(operand)
            values.append(value)
    return graph.insert(op, values).output.known


def run(op: Op, *arrays: Any) -> tuple[np.ndarray, ...]:
    """Evaluates an operation; the results have the types that inference promises, with and without known operands."""
    results = tuple(np.asarray(r) for r in as_tuple(op.evaluate(*arrays)))
    exact = infer(op, *arrays)
    loose = infer(op, *[None if a is None else (from_numpy(a.dtype), a.shape) for a in arrays])
    assert len(results) == len(exact) == len(loose)
    for result, sure, vague in zip(results, exact, loose, strict=True):
        assert result.dtype == sure.dtype.numpy == vague.dtype.numpy
        assert fits(result.shape, sure.shape), f"{op}: computed {result.shape}, inferred {sure}"
        assert fits(result.shape, vague.shape), f"{op}: computed {result.shape}, inferred {vague}"
    return results


def fits(actual: tuple[int, ...], inferred: Shape | None) -> bool:
    """True when the inferred shape allows the actual one."""
    if inferred is None:
        return True
    return len(actual) == len(inferred) and all(
        d == n if isinstance(d, int) else d.lo <= n <= d.hi for d, n in zip(inferred, actual, strict=True)
    )


def openvino(op: Op, *arrays: Any) -> tuple[np.ndarray, ...]:
    """What OpenVINO computes on the CPU for the same operation; the first operand is an input, others are constants."""
    import openvino as ov
    from openvino.utils.node_factory import NodeFactory

    parameter = ov.opset1.parameter(list(arrays[0].shape), ov.Type(arrays[0].dtype))
    others = [ov.opset1.constant(a) for a in arrays[1:] if a is not None]
    attributes = {a.ir_name: v.name if isinstance(v, DType) else v for a, v in op.attributes()}
    attributes.pop("decompression", None)
    factory = NodeFactory(f"opset{max(op.opset or 1, 13)}")
    spelling = {"ReLU": "Relu", "PReLU": "PRelu"}.get(op.kind, op.kind)
    node = factory.create(spelling, [parameter, *others], attributes)
    model = ov.Model(node.outputs(), [parameter])
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    results = compiled([arrays[0]])
    return tuple(results[i] for i in range(len(node.outputs())))


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def i32(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def i64(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def scalar(value: float, dtype: Any = np.float32) -> np.ndarray:
    return np.array(value, dtype)


RANDOM = np.random.default_rng(0)


def random(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


def iota(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    """0, 1, 2, ... in a shape."""
    return np.arange(np.prod(shape), dtype=dtype).reshape(shape)


def same(op: Op, *arrays: Any, tolerance: float = 1e-4) -> None:
    """Asserts that an operation computes what OpenVINO does."""
    for mine, theirs in zip(run(op, *arrays), openvino(op, *arrays), strict=True):
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance)
