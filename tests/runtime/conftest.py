"""Fixtures for tests of the runtime's face."""

from __future__ import annotations

import importlib
from typing import Any

import pytest


@pytest.fixture(params=["vinoc", "openvino"])
def ov(request: pytest.FixtureRequest) -> Any:
    """The module under test, and OpenVINO: the same assertions hold of both."""
    return importlib.import_module(request.param)
