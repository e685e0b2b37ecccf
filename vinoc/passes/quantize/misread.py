"""Where OpenVINO 2026.4.1 computes other numbers than the graph says, found by random graphs; quantize keeps away."""

from __future__ import annotations

from ...ir.graph import Node, Value

ALONE = frozenset(
    {"Abs", "Clamp", "Elu", "Exp", "Gelu", "HSigmoid", "HSwish", "LeakyReLU", "Log", "Mish", "Negative", "PReLU"}
    | {"ReLU", "Selu", "Sigmoid", "SoftPlus", "SoftSign", "Sqrt", "Swish", "Tanh", "Convert"}
    | {"Add", "Subtract", "Multiply", "Divide", "Maximum", "Minimum", "Power", "SquaredDifference"}
    | {"Reshape", "Squeeze", "Transpose", "Unsqueeze"}
)
"""Operations that OpenVINO fuses with what comes before them, where their other operands are constants."""

LONGEST = 8
"""Steps back that are looked at: OpenVINO fuses no more in a row."""

DROPPED = frozenset(
    {"Convert", "Gather", "Identity", "Pad", "Reshape", "Slice", "StridedSlice", "Squeeze", "Unsqueeze"}
)
"""Operations that OpenVINO may drop, or work into what follows."""


def why_not_behind(value: Value, fixed: set[Value]) -> str:
    """Why a value must not get a FakeQuantize; empty where it may. `fixed`: values that follow from constants.

    - A ReduceMax or ReduceMin of floats that is fused with a FakeQuantize gives integers, scaled.
    - A MaxPool behind a product in integers takes the FakeQuantize before a Clamp, or a factor below zero, that stands
      between them.
    """
    turned = False
    seen = 0
    node = value.node
    while node is not None and seen < LONGEST:
        if node.kind in ("ReduceMax", "ReduceMin"):
            return f"OpenVINO rounds what {node.kind} gives to integers, where it is quantized behind it"
        if node.kind == "MaxPool" and turned:
            return "OpenVINO quantizes what MaxPool gives before a Clamp or a negative factor behind it"
        moving = [v for v in node.inputs if v is not None and v not in fixed]
        if node.kind not in ALONE or len(moving) != 1:
            return ""
        turned |= node.kind == "Clamp" or _turns(node)
        node = moving[0].node
        seen += 1
    return ""


def _turns(node: Node) -> bool:
    """Whether a node multiplies by a constant of which an element is negative, or by one that is not known."""
    if node.kind not in ("Multiply", "Divide"):
        return node.kind == "Negative"
    constants = [v.const for v in node.inputs if v is not None]
    return not any(c is not None and (c >= 0).all() for c in constants)


def loses_transpose(reader: Node) -> bool:
    """Whether weights in the form `scale` would lose a Transpose before them.

    OpenVINO makes a matrix product of a 1x1 convolution behind a Transpose (ConvertWeightCompressedConv1x1ToMatmul), as
    if every Transpose brought channels forward; with weights of another form it does not.
    """
    filters = reader.operand(1).shape
    if reader.kind != "Convolution" or filters is None or any(n != 1 for n in filters[2:]):
        return False
    node, steps = reader.operand(0).node, 0
    while node is not None and node.kind in DROPPED and steps < LONGEST:
        node, steps = node.operand(0).node, steps + 1
    if node is None or node.kind != "Transpose" or node.operand(0).rank != reader.operand(0).rank:
        return False
    order = node.operand(1).const
    return order is None or order.tolist() != [0, 3, 1, 2]
