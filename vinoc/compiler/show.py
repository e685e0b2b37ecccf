"""A model, or one node of it, as lines for people."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from ..ir import loc as _loc
from ..ir.constant import Constant
from ..ir.dim import Sym
from ..ir.errors import UsageError, VinocError, did_you_mean
from ..ir.graph import Graph, Node, Value
from ..ir.op import port_name
from ..ir.text.printer import attribute
from ..ir.types import TensorType
from .driver import Size
from .samples import random_inputs
from .summary import bytes_text, table

SHOWN_USERS = 8

TIMED_RUNS = 10
"""Of `--times`, behind a first one that plans and warms up."""


def summary(graph: Graph) -> Iterator[str]:
    """Inputs, outputs, counts of operations, size of the constants."""
    size = Size.of(graph)
    yield f"{graph.name}: {size.nodes} nodes, {size.edges} edges, constants {bytes_text(_constant_bytes(graph))}"
    yield "inputs:"
    yield from table([("", _names(n, v), str(v.type)) for v, n in zip(graph.inputs, graph.input_names)])
    yield "outputs:"
    yield from table([("", _names(n, v), str(v.type)) for v, n in zip(graph.outputs, graph.output_names)])
    if symbols := _symbols(graph):
        yield f"dimensions: {', '.join(symbols)}"
    counts = Counter(node.kind for g in graph.walk() for node in g)
    yield "operations:"
    yield from table([("", kind, str(count)) for kind, count in sorted(counts.items(), key=lambda c: (-c[1], c[0]))])


def with_shapes(graph: Graph, text: str) -> None:
    """Gives the inputs, in their order, the shapes of `--input_shape`. Raises UsageError."""
    from ..passes.dims import read_shape
    from ..passes.ports import reshape, tensor_of
    from .face.spelling import read_shapes

    shapes = read_shapes("--input_shape", text)
    if len(shapes) != len(graph.inputs):
        names = ", ".join(v.name for v in graph.inputs)
        raise UsageError(f"{len(shapes)} shapes are given for {len(graph.inputs)} inputs: {names}", "--input_shape")
    pairs = enumerate(zip(graph.inputs, shapes))
    reshape(graph, {i: read_shape(shape, tensor_of(v).shape, v.name) for i, (v, shape) in pairs})


def plan_lines(graph: Graph, times: bool = False, as_json: bool = False) -> Iterator[str]:
    """The CPU device's schedule for a model, unknown dimensions taken as 1.

    It is run, since shapes may follow from data; with `times` some times more, and every step is compared with what the
    machine can do.
    """
    from ..backends.cpu import report
    from ..backends.cpu.device import Executable
    from ..backends.cpu.machine import machine
    from ..passes.manager import PassManager
    from .config import CPU_PASSES

    PassManager(CPU_PASSES).run(graph)
    inputs = random_inputs(graph)
    executable = Executable(graph, timed=True)
    profile = executable.profile
    assert profile is not None
    executable.run(inputs)
    steps, limits, runs = report.planned(profile), None, 0
    if times:
        profile.clear()
        runs = TIMED_RUNS
        for _ in range(runs):
            executable.run(inputs)
        steps, limits = report.read(profile, executable.library), machine(executable.library, executable.pool.threads)
    if as_json:
        yield json.dumps(report.data(steps, runs, limits, report.remarks(profile)), indent=2)
        return
    yield from table(list(report.table(steps)))
    yield from report.remarks(profile)
    share = report.integer_share(steps)
    if share:
        yield f"kernels of integers: {share:.0%} of the {'time' if times else 'operations'}"
    if limits:
        yield report.sentence(steps, runs, limits)


def node_lines(graph: Graph, name: str) -> Iterator[str]:
    """All nodes of that name, each with operands, attributes, results, users and provenance.

    A name is a framework node's, a value's or a kind's. Raises VinocError with the nearest name.
    """
    found = find_nodes(graph, name)
    for i, node in enumerate(found):
        if i:
            yield ""
        yield from _node(node)


def find_nodes(graph: Graph, name: str) -> list[Node]:
    """The nodes that a user means: by label, provenance or result; else by kind. Raises VinocError."""
    nodes = [node for g in graph.walk() for node in g]
    found = [n for n in nodes if name in _known_as(n)] or [n for n in nodes if n.kind == name]
    found.sort(key=lambda n: isinstance(n.op, Constant))  # a node comes before its weights
    if not found:
        known = {k: None for n in nodes for k in _known_as(n)}
        inputs = {n for names in graph.input_names for n in names}
        if name in inputs:
            raise VinocError(f"'{name}' is an input of the model, not a node", help="`vinoc show MODEL` lists inputs")
        hint = did_you_mean(name, known) or "`vinoc diff` and `vinoc opt` print all names"
        raise VinocError(f"no node named '{name}' among {len(nodes)}", graph.name, hint)
    return found


def _known_as(node: Node) -> list[str]:
    names = [leaf.node for leaf in _loc.leaves(node.loc)] + [v.name for v in node.outputs]
    return [n for n in names if n]


def _node(node: Node) -> Iterator[str]:
    yield f"{node.kind} '{node.label}'"
    rows = [(f"  {a.name}", attribute(v)) for a, v in node.op.attributes() if not isinstance(node.op, Constant)]
    yield from table(rows)
    if isinstance(node.op, Constant):
        yield f"  content {_content(node.op)}"
    if node.inputs:
        yield "  inputs"
        yield from table([_operand(node, i, v) for i, v in enumerate(node.inputs)])
    yield "  outputs"
    for v in node.outputs:
        users = [f"{u.kind} '{u.label}'" for u in v.users]
        more = f" and {len(users) - SHOWN_USERS} more" if len(users) > SHOWN_USERS else ""
        read = ", ".join(users[:SHOWN_USERS]) + more if users else ""
        read = ", ".join(filter(None, [read, "the graph's output" if v.is_output else ""])) or "nothing"
        yield f"    {v.name or v.index}: {v.type}, read by {read}"
    for body in node.bodies:
        yield f"  body '{body.name}': {len(body)} nodes"
    if node.loc != _loc.UNKNOWN:
        yield f"  from {', '.join(map(str, _loc.leaves(node.loc)))}" + (
            f" by '{node.loc.by}'" if isinstance(node.loc, _loc.Fused) else ""
        )


def _operand(node: Node, index: int, value: Value | None) -> tuple[str, str, str]:
    port = f"    {port_name(type(node.op), index)}"
    if value is None:
        return port, "(left out)", ""
    producer = value.node
    source = f"input '{value.name}'" if producer is None else f"{producer.kind} '{producer.label}'"
    if producer is not None and isinstance(producer.op, Constant):
        source += f" = {_content(producer.op)}"
    return port, str(value.type), source


def _content(op: Constant) -> str:
    if op.value.size > 8:
        return f"{op.value.size} elements"
    return str(op.value.array.tolist())


def _constant_bytes(graph: Graph) -> int:
    buffers = {id(n.op.value): n.op.value for g in graph.walk() for n in g if isinstance(n.op, Constant)}
    return sum(-(-b.size * b.dtype.bits // 8) for b in buffers.values())


def _names(names: tuple[str, ...], value: Value) -> str:
    return ", ".join(names) or value.name or "(no name)"


def _symbols(graph: Graph) -> list[str]:
    found: dict[str, str] = {}
    for value in graph.inputs:
        if isinstance(value.type, TensorType):
            for d in value.type.shape or ():
                if isinstance(d, Sym):
                    for atom in d.atoms():
                        hi = "" if atom.hi == float("inf") else int(atom.hi)
                        found[atom.name] = f"{atom.name} in {int(atom.lo)}..{hi}"
    return list(found.values())
