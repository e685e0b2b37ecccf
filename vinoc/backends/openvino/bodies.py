"""Bodies of If, Loop and TensorIterator: their layers, and the maps that join them to the layer around them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from ...ir.graph import Node

if TYPE_CHECKING:
    from .writer import BodyWriter


class Bodies(NamedTuple):
    """The text of a node's bodies, and the writers that know their layer numbers."""

    text: list[str]
    writers: list[BodyWriter]


def write_bodies(outer: BodyWriter, node: Node) -> Bodies:
    """Writes the bodies of a node. Their constants go to the weights of `outer`."""
    tags = ("then_body", "else_body") if node.kind == "If" else ("body",)
    tabs = "\t" * (outer.depth + 3)
    text: list[str] = []
    writers: list[BodyWriter] = []
    for tag, body in zip(tags, node.bodies, strict=True):
        writer = type(outer)(body, outer.weights, outer.depth + 3)
        text.append(f"{tabs}<{tag}>\n")
        writer.write(text)
        text += [f"{tabs}\t<rt_info />\n", f"{tabs}</{tag}>\n"]
        writers.append(writer)
    return Bodies(text, writers)


def write_maps(node: Node, bodies: Bodies, depth: int) -> str:
    """`port_map` and `back_edges`, or the two maps of an If."""
    tabs = "\t" * depth
    if node.kind == "If":
        then, other = (list(_branch(node, k, writer)) for k, writer in enumerate(bodies.writers))
        return _block(tabs, "else_port_map", other) + _block(tabs, "then_port_map", then)
    (body,) = bodies.writers
    back = [
        f'<edge from-layer="{body.results[k]}" to-layer="{layer}" />'
        for layer, k in zip(body.parameters, _op(node).back_edge, strict=True)
        if k >= 0
    ]
    return _block(tabs, "port_map", list(_iteration(node, body))) + _block(tabs, "back_edges", back)


def _op(node: Node) -> Any:
    return node.op  # the fields of If, Loop and TensorIterator are used by name


def _block(tabs: str, tag: str, lines: list[str]) -> str:
    if not lines:
        return f"{tabs}<{tag} />\n" if tag != "back_edges" else ""
    return f"{tabs}<{tag}>\n" + "".join(f"{tabs}\t{line}\n" for line in lines) + f"{tabs}</{tag}>\n"


def _branch(node: Node, index: int, body: BodyWriter) -> Iterator[str]:
    op = _op(node)
    feeds = op.else_inputs if index else op.then_inputs
    for layer, port in zip(body.parameters, feeds, strict=True):
        yield f'<input external_port_id="{port}" internal_layer_id="{layer}" />'
    for k, layer in enumerate(body.results[: len(node.outputs)], len(node.inputs)):
        yield f'<output external_port_id="{k}" internal_layer_id="{layer}" />'


def _iteration(node: Node, body: BodyWriter) -> Iterator[str]:
    op = _op(node)
    for i, (layer, port) in enumerate(zip(body.parameters, op.body_from, strict=True)):
        if port < 0:
            yield f'<input external_port_id="-1" internal_layer_id="{layer}" purpose="current_iteration" />'
            continue
        ends = f'external_port_id="{port}" internal_layer_id="{layer}"'
        slices = op.slice_axis[i], op.slice_start[i], op.slice_end[i], op.slice_stride[i], op.slice_part[i]
        yield f"<input {_sliced(ends, slices)} />"
    for k, source in enumerate(op.out_from):
        ends = f'external_port_id="{len(node.inputs) + k}" internal_layer_id="{body.results[source]}"'
        slices = op.out_axis[k], op.out_start[k], op.out_end[k], op.out_stride[k], op.out_part[k]
        yield f"<output {_sliced(ends, slices)} />"
    if node.kind == "Loop":
        layer = body.results[op.condition_output]
        yield f'<output external_port_id="-1" internal_layer_id="{layer}" purpose="execution_condition" />'


def _sliced(ends: str, slices: tuple[int, int, int, int, int]) -> str:
    axis, start, end, stride, part = slices
    if axis < 0:
        return ends
    return f'axis="{axis}" {ends} start="{start}" end="{end}" stride="{stride}" part_size="{part}"'
