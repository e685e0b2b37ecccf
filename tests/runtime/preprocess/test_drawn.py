"""Drawn combinations of everything: the numbers are OpenVINO's."""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino
import pytest
from hypothesis import given, settings

import vinoc

from . import both
from .recipes import Recipe, recipes


def check(recipe: Recipe) -> None:
    """Description, types and numbers are those of OpenVINO, within 1e-4 of the largest and what rounded bytes make."""
    mine, other, text, their_text = both.built(recipe.say, recipe.model)
    assert text.strip() == their_text.strip()
    assert both.types(mine) == both.types(other)
    given = both.arrays(other)
    (wanted,) = _run(openvino.Core().compile_model(other, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}), given)
    largest = max(float(np.abs(wanted).max()), 1.0)
    for device in ("TEMPLATE", "CPU"):
        (found,) = _run(vinoc.Core().compile_model(mine, device), given)
        both.close(found, wanted, atol=1e-4 * largest + 1.01 * recipe.slack)


def _run(model: Any, given: list[np.ndarray]) -> list[np.ndarray]:
    results = model(given)
    return [results[i] for i in range(len(model.outputs))]


@settings(max_examples=40)
@given(recipes())
def test_drawn_combinations(recipe: Recipe) -> None:
    check(recipe)


@pytest.mark.long
@settings(max_examples=200)
@given(recipes())
def test_two_hundred_combinations(recipe: Recipe) -> None:
    check(recipe)
