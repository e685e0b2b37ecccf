"""The driver and its helpers, called from Python."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest

from vinoc.backends.openvino import OpenVinoBackend
from vinoc.compiler.config import DEFAULT_PASSES, Options, with_fp16
from vinoc.compiler.driver import compile_model_file, evaluate, read_model
from vinoc.compiler.errors_table import headline, rows
from vinoc.compiler.samples import evaluable_inputs, random_inputs
from vinoc.compiler.summary import bytes_text
from vinoc.ir.errors import EvaluationError, ModelError, Problem, UsageError, VinocError
from vinoc.ir.quiet import quiet_gc
from vinoc.ir.text import parse_graph
from vinoc.passes.pipeline import parse


def test_a_result_accounts_for_everything(tiny: Path, tmp_path: Path) -> None:
    stages: list[str] = []
    result = compile_model_file(tiny, Options(out_dir=tmp_path / "o"), stages.append, passes="dce,fuse")
    assert [p.suffix for p in result.files] == [".xml", ".bin", ".mapping"]
    assert all(p.exists() for p in result.files)
    assert list(result.phases) == ["read", "passes", "write"]
    assert (result.before.nodes, result.after.nodes) == (6, 3), "weights are scaled at compile time"
    sizes = [(s.name, s.nodes_before, s.nodes_after) for s in result.steps]
    lowering = OpenVinoBackend.lowering.split(",")
    assert sizes == [("dce", 6, 5), ("fuse", 5, 3), *((name, 3, 3) for name in lowering)]
    assert stages == [
        f"reading {tiny}",
        *(f"running pass '{name}' (step {i})" for i, name in enumerate(["dce", "fuse", *lowering])),
        "writing target 'ir'",
    ]


def test_a_failed_write_leaves_what_was_there(tiny: Path, tmp_path: Path) -> None:
    compile_model_file(tiny, out_dir=tmp_path)
    old = (tmp_path / "tiny.xml").read_bytes()
    bad = tmp_path / "bad.vir"
    bad.write_text("graph g(x: c64[2]) -> (x) {\n}\n")
    with pytest.raises(VinocError):
        compile_model_file(bad, out_dir=tmp_path, model_name="tiny")
    assert (tmp_path / "tiny.xml").read_bytes() == old
    assert not [p.name for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_the_collector_rests_and_goes_on() -> None:
    assert gc.isenabled()
    with quiet_gc():
        assert not gc.isenabled()
        with quiet_gc():
            pass
        assert not gc.isenabled(), "an inner one does not end the outer one's rest"
    assert gc.isenabled()


def test_unforeseen_errors_carry_the_stage(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vinoc.passes.dce import Dce

    monkeypatch.setattr(Dce, "run", lambda *a: 1 / 0)
    with pytest.raises(ZeroDivisionError) as caught:
        compile_model_file(tiny, passes="dce")
    assert caught.value.__notes__ == ["while running pass 'dce' (step 0)"]


def test_text_is_known_by_its_contents(tiny: Path, tmp_path: Path) -> None:
    other = tmp_path / "model.txt"
    other.write_text("// a comment first\n" + tiny.read_text())
    assert len(read_model(other)) == 6
    assert [v.name for v in read_model(tiny, outputs=["m"]).outputs] == ["m"]
    with pytest.raises(UsageError, match="no tensor or layer 'mm'"):
        read_model(tiny, outputs=["mm"])


def test_errors_of_reading(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is a folder") as caught:
        read_model(tmp_path)
    assert ".onnx" in (caught.value.help or "")


@pytest.mark.parametrize(
    ("passes", "expected"),
    [
        ("fuse", "fuse,fp16"),
        ("", "fp16"),
        ("fuse,", "fuse,fp16"),
        ("fuse,fp16", "fuse,fp16"),
        (DEFAULT_PASSES, DEFAULT_PASSES + ",fp16"),
    ],
)
def test_fp16_is_added_once(passes: str, expected: str) -> None:
    assert with_fp16(passes) == expected
    parse(expected)


def test_random_inputs_are_seeded_and_keep_symbols_equal() -> None:
    graph = parse_graph("graph g(a: f32[N,3], b: i64[N], c: boolean[2]) -> (a, b, c) {\n}")
    a, b, c = random_inputs(graph, 5)
    assert (a.shape, b.shape, c.shape) == ((5, 3), (5,), (2,))
    assert (a.dtype, b.dtype, c.dtype) == (np.float32, np.int64, np.bool_)
    assert set(b.tolist()) <= {0, 1}
    np.testing.assert_array_equal(a, random_inputs(graph, 5)[0])
    with pytest.raises(VinocError, match="rank is not known"):
        random_inputs(parse_graph("graph g(a: f32[...]) -> (a) {\n}"))


def test_bounds_of_dimensions_are_kept() -> None:
    graph = parse_graph("graph g(a: f32[N,3..7,2*N]) -> (a) where N in 2..4 {\n}")
    assert random_inputs(graph, 1)[0].shape == (2, 3, 4)
    assert random_inputs(graph, 64)[0].shape == (4, 7, 8)


def test_sizes_grow_until_the_model_takes_them() -> None:
    graph = parse_graph("graph g(a: f32[L]) -> (a) {\n}")

    def needs_ten(graph: object, inputs: list[np.ndarray]) -> None:
        if inputs[0].size < 10:
            raise EvaluationError("too short")

    assert evaluable_inputs(graph, needs_ten)[0].size == 64

    def never(graph: object, inputs: list[np.ndarray]) -> None:
        raise EvaluationError("no")

    with pytest.raises(VinocError, match="random inputs: no"):
        evaluable_inputs(graph, never)


def test_evaluate_runs_the_reference() -> None:
    graph = parse_graph("graph g(a: f32[2]) -> (y) {\n  y = ReLU(a)\n}")
    np.testing.assert_array_equal(evaluate(graph, [np.array([-1, 2], np.float32)])[0], [0, 2])


def test_problems_are_grouped_whatever_they_quote() -> None:
    problems = [
        Problem("Foo", "a", "no operator 'Foo' (it computes 'x')", "f32[1]", "cut at 'x'"),
        Problem("Foo", "b", "no operator 'Foo' (it computes 'y')", "f32[2]", "cut at 'y'"),
        Problem("Bar", "c", "is odd"),
    ]
    first, second = rows(problems)
    assert first.cells() == (
        "Foo",
        "2",
        "a; b",
        "f32[1]; f32[2]",
        "no operator 'Foo' (it computes '...')",
        "cut at '...'",
    )
    assert second.cells() == ("Bar", "1", "c", "", "is odd", "")
    assert headline(problems) == "3 problems: Foo (2), Bar"
    assert headline(problems[2:]) == "1 problem: Bar: is odd"


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1536000, "1.54 MB")])
def test_sizes_for_people(count: int, text: str) -> None:
    assert bytes_text(count) == text
