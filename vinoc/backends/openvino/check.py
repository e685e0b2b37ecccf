"""What IR cannot hold is found before anything is written, all of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...ir.buffer import Buffer
from ...ir.constant import Constant
from ...ir.errors import Problem, Unsupported
from ...ir.graph import Graph, Node, Value
from ...ir.op import port_name
from ...ir.types import TensorType
from ...passes.kinds import LOGICAL_REDUCTIONS, REDUCTIONS
from .attributes import data, representable
from .naming import port_names

_ZERO = {
    # Non-maximum suppression without a limit selects nothing; without thresholds it keeps every score.
    ("NonMaxSuppression", 2): "int64",
    ("NonMaxSuppression", 3): "float32",
    ("NonMaxSuppression", 4): "float32",
    # Attention takes a scalar zero for "no mask" where a scale follows.
    ("ScaledDotProductAttention", 3): "",
}
_MINUS_ONE = {("EmbeddingBagOffsetsSum", 3), ("EmbeddingBagOffsets", 3), ("EmbeddingSegmentsSum", 4)}
"""Empty bags are filled with zeros."""


_NO_AXES = {
    **{(kind, 1): "computes something else" for kind in (*REDUCTIONS, *LOGICAL_REDUCTIONS)},
    ("Unsqueeze", 1): "does not accept it",
    ("MVN", 1): "computes something else",
    ("NormalizeL2", 1): "computes something else",
    ("Interpolate", 2): "computes something else",
    ("Roll", 2): "computes nothing",
    ("Tile", 1): "computes nothing",
    ("Pad", 1): "does not accept it",
    ("Broadcast", 1): "may end the process",
}
"""What OpenVINO's CPU device was seen to do with an empty list of axes, pads, repeats or dimensions."""


def default_input(node: Node, index: int) -> Buffer | None:
    """What an input that was left out stands for, where IR needs it spelled out; None: there is no such value."""
    key = node.kind, index
    if key in _MINUS_ONE:
        return Buffer.of(np.array(-1, node.operand(1).dtype.numpy))
    if key in _ZERO:
        return Buffer.of(np.zeros((), _ZERO[key] or node.operand(0).dtype.numpy))
    return None


def filled_inputs(node: Node) -> tuple[list[Value | None], list[tuple[int, Buffer]]]:
    """The inputs as IR lists them, and the constants to put where one in their middle was left out."""
    inputs = list(node.inputs)
    if None not in inputs:
        return inputs, []
    while inputs and inputs[-1] is None:
        inputs.pop()
    made = []
    for i, value in enumerate(inputs):
        if value is None and (buffer := default_input(node, i)) is not None:
            made.append((i, buffer))
    return inputs, made


def check(graph: Graph) -> list[Problem]:
    """Everything in a graph and its bodies that IR cannot hold."""
    problems: list[Problem] = []
    for scope in graph.walk():
        for value in scope.inputs:
            if what := _type_problem(value):
                problems.append(Problem("Parameter", value.name, what, help=_TYPE_HELP))
        for node in scope:
            problems += _node_problems(node)
        _, clashes = port_names(scope)
        for name in clashes:
            what = f"the name '{name}' stands for several inputs or outputs"
            problems.append(Problem("model", "", what, help="give each its own name"))
        for name in {n for names in (*scope.input_names, *scope.output_names) for n in names}:
            if not representable(name):
                what = f"the name {name!r} cannot be stored: a control character, or a backslash at its end"
                problems.append(Problem("model", "", what, help="rename this input or output"))
    return problems


_TYPE_HELP = "convert it to a type of OpenVINO, or use `--target numpy`"
_OP_HELP = "rewrite it with other operations by a pass, or use `--target numpy`, which runs every operation"


def _type_problem(value: Value) -> str | None:
    type_ = value.type
    if not isinstance(type_, TensorType):
        return f"values of type {type_} do not exist in OpenVINO IR"
    return None if type_.dtype.ir else f"element type {type_.dtype} does not exist in OpenVINO IR"


def _node_problems(node: Node) -> Iterator[Problem]:
    op = node.op
    if op.internal:
        yield _problem(node, "OpenVINO has no such operation", _OP_HELP)
        return
    for value in node.outputs:
        if what := _type_problem(value):
            yield _problem(node, what, _TYPE_HELP)
    if type(op) is Constant:
        if op.value.dtype.bits in (3, 6):
            yield _problem(node, f"constants of type {op.value.dtype} cannot be written", "convert them to u4 or u8")
        return
    inputs, made = filled_inputs(node)
    filled = {i for i, _ in made}
    for i, given in enumerate(inputs):
        if given is None and i not in filled:
            what = f"input `{port_name(type(op), i)}` is left out, though a later one is given"
            yield _problem(node, what, "OpenVINO IR has no place for a missing input: give it its default value")
    if what := _empty_problem(node):
        yield _problem(node, what, _EMPTY_HELP)
    try:
        data(op)
    except Unsupported as error:
        yield _problem(node, error.what, _OP_HELP)


_EMPTY_HELP = "take the node out of the model, it does next to nothing; or use `--target numpy`"


def _empty_problem(node: Node) -> str | None:
    """What goes wrong in OpenVINO where a list of axes is empty, or nothing is gathered."""
    if node.kind == "Gather" and 0 in (node.outputs[0].shape or ()):
        return "nothing is gathered, on which OpenVINO's CPU device ends the process"
    if node.kind.startswith("Reduce") and node.operand(0).rank == 0:
        return None  # there it does what it should
    for i, value in enumerate(node.inputs):
        behaviour = _NO_AXES.get((node.kind, i))
        if behaviour and value is not None and value.shape == (0,):
            return f"input `{port_name(type(node.op), i)}` is empty: OpenVINO {behaviour}"
    return None


def _problem(node: Node, what: str, help: str) -> Problem:
    types = ", ".join("-" if v is None else str(v.type) for v in node.inputs)
    return Problem(node.kind, node.label, what, types, help)
