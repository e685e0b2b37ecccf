"""The lists of what is missing are exact: every entry is missing, and everything else is there."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import openvino
import pytest

import vinoc

from .missing import MISSING, MISSING_NAMES

TABLES = [
    importlib.import_module(f".test_{name}", __package__)
    for name in ["building", "core", "model", "preprocessing", "properties", "queue", "requests", "shapes", "tensors"]
]
CLASSES = (
    *("AsyncInferQueue", "AxisSet", "AxisVector", "CompiledModel", "ConstOutput", "Coordinate", "CoordinateDiff"),
    *("Core", "Dimension", "DiscreteTypeInfo", "InferRequest", "Input", "Layout", "Model", "Node", "OVAny", "Output"),
    *("PartialShape", "ProfilingInfo", "RTMap", "Shape", "Strides", "Symbol", "Tensor", "TensorVector", "Type"),
    *("Version", "op.Constant", "op.Parameter", "op.Result", "op.if_op", "op.loop", "op.tensor_iterator"),
)


def public(thing: Any) -> set[str]:
    return {n for n in dir(thing) if not n.startswith("_")}


def properties(label: str, module: Any) -> Iterator[str]:
    """The modules of properties, as dotted names."""
    yield label
    for name in sorted(public(module)):
        inner = getattr(module, name)
        if inspect.ismodule(inner) and ".properties." in inner.__name__:
            yield from properties(f"{label}.{name}", inner)


def found(path: str, module: Any) -> Any:
    """What a dotted name stands for; None where there is nothing."""
    for part in path.split("."):
        module = getattr(module, part, None)
    return module


def everything() -> Iterator[tuple[str, str]]:
    """(owner, name) of each public name of OpenVINO's Python API; the owner "" is the module itself."""
    importlib.import_module("openvino.properties")
    for name in sorted(public(openvino)):
        yield "", name
    for label in CLASSES:
        wrapper = found(label, openvino)
        base = getattr(openvino._pyopenvino, label, wrapper)
        inherited = public(openvino.Node) if label.startswith("op.") else set()
        for name in sorted((public(wrapper) | public(base)) - inherited):
            yield label, name
    for label in properties("properties", openvino.properties):
        for name in sorted(public(found(label, openvino))):
            yield label, name


def names_of_a_fresh_import() -> list[str]:
    """Names that `vinoc` has before somebody imports a package of it, which becomes a name of it."""
    program = "import sys, vinoc; print(*(n for n in sys.argv[1:] if hasattr(vinoc, n)))"
    command = [sys.executable, "-c", program, *sorted(public(openvino))]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_names_are_there_or_listed() -> None:
    importlib.import_module("vinoc.properties")
    fresh = names_of_a_fresh_import()
    lacking = []
    for owner, name in everything():
        here = found(owner, vinoc) if owner else vinoc
        fields = getattr(here, "__dataclass_fields__", {})
        there = hasattr(here, name) if owner else name in fresh
        if here is not None and not there and name not in fields:
            lacking.append(f"{owner}.{name}" if owner else name)
    assert sorted(lacking) == sorted(MISSING_NAMES)


def test_every_missing_call_is_one_of_a_table() -> None:
    calls = {call for module in TABLES for call in module.CALLS}
    assert set(MISSING) <= calls


def test_there_are_enough_calls() -> None:
    """docs/openvino-api.md says how many; a table that lost its rows would go unseen."""
    assert sum(len(module.CALLS) for module in TABLES) >= 500


@pytest.mark.parametrize("module", TABLES, ids=lambda m: m.__name__.rpartition(".")[2])
def test_each_call_has_a_result(module: Any) -> None:
    """A call that gives None says nothing, unless it is made for what it does."""
    empty = [c for c, expected in module.CALLS.items() if expected is None and not c.endswith(")")]
    assert not empty
