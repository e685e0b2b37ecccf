"""State that lives from one inference to the next."""

from __future__ import annotations

from math import inf
from typing import Any, ClassVar

from .. import types
from ..dim import Dim, unknown
from ..dtype import Array, DType
from ..errors import EvaluationError, InferenceError, VinocError
from ..op import Op, Operand, op
from ..types import Shape, TensorType

_RUNTIME = "state lives in the runtime: run the model with its CompiledModel, or remove the state first"


def parse_partial_shape(text: str) -> Shape | None:
    """A shape in IR's spelling: `1,?,2..8,..4`, `-1` for `?`, `...` for an unknown rank, empty for a scalar."""
    text = text.strip().removeprefix("[").removesuffix("]").strip()
    if text == "...":
        return None
    return tuple([_parse_dim(part.strip()) for part in text.split(",")]) if text else ()


def _parse_dim(part: str) -> Dim:
    try:
        if part in ("?", "-1"):
            return unknown()
        if ".." in part:
            lo, hi = part.split("..")
            return unknown(int(lo) if lo else 0, int(hi) if hi else inf)
        if (size := int(part)) >= 0:
            return size
    except ValueError:
        pass
    raise VinocError(f"'{part}' is no dimension", help="write a number, ?, or bounds such as 1..8")


@op(opset=6)
class ReadValue(Op):
    """The value of a variable; before its first assignment the input, or zeros where there is none.

    `variable_shape` is spelled as in IR: `1,?,64`.
    """

    pure: ClassVar[bool] = False

    variable_id: str
    variable_type: DType
    variable_shape: str

    def validate(self) -> None:
        parse_partial_shape(self.variable_shape)

    def infer(self, init_value: Operand | None = None) -> TensorType:
        declared = TensorType(self.variable_type, parse_partial_shape(self.variable_shape))
        if init_value is not None and not types.accepts(declared, init_value.type):
            raise InferenceError(f"variable '{self.variable_id}' is {declared}, its initial value {init_value.type}")
        return declared

    def evaluate(self, init_value: Array | None = None) -> Any:
        raise EvaluationError(f"variable '{self.variable_id}' cannot be read here", help=_RUNTIME)


@op(opset=6)
class Assign(Op):
    """Sets a variable, for the next inference to read; passes its input on. A sink: it stays although nothing
    reads it."""

    pure: ClassVar[bool] = False

    variable_id: str

    def infer(self, value: Operand) -> TensorType:
        return value.tensor

    def evaluate(self, value: Array) -> Any:
        raise EvaluationError(f"variable '{self.variable_id}' cannot be set here", help=_RUNTIME)
