"""Runs by onnxruntime: a model whose nodes it has fused, with all that is left of its tensors as outputs."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx

from ..engines.base import Asked
from ..engines.ort import Ort
from ..extras import require
from .sides import Side
from .trace import Layer, Trace


def run_onnxruntime(side: Side, inputs: Mapping[str, Any]) -> Trace:
    """All tensors of a run: those that are left when onnxruntime has fused nodes, or every one. Raises VinocError."""
    ort = require("onnxruntime", "onnxruntime", "the engine onnxruntime")
    off, extended = ort.GraphOptimizationLevel.ORT_DISABLE_ALL, ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    with tempfile.TemporaryDirectory(prefix="vinoc-") as folder:
        path = Path(folder) / "model.onnx"

        def optimized(options: Any) -> None:
            options.graph_optimization_level = off if side.every else extended
            options.optimized_model_filepath = str(path)

        def watched(options: Any) -> None:
            options.graph_optimization_level = off
            options.enable_profiling = True
            options.profile_file_prefix = str(Path(folder) / "profile")

        wanted = {s.name for s in Ort(Asked(side.path), optimized).slots}
        model = onnx.load(path)
        for port in [i for i in model.graph.input if i.name not in wanted]:
            model.graph.input.remove(port)  # a constant that was one as well, and is folded now
        outputs = tuple(o.name for o in model.graph.output)
        makers = {o: n for n in model.graph.node for o in n.output if o}
        for name in makers:
            if name not in outputs:
                model.graph.output.append(onnx.ValueInfoProto(name=name))
        engine = Ort(Asked(side.path), watched, model.SerializeToString())
        names = [o.name for o in model.graph.output]
        feeds = {n: a for n, a in inputs.items() if n in wanted}
        for _ in range(2):  # the second one is timed without what only the first does
            results = dict(zip(names, engine.session.run(None, feeds), strict=True))
        times = _times(Path(engine.session.end_profiling()))
    trace = Trace(str(side), inputs=dict(inputs), outputs=outputs)
    for name, node in makers.items():
        seconds = times.get(node.name) if name == node.output[0] else None
        if hasattr(results[name], "dtype"):
            trace.add(Layer(name, results[name], node.op_type, (node.name,) if node.name else (), seconds))
    return trace


def _times(path: Path) -> dict[str, float]:
    """Seconds of each node, from onnxruntime's profile: events `NODE_kernel_time` in microseconds."""
    found: dict[str, float] = {}
    for event in json.loads(path.read_text()):
        name = str(event.get("name", ""))
        if name.endswith("_kernel_time"):
            found[name.removesuffix("_kernel_time")] = float(event["dur"]) / 1e6
    return found
