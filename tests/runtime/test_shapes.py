"""Shapes, dimensions and the other lists of numbers: as OpenVINO's, and what vinoc adds."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import vinoc
from vinoc.ir.dim import symbol

DIMENSIONS = [
    ((), "?", 0, -1),
    ((-1,), "?", 0, -1),
    ((5,), "5", 5, 5),
    ((0,), "0", 0, 0),
    ((2, 5), "2..5", 2, 5),
    ((2, -1), "2..", 2, -1),
    ((0, 5), "..5", 0, 5),
    ((-1, 5), "..5", 0, 5),
    ((3, 3), "3", 3, 3),
    (("?",), "?", 0, -1),
    (("7",), "7", 7, 7),
    (("2..5",), "2..5", 2, 5),
    (("..5",), "..5", 0, 5),
    (("2..",), "2..", 2, -1),
]


@pytest.mark.parametrize(("args", "text", "low", "high"), DIMENSIONS)
def test_dimensions(ov: Any, args: tuple[Any, ...], text: str, low: int, high: int) -> None:
    d = ov.Dimension(*args)
    assert str(d) == d.to_string() == text
    assert repr(d) == f"<Dimension: {text}>"
    assert (d.min_length, d.max_length, d.get_min_length(), d.get_max_length()) == (low, high, low, high)
    assert d.is_static is (low == high)
    assert d.is_dynamic is (low != high)
    if d.is_static:
        assert d.get_length() == len(d) == low
        assert d == low
        assert d != low + 1
    else:
        with pytest.raises(RuntimeError):
            d.get_length()
        with pytest.raises(RuntimeError):
            len(d)
    with pytest.raises(TypeError):
        hash(d)


def test_dimensions_compare(ov: Any) -> None:
    some = [ov.Dimension(), ov.Dimension(3), ov.Dimension(1, 5), ov.Dimension(2, 9), ov.Dimension(4, -1)]

    def table(relation: str) -> list[str]:
        return ["".join(str(int(getattr(a, relation)(b))) for b in some) for a in some]

    assert table("compatible") == ["11111", "11110", "11111", "11111", "10111"]
    assert table("relaxes") == ["11111", "01000", "01100", "01010", "00001"]
    assert table("refines") == ["10000", "11110", "10100", "10010", "10001"]
    assert table("same_scheme") == ["10111", "01000", "10111", "10111", "10111"]
    assert [ov.Dimension() == d for d in some] == [True, False, False, False, False]
    assert ov.Dimension() == -1
    assert ov.Dimension.dynamic() == ov.Dimension()
    assert ov.Dimension(3) != "3"


def test_symbols_mark_dimensions(ov: Any) -> None:
    d = ov.Dimension(1, 5)
    assert not d.has_symbol()
    assert d.get_symbol() is None
    mark = ov.Symbol()
    d.set_symbol(mark)
    assert d.has_symbol()
    assert d.get_symbol() == mark
    assert d.get_symbol() != ov.Symbol()
    assert str(d) == "1..5"
    assert bool(mark)


@pytest.mark.parametrize("text", ["x", "1..2..3", "2.5"])
def test_what_is_no_dimension(ov: Any, text: str) -> None:
    with pytest.raises(RuntimeError):
        ov.PartialShape([1, text])


def test_vinoc_refuses_what_openvino_reads_as_anything() -> None:
    for args in ((5, 2), (-2,), (True,)):
        with pytest.raises(vinoc.UsageError, match="dimension"):
            vinoc.Dimension(*args)
    for text in ("", "-3", "..", "a..b"):
        with pytest.raises(vinoc.UsageError, match="no dimension"):
            vinoc.PartialShape([1, text])
    with pytest.raises(TypeError, match="float"):
        vinoc.Dimension(1.5)
    assert [*range(8)][vinoc.Dimension(3)] == 3


SHAPES = [
    ([1, 2, 3], "[1,2,3]"),
    ((1, 2), "[1,2]"),
    ([], "[]"),
    ([1, -1, (2, 5)], "[1,?,2..5]"),
    ([1, -1, [2, 5]], "[1,?,2..5]"),
    ([1, "?", "2..5"], "[1,?,2..5]"),
    ("1,3,?,2..5", "[1,3,?,2..5]"),
    ("[1, 3]", "[1,3]"),
    ("?", "[?]"),
    ("...", "[...]"),
    ("[...]", "[...]"),
    ("", "[]"),
    ("[]", "[]"),
]


@pytest.mark.parametrize(("given", "text"), SHAPES)
def test_partial_shapes(ov: Any, given: Any, text: str) -> None:
    shape = ov.PartialShape(given)
    assert str(shape) == shape.to_string() == text
    assert repr(shape) == f"<PartialShape: {text}>"
    assert ov.PartialShape(shape) == shape
    assert ov.PartialShape(text) == shape
    assert shape.is_dynamic is ("?" in text or "." in text)
    assert shape.is_static is not shape.is_dynamic
    assert shape.all_non_negative
    assert copy.copy(shape) == copy.deepcopy(shape) == shape


def test_the_rank_of_a_shape(ov: Any) -> None:
    assert ov.PartialShape([1, -1]).rank == 2
    assert len(ov.PartialShape([1, -1])) == 2
    unknown = ov.PartialShape.dynamic()
    assert unknown.rank.is_dynamic
    assert str(unknown) == "[...]"
    for rank in (3, ov.Dimension(3)):
        assert str(ov.PartialShape.dynamic(rank)) == "[?,?,?]"
    assert str(ov.PartialShape.dynamic(rank=1)) == "[?]"
    for fails in (len, list, lambda s: s[0]):
        with pytest.raises(RuntimeError):
            fails(unknown)
    assert unknown.get_min_shape() == unknown.get_max_shape() == []


def test_dimensions_of_a_shape(ov: Any) -> None:
    shape = ov.PartialShape([1, -1, (2, 5)])
    assert [str(d) for d in shape] == ["1", "?", "2..5"]
    assert shape[-1] == ov.Dimension(2, 5)
    assert shape[0] == shape.get_dimension(0) == 1
    assert str(shape[1:]) == "[?,2..5]"
    assert isinstance(shape[1:], ov.PartialShape)
    shape[1] = 7
    shape[2] = ov.Dimension(1, 3)
    assert str(shape) == "[1,7,1..3]"
    with pytest.raises(RuntimeError):
        shape[5]
    assert shape.get_min_shape() == [1, 7, 1]
    assert shape.get_max_shape() == [1, 7, 3]
    assert ov.PartialShape([-1]).get_max_shape() == [(1 << 63) - 1]


def test_shapes_become_numbers(ov: Any) -> None:
    shape = ov.PartialShape([1, 2])
    assert shape.to_shape() == shape.get_shape() == ov.Shape([1, 2])
    assert isinstance(shape.to_shape(), ov.Shape)
    for dynamic in (ov.PartialShape([1, -1]), ov.PartialShape.dynamic()):
        with pytest.raises(RuntimeError):
            dynamic.to_shape()
        with pytest.raises(RuntimeError):
            dynamic.get_shape()


def test_shapes_compare(ov: Any) -> None:
    p = ov.PartialShape
    some = [p.dynamic(), p([-1, 3]), p([2, 3]), p([(1, 4), 3]), p([2])]

    def table(relation: str) -> list[str]:
        return ["".join(str(int(getattr(a, relation)(b))) for b in some) for a in some]

    assert table("compatible") == ["11111", "11110", "11110", "11110", "10001"]
    assert table("relaxes") == ["11111", "01110", "00100", "00110", "00001"]
    assert table("refines") == ["10000", "11000", "11110", "11010", "10001"]
    assert table("same_scheme") == ["10000", "01010", "00100", "01010", "00001"]
    assert p([1, 2]) == [1, 2]
    assert p([1, 2]) == (1, 2)
    assert p([1, 2]) == ov.Shape([1, 2])
    assert p([1, 2]) != [1, 3]
    assert p([1, -1]) == p("1,?")
    assert p([1, 2]) != "[1,2]"
    with pytest.raises(TypeError):
        hash(p([1]))


@pytest.mark.parametrize("given", [[1.5], [1, (1, 2, 3)], 5, [None]])
def test_what_is_no_shape(ov: Any, given: Any) -> None:
    with pytest.raises(TypeError):
        ov.PartialShape(given)


def test_symbols_stay_below_the_face_of_a_shape() -> None:
    n = symbol("N", 1, 8)
    shape = vinoc.PartialShape([n, 2 * n, 3])
    assert str(shape) == "[1..8,2..16,3]"
    assert shape.dims == (n, 2 * n, 3)
    assert shape[0].get_symbol() == vinoc.Symbol("N")
    assert shape[1].get_symbol() == vinoc.Symbol("2*N")
    assert vinoc.PartialShape([np.int64(3), "?"]) == [3, -1]
    assert vinoc.PartialShape(None).rank.is_dynamic
    assert vinoc.PartialShape(np.array([1, 2])) == [1, 2]


def test_static_shapes(ov: Any) -> None:
    shape = ov.Shape([1, 2, 3])
    assert str(shape) == shape.to_string() == "[1,2,3]"
    assert repr(shape) == "<Shape: [1,2,3]>"
    assert ov.Shape("1,2,3") == ov.Shape("[1,2,3]") == ov.Shape((1, 2, 3)) == ov.Shape(shape) == shape
    assert shape == [1, 2, 3]
    assert shape == (1, 2, 3)
    assert shape == (1, 2, 3)
    assert shape == ov.PartialShape([1, 2, 3])
    assert shape != [1, 2]
    assert len(ov.Shape()) == 0
    assert (shape[0], shape[-1], len(shape)) == (1, 3, 3)
    assert isinstance(shape[1:], ov.Shape)
    assert shape[1:] == [2, 3]
    shape[1] = 5
    assert [*shape] == [1, 5, 3]
    assert np.prod(shape) == 15
    assert np.zeros(shape).shape == (1, 5, 3)
    with pytest.raises(TypeError):
        ov.Shape([-1])
    with pytest.raises(TypeError):
        hash(shape)


def test_vinoc_refuses_open_dimensions_of_static_shapes() -> None:
    with pytest.raises(vinoc.UsageError, match="dynamic"):
        vinoc.Shape("1,?")
    with pytest.raises(TypeError):
        vinoc.Shape([1.0])
    with pytest.raises(IndexError):
        vinoc.Shape([1])[3]
    with pytest.raises(IndexError):
        vinoc.PartialShape([1])[3]


def test_other_lists_of_numbers(ov: Any) -> None:
    strides = ov.Strides([2, 1])
    assert (repr(strides), str(strides)) == ("<Strides: (2, 1)>", "2, 1")
    assert strides == [2, 1]
    assert strides == (2, 1)
    strides[0] = 4
    assert list(strides) == [4, 1]
    with pytest.raises(TypeError):
        ov.Strides([-1])
    place = ov.Coordinate([1, 2])
    assert (place[1], len(place), list(ov.Coordinate(ov.Shape([3])))) == (2, 2, [3])
    assert len(ov.CoordinateDiff([-1, 2])) == 2
    assert list(ov.AxisVector([2, 0])) == [2, 0]
    assert repr(ov.AxisVector([2, 0])) == "<AxisVector {2, 0}>"
    axes = ov.AxisSet([2, 1, 1])
    assert (repr(axes), list(axes), len(axes)) == ("<AxisSet {1, 2}>", [1, 2], 2)
    assert list(ov.AxisSet({3})) == [3]


def test_differences_of_places_may_be_negative() -> None:
    assert list(vinoc.CoordinateDiff([-1, 2])) == [-1, 2]
    assert 1 in vinoc.AxisSet([1])
    with pytest.raises(vinoc.UsageError):
        vinoc.AxisSet([-1])
