"""Runs by OpenVINO: the ends of the groups that it fuses become outputs, which takes no group apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..extras import require
from .sides import Side
from .trace import Layer, Trace, in_order

PASSIVE = frozenset({"Constant", "Parameter", "Result"})


def run_openvino(side: Side, inputs: Mapping[str, Any]) -> Trace:
    """All tensors of a run that are left when OpenVINO has fused nodes, or every one. Raises VinocError."""
    ov = require("openvino", "openvino", "the engine openvino")
    core = ov.Core()
    config = {"INFERENCE_PRECISION_HINT": side.precision or "f32", "NUM_STREAMS": "1"}
    model = core.read_model(str(side.path))
    outputs = tuple(_name(o.node.input_value(0)) for o in model.outputs)
    order = {op.friendly_name: op for op in model.get_ordered_ops() if op.get_type_name() not in PASSIVE}
    groups: dict[str, tuple[str, ...]] = {name: (name,) for name in order}
    if not side.every:
        groups = _groups(core.compile_model(model, "CPU", config).get_runtime_model(), list(order))
    kept: list[tuple[str, tuple[str, ...]]] = []
    for end, nodes in groups.items():
        for port in order[end].outputs():
            kept.append((_name(port), nodes))
            if all(_name(o.node.input_value(0)) != _name(port) for o in model.outputs):
                model.add_outputs([port])
    compiled = core.compile_model(model, "CPU", config | {"PERF_COUNT": "YES"})
    request = compiled.create_infer_request()
    feeds = dict(enumerate(in_order(inputs, (p.get_names() for p in compiled.inputs))))
    for _ in range(2):  # the second one is timed without what only the first does
        request.infer(feeds)
    names = [_name(o.node.input_value(0)) for o in model.outputs]
    results = {n: np.array(request.get_output_tensor(i).data) for i, n in enumerate(names)}
    times = {p.node_name: p.real_time.total_seconds() for p in request.profiling_info}
    trace = Trace(str(side), inputs=dict(inputs), outputs=outputs)
    kinds = {_name(p): op.get_type_name() for op in order.values() for p in op.outputs()}
    aliases = {_name(p): tuple(sorted(p.get_names())) for op in order.values() for p in op.outputs()}
    for name, nodes in kept:
        if name in results:
            trace.add(Layer(name, results[name], kinds[name], nodes, times.get(nodes[-1]), aliases[name]))
    return trace


def _groups(runtime: Any, order: list[str]) -> dict[str, tuple[str, ...]]:
    """For each step that runs, the node of the model at its end, and all that it computes."""
    place = {name: i for i, name in enumerate(order)}
    found: dict[str, tuple[str, ...]] = {}
    for op in runtime.get_ordered_ops():
        listed = str(op.get_rt_info()["originalLayersNames"].value if "originalLayersNames" in op.get_rt_info() else "")
        nodes: list[str] = sorted({n for n in listed.split(",") if n in place}, key=place.__getitem__)
        if nodes:
            found[nodes[-1]] = tuple(nodes)
    return {end: found[end] for end in sorted(found, key=place.__getitem__)}


def _name(port: Any) -> str:
    """A tensor's name, as vinoc reads it from IR; of a model that has none, its node's."""
    names = port.get_names()
    return str(min(names, key=len) if names else port.get_node().friendly_name)
