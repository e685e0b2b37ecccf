"""Runs by vinoc: the reference, which computes node after node, and the CPU device."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ml_dtypes
import numpy as np

from ...backends.cpu.device import Executable, specialize
from ...backends.cpu.lowering.regions import CpuRegions
from ...backends.cpu.region import Region
from ...backends.cpu.report import names as shown_names
from ...backends.cpu.report import read as read_steps
from ...backends.numpy.interpreter import Interpreter
from ...compiler.config import CPU_PASSES, HALF_PASSES
from ...compiler.driver import read_model
from ...ir.buffer import Buffer
from ...ir.constant import Constant
from ...ir.graph import Graph, Node, Value
from ...ir.quiet import quiet_gc
from ...ir.types import TensorType
from ...passes.base import Context
from ...passes.manager import PassManager
from .sides import Side
from .trace import Layer, Trace, in_order, nodes_of, tensor_name

ROUNDED = {"f16": np.dtype(np.float16), "bf16": np.dtype(ml_dtypes.bfloat16)}


def pipeline(side: Side) -> str:
    """The passes that a side's model goes through: those that are asked for, then those of its device."""
    if side.engine == "reference":
        return side.passes
    own = HALF_PASSES if side.precision in ROUNDED else CPU_PASSES
    return f"{side.passes},{own}" if side.passes else own


def bound(graph: Graph, given: Mapping[str, Any]) -> list[Any]:
    """Arrays in the order of a graph's inputs, found by name, else by place."""
    return [
        np.asarray(array, value.dtype.numpy) if isinstance(value.type, TensorType) else array
        for value, array in zip(graph.inputs, in_order(given, graph.input_names), strict=True)
    ]


def run_own(side: Side, inputs: Mapping[str, Any]) -> Trace:
    """All tensors of a run. Raises VinocError."""
    with quiet_gc():
        graph = read_model(side.path)
        arrays = bound(graph, inputs)
        if side.every and side.engine == "cpu":
            keep(graph)
        PassManager(pipeline(side)).run(graph)
        run = run_reference if side.engine == "reference" else run_cpu
        trace = run(graph, arrays, side)
    trace.title = str(side)
    trace.inputs = dict(inputs)
    return trace


def keep(graph: Graph) -> None:
    """Makes an output of every tensor that is computed."""
    for node in graph:
        for value in node.outputs:
            if type(node.op) is not Constant and isinstance(value.type, TensorType) and not value.is_output:
                graph.add_output(value, value.name)


def run_reference(graph: Graph, inputs: Sequence[Any], side: Side) -> Trace:
    """By definition, node after node; with a narrow precision every tensor of floats is rounded to it, weights too."""
    trace = Trace(str(side), graph=graph, outputs=_outputs(graph))
    rounded = _rounder(side.precision)
    if rounded is not None:
        for node in graph:
            if type(node.op) is Constant and node.op.value.dtype.is_float:
                dtype = node.op.value.dtype
                graph.set_op(node, Constant(Buffer.of(rounded(node.op.value.array), dtype)))
        inputs = [rounded(a) for a in inputs]

    def seen(node: Node, results: Sequence[Any], seconds: float) -> None:
        if node.graph is not graph:
            return
        for i, result in enumerate(results):
            if rounded is not None:
                results[i] = rounded(result)  # type: ignore[index]  # a list, whose elements go to the next nodes
            _add(trace, node, i, results[i], seconds if i == 0 else None)

    Interpreter(graph, seen).run(inputs)
    return trace


def _rounder(precision: str) -> Callable[[Any], Any] | None:
    """Rounds arrays of f32 and f64 to what a narrow type holds; too large ones become infinite."""
    narrow = ROUNDED.get(precision)
    if narrow is None:
        return None

    def rounded(array: Any) -> Any:
        if not isinstance(array, np.ndarray) or array.dtype not in (np.float32, np.float64):
            return array
        with np.errstate(over="ignore"):
            return array.astype(narrow).astype(array.dtype)

    return rounded


def run_cpu(graph: Graph, inputs: Sequence[Any], side: Side) -> Trace:
    """By generated kernels. What kernels compute together is chosen first, then the results of each are kept: nothing
    that would have been fused is taken apart, and only the end of each group is seen."""
    times = _times(graph, inputs)
    if any(not (isinstance(v.type, TensorType) and v.type.is_static) for v in graph.inputs):
        graph = specialize(graph, [a.shape for a in inputs])
    trace = Trace(str(side), graph=graph, outputs=_outputs(graph))
    CpuRegions().run(graph, Context())
    count = len(graph.outputs)
    keep(graph)
    made = [v for v in graph.outputs if v.node is not None]
    results = dict(zip(graph.outputs, Executable(graph.clone()).run(inputs), strict=True))
    for value in _in_order(graph, made):
        node = value.node
        assert node is not None
        _add(trace, node, value.index, results[value], times.get(shown_names(node)) if not value.index else None)
    while len(graph.outputs) > count:
        graph.remove_output(len(graph.outputs) - 1)
    return trace


def _times(graph: Graph, inputs: Sequence[Any]) -> dict[str, float]:
    """Seconds of each group of framework nodes, in a run of its own that keeps no tensors."""
    executable = Executable(graph.clone(), timed=True)
    executable.run(inputs)
    assert executable.profile is not None  # it is timed
    executable.profile.clear()
    executable.run(inputs)
    found: dict[str, float] = {}
    for step in read_steps(executable.profile, executable.library):
        found[step.node] = found.get(step.node, 0.0) + (step.seconds or 0.0)
    return found


def _in_order(graph: Graph, values: Sequence[Value]) -> list[Value]:
    wanted = set(values)
    return [v for node in graph for v in node.outputs if v in wanted]


def _outputs(graph: Graph) -> tuple[str, ...]:
    return tuple(v.name or next(iter(n), "") for v, n in zip(graph.outputs, graph.output_names, strict=True))


def _add(trace: Trace, node: Node, index: int, result: Any, seconds: float | None) -> None:
    if not isinstance(result, np.ndarray) or type(node.op) is Constant:
        return
    kind = node.op.kernel if isinstance(node.op, Region) else node.kind
    trace.add(Layer(tensor_name(node, index), np.array(result), kind, nodes_of(node), seconds))
