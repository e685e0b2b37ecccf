"""Whatever is done to a model file, a compilation ends, in a result or in one refusal that says what is wrong.

A fault is every other exception, a VinocError that blames vinoc, a hang, a memory that grows without bound, and a
file that is left behind by a compilation that failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from onnx import ModelProto

from vinoc.compiler.frontends.onnx import load
from vinoc.ir.errors import UsageError
from vinoc.ir.text.printer import write_text
from vinoc.passes.pipeline import parse

from .guarded import Guard
from .mutate import mutate_bytes, mutate_model
from .mutate_text import mutate_graph_text, pipeline_text
from .seeds import seeds

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "models"
SEEDS = sorted(seeds())
REAL = ("blazeface", "mnist")
SHORT = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(SHORT, max_examples=10_000, derandomize=False)
RANDOM = st.randoms(use_true_random=False, note_method_calls=False)


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    with Guard() as made:
        yield made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutations")


@cache
def model(name: str) -> ModelProto:
    if name in REAL:
        return ModelProto.FromString((EXAMPLES / name / f"{name}.onnx").read_bytes())
    return seeds()[name]


def ends_well(guard: Guard, path: Path) -> None:
    outcome = guard.compile(path)
    assert outcome.good, f"{outcome.kind}: {outcome.text}"


def damaged_bytes(guard: Guard, folder: Path, name: str, r: Random) -> None:
    path = folder / "bytes.onnx"
    path.write_bytes(mutate_bytes(model(name).SerializeToString(), r))
    ends_well(guard, path)


def damaged_structure(guard: Guard, folder: Path, name: str, r: Random) -> None:
    path = folder / "structure.onnx"
    try:
        path.write_bytes(mutate_model(model(name), r).SerializeToString())
    except ValueError:  # the message itself cannot be written any more
        return
    ends_well(guard, path)


@pytest.mark.parametrize("name", [*SEEDS, *REAL])
def test_models_are_good_before_they_are_damaged(guard: Guard, folder: Path, name: str) -> None:
    path = folder / "whole.onnx"
    path.write_bytes(model(name).SerializeToString())
    targets = ("numpy",) if name == "transformer" else ("ir", "numpy")  # IR has no sequences
    assert guard.compile(path, targets).kind == "ok"


@SHORT
@given(st.sampled_from([*SEEDS, *REAL]), RANDOM)
def test_bytes(guard: Guard, folder: Path, name: str, r: Random) -> None:
    damaged_bytes(guard, folder, name, r)


@pytest.mark.parametrize("name", SEEDS)
@settings(SHORT, max_examples=40)
@given(RANDOM)
def test_structure(guard: Guard, folder: Path, name: str, r: Random) -> None:
    damaged_structure(guard, folder, name, r)


@pytest.mark.parametrize("name", REAL)
@settings(SHORT, max_examples=15)
@given(RANDOM)
def test_structure_of_real_models(guard: Guard, folder: Path, name: str, r: Random) -> None:
    damaged_structure(guard, folder, name, r)


@pytest.mark.long
@pytest.mark.parametrize("damage", [damaged_bytes, damaged_structure])
@LONG
@given(st.sampled_from([*SEEDS, *REAL]), RANDOM)
def test_many(guard: Guard, folder: Path, damage: Callable[..., None], name: str, r: Random) -> None:
    damage(guard, folder, name, r)


# Text


@cache
def text(name: str, folder: Path) -> str:
    path = folder / f"{name}.vir"
    write_text(load(seeds()[name].SerializeToString()), path)
    return path.read_text(encoding="utf-8")


def damaged_text(guard: Guard, folder: Path, name: str, r: Random) -> None:
    changed = mutate_graph_text(text(name, folder), r)
    path = folder / f"{name}.vir"  # in its own place, beside its constants
    path.write_bytes(changed.encode("utf-8", "surrogatepass"))
    ends_well(guard, path)


@settings(SHORT, max_examples=100)
@given(st.sampled_from(SEEDS), RANDOM)
def test_graphs_in_text_form(guard: Guard, folder: Path, name: str, r: Random) -> None:
    damaged_text(guard, folder, name, r)


@pytest.mark.long
@LONG
@given(st.sampled_from(SEEDS), RANDOM)
def test_many_graphs_in_text_form(guard: Guard, folder: Path, name: str, r: Random) -> None:
    damaged_text(guard, folder, name, r)


@settings(max_examples=300)
@given(st.text(max_size=30) | RANDOM.map(pipeline_text))
@example("fuse{")
@example("fold{x=" + "9" * 5000 + "}")
@example("(" * 500)
def test_pipelines(words: str) -> None:
    """Any string is a pipeline, whose text is one too, or is refused."""
    with suppress(UsageError):
        found = parse(words)
        assert str(parse(str(found))) == str(found)
