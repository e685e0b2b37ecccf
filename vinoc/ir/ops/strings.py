"""Strings, of which OpenVINO's op set has only tokenizers' extensions."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from .. import types
from ..dim import bounds, unknown
from ..dtype import Array, DType, boolean, f32, i64, string
from ..errors import InferenceError, VinocError
from ..kernels import strings
from ..op import Op, Operand, op
from ..types import TensorType

CaseChange: TypeAlias = Literal["NONE", "LOWER", "UPPER"]


def textual(operand: Operand, what: str = "the operand") -> TensorType:
    """The operand's type. Raises InferenceError unless its elements are strings."""
    found = operand.tensor
    if found.dtype is not string:
        raise InferenceError(f"{what} is {found.dtype}, expected strings")
    return found


@op(internal=True)
class StringConcat(Op):
    """a and b, one after the other; broadcasts."""

    def infer(self, a: Operand, b: Operand) -> TensorType:
        return TensorType(string, types.broadcast(textual(a).shape, textual(b).shape))

    def evaluate(self, a: Array, b: Array) -> Array:
        return strings.concat(a, b)


@op(internal=True)
class StringEqual(Op):
    """True where a and b are the same text; broadcasts."""

    def infer(self, a: Operand, b: Operand) -> TensorType:
        return TensorType(boolean, types.broadcast(textual(a).shape, textual(b).shape))

    def evaluate(self, a: Array, b: Array) -> Array:
        return strings.equal(a, b)


@op(internal=True)
class StringIndex(Op):
    """The place of each element among `keys`, the last one where it occurs twice; -1 where it does not occur."""

    keys: tuple[str, ...]

    def infer(self, data: Operand) -> TensorType:
        return TensorType(i64, textual(data).shape)

    def evaluate(self, data: Array) -> Array:
        return strings.index(data, self.keys)


@op(internal=True)
class StringToNumber(Op):
    """The numbers that strings spell: `1.5`, `1e8`, `inf`, `NaN`, of which integers keep the whole part."""

    destination_type: DType

    def infer(self, data: Operand) -> TensorType:
        return TensorType(self.destination_type, textual(data).shape)

    def evaluate(self, data: Array) -> Array:
        return strings.to_number(data, self.destination_type.numpy)


@op(internal=True)
class NumberToString(Op):
    """Numbers as strings, with the fewest digits that tell them apart; INF, -INF, NaN."""

    def infer(self, data: Operand) -> TensorType:
        return TensorType(string, data.tensor.shape)

    def evaluate(self, data: Array) -> Array:
        return strings.from_number(data)


@op(internal=True)
class RegexFullMatch(Op):
    """True where the whole of an element matches `pattern`: RE2's syntax, as far as Python reads it alike."""

    pattern: str

    def validate(self) -> None:
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise VinocError(f"RegexFullMatch: the pattern {self.pattern!r} is not readable: {error}") from None

    def infer(self, data: Operand) -> TensorType:
        return TensorType(boolean, textual(data).shape)

    def evaluate(self, data: Array) -> Array:
        return strings.full_match(data, self.pattern)


@op(internal=True)
class StringSplit(Op):
    """The parts of each element, in a last dimension padded with "", and how many each has.

    Without a delimiter runs of white space part, and none is left at the ends. `maxsplit` below 0: no limit.
    """

    delimiter: str = ""
    maxsplit: int = -1

    def infer(self, data: Operand) -> tuple[TensorType, TensorType]:
        shape = textual(data).shape
        most = unknown(0, self.maxsplit + 1) if self.maxsplit >= 0 else unknown()
        parts = None if shape is None else (*shape, most)
        return TensorType(string, parts), TensorType(i64, shape)

    def evaluate(self, data: Array) -> tuple[Array, Array]:
        return strings.split(data, self.delimiter, self.maxsplit)


@op(internal=True)
class StringNormalizer(Op):
    """[C] or [1, C] without the stop words, then in another case; one empty string where nothing is left."""

    case_change: CaseChange = "NONE"
    is_case_sensitive: bool = False
    stopwords: tuple[str, ...] = ()

    def infer(self, data: Operand) -> TensorType:
        shape = textual(data).shape
        if shape is None:
            return TensorType(string, None)
        if len(shape) not in (1, 2) or (len(shape) == 2 and not bounds(shape[0])[0] <= 1 <= bounds(shape[0])[1]):
            raise InferenceError(f"the data are {data.type}, expected [C] or [1, C]")
        kept = (
            shape[-1] if not self.stopwords and bounds(shape[-1])[0] > 0 else unknown(1, max(bounds(shape[-1])[1], 1))
        )
        return TensorType(string, (*shape[:-1], kept))

    def evaluate(self, data: Array) -> Array:
        return strings.normalize(data, self.case_change, self.is_case_sensitive, self.stopwords)


class _NGrams(Op):
    """What counting n-grams of numbers and of strings shares."""

    counts: tuple[int, ...]
    columns: tuple[int, ...]
    shortest: int
    longest: int
    skips: int

    def validate(self) -> None:
        if not 1 <= self.shortest <= self.longest or self.skips < 0:
            raise VinocError(f"{self.kind}: lengths {self.shortest} to {self.longest} with {self.skips} skips")
        if not self.columns or min(self.columns) < 0:
            raise VinocError(f"{self.kind}: `columns` must name a place in the result for each n-gram")

    def counted(self, data: Operand) -> TensorType:
        width = max(self.columns) + 1
        shape = data.tensor.shape
        if shape is None:
            return TensorType(f32, None)
        if len(shape) not in (1, 2):
            raise InferenceError(f"the data are {data.type}, expected [C] or [N, C]")
        return TensorType(f32, (*shape[:-1], width))


@op(internal=True)
class NGramCount(_NGrams):
    """[C] or [N, C] numbers -> counts of the n-grams of `pool` in each row, at `columns`.

    `counts[n - 1]` is where those of length n begin in the pool. Between elements of an n-gram up to `skips` others
    are left out, as many each time.
    """

    counts: tuple[int, ...]
    columns: tuple[int, ...]
    pool: tuple[int, ...]
    shortest: int = 1
    longest: int = 1
    skips: int = 0

    def infer(self, data: Operand) -> TensorType:
        if not data.dtype.is_integer:
            raise InferenceError(f"the data are {data.dtype}, expected integers")
        return self.counted(data)

    def evaluate(self, data: Array) -> Array:
        return strings.ngram_counts(
            data, self.counts, self.pool, self.columns, self.shortest, self.longest, self.skips, max(self.columns) + 1
        )


@op(internal=True)
class StringNGramCount(_NGrams):
    """The same as NGramCount for strings."""

    counts: tuple[int, ...]
    columns: tuple[int, ...]
    pool: tuple[str, ...]
    shortest: int = 1
    longest: int = 1
    skips: int = 0

    def infer(self, data: Operand) -> TensorType:
        textual(data, "the data")
        return self.counted(data)

    def evaluate(self, data: Array) -> Array:
        return strings.ngram_counts(
            data, self.counts, self.pool, self.columns, self.shortest, self.longest, self.skips, max(self.columns) + 1
        )
