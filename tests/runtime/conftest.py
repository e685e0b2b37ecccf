"""Fixtures for tests of the runtime's face."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import vinoc
from vinoc.ir.text import parse_graph

MODELS = {
    # an elementwise sum of an open number of rows
    "add": 'graph add(x: f32[N,3] as ("x", "also_x"), b: f32[3]) -> (y as ("y")) {\n  y = Add(x, b)\n}\n',
    "relu": "graph relu(x: f32[N,3]) -> (y) {\n  y = ReLU(x)\n}\n",
    # of known sizes: on one core OpenVINO computes what does not fit open ones
    "fixed": "graph fixed(x: f32[2,3]) -> (y) {\n  y = ReLU(x)\n}\n",
    # a sum over all that came so far
    "counter": (
        "graph counter(x: f32[1]) -> (y) {\n  z = Constant() : f32[1] = [0]\n"
        "  r = ReadValue(z) {variable_id=v, variable_type=f32, variable_shape=[1]}\n"
        "  y = Add(r, x)\n  a = Assign(y) {variable_id=v}\n}\n"
    ),
    # some milliseconds of work
    "slow": (
        "graph slow(x: f32[400,400]) -> (y) {\n  a = MatMul(x, x)\n"
        + "".join(f"  {n} = MatMul({m}, x)\n" for m, n in zip("abcdefg", "bcdefgh"))
        + "  y = MatMul(h, x)\n}\n"
    ),
}


@pytest.fixture(params=["vinoc", "openvino"])
def ov(request: pytest.FixtureRequest) -> Any:
    """The module under test, and OpenVINO: the same assertions hold of both."""
    return importlib.import_module(request.param)


@pytest.fixture(scope="session")
def model_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The models as IR."""
    folder = tmp_path_factory.mktemp("models")
    for name, text in MODELS.items():
        vinoc.save_model(vinoc.Model(parse_graph(text)), folder / f"{name}.xml", compress_to_fp16=False)
    return {name: folder / f"{name}.xml" for name in MODELS}


@pytest.fixture
def compiled(ov: Any, model_files: dict[str, Path]) -> Callable[..., Any]:
    """Compiles a model of MODELS, with some configuration, by the module under test."""
    return lambda name, **config: ov.Core().compile_model(str(model_files[name]), "CPU", config)
