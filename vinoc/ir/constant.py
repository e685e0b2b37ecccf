"""The operation that every graph has: a constant."""

from __future__ import annotations

from .buffer import Buffer
from .dtype import Array
from .op import Op, op
from .types import TensorType


@op(opset=1)
class Constant(Op):
    """A tensor stored with the model. `Const` in OpenVINO IR."""

    value: Buffer

    def infer(self) -> TensorType:
        return TensorType(self.value.dtype, self.value.shape)

    def evaluate(self) -> Array:
        return self.value.array
