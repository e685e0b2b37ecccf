"""Einsum becomes products of matrices, sums and transposes, beside ONNX Runtime."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from vinoc.ir.errors import ConversionError
from vinoc.ir.graph import Graph

from .onnx_util import check, compare, make_model, read, run_graph

RNG = np.random.default_rng(3)
SIZES = dict(zip("abcdef", (2, 3, 4, 5, 6, 7), strict=True))


def floats(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def kinds(graph: Graph) -> set[str]:
    return {n.kind for n in graph}


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij,jk->ik", [(3, 4), (4, 5)]),
        ("bft,fm->bmt", [(2, 4, 6), (4, 3)]),  # mel filters
        ("bhid,bhjd->bhij", [(2, 3, 4, 5), (2, 3, 6, 5)]),  # scores of attention
        ("bhij,bhjd->bhid", [(2, 3, 4, 6), (2, 3, 6, 5)]),
        ("bqnc,bnchw->bqnhw", [(2, 3, 4, 5), (2, 4, 5, 6, 7)]),  # attention maps of detectors
        ("bqc,bchw->bqhw", [(2, 3, 5), (2, 5, 6, 7)]),  # masks of queries
        ("nkctv,kvw->nctw", [(2, 3, 4, 5, 6), (3, 6, 6)]),  # graphs of joints
        ("...ld,...sd->...ls", [(2, 3, 4, 5), (2, 3, 6, 5)]),
        ("...ij,j->...i", [(2, 3, 4), (4,)]),
        ("i,j->ij", [(3,), (4,)]),
        ("i,i->", [(5,), (5,)]),
        ("bi,bi->b", [(3, 5), (3, 5)]),
        ("bij,bi->bij", [(3, 4, 5), (3, 4)]),
        ("ij->ji", [(3, 4)]),
        ("bij->b", [(2, 3, 4)]),
        ("ij,kl->ik", [(2, 3), (4, 5)]),
        ("ab,bc,cd->ad", [(2, 3), (3, 4), (4, 5)]),
        ("bmhwf,bmoyz->bo", [(1, 2, 3, 4, 5), (1, 2, 3, 4, 5)]),
        ("ij,jk", [(3, 4), (4, 5)]),
    ],
)
def test_written_out(equation: str, shapes: list[tuple[int, ...]]) -> None:
    """With static and with symbolic shapes."""
    inputs = [floats(*s) for s in shapes]
    for symbolic in (False, True):
        graph = check("Einsum", inputs, 13, symbolic=symbolic, equation=equation, rtol=1e-4, atol=1e-5)
        assert "Einsum" not in kinds(graph)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_drawn(data: st.DataObject) -> None:
    """Labels in any order, some in one operand alone, some not in the result."""
    letters = st.lists(st.sampled_from("abcdef"), unique=True, max_size=4).map("".join)
    parts = data.draw(st.lists(letters, min_size=1, max_size=3))
    known = sorted({c for part in parts for c in part})
    output = "".join(data.draw(st.lists(st.sampled_from(known), unique=True, max_size=4))) if known else ""
    arrays = [floats(*(SIZES[c] for c in part)) for part in parts]
    equation = f"{','.join(parts)}->{output}"
    names = {f"x{i}": a for i, a in enumerate(arrays)}
    model = make_model(helper.make_node("Einsum", [*names], ["y"], equation=equation), names, 13)
    graph = read(model)
    assert "Einsum" not in kinds(graph)
    compare(run_graph(graph, arrays), [np.einsum(equation, *arrays)], rtol=1e-4, atol=1e-3)


def test_dimensions_of_one_meet_all() -> None:
    inputs = [floats(2, 1), floats(4, 3)]
    model = make_model(
        helper.make_node("Einsum", ["a", "b"], ["y"], equation="ij,jk->ik"), dict(zip("ab", inputs, strict=True)), 13
    )
    compare(run_graph(read(model), inputs), [np.einsum("ij,jk->ik", *inputs)], rtol=1e-5)


@pytest.mark.parametrize(("equation", "array"), [("ii->i", floats(4, 4)), ("ij->j", np.arange(6).reshape(2, 3))])
def test_diagonals_and_integers_stay(equation: str, array: np.ndarray) -> None:
    assert "Einsum" in kinds(check("Einsum", [array], 13, equation=equation, symbolic=False))


def test_what_does_not_fit_is_said_of_the_equation() -> None:
    inputs = {"a": floats(2, 3), "b": floats(4, 5)}
    model = make_model(helper.make_node("Einsum", ["a", "b"], ["y"], equation="ij,jk->ik"), inputs, 13)
    with pytest.raises(ConversionError, match="label `j` of equation `ij,jk->ik` stands for 3 and for 4"):
        read(model)
