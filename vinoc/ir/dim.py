"""Dimensions: an int, or a polynomial over named symbols with bounds.

`N`, `2*N+1`, `(H+1)//2` and `L*N` are dimensions; equal expressions are equal values, so a symbol that enters
a model at an input is recognised at its output after any amount of shape arithmetic. `?` is a dimension of
which nothing but its bounds is known.

The normal form is a sum of monomials over atoms. An atom is a symbol or an opaque expression (`N//2`,
`max(N,M)`), named by its own text: printing a dimension and parsing the text gives the same value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import gcd, inf
from typing import NamedTuple, TypeAlias, Union

from .errors import InferenceError


class Atom(NamedTuple):
    name: str
    lo: float
    hi: float


Monomial: TypeAlias = tuple[Atom, ...]
Dim: TypeAlias = Union[int, "Sym"]


class Sym:
    """A dimension that is not a plain number. Immutable; made by `symbol`, `unknown` and arithmetic."""

    __slots__ = ("_hash", "const", "hi", "lo", "terms")

    terms: tuple[tuple[Monomial, int], ...]  # empty: unknown
    const: int
    lo: float
    hi: float

    def __init__(self, terms: tuple[tuple[Monomial, int], ...], const: int, lo: float, hi: float) -> None:
        self.terms = terms
        self.const = const
        self.lo = lo
        self.hi = hi
        self._hash = hash((terms, const, lo, hi))

    @property
    def is_unknown(self) -> bool:
        return not self.terms

    def atoms(self) -> Iterable[Atom]:
        return (a for mono, _ in self.terms for a in mono)

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Sym)
            and self._hash == other._hash
            and self.terms == other.terms
            and (self.const, self.lo, self.hi) == (other.const, other.lo, other.hi)
        )

    def __hash__(self) -> int:
        return self._hash

    # Ordering holds for every value of the symbols, or raises: shape arithmetic then stays unknown.

    def __lt__(self, other: Dim) -> bool:
        return _less(self, other)

    def __gt__(self, other: Dim) -> bool:
        return _less(other, self)

    def __le__(self, other: Dim) -> bool:
        return not _less(other, self)

    def __ge__(self, other: Dim) -> bool:
        return not _less(self, other)

    def __add__(self, other: Dim) -> Dim:
        return _add(self, other, 1)

    __radd__ = __add__

    def __sub__(self, other: Dim) -> Dim:
        return _add(self, other, -1)

    def __rsub__(self, other: int) -> Dim:
        return _add(_mul(self, -1), other, 1)

    def __neg__(self) -> Dim:
        return _mul(self, -1)

    def __mul__(self, other: Dim) -> Dim:
        return _mul(self, other)

    __rmul__ = __mul__

    def __floordiv__(self, other: Dim) -> Dim:
        return _floordiv(self, other)

    def __rfloordiv__(self, other: int) -> Dim:
        return _floordiv(other, self)

    def __mod__(self, other: Dim) -> Dim:
        return self - other * (self // other)

    def __rmod__(self, other: int) -> Dim:
        return other - self * (other // self)

    def __str__(self) -> str:
        if not self.terms:
            if self.lo <= 0 and self.hi == inf:
                return "?"
            return f"{int(max(self.lo, 0))}..{'' if self.hi == inf else int(self.hi)}"
        parts: list[str] = []
        (first, k), *more = self.terms
        if not more and not self.const and k == 1 and len(first) == 1 and first[0].name.startswith("("):
            return first[0].name[1:-1]
        for mono, c in self.terms:
            body = "*".join(a.name for a in mono)
            sign = "-" if c < 0 else "+" if parts else ""
            parts.append(f"{sign}{'' if abs(c) == 1 else f'{abs(c)}*'}{body}")
        if self.const:
            parts.append(f"{self.const:+d}")
        return "".join(parts)

    __repr__ = __str__


def symbol(name: str, lo: int = 0, hi: float = inf) -> Sym:
    """A named dimension, with inclusive bounds."""
    return Sym((((Atom(name, lo, hi),), 1),), 0, lo, hi)


def unknown(lo: float = 0, hi: float = inf) -> Dim:
    """A dimension that has no name: between `lo` and `hi`, both inclusive."""
    return int(lo) if lo == hi else Sym((), 0, lo, hi)


def _range(monomials: Mapping[Monomial, int], const: int) -> tuple[float, float]:
    lo: float = const
    hi: float = const
    for mono, c in monomials.items():
        a = b = 1.0
        for atom in mono:
            ends = [_times(x, y) for x in (a, b) for y in (atom.lo, atom.hi)]
            a, b = min(ends), max(ends)
        lo += _times(a if c > 0 else b, c)
        hi += _times(b if c > 0 else a, c)
    return lo, hi


def _times(a: float, b: float) -> float:
    return 0.0 if a == 0 or b == 0 else a * b


def _make(monomials: Mapping[Monomial, int], const: int) -> Dim:
    kept = {m: c for m, c in monomials.items() if c}
    if not kept:
        return const
    lo, hi = _range(kept, const)
    terms = tuple(sorted(kept.items(), key=lambda t: (-len(t[0]), [a.name for a in t[0]])))
    return Sym(terms, const, lo, hi)


def bounds(d: Dim) -> tuple[float, float]:
    """Inclusive bounds of a dimension; the upper one may be `inf`."""
    return (d.lo, d.hi) if isinstance(d, Sym) else (d, d)


def _is_unknown(d: Dim) -> bool:
    return isinstance(d, Sym) and not d.terms


def _parts(d: Dim) -> tuple[dict[Monomial, int], int]:
    return (dict(d.terms), d.const) if isinstance(d, Sym) else ({}, int(d))


def _add(a: Dim, b: Dim, sign: int) -> Dim:
    if _is_unknown(a) or _is_unknown(b):
        (alo, ahi), (blo, bhi) = bounds(a), bounds(b)
        return unknown(alo + blo, ahi + bhi) if sign > 0 else unknown(alo - bhi, ahi - blo)
    terms, const = _parts(a)
    more, extra = _parts(b)
    for mono, c in more.items():
        terms[mono] = terms.get(mono, 0) + sign * c
    return _make(terms, const + sign * extra)


def _less(a: Dim, b: Dim) -> bool:
    """a < b, whatever the symbols stand for. Raises InferenceError where that depends on them."""
    lo, hi = bounds(_add(a, b, -1))
    if hi < 0 or lo >= 0:
        return hi < 0
    raise InferenceError(f"whether {a} is less than {b} is not known")


def _mul(a: Dim, b: Dim) -> Dim:
    if _is_unknown(a) or _is_unknown(b):
        if 0 in (a, b):
            return 0
        ends = [_times(x, y) for x in bounds(a) for y in bounds(b)]
        return unknown(min(ends), max(ends))
    (ta, ca), (tb, cb) = _parts(a), _parts(b)
    terms: dict[Monomial, int] = {}
    for ma, x in [*ta.items(), ((), ca)]:
        for mb, y in [*tb.items(), ((), cb)]:
            mono = tuple(sorted(ma + mb))
            terms[mono] = terms.get(mono, 0) + x * y
    const = terms.pop((), 0)
    return _make(terms, const)


def _opaque(name: str, lo: float, hi: float) -> Dim:
    return int(lo) if lo == hi else Sym((((Atom(name, lo, hi),), 1),), 0, lo, hi)


def _paren(d: Dim) -> str:
    text = str(d)
    return (
        text
        if isinstance(d, int)
        or (not d.const and len(d.terms) == 1 and d.terms[0][1] == 1 and len(d.terms[0][0]) == 1 and "/" not in text)
        else f"({text})"
    )


def _floordiv(a: Dim, b: Dim) -> Dim:
    if isinstance(b, int):
        if b == 0:
            raise InferenceError("a dimension is divided by zero")
        if isinstance(a, int):
            return a // b
        if not _is_unknown(a) and b > 0:
            return _floordiv_int(a, b)
    elif not _is_unknown(b) and not _is_unknown(a):
        exact = _divide_exact(a, b)
        if exact is not None:
            return exact
    lo, hi = _floordiv_bounds(a, b)
    if _is_unknown(a) or _is_unknown(b):
        return unknown(lo, hi)
    return _opaque(f"({_paren(a)}//{_paren(b)})", lo, hi)


def _floordiv_int(a: Sym, b: int) -> Dim:
    """(q*b + r) // b = q + r // b, with as much as possible in q."""
    whole = {m: c // b for m, c in a.terms if c % b == 0}
    rest = {m: c for m, c in a.terms if c % b}
    if not rest:
        return _make(whole, a.const // b)
    remainder = _make(rest, a.const % b)
    assert isinstance(remainder, Sym)
    shared = b
    for c in [*rest.values(), a.const % b]:
        shared = gcd(shared, c)
    if shared > 1:  # (k*x) // (k*y) = x // y
        remainder, b2 = remainder // shared, b // shared
        quotient = _floordiv(remainder, b2)
    else:
        lo, hi = _floordiv_bounds(remainder, b)
        quotient = _opaque(f"({_paren(remainder)}//{b})", lo, hi)
    return _make(whole, a.const // b) + quotient


def _floordiv_bounds(a: Dim, b: Dim) -> tuple[float, float]:
    (alo, ahi), (blo, bhi) = bounds(a), bounds(b)
    if blo <= 0:
        return (0 if alo >= 0 else -inf), (ahi if ahi >= 0 else inf)
    ends = [_quot(x, y) for x in (alo, ahi) for y in (blo, bhi)]
    return min(ends), max(ends)


def _quot(x: float, y: float) -> float:
    if y == inf:
        return 0 if x >= 0 else -1
    return x if x in (inf, -inf) else int(x) // int(y)


def _divide_exact(a: Dim, b: Sym) -> Dim | None:
    """a / b when b is one monomial (or a equals a multiple of b) and divides a, else None."""
    ta, ca = _parts(a)
    if a == b:
        return 1
    if len(b.terms) != 1 or b.const:
        (mono, c), *_ = b.terms
        k = ta.get(mono, 0)
        return k // c if k and k % c == 0 and a == b * (k // c) else None
    (mono, coeff), *_ = b.terms
    if ca:
        return None
    out: dict[Monomial, int] = {}
    for m, c in ta.items():
        left = list(m)
        for atom in mono:
            if atom not in left:
                return None
            left.remove(atom)
        if c % coeff:
            return None
        out[tuple(left)] = c // coeff
    const = out.pop((), 0)
    return _make(out, const)


def _extreme(a: Dim, b: Dim, name: str) -> Dim:
    pick = min if name == "min" else max
    if isinstance(a, int) and isinstance(b, int):
        return pick(a, b)
    if a == b and not _is_unknown(a):
        return a
    (alo, ahi), (blo, bhi) = bounds(a), bounds(b)
    difference = _add(a, b, -1)
    dlo, dhi = bounds(difference)
    if dhi <= 0 and not _is_unknown(difference):
        return a if name == "min" else b
    if dlo >= 0 and not _is_unknown(difference):
        return b if name == "min" else a
    lo, hi = pick(alo, blo), pick(ahi, bhi)
    if _is_unknown(a) or _is_unknown(b):
        return unknown(lo, hi)
    first, second = sorted((str(a), str(b)))
    return _opaque(f"{name}({first},{second})", lo, hi)


def dim_min(a: Dim, b: Dim) -> Dim:
    return _extreme(a, b, "min")


def dim_max(a: Dim, b: Dim) -> Dim:
    return _extreme(a, b, "max")


def ceildiv(a: Dim, b: Dim) -> Dim:
    """a / b rounded up, for a positive b."""
    return (a + b - 1) // b


def known_equal(a: Dim, b: Dim) -> bool:
    """True when both are the same number whatever the symbols stand for."""
    return a == b and not _is_unknown(a)


def broadcast_dim(a: Dim, b: Dim) -> Dim:
    """The dimension of an elementwise result, by NumPy's rule. Raises InferenceError."""
    if a == 1:
        return b
    if b == 1 or known_equal(a, b):
        return a
    if isinstance(a, int) or isinstance(b, int):
        if isinstance(a, int) and isinstance(b, int):
            raise InferenceError(f"dimensions {a} and {b} do not broadcast")
        return a if isinstance(a, int) else b
    return unknown(min(a.lo, b.lo), max(a.hi, b.hi))


def merge_dim(a: Dim, b: Dim) -> Dim:
    """The better known of two dimensions that must be equal. Raises InferenceError when they cannot be."""
    if isinstance(a, int) and isinstance(b, int):
        if a != b:
            raise InferenceError(f"dimension {a} differs from {b}")
        return a
    if isinstance(a, int) or isinstance(b, int):
        number, sym = (a, b) if isinstance(a, int) else (b, a)
        assert isinstance(number, int)
        lo, hi = bounds(sym)
        if not lo <= number <= hi:
            raise InferenceError(f"dimension {number} is outside {sym} ({lo:g}..{hi:g})")
        return number
    if _is_unknown(a):
        return b if not _is_unknown(b) else unknown(max(a.lo, b.lo), min(a.hi, b.hi))
    return a


def join_dim(a: Dim, b: Dim) -> Dim:
    """A dimension that covers both."""
    if known_equal(a, b):
        return a
    (alo, ahi), (blo, bhi) = bounds(a), bounds(b)
    return unknown(min(alo, blo), max(ahi, bhi))
