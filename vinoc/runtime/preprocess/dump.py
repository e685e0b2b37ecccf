"""What was said, and what becomes of the tensors, as text."""

from __future__ import annotations

from ...ir.errors import VinocError
from ...ir.graph import Graph
from ...ir.types import TensorType
from ..layout import Layout
from .apply import Row, Trace, before, behind, label
from .formats import FORMATS, ColorFormat
from .info import InputInfo, OutputInfo
from .journal import Journal
from .state import shown


def input_text(graph: Graph, index: int, info: InputInfo, known: Layout) -> str:
    """The paragraph of an input, nothing for one that stays; `graph` is changed. An error ends it, and is shown."""
    value, tensor, trace = graph.inputs[index], info.tensor(), Trace()
    if isinstance(value.type, TensorType) and not info.changes(value.type.dtype):
        return ""
    name = label(value, graph.input_names[index], index).replace("'", '"')
    color = "" if tensor.color is ColorFormat.UNDEFINED else f" (color {FORMATS[tensor.color].label})"
    memory = "" if tensor.memory_type is None else f" memory type={tensor.memory_type}"
    error = None
    try:
        before(graph, index, info, known, Journal(graph), trace)
    except VinocError as problem:
        error = problem
    lines = [f"Input {name}{color}{memory}:"]
    if trace.plan is not None:
        found = trace.plan
        if len(found.types) == 1:
            lines.append(f"    User's input tensor: {shown(found.types[0], found.layout)}")
        else:
            lines.append(f"    {len(found.types)} user's tensors expected for each plane:")
            names = [f"{value.name}/{n} " for n in tensor.sub_names] or [""] * len(found.types)
            lines += [f"       {i}: {names[i]}{shown(t, found.layout)}" for i, t in enumerate(found.types)]
        lines.append(f"    Model's expected tensor: {shown(value.tensor, found.model_layout)}")
    lines += _rows("Pre-processing steps", trace.given) + _rows("Implicit pre-processing steps", trace.implicit)
    return _text(lines, error)


def output_text(graph: Graph, index: int, info: OutputInfo, known: Layout) -> str:
    """The paragraph of an output, nothing for one that stays; `graph` is changed. An error ends it, and is shown."""
    value, trace = graph.outputs[index], Trace()
    name = label(value, graph.output_names[index], index).replace("'", '"')
    lines = [f"Output {name}:", f"    Model's data tensor: {shown(value.tensor, info.model().layout or known)}"]
    error = None
    try:
        behind(graph, index, info, known, trace)
    except VinocError as problem:
        error = problem
    if error is None and not trace.given and not trace.implicit:
        return ""
    lines += _rows("Post-processing steps", trace.given) + _rows("Post-processing implicit steps", trace.implicit)
    if error is None:
        lines.append(f"    User's output tensor: {trace.final}")
    return _text(lines, error)


def _rows(title: str, rows: list[Row]) -> list[str]:
    if not rows:
        return []
    return [f"    {title} ({len(rows)}):", *[f"      {r.text}: {r.before} -> {r.after or '?'}" for r in rows]]


def _text(lines: list[str], error: VinocError | None) -> str:
    return "".join(f"{line}\n" for line in lines) + (f"Error occurred: {error}\n" if error else "")
