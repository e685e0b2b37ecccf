"""Ensembles of trees on the CPU against the reference: all forms of the kernel, deep and shared nodes, NaN."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.backends.cpu.lowering.tree_records import records_of

from .checked import check

Array = np.ndarray[Any, Any]


def forest(
    draw: np.random.Generator, trees: int, inner: int, features: int, nan: bool, kind: type = np.float32
) -> list[Array]:
    """nodes, thresholds, roots of trees that grow at random leaves, some of them not at all; the number of leaves."""
    nodes: list[list[int]] = []
    roots, leaves = [], 0
    for _ in range(trees):
        here = [-1 - leaves]
        leaves += 1
        ends: list[tuple[int, int] | None] = [None]
        for _ in range(int(draw.integers(inner + 1))):
            at = int(draw.integers(len(ends)))
            place, number = ends[at], len(nodes)
            leaf = here[0] if place is None else nodes[place[0]][place[1]]
            nodes.append([int(draw.integers(features)), leaf, -1 - leaves, int(nan and draw.integers(2))])
            leaves += 1
            if place is None:
                here[0] = number
            else:
                nodes[place[0]][place[1]] = number
            ends[at] = (number, 1)
            ends.append((number, 2))
        roots.append(here[0])
    table = np.array(nodes, np.int32).reshape(-1, 4)
    thresholds = np.round(draw.standard_normal(len(nodes)), 1).astype(kind)
    return [table, thresholds, np.array(roots, np.int32), np.array(leaves)]


def inputs(draw: np.random.Generator, rows: int, features: int, kind: type) -> Array:
    x = np.round(draw.standard_normal((rows, features)), 1).astype(kind)
    for value in (np.nan, np.inf, -np.inf):
        x[draw.random(x.shape) < 0.05] = value
    return x


def ensemble(x: Any, parts: list[Array], targets: Array, leaves: Array, **attributes: Any) -> Any:
    return lambda b, v: b.TreeEnsemble(v, *(b.const(a) for a in (*parts[:3], targets, leaves)), **attributes)


@settings(deadline=None, max_examples=12)
@given(
    st.integers(1, 20), st.integers(0, 60), st.integers(1, 40), st.integers(1, 20), st.booleans(),
    st.sampled_from([np.float32, np.float64]), st.sampled_from(["sum", "min", "max"]), st.integers(1, 1000),
)  # fmt: skip
def test_forms(trees: int, inner: int, rows: int, width: int, nan: bool, kind: type, reduce: str, seed: int) -> None:
    draw = np.random.default_rng(seed)
    parts = forest(draw, trees, inner, 5, nan, kind)
    leaves = draw.standard_normal((int(parts[3]), width)).astype(kind)
    x = inputs(draw, rows, 5, kind)
    targets = np.zeros(trees, np.int32)
    check(ensemble(x, parts, targets, leaves, count=width, reduce=reduce), x, tolerance=2e-5)


@pytest.mark.parametrize("rows", [1, 7, 8, 200])
@pytest.mark.parametrize("reduce", ["sum", "max"])
def test_a_column_for_each_tree(rows: int, reduce: str) -> None:
    draw = np.random.default_rng(rows)
    parts = forest(draw, 30, 12, 4, True)
    leaves = draw.standard_normal((int(parts[3]), 1)).astype(np.float32)
    x = inputs(draw, rows, 4, np.float32)
    targets = np.arange(30, dtype=np.int32) % 3
    check(ensemble(x, parts, targets, leaves, count=4, reduce=reduce), x, tolerance=2e-6)


@pytest.mark.parametrize("rows", [1, 300])
def test_many_trees_that_threads_share(rows: int) -> None:
    draw = np.random.default_rng(rows)
    parts = forest(draw, 700, 40, 9, False)
    leaves = draw.standard_normal((int(parts[3]), 2)).astype(np.float32)
    x = inputs(draw, rows, 9, np.float32)
    check(ensemble(x, parts, np.zeros(700, np.int32), leaves, count=2), x, tolerance=2e-5)


@pytest.mark.parametrize("rows", [1, 20])
def test_a_path_of_three_hundred_nodes(rows: int) -> None:
    """x <= 0, x <= 1, ...: each node has a leaf to the left."""
    count = 300
    at = np.arange(count)
    nodes = np.stack([at * 0, -1 - at, np.where(at < count - 1, at + 1, -1 - count), at * 0], 1).astype(np.int32)
    leaves = np.arange(count + 1, dtype=np.float32)[:, None]
    x = np.random.default_rng(0).uniform(-5, count + 5, (rows, 1)).astype(np.float32)
    parts = [nodes, at.astype(np.float32), np.zeros(1, np.int32)]
    check(ensemble(x, parts, np.zeros(1, np.int32), leaves, count=1), x)


@pytest.mark.parametrize("rows", [2, 9])
def test_words_too_narrow_for_a_node(rows: int) -> None:
    """Features and children that do not fit in 32 bits together."""
    draw, count, features = np.random.default_rng(1), 1 << 14, 1 << 17
    at = np.arange(count)
    left, right = (np.where(2 * at + k < count, 2 * at + k, -2 * at - k) for k in (1, 2))
    nodes = np.stack([at << 3, left, right, at % 2], 1).astype(np.int32)
    parts = [nodes, draw.standard_normal(count).astype(np.float32), np.zeros(1, np.int32)]
    found = records_of(*parts, 2 * count)
    assert not isinstance(found, str)
    assert found.layout.wide
    leaves = draw.standard_normal((2 * count, 1)).astype(np.float32)
    x = inputs(draw, rows, features, np.float32)
    check(ensemble(x, parts, np.zeros(1, np.int32), leaves, count=1), x)


def test_nodes_that_several_lead_to() -> None:
    """A chain whose nodes all lead to one other, which exists once: 2^40 ways, 41 pairs of records."""
    count = 40
    at = np.arange(count)
    nodes = np.stack([at % 2, at + 1, at + 1, at * 0], 1).astype(np.int32)
    nodes[-1, 1:3] = -1, -2
    found = records_of(nodes, np.zeros(count, np.float32), np.zeros(1, np.int32), 2)
    assert not isinstance(found, str)
    assert len(found.data) == 8 * 2 * (count + 1)
    x = inputs(np.random.default_rng(2), 11, 2, np.float32)
    parts = [nodes, np.zeros(count, np.float32), np.zeros(1, np.int32)]
    leaves = np.array([[1], [2]], np.float32)
    check(ensemble(x, parts, np.zeros(1, np.int32), leaves, count=1), x)


@pytest.mark.parametrize(
    ("nodes", "roots", "why"),
    [
        ([[0, 0, -1, 0]], [0], "circle"),
        ([[0, 5, -1, 0]], [0], "one that there is not"),
        ([[0, -9, -1, 0]], [0], "one that there is not"),
        ([[-1, -1, -2, 0]], [0], "a feature that there is not"),
        ([[0, -1, -2, 0]], [0, 0], "share"),
    ],
)
def test_trees_without_records(nodes: list[list[int]], roots: list[int], why: str) -> None:
    found = records_of(np.array(nodes, np.int32), np.zeros(len(nodes), np.float32), np.array(roots, np.int32), 2)
    assert isinstance(found, str)
    assert why in found


def test_trees_that_share_a_node_are_computed_by_the_reference() -> None:
    x = inputs(np.random.default_rng(3), 5, 2, np.float32)
    parts = [np.array([[0, -1, -2, 0]], np.int32), np.zeros(1, np.float32), np.zeros(2, np.int32)]
    leaves = np.array([[1], [2]], np.float32)
    check(ensemble(x, parts, np.zeros(2, np.int32), leaves, count=1), x, islands=["TreeEnsemble"])
