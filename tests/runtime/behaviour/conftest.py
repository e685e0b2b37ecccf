"""The folder of the models, and the module under test."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from .models import write_models


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("behaviour")
    write_models(found)
    return found


@pytest.fixture
def module(request: pytest.FixtureRequest) -> Any:
    """`vinoc` or `openvino`, by name, with its parts loaded."""
    found = importlib.import_module(request.param)
    for part in ("properties", "op", "opset1", "opset8", "opset13"):
        importlib.import_module(f"{request.param}.{part}")
    return found
