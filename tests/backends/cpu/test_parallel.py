"""Kernels that several processes compile."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from vinoc.backends.cpu.codegen import parallel
from vinoc.backends.cpu.codegen.compile import emitted, text_of
from vinoc.backends.cpu.codegen.library import library
from vinoc.backends.cpu.kernels.fill import FILL
from vinoc.backends.cpu.kernels.lrn import lrn
from vinoc.backends.cpu.kernels.roof import ROOF_FMA, ROOF_READ

TARGET = library("host").target


def builds() -> dict[str, Callable[[Any], None]]:
    kernels = [lrn("any"), ROOF_FMA, ROOF_READ, *FILL.values()]
    return {k.name: partial(k.build, target=TARGET) for k in kernels}


def alone() -> dict[str, bytes]:
    return {name: emitted(text_of(name, build, TARGET), TARGET) for name, build in builds().items()}


@pytest.mark.parametrize("count", [0, 1, 2])
def test_helpers_give_the_same_code(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "ENOUGH", 1)
    monkeypatch.setattr(parallel, "helpers", lambda: count)
    assert parallel.object_codes(builds(), TARGET) == alone()


@pytest.mark.parametrize("serve", ["import sys; sys.exit(3)", "print('no pickle', flush=True)", "import nothing"])
def test_helpers_that_fail_are_done_without(serve: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "ENOUGH", 1)
    monkeypatch.setattr(parallel, "helpers", lambda: 2)
    monkeypatch.setattr(parallel, "SERVE", serve)
    assert parallel.object_codes(builds(), TARGET) == alone()


def test_a_module_that_cannot_be_written_ends_the_helpers(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(module: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(parallel, "ENOUGH", 1)
    monkeypatch.setattr(parallel, "helpers", lambda: 1)
    with pytest.raises(ZeroDivisionError):
        parallel.object_codes(builds() | {"wrong": wrong}, TARGET)


def test_helpers_are_as_many_as_processors_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    for processors, expected in ((1, 0), (2, 1), (64, parallel.MOST)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, n=processors: set(range(n)), raising=False)
        assert parallel.helpers() == expected
