"""Sums in Einstein's notation as products of matrices, which have kernels, are fused to attention, and are quantized.

Of two operands, labels are of four kinds: what both have and the result too (batch), what both have and the result has
not (inner), and what one of them has (rows, columns). With dimensions in that order, and rows and columns made one
dimension each, bij,bjk->bik is a MatMul. Without inner labels it is a product of elements.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .....ir.builder import Builder
from .....ir.graph import Value
from .....ir.inference import detached
from .....ir.ops.matrix import Einsum, subscripts
from .....ir.record import record
from .values import concat, dims, ints

Labels = tuple[str, ...]


@record(frozen=True)
class Term:
    """A tensor, and a label for each of its dimensions."""

    value: Value
    labels: Labels


def written_out(b: Builder, equation: str, operands: Sequence[Value]) -> Value | None:
    """The sum by transposes, reductions and products; None for diagonals, integers, and ranks that are not known."""
    detached(Einsum(equation=equation), operands)  # says of the equation what does not fit
    inputs, output = subscripts(equation)
    ranks = [v.rank for v in operands]
    if len(inputs) != len(operands) or None in ranks or not all(v.dtype.is_float for v in operands):
        return None
    extra = [(v.rank or 0) - len(given) + 1 if "..." in given else 0 for v, given in zip(operands, inputs, strict=True)]
    dots = tuple(str(i) for i in range(max(extra)))
    terms = [Term(v, _named(given, dots[len(dots) - n :])) for v, given, n in zip(operands, inputs, extra, strict=True)]
    if any(len(t.labels) != t.value.rank or len(set(t.labels)) != len(t.labels) for t in terms):
        return None
    last = _named(output, dots)
    found, *rest = terms
    while rest:
        after = {label for t in rest[1:] for label in t.labels} | {*last}
        found = _product(b, found, rest.pop(0), after)
    return _ordered(b, _summed(b, found, last), last).value


def _named(labels: Labels, dots: Labels) -> Labels:
    """Labels with names for the dimensions that `...` stands for."""
    return tuple(name for label in labels for name in (dots if label == "..." else (label,)))


def _product(b: Builder, left: Term, right: Term, wanted: set[str]) -> Term:
    """Two terms as one, with the labels that are wanted of them; rows and columns may be more."""
    left, right = _spread(b, left, right, wanted), _spread(b, right, left, wanted)
    left, right = (_summed(b, t, {*wanted, *o.labels}) for t, o in ((left, right), (right, left)))
    both = [label for label in left.labels if label in right.labels]
    batch = tuple(label for label in both if label in wanted)
    inner = tuple(label for label in both if label not in wanted)
    rows, columns = (tuple(label for label in t.labels if label not in both) for t in (left, right))
    if not inner:
        every = (*batch, *rows, *columns)
        return Term(b.Multiply(*(_unsqueezed(b, t, every) for t in (left, right))), every)
    down, across = left.labels == (*batch, *inner, *rows), right.labels == (*batch, *columns, *inner)
    x = _grouped(b, left, (batch, inner, rows) if down else (batch, rows, inner))
    y = _grouped(b, right, (batch, columns, inner) if across else (batch, inner, columns))
    product = b.MatMul(x, y, transpose_a=down, transpose_b=across)
    if len(rows) != 1 or len(columns) != 1:
        first = _sizes(b, Term(product, (*batch, "rows", "columns")), batch)
        parts = [*first, *_sizes(b, left, rows), *_sizes(b, right, columns)]
        product = b.Reshape(product, concat(b, parts) if parts else ints(b, []), special_zero=False)
    return Term(product, (*batch, *rows, *columns))


def _spread(b: Builder, term: Term, other: Term, wanted: set[str]) -> Term:
    """Without inner dimensions of 1 where the other operand has more: every element there meets the same one."""
    sizes = dict(zip(other.labels, other.value.shape or (), strict=False))
    alone = [
        i for i, (label, size) in enumerate(zip(term.labels, term.value.shape or (), strict=False))
        if size == 1 and sizes.get(label, 1) != 1 and label not in wanted
    ]  # fmt: skip
    if not alone:
        return term
    labels = tuple(label for i, label in enumerate(term.labels) if i not in alone)
    return Term(b.Squeeze(term.value, ints(b, alone)), labels)


def _summed(b: Builder, term: Term, wanted: Iterable[str]) -> Term:
    """The sum over what nobody wants."""
    kept = tuple(label for label in term.labels if label in set(wanted))
    if kept == term.labels:
        return term
    axes = [i for i, label in enumerate(term.labels) if label not in kept]
    return Term(b.ReduceSum(term.value, ints(b, axes), keep_dims=False), kept)


def _ordered(b: Builder, term: Term, labels: Labels) -> Term:
    """The same labels in another order."""
    if term.labels == labels:
        return term
    return Term(b.Transpose(term.value, ints(b, [term.labels.index(label) for label in labels])), labels)


def _unsqueezed(b: Builder, term: Term, labels: Labels) -> Value:
    """A term with dimensions of 1 for the labels that it lacks."""
    value = _ordered(b, term, tuple(label for label in labels if label in term.labels)).value
    axes = [i for i, label in enumerate(labels) if label not in term.labels]
    return b.Unsqueeze(value, ints(b, axes)) if axes else value


def _grouped(b: Builder, term: Term, groups: tuple[Labels, Labels, Labels]) -> Value:
    """[*batch, first, second]: the labels of the last two groups as one dimension each."""
    value = _ordered(b, term, tuple(label for group in groups for label in group)).value
    batch, first, second = groups
    if len(first) == len(second) == 1:
        return value
    sizes = [_one(b, _sizes(b, term, group)) for group in (first, second)]
    return b.Reshape(value, concat(b, [*_sizes(b, term, batch), *sizes]), special_zero=False)


def _sizes(b: Builder, term: Term, labels: Labels) -> list[Value]:
    """The dimensions of some labels, in a vector, if there are any."""
    places = [term.labels.index(label) for label in labels]
    return [b.Gather(dims(b, term.value), ints(b, places), 0, batch_dims=0)] if places else []


def _one(b: Builder, sizes: Sequence[Value]) -> Value:
    """The product of the dimensions in a vector, as a vector of one element."""
    return b.ReduceProd(sizes[0], ints(b, [0]), keep_dims=True) if sizes else ints(b, [1])
