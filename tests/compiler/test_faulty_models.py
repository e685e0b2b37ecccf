"""Models with one fault at one node are refused, and the refusal names the node."""

from __future__ import annotations

from collections import Counter

import pytest

from vinoc.compiler.frontends.onnx import load
from vinoc.ir.errors import VinocError

from .faults import Faulty, faulty_models, prepared
from .seeds import seeds

NAMED = 0.97
"""The share of faults whose message must name the node."""


def refusal(faulty: Faulty) -> str:
    """What vinoc says of a model; empty where it takes it."""
    try:
        load(faulty.model.SerializeToString())
    except VinocError as error:
        return str(error) if error.exit_code == 1 else ""
    return ""


def names_the_node(faulty: Faulty, text: str) -> bool:
    """Naming a fault of the converter does not count."""
    return f"'{faulty.node}'" in text and "please report it" not in text


@pytest.mark.parametrize("name", sorted(seeds()))
def test_models_are_good_before_they_are_damaged(name: str) -> None:
    load(prepared(seeds()[name]).SerializeToString())


def test_faults_are_refused_with_the_name_of_the_node() -> None:
    """Every fault at every node of the small models; what is accepted, or blamed on another node, counts against it."""
    made: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for model in seeds().values():
        for faulty in faulty_models(model):
            made[faulty.fault] += 1
            missed[faulty.fault] += not names_the_node(faulty, refusal(faulty))
    share = 1 - missed.total() / made.total()
    assert made.total() > 1200
    assert len(made) >= 25
    assert share >= NAMED, {k: f"{missed[k]} of {n}" for k, n in made.items() if missed[k]}
    assert {k for k, n in missed.items() if n} <= {"tensor_of_another_type", "output_of_another"}
