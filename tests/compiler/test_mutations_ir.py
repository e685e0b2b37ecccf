"""OpenVINO IR with anything changed in it is read, or refused in words. `test_mutations` says what a fault is."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import vinoc

from .guarded import Guard
from .mutate import mutate_bytes
from .mutate_ir import mutate_xml
from .seeds import seeds

SEEDS = sorted(seeds().keys() - {"transformer"})  # IR has no sequences
SHORT = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    with Guard() as made:
        yield made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutations")


@cache
def source(name: str, folder: Path) -> tuple[str, bytes]:
    """The two files of a model as IR."""
    xml = folder / f"{name}.xml"
    vinoc.save_model(vinoc.convert_model(seeds()[name]), xml, compress_to_fp16=False)
    return xml.read_text(encoding="utf-8"), xml.with_suffix(".bin").read_bytes()


def damaged(guard: Guard, folder: Path, name: str, r: Random) -> None:
    xml, weights = source(name, folder)
    path = folder / "damaged.xml"
    if r.random() < 0.15:
        path.write_bytes(mutate_bytes(xml.encode(), r))
    else:
        path.write_bytes(mutate_xml(xml, r).encode())
    path.with_suffix(".bin").write_bytes(mutate_bytes(weights, r) if r.random() < 0.1 else weights)
    outcome = guard.compile(path)
    assert outcome.good, f"{outcome.kind}: {outcome.text}"


@SHORT
@given(st.sampled_from(SEEDS), st.randoms(use_true_random=False, note_method_calls=False))
def test_damaged_ir(guard: Guard, folder: Path, name: str, r: Random) -> None:
    damaged(guard, folder, name, r)


@pytest.mark.long
@settings(SHORT, max_examples=10_000, derandomize=False)
@given(st.sampled_from(SEEDS), st.randoms(use_true_random=False, note_method_calls=False))
def test_much_damaged_ir(guard: Guard, folder: Path, name: str, r: Random) -> None:
    damaged(guard, folder, name, r)
