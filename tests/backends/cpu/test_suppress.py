"""NonMaxSuppression against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinoc.backends.cpu.bounded import CpuBoundSuppression
from vinoc.backends.cpu.device import Executable
from vinoc.backends.numpy.interpreter import Interpreter
from vinoc.ir.builder import Builder
from vinoc.ir.dtype import f32, i32
from vinoc.ir.graph import Graph
from vinoc.ir.types import TensorType
from vinoc.passes.base import Context

from .checked import targets


def suppression(
    boxes: Any, scores: Any, most: int, overlap: float, least: float, descending: bool = False, **attributes: Any
) -> Graph:
    graph = Graph("g")
    b = Builder(graph)
    inputs = [graph.add_input(TensorType(f32, tuple(shape))) for shape in (boxes, scores)]
    limits = np.int64(most), np.float32(overlap), np.float32(least)
    found = b.NonMaxSuppression(*inputs, *limits, sort_result_descending=descending, **attributes)
    graph.add_output(b.Add(found[0], np.array(1, found[0].dtype.numpy)))  # a stage behind it
    graph.add_output(found[2])
    return graph


def drawn(n: int, batches: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes of which some are empty, turned round or no numbers; scores of which many are equal."""
    rng = np.random.default_rng(seed)
    boxes = rng.integers(0, 12, (batches, n, 4)).astype(np.float32)
    scores = (rng.integers(0, 9, (batches, classes, n)) / 8).astype(np.float32)
    boxes[rng.random(boxes.shape) < 0.01] = np.nan
    boxes[rng.random(boxes.shape) < 0.01] = np.inf
    scores[rng.random(scores.shape) < 0.02] = np.nan
    scores[rng.random(scores.shape) < 0.02] = -np.inf
    return boxes, scores


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 70), st.integers(1, 2), st.integers(1, 4), st.sampled_from([1, 3, 1000]),
    st.sampled_from([0.0, 0.3, 0.5, 1.0]), st.sampled_from([-np.inf, 0.0, 0.5, 2.0]),
    st.sampled_from(["corner", "center"]),
    st.integers(0, 1000),
)  # fmt: skip
def test_suppression(
    n: int, batches: int, classes: int, most: int, overlap: float, least: float, encoding: str, seed: int
) -> None:
    boxes, scores = drawn(n, batches, classes, seed)
    graph = suppression(boxes.shape, scores.shape, most, overlap, least, box_encoding=encoding)
    want = Interpreter(graph).run([boxes, scores])
    for target in targets():
        for threads in (1, 3):
            got = Executable(graph.clone(), threads, target).run([boxes, scores])
            for expected, actual in zip(want, got, strict=True):
                np.testing.assert_array_equal(actual, expected, f"{target.name}, {threads} threads")


def kinds(graph: Graph) -> list[str]:
    CpuBoundSuppression().run(graph, Context())
    return [node.kind for node in graph if "Suppression" in node.kind]


def test_what_has_a_kernel() -> None:
    assert kinds(suppression((1, 9, 4), (1, 2, 9), 3, 0.5, 0.1)) == ["BoundedNonMaxSuppression"]


@pytest.mark.parametrize(
    ("most", "n", "attributes"),
    [(3, 9, {"descending": True}), (3, 9, {"output_type": i32}), (0, 9, {}), (1 << 30, 1 << 20, {})],
)
def test_what_stays_with_the_reference(most: int, n: int, attributes: dict[str, Any]) -> None:
    """Rows sorted over all classes, of another type; none, and too many."""
    assert kinds(suppression((1, n, 4), (1, 2, n), most, 0.5, 0.1, **attributes)) == ["NonMaxSuppression"]
