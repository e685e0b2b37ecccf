"""SequenceMap, and Scan's batched form of opset 8."""

from __future__ import annotations

from .....ir import dtype as dt
from .....ir.builder import Builder
from .....ir.graph import Graph, Value
from .....ir.inline import inline_body
from .....ir.ops.control_flow import Loop, TensorIterator
from .....ir.types import SequenceType, TensorType, Type
from ..context import NodeContext
from ..registry import converter
from .control_flow import Ports, scan_over
from .sequence import elements_of, make_sequence
from .values import number


@converter("Scan", since=8)
def scan_8(ctx: NodeContext) -> list[Value]:
    """A TensorIterator over the batch, whose body is a TensorIterator over the sequence (axis 1)."""
    if ctx.optional(0) is not None:
        ctx.fail("`sequence_lens` of Scan is not supported", "convert the model to opset 9 with onnx.version_converter")
    m = int(ctx.attr("num_scan_inputs"))
    values = [ctx.input(i) for i in range(1, len(ctx.inputs))]
    inner = [_row(ctx, v.tensor) for v in values]
    backwards = [bool(d) for d in ctx.attr("directions", None) or [0] * m]
    op, body, captures = scan_over(ctx, inner, [0] * m, backwards)
    graph, ports = Graph("batch"), Ports()
    b = Builder(graph, loc=ctx.b.loc)
    rows = []
    for i, type in enumerate(inner):
        rows.append(b.Squeeze(graph.add_input(TensorType(type.dtype, (1, *(type.shape or ())))), [0]))
        ports.input(i, axis=0)
    outer = [graph.add_input(v.type) for v in captures]
    for i in range(len(captures)):
        ports.input(len(values) + i)
    for i, value in enumerate(b.outputs(op, *rows, *outer, bodies=(body,))):
        graph.add_output(b.Unsqueeze(value, [0]))
        ports.output(i, axis=0)
    return list(ctx.b.outputs(TensorIterator(**ports.attributes()), *values, *captures, bodies=(graph,)))


def _row(ctx: NodeContext, type: TensorType) -> TensorType:
    """A type without its first dimension, the batch."""
    if not type.shape:
        ctx.fail(f"an input is {type}", "Scan of opset 8 takes tensors with a batch; give the shapes of the inputs")
    return TensorType(type.dtype, type.shape[1:])


@converter("SequenceMap", since=17)
def sequence_map(ctx: NodeContext) -> list[Value]:
    """The body for each element, written out where the elements are known one by one, else in a Loop."""
    values = [ctx.input(i) for i in range(len(ctx.inputs))]
    if not isinstance(values[0].type, SequenceType):
        ctx.fail(f"the first input is {values[0].type}", "SequenceMap takes a sequence")
    proto = ctx.graph_attr("body")
    lists = [elements_of(v) if isinstance(v.type, SequenceType) else None for v in values]
    known = all(found is not None for found, v in zip(lists, values, strict=True) if isinstance(v.type, SequenceType))
    if not known or not lists[0]:
        return _looped(ctx, values)
    count = len(lists[0])
    if any(found is not None and len(found) != count for found in lists):
        ctx.fail("the sequences have different lengths", "SequenceMap takes as many elements of each")
    rows = []
    for i in range(count):
        given = [v if found is None else found[i] for found, v in zip(lists, values, strict=True)]
        rows.append(ctx.inline(proto, given))
    return [make_sequence(ctx, list(column), column[0]) for column in zip(*rows, strict=True)]


def _looped(ctx: NodeContext, values: list[Value]) -> list[Value]:
    """A Loop that takes element i of the sequences and appends to those of the results."""
    b = ctx.b
    kinds: list[Type] = [v.type.element if isinstance(v.type, SequenceType) else v.type for v in values]
    inner = ctx.make_body(ctx.graph_attr("body"), kinds)
    results = [v.tensor for v in inner.graph.outputs]
    n, k = len(values), len(results)
    graph, ports = Graph("SequenceMap"), Ports()
    step = Builder(graph, loc=b.loc)
    counter = graph.add_input(TensorType(dt.i64, ()))
    ports.input(-1)
    sequences = []
    for i, type in enumerate(results):
        sequences.append(graph.add_input(SequenceType(TensorType(type.dtype, None))))
        ports.input(2 + i, back=1 + i)
        ports.output(1 + i)
    operands = [graph.add_input(v.type) for v in (*values, *inner.captures)]
    for i in range(len(operands)):
        ports.input(2 + k + i)
    taken = [
        step.SequenceAt(v, counter) if i < n and isinstance(v.type, SequenceType) else v for i, v in enumerate(operands)
    ]
    graph.add_output(step.const(True))
    for sequence, value in zip(sequences, inline_body(graph, inner.graph, taken), strict=True):
        graph.add_output(step.SequenceInsert(sequence, value))
    empty = [b.SequenceEmpty(element_type=type.dtype) for type in results]
    op = Loop(**ports.attributes(), condition_output=0)
    count = b.SequenceLength(values[0])
    return list(b.outputs(op, count, number(b, True, dt.boolean), *empty, *values, *inner.captures, bodies=(graph,)))
