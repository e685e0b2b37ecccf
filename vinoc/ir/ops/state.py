"""State that lives from one inference to the next."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import types
from ..dtype import Array, DType
from ..errors import EvaluationError, InferenceError
from ..op import Op, Operand, op
from ..types import Shape, TensorType

_RUNTIME = "state lives in the runtime: run the model with its CompiledModel, or remove the state first"


@op(opset=6)
class ReadValue(Op):
    """The value of a variable; before its first assignment the input, or zeros where there is none."""

    pure: ClassVar[bool] = False

    variable_id: str
    variable_type: DType
    variable_shape: Shape | None

    def infer(self, init_value: Operand | None = None) -> TensorType:
        declared = TensorType(self.variable_type, self.variable_shape)
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
