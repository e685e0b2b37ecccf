"""Pass tests as text: a pipeline, a graph, and the graph that must come out.

    // fuse
    // declines: fold-batch-norm: is also read by      (optional, repeated)
    graph g(x: f32[1,3,8,8]) -> (y) { ... }
    ---
    graph g(x: f32[1,3,8,8]) -> (y) { ... }

The runner verifies both graphs and evaluates both on seeded inputs with the reference interpreter. A line `// face`
tells that the pass is to change what the model computes: its numbers are tests/compiler/test_face.py's. After
`// refused: ` stands what a pass says that cannot do what it was told to; no second graph follows. Files that a pass
reads lie beside the case.
"""

from __future__ import annotations

from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from vinoc.backends.numpy import Interpreter
from vinoc.ir import Graph
from vinoc.ir.dim import Sym, bounds
from vinoc.ir.errors import VinocError
from vinoc.ir.text import parse_graph, print_graph
from vinoc.ir.types import TensorType
from vinoc.ir.verify import verify
from vinoc.passes import PassManager
from vinoc.passes.instruments import Verify, range_error

TOLERANCE = 2e-5


@dataclass
class Case:
    pipeline: str
    declines: list[str]
    refused: list[str]
    face: bool
    tolerance: float
    header: str
    before: str
    after: str


def load(path: Path) -> Case:
    text = path.read_text()
    source, _, expected = text.partition("\n---\n")
    lines = source.splitlines()
    comments = [line[2:].strip() for line in lines if line.startswith("//")]
    declines = [c.removeprefix("declines:").strip() for c in comments if c.startswith("declines:")]
    refused = [c.removeprefix("refused:").strip() for c in comments if c.startswith("refused:")]
    tolerance = next((float(c.removeprefix("tolerance:")) for c in comments if c.startswith("tolerance:")), TOLERANCE)
    return Case(comments[0], declines, refused, "face" in comments, tolerance, "\n".join(lines), source, expected)


def random_inputs(graph: Graph, seed: int = 0) -> list[np.ndarray]:
    """Seeded inputs; each symbol gets one size within its bounds."""
    rng = np.random.default_rng(seed)
    sizes: dict[str, int] = {}
    arrays = []
    for value in graph.inputs:
        assert isinstance(value.type, TensorType)
        assert value.type.shape is not None
        shape = []
        for d in value.type.shape:
            if isinstance(d, Sym):
                lo, hi = bounds(d)
                d = sizes.setdefault(str(d), int(min(max(lo, 3 + len(sizes)), hi)))
            shape.append(d)
        kind = value.dtype.kind
        if kind == "f":
            array = rng.standard_normal(shape).astype(value.dtype.numpy)
        elif kind == "b":
            array = rng.integers(0, 2, shape).astype(bool)
        else:
            array = rng.integers(0, 5, shape).astype(value.dtype.numpy)
        arrays.append(array)
    return arrays


def run(path: Path, update: bool) -> None:
    with chdir(path.parent):
        _run(path, update)


def _run(path: Path, update: bool) -> None:
    case = load(path)
    before = parse_graph(case.before, path.name)
    verify(before)
    graph = before.clone()
    if case.refused:
        with pytest.raises(VinocError) as caught:
            PassManager(case.pipeline).run(graph)
        for wanted in case.refused:
            assert wanted in str(caught.value), caught.value
        verify(graph)
        return
    with chdir(path.parent):  # where the files lie that a pipeline names
        results = PassManager(case.pipeline, [Verify()], explain=True).run(graph)
    actual = print_graph(graph)
    if update:
        path.write_text(f"{case.header}\n---\n{actual}")
    else:
        assert actual == case.after, f"expected:\n{case.after}\ngot:\n{actual}"
        verify(parse_graph(case.after, path.name, elided=True))
    declined = [f"{d.rule}: {d.why}" for step in results for d in step.declined]
    for wanted in case.declines:
        rule, _, why = wanted.partition(": ")
        assert any(d.startswith(rule) and why in d for d in declined), f"nobody declined with {wanted!r}: {declined}"
    if case.face:
        return
    inputs = random_inputs(before)
    expected = Interpreter(before).run(inputs)
    for a, b in zip(expected, Interpreter(graph).run(inputs), strict=True):
        assert range_error(a, b) <= case.tolerance
