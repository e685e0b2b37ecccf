"""Which rule of ONNX a node breaks on which its converter stumbled: ONNX's own declaration of the operator says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....ir.graph import Value
from ....ir.types import TensorType

_KINDS = {
    1: "a number", 2: "an integer", 3: "a string", 4: "a tensor", 5: "a subgraph", 6: "a list of numbers",
    7: "a list of integers", 8: "a list of strings", 9: "a list of tensors", 10: "a list of subgraphs",
    11: "a sparse tensor", 12: "a list of sparse tensors", 13: "a type", 14: "a list of types",
}  # fmt: skip


_NAMES = {"f32": "float", "f64": "double", "f16": "float16", "bf16": "bfloat16", "boolean": "bool", "string": "string",
          "c64": "complex64", "c128": "complex128", "f8e4m3": "float8e4m3fn", "f4e2m1": "float4e2m1"}  # fmt: skip
"""Element types as ONNX spells them, where that is not `int8` for `i8` or the same word."""


MAX_TYPES = 12
"""Inputs whose types a message lists."""


def listed_types(inputs: Sequence[Value | None]) -> str:
    """The types of a node's inputs for a message; of very many the first ones."""
    shown = ["-" if v is None else str(v.type) for v in inputs[:MAX_TYPES]]
    return ", ".join([*shown, f"and {len(inputs) - MAX_TYPES} more"] if len(inputs) > MAX_TYPES else shown)


def broken_rule(proto: Any, domain: str, opset: int, inputs: Sequence[Value | None] = ()) -> str | None:
    """The first rule that a NodeProto breaks; None when it keeps them, or the operator is none of ONNX's.

    Loads the `onnx` package, which takes a while: for nodes that are known to be faulty.
    """
    from onnx import defs

    try:
        schema = defs.get_schema(proto.op_type, opset, domain)
    except defs.SchemaError:
        return None
    return _inputs(proto, schema) or _types(schema, inputs) or _attributes(proto, schema)


def _inputs(proto: Any, schema: Any) -> str | None:
    low, high, count = schema.min_input, schema.max_input, len(proto.input)
    if low <= count <= high:
        return None
    wanted = str(low) if low == high else f"at least {low}" if high > 1 << 20 else f"{low} to {high}"
    return f"it has {count} inputs, {proto.op_type} takes {wanted}"


def _types(schema: Any, inputs: Sequence[Value | None]) -> str | None:
    ports = list(schema.inputs)
    for i, value in enumerate(inputs):
        if value is None or not ports or not isinstance(value.type, TensorType):
            continue
        name = value.type.dtype.name
        words = [_NAMES.get(name, name.replace("u", "uint") if name[0] == "u" else name.replace("i", "int")), name]
        allowed = ports[min(i, len(ports) - 1)].types
        if not any(f"tensor({word})" in allowed for word in words):
            return f"input {i} is {value.type}; {schema.name} does not take {value.type.dtype}"
    return None


def _attributes(proto: Any, schema: Any) -> str | None:
    given = {a.name: a for a in proto.attribute}
    for name, declared in schema.attributes.items():
        found = given.get(name)
        if found is None:
            if declared.required:
                return f"attribute `{name}` is missing"
            continue
        wanted = int(declared.type.value)
        if found.type != wanted and not found.ref_attr_name:
            kind = _KINDS.get(found.type, f"of the unknown kind {found.type}")
            return f"attribute `{name}` is {kind}, expected {_KINDS.get(wanted, 'another kind')}"
    unknown = next((name for name in given if name not in schema.attributes), None)
    return None if unknown is None else f"{proto.op_type} of this opset has no attribute `{unknown}`"
