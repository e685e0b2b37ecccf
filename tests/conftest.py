"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

SHARED = Path(__file__).resolve().parents[2] / "shared"

settings.register_profile("vinoc", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "vinoc"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite the expected graphs of tests/passes/*.vir")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    long_wanted = "long" in (config.getoption("-m") or "")
    for item in items:
        if item.get_closest_marker("shared") and not (SHARED / "models").is_dir():
            item.add_marker(pytest.mark.skip(reason="the shared model collection is not beside this repository"))
        if item.get_closest_marker("long") and not long_wanted:
            item.add_marker(pytest.mark.skip(reason="long: run with `make test-long`"))
