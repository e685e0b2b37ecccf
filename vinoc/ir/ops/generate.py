"""Tensors made of parameters: ranges, identity matrices, random numbers."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from .. import types
from ..dim import Dim, bounds, ceildiv, dim_max, unknown
from ..dtype import Array, DType, boolean, i32, i64
from ..errors import InferenceError, VinocError
from ..kernels import generate, random
from ..op import Op, Operand, op
from ..types import Shape, TensorType
from .activation import scalar
from .elementwise import floating, integral, numeric, same_dtype
from .shape import unknowns

Alignment: TypeAlias = Literal["tensorflow", "pytorch"]


def size_of(operand: Operand, what: str) -> Dim:
    """The size that a scalar operand gives, where it is known. Raises InferenceError for negative ones."""
    integral(operand, what)
    scalar(operand, what)
    if operand.known is None:
        return unknown()
    (size,) = types.as_dims(operand.known)
    if bounds(size)[1] < 0:
        raise InferenceError(f"{what} is {size}")
    return size


def shape_of(operand: Operand, what: str) -> Shape | None:
    """The shape that a list gives: dimensions where known, else as many unknown ones as the list is long."""
    integral(operand, what)
    if operand.rank not in (None, 0, 1):
        raise InferenceError(f"{what} must be a list, got rank {operand.rank}")
    if operand.known is not None:
        dims = types.as_dims(operand.known)
        if any(bounds(d)[1] < 0 for d in dims):
            raise InferenceError(f"{what} is {list(dims)}")
        return dims
    if not operand.shape:
        return None if operand.shape is None else (unknown(),)
    length = operand.shape[0]
    return unknowns(length) if isinstance(length, int) else None


@op(opset=4)
class Range(Op):
    """start, start + step, ... up to but not including stop.

    Operands lose their fraction first where `output_type` is an integer type.
    """

    output_type: DType

    def validate(self) -> None:
        if self.output_type.kind not in "fiu":
            raise VinocError(f"attribute `output_type` of Range is {self.output_type}, expected a type of numbers")

    def infer(self, start: Operand, stop: Operand, step: Operand) -> TensorType:
        known: list[Dim] = []
        for operand, what in ((start, "start"), (stop, "stop"), (step, "step")):
            numeric(operand, what)
            scalar(operand, what)
            if operand.known is not None:
                known.extend(types.as_dims(operand.known))
        return TensorType(self.output_type, (_range_size(*known) if len(known) == 3 else unknown(),))

    def evaluate(self, start: Array, stop: Array, step: Array) -> Array:
        return generate.arange(start, stop, step, self.output_type.numpy)


def _range_size(start: Dim, stop: Dim, step: Dim) -> Dim:
    if step == 0:
        raise InferenceError("the step is 0")
    if not isinstance(step, int):
        return unknown()
    size = ceildiv(stop - start, step) if step > 0 else ceildiv(start - stop, -step)
    return dim_max(size, 0)


@op(opset=9)
class Eye(Op):
    """Matrices of zeros with ones on a diagonal (above the main one if positive), repeated over batch dimensions."""

    output_type: DType

    def infer(
        self, num_rows: Operand, num_columns: Operand, diagonal_index: Operand, batch_shape: Operand | None = None
    ) -> TensorType:
        integral(diagonal_index, "the diagonal")
        scalar(diagonal_index, "the diagonal")
        matrix = (size_of(num_rows, "the number of rows"), size_of(num_columns, "the number of columns"))
        lead: Shape | None = () if batch_shape is None else shape_of(batch_shape, "the batch shape")
        return TensorType(self.output_type, None if lead is None else (*lead, *matrix))

    def evaluate(
        self, num_rows: Array, num_columns: Array, diagonal_index: Array, batch_shape: Array | None = None
    ) -> Array:
        return generate.eye(num_rows, num_columns, diagonal_index, batch_shape, self.output_type.numpy)


@op(opset=8)
class RandomUniform(Op):
    """Random numbers in [min_val, max_val).

    They depend on the seeds alone, and are those of TensorFlow or PyTorch (`alignment`) for the same seeds. Two zero
    seeds ask for other numbers at every call.
    """

    pure: ClassVar[bool] = False
    output_type: DType
    global_seed: int = 0
    op_seed: int = 0
    alignment: Alignment = "tensorflow"

    def validate(self) -> None:
        if self.output_type.kind not in "fiu":
            raise VinocError(
                f"attribute `output_type` of RandomUniform is {self.output_type}, expected a type of numbers"
            )

    def infer(self, shape: Operand, min_val: Operand, max_val: Operand) -> TensorType:
        same_dtype(min_val, max_val)
        scalar(min_val, "the minimum")
        scalar(max_val, "the maximum")
        if numeric(min_val, "the minimum").dtype is not self.output_type:
            raise InferenceError(f"the limits are {min_val.dtype}, `output_type` is {self.output_type}")
        return TensorType(self.output_type, shape_of(shape, "the shape"))

    def evaluate(self, shape: Array, min_val: Array, max_val: Array) -> Array:
        return random.uniform(
            shape, min_val, max_val, self.output_type.numpy, self.global_seed, self.op_seed, self.alignment
        )


@op(internal=True)
class MelWeightMatrix(Op):
    """Triangular filters [dft_length // 2 + 1, bands], whose centres are evenly spaced on the mel scale.

    mel = 2595 log10(1 + hertz / 700). Column i rises from the edge of band i to its middle, which is the edge of the
    next, and falls to the edge after that; edges are bins of the spectrum.
    """

    output_type: DType

    def infer(
        self, bands: Operand, dft_length: Operand, sample_rate: Operand, lower: Operand, upper: Operand
    ) -> TensorType:
        integral(sample_rate, "the sample rate")
        for name, operand in (("the lower edge", lower), ("the upper edge", upper)):
            scalar(operand, name)
            floating(operand, name)
        length = size_of(dft_length, "the length")
        return TensorType(self.output_type, (length // 2 + 1, size_of(bands, "the number of bands")))

    def evaluate(self, bands: Array, dft_length: Array, sample_rate: Array, lower: Array, upper: Array) -> Array:
        return generate.mel_weights(
            int(bands), int(dft_length), int(sample_rate), float(lower), float(upper), self.output_type.numpy
        )


@op(internal=True)
class DropoutMask(Op):
    """True with the probability 1 - ratio: what dropout keeps in training.

    The numbers of a seed are those of NumPy's `RandomState(seed).uniform`, with which ONNX's tests were made; a seed
    below 0 asks for others at every call.
    """

    pure: ClassVar[bool] = False
    seed: int = -1

    def infer(self, shape: Operand, ratio: Operand) -> TensorType:
        scalar(ratio, "the ratio")
        floating(ratio, "the ratio")
        return TensorType(boolean, shape_of(shape, "the shape"))

    def evaluate(self, shape: Array, ratio: Array) -> Array:
        return random.dropout_mask(shape, ratio, self.seed)


@op(opset=13)
class Multinomial(Op):
    """Classes drawn at random by the probabilities in each row, `num_samples` for each.

    With `log_probs` the rows hold logarithms; rows need not add up to 1. The samples depend on the seeds alone; two
    zero seeds ask for others at every call.
    """

    pure: ClassVar[bool] = False
    convert_type: DType
    with_replacement: bool
    log_probs: bool
    global_seed: int = 0
    op_seed: int = 0

    def validate(self) -> None:
        if self.convert_type not in (i32, i64):
            raise VinocError(f"attribute `convert_type` of Multinomial is {self.convert_type}, expected i32 or i64")

    def infer(self, probs: Operand, num_samples: Operand) -> TensorType:
        shape = floating(probs, "probs").shape
        size = size_of(num_samples, "the number of samples")
        if shape is None:
            return TensorType(self.convert_type, None)
        if len(shape) not in (1, 2):
            raise InferenceError(f"expected one row of probabilities or several, got rank {len(shape)}")
        return TensorType(self.convert_type, (*shape[:-1], size))

    def evaluate(self, probs: Array, num_samples: Array) -> Array:
        return random.multinomial(
            probs,
            num_samples,
            self.convert_type.numpy,
            self.with_replacement,
            self.log_probs,
            self.global_seed,
            self.op_seed,
        )
