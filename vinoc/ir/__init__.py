"""The intermediate representation: a typed graph of immutable operations."""

from .builder import Builder
from .dim import Dim, Sym, symbol
from .dtype import DType
from .errors import (
    ConversionError,
    EvaluationError,
    InferenceError,
    ModelError,
    Problem,
    Unsupported,
    UsageError,
    VerificationError,
    VinocError,
)
from .graph import Graph, Node, Value
from .loc import Fused, Loc
from .op import Op, Operand, op_class
from .types import OptionalType, SequenceType, Shape, TensorType, Type
from .verify import verify

__all__ = [
    "Builder",
    "ConversionError",
    "DType",
    "Dim",
    "EvaluationError",
    "Fused",
    "Graph",
    "InferenceError",
    "Loc",
    "ModelError",
    "Node",
    "Op",
    "Operand",
    "OptionalType",
    "Problem",
    "SequenceType",
    "Shape",
    "Sym",
    "TensorType",
    "Type",
    "Unsupported",
    "UsageError",
    "Value",
    "VerificationError",
    "VinocError",
    "op_class",
    "symbol",
    "verify",
]
