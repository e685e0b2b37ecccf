"""Products of matrices, sums of products by equation, attention."""

from __future__ import annotations

from functools import cache

from .. import types
from ..dim import Dim, broadcast_dim, merge_dim, unknown
from ..dtype import Array, boolean
from ..errors import InferenceError, VinocError
from ..kernels import matrix
from ..op import Op, Operand, op
from ..types import Shape, TensorType
from .elementwise import floating, numeric, same_dtype


@op(opset=1)
class MatMul(Op):
    """The product of the last two axes, the others broadcast. A vector is a row on the left, a column on the right.

    f16 is summed in f32; integers are summed exactly and saturate.
    """

    transpose_a: bool = False
    transpose_b: bool = False

    def infer(self, a: Operand, b: Operand) -> TensorType:
        same_dtype(a, b)
        dtype = numeric(a, "a").dtype
        if dtype.packed:
            raise InferenceError(f"element type {dtype} cannot be multiplied", help="insert a Convert before it")
        for operand, name in ((a, "a"), (b, "b")):
            if operand.shape == ():
                raise InferenceError(f"`{name}` is a scalar, expected a vector or matrices")
        if a.shape is None or b.shape is None:
            return TensorType(dtype, None)
        left, rows, depth = matrix_dims(a.shape, self.transpose_a, vector_is_row=True)
        right, depth_b, columns = matrix_dims(b.shape, self.transpose_b, vector_is_row=False)
        try:
            merge_dim(depth, depth_b)
        except InferenceError:
            raise InferenceError(
                f"{depth} columns of `a` meet {depth_b} rows of `b`", help="check transpose_a and transpose_b"
            ) from None
        shape = types.broadcast(left, right)
        assert shape is not None
        shape += (rows,) if len(a.shape) > 1 else ()
        shape += (columns,) if len(b.shape) > 1 else ()
        return TensorType(dtype, shape)

    def evaluate(self, a: Array, b: Array) -> Array:
        return matrix.matmul(a, b, self.transpose_a, self.transpose_b)


def matrix_dims(shape: Shape, transpose: bool, vector_is_row: bool) -> tuple[Shape, Dim, Dim]:
    """Batch, rows and columns of an operand."""
    if len(shape) == 1:
        return ((), 1, shape[0]) if vector_is_row else ((), shape[0], 1)
    *batch, rows, columns = shape
    return (tuple(batch), columns, rows) if transpose else (tuple(batch), rows, columns)


@op(opset=7)
class Einsum(Op):
    """A sum of products in Einstein's notation, `bij,bjk->bik`; `...` stands for dimensions that broadcast."""

    equation: str

    def validate(self) -> None:
        subscripts(self.equation)

    def infer(self, *operands: Operand) -> TensorType:
        inputs, output = subscripts(self.equation)
        if len(operands) != len(inputs):
            raise InferenceError(f"equation `{self.equation}` is for {len(inputs)} inputs, got {len(operands)}")
        same_dtype(*operands)
        dtype = numeric(operands[0]).dtype
        dims: dict[str, Dim] = {}
        ellipsis: Shape | None = ()
        for labels, operand in zip(inputs, operands):
            if operand.shape is None:
                ellipsis = None if "..." in labels else ellipsis
                continue
            extra = self._bind(labels, operand.shape, dims)
            if ellipsis is not None:
                ellipsis = types.broadcast(ellipsis, extra)
        if "..." in output and ellipsis is None:
            return TensorType(dtype, None)
        out: Shape = ()
        for label in output:
            out += (ellipsis or ()) if label == "..." else (dims.get(label, unknown()),)
        return TensorType(dtype, out)

    def _bind(self, labels: tuple[str, ...], shape: Shape, dims: dict[str, Dim]) -> Shape:
        """Notes the dimension of each label; returns the dimensions that the ellipsis stands for."""
        named = len(labels) - ("..." in labels)
        if len(shape) < named or (len(shape) != named and "..." not in labels):
            raise InferenceError(f"`{''.join(labels)}` in equation `{self.equation}` does not fit rank {len(shape)}")
        at = labels.index("...") if "..." in labels else named
        extra = len(shape) - named
        for label, dim in zip(labels[:at] + labels[at + 1 :], shape[:at] + shape[at + extra :]):
            try:
                dims[label] = broadcast_dim(dims[label], dim) if label in dims else dim
            except InferenceError:
                raise InferenceError(
                    f"label `{label}` of equation `{self.equation}` stands for {dims[label]} and for {dim}"
                ) from None
        return shape[at : at + extra]

    def evaluate(self, *operands: Array) -> Array:
        return matrix.einsum(self.equation, *operands)


@cache
def subscripts(equation: str) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
    """The labels of each input and of the output. Raises VinocError when the equation is none."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    inputs = tuple(_labels(part, equation) for part in left.split(","))
    if arrow:
        output = _labels(right, equation)
    else:  # what occurs once, in order of the alphabet, behind the ellipsis
        every = [label for part in inputs for label in part]
        output = ("...",) * ("..." in every) + tuple(sorted(c for c in every if c != "..." and every.count(c) == 1))
    stray = [label for label in output if not any(label in part for part in inputs)]
    if stray or len(set(output)) != len(output):
        what = f"`{stray[0]}` is in no input" if stray else "a label stands twice in the output"
        raise VinocError(f"Einsum: equation `{equation}`: {what}")
    return inputs, output


def _labels(part: str, equation: str) -> tuple[str, ...]:
    before, dots, after = part.partition("...")
    labels = (*before, *([dots] if dots else []), *after)
    if any(len(label) == 1 and not (label.isascii() and label.isalpha()) for label in labels):
        raise VinocError(
            f"Einsum: equation `{equation}`: `{part}` is no list of letters", help="write it as in `bij,bjk->bik`"
        )
    return labels


@op(opset=13)
class ScaledDotProductAttention(Op):
    """softmax(query key^T * scale + mask) value, by default with scale 1 / sqrt(width of the query).

    query [...,L,E], key [...,S,E], value [...,S,V], mask broadcast to [...,L,S] -> [...,L,V]. A boolean mask
    allows where it is true; `causal` takes the mask's place and hides what comes later.
    """

    causal: bool = False

    def infer(
        self, query: Operand, key: Operand, value: Operand, mask: Operand | None = None, scale: Operand | None = None
    ) -> TensorType:
        same_dtype(query, key, value)
        dtype = floating(query, "query").dtype
        self._check_mask(query, mask)
        if scale is not None and scale.shape is not None and types.numel(scale.shape) != 1:
            raise InferenceError(f"scale is {scale.type}, expected one number")
        for operand, name in ((query, "query"), (key, "key"), (value, "value")):
            if operand.shape is not None and len(operand.shape) < 2:
                raise InferenceError(f"{name} has rank {len(operand.shape)}, expected at least 2")
        if query.shape is None or key.shape is None or value.shape is None:
            return TensorType(dtype, None)
        _equal("width of query and key", query.shape[-1], key.shape[-1])
        _equal("length of key and value", key.shape[-2], value.shape[-2])
        scores = types.broadcast(query.shape[:-2], key.shape[:-2])
        if mask is not None and not self.causal:
            if mask.shape is None:
                return TensorType(dtype, None)
            masked = types.broadcast((*(scores or ()), query.shape[-2], key.shape[-2]), mask.shape)
            scores = masked[:-2] if masked is not None else None
        batch = types.broadcast(scores, value.shape[:-2])
        return TensorType(dtype, (*(batch or ()), query.shape[-2], value.shape[-1]))

    def _check_mask(self, query: Operand, mask: Operand | None) -> None:
        if mask is not None and mask.dtype is not boolean and mask.dtype is not query.dtype:
            raise InferenceError(f"mask is {mask.dtype}, expected boolean or {query.dtype}")

    def evaluate(
        self, query: Array, key: Array, value: Array, mask: Array | None = None, scale: Array | None = None
    ) -> Array:
        return matrix.attention(query, key, value, mask, scale, self.causal)


def _equal(what: str, a: Dim, b: Dim) -> None:
    try:
        merge_dim(a, b)
    except InferenceError:
        raise InferenceError(f"{what} differ: {a} and {b}") from None
