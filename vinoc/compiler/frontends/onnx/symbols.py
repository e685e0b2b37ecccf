"""Declared types: ONNX's TypeProto as vinoc's Type, named dimensions as symbols."""

from __future__ import annotations

import re
from typing import Any

from ....ir.dim import Dim, symbol
from ....ir.errors import ModelError
from ....ir.types import OptionalType, SequenceType, TensorType, Type
from .tensors import element_type


class Symbols:
    """One symbol for each `dim_param` of a model; a name that is no identifier is made one."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._taken: set[str] = set()

    def named(self, param: str) -> Dim:
        name = self._names.get(param)
        if name is None:
            name = self._unique(param)
            self._names[param] = name
        return symbol(name)

    def fresh(self, hint: str) -> Dim:
        """A symbol that no other dimension has."""
        return symbol(self._unique(hint))

    def _unique(self, text: str) -> str:
        base = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_") or "d"
        if base[0].isdigit() or base in ("min", "max"):
            base = f"d_{base}"
        name, n = base, 1
        while name in self._taken:
            n += 1
            name = f"{base}_{n}"
        self._taken.add(name)
        return name

    def type(self, proto: Any, name: str) -> Type:
        """The type that a TypeProto declares for the value `name`. Raises ModelError."""
        kind = proto.WhichOneof("value")
        if kind == "tensor_type":
            t = proto.tensor_type
            dtype = element_type(t.elem_type, f"'{name}'")
            if not t.HasField("shape"):
                return TensorType(dtype, None)
            return TensorType(dtype, tuple(self._dim(d, name, i) for i, d in enumerate(t.shape.dim)))
        if kind == "sequence_type":
            return SequenceType(self.type(proto.sequence_type.elem_type, name))
        if kind == "optional_type":
            return OptionalType(self.type(proto.optional_type.elem_type, name))
        if kind is None:
            raise ModelError(f"'{name}' has no type", help="declare its element type and shape in the model")
        what = kind.removesuffix("_type").replace("_", " ")
        raise ModelError(f"'{name}' is a {what}", help="only tensors, sequences and optionals are supported")

    def _dim(self, proto: Any, name: str, axis: int) -> Dim:
        if proto.HasField("dim_value"):
            value = int(proto.dim_value)
            if value < -1:  # -1 is what some exporters write for a dimension that is not known
                raise ModelError(
                    f"'{name}' has the negative dimension {value}", help="an open dimension is a dim_param, or nothing"
                )
            if value >= 0:
                return value
        elif proto.dim_param and proto.dim_param != "?":
            return self.named(proto.dim_param)
        return self.fresh(f"{name}_d{axis}")
