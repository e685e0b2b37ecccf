"""Quantizing graphs by ranges that were seen in a run of the reference; running what comes out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vinoc.backends.numpy import Interpreter
from vinoc.backends.openvino import OpenVinoBackend, write_ir
from vinoc.ir import Graph, Value
from vinoc.ir.graph import Node
from vinoc.ir.op import as_tuple
from vinoc.ir.verify import verify
from vinoc.passes import Context, PassManager
from vinoc.passes.quantize import Quantize, Ranges, needed

from ...backends.ir_util import CORE, EXACT

APART = EXACT | {"SNIPPETS_MODE": "DISABLE"}
"""Each product is a node of its own: on one core OpenVINO computes small ones behind each other as one Subgraph."""
FLOAT = EXACT | {"LP_TRANSFORMS_MODE": "NO", "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0"}
"""OpenVINO computes what FakeQuantize says, in floats; it also quantizes what compressed weights meet otherwise."""

Arrays = Sequence[np.ndarray]


def seen(graph: Graph, names: Mapping[str, Value], inputs: Sequence[Arrays]) -> dict[str, dict[str, float]]:
    """Smallest and largest elements of values, over several runs."""
    names_of = {v: name for name, v in names.items()}
    ends: dict[str, list[float]] = {}

    def see(value: Value, array: np.ndarray) -> None:
        if value in names_of:
            ends.setdefault(names_of[value], []).extend((float(array.min()), float(array.max())))

    def on_node(node: Node, outputs: Sequence[Any], seconds: float) -> None:
        for value, array in zip(node.outputs, outputs, strict=True):
            see(value, array)

    interpreter = Interpreter(graph, on_node)
    for arrays in inputs:
        for value, array in zip(graph.inputs, arrays, strict=True):
            see(value, array)
        interpreter.run(arrays)
    return {name: {"min": min(found), "max": max(found)} for name, found in ends.items()}


def quantized(graph: Graph, inputs: Sequence[Arrays], data: Mapping[str, Any] | None = None, **options: Any) -> Graph:
    """A quantized copy; `data` is what a ranges file would say beside the values."""
    known = Ranges.of(dict(data or {}))
    values = seen(graph, needed(graph, known, **options), inputs)
    copy = graph.clone()
    given = Ranges.of({**(data or {}), "values": values})
    Quantize(ranges=given, **options).run(copy, Context())
    verify(copy)
    return copy


def written(graph: Graph, path: Path) -> Path:
    """The IR file of a graph, as the compiler writes it."""
    lowered = graph.clone()
    PassManager(OpenVinoBackend.lowering).run(lowered)
    return write_ir(lowered, path).xml


def compiled(path: Path, config: Mapping[str, str] = EXACT) -> Any:
    return CORE.compile_model(CORE.read_model(str(path)), "CPU", dict(config))


def infer(model: Any, inputs: Arrays) -> list[np.ndarray]:
    request = model.create_infer_request()
    request.infer(list(inputs))
    return [np.array(request.get_output_tensor(i).data) for i in range(len(model.outputs))]


def precisions(model: Any, *kinds: str) -> Counter[tuple[str, str]]:
    """(kind, precision in which it is computed) of the nodes that run, of these kinds or of all."""
    found: Counter[tuple[str, str]] = Counter()
    for op in model.get_runtime_model().get_ordered_ops():
        info = op.get_rt_info()
        kind, precision = (str(info[key].astype(str)) for key in ("layerType", "runtimePrecision"))
        if not kinds or kind in kinds:
            found[kind, precision] += 1
    return found


def relative(expected: np.ndarray, actual: np.ndarray) -> float:
    """|actual - expected| / |expected|, Euclidean."""
    a, b = np.float64(actual), np.float64(expected)
    return float(np.linalg.norm(a - b) / max(np.linalg.norm(b), 1e-30))


def forced(graph: Graph, inputs: Arrays, values: Mapping[str, np.ndarray]) -> dict[Value, np.ndarray]:
    """What each node gives where the values of these names are as they are given, whatever is computed for them.

    So that a value that lies between two levels, and becomes one here and the other there, does not change what
    follows: every node is compared by itself.
    """
    known: dict[Value, Any] = dict(zip(graph.inputs, inputs, strict=True))
    given: dict[Value, Any] = {}
    for node in graph:
        operands = [None if v is None else given.get(v, known.get(v)) for v in node.inputs]
        with np.errstate(all="ignore"):
            results = as_tuple(node.op.evaluate(*operands))
        for out, array in zip(node.outputs, results, strict=True):
            known[out] = np.asarray(array)
            if out.name in values:
                given[out] = values[out.name]
    return known
