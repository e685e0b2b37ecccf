"""Devices as if a package had brought them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from vinoc.ir.entries import Entry, entries
from vinoc.runtime.devices import host
from vinoc.runtime.devices.base import GROUP

from . import sample


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`install("HALF", "SLOW")`: devices of sample.py, for one test."""

    def installed(*names: str) -> None:
        for cls in (c for c in sample.DEVICES if c.name in names):
            point = Entry(cls.name, f"{sample.__name__}:{cls.__name__}")
            monkeypatch.setitem(entries(GROUP), cls.name, point)
            monkeypatch.setattr(cls, "runs", 0)
            monkeypatch.delitem(host._devices, cls.name, raising=False)

    return installed
