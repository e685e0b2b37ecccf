"""`-t cpu`: compiled models in files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import vinoc
from vinoc.backends.base import backend
from vinoc.backends.cpu.blob import Loaded, read
from vinoc.backends.cpu.codegen.library import library
from vinoc.compiler.config import Options
from vinoc.compiler.driver import compile_model_file
from vinoc.ir.errors import VinocError
from vinoc.ir.text.parser import parse_graph

MNIST = Path(__file__).parents[3] / "examples" / "models" / "mnist" / "mnist.onnx"


def test_files_of_a_model_run(tmp_path: Path) -> None:
    compile_model_file(MNIST, Options(target="cpu", out_dir=tmp_path))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mnist.blob", "mnist.ll", "mnist.plan"]
    x = np.random.default_rng(0).standard_normal((1, 1, 28, 28)).astype(np.float32)
    expected = vinoc.compile_model(MNIST, "TEMPLATE")([x])[0]
    np.testing.assert_allclose(vinoc.Core().import_model(tmp_path / "mnist.blob")([x])[0], expected, rtol=1e-4)
    loaded = Loaded(read(tmp_path / "mnist.blob"), library("host"))
    np.testing.assert_allclose(loaded.run([x])[0], expected, rtol=1e-4)


def test_the_plan_and_the_code_can_be_read(tmp_path: Path) -> None:
    compile_model_file(MNIST, Options(target="cpu", out_dir=tmp_path))
    head, *rows = (tmp_path / "mnist.plan").read_text().splitlines()
    assert head.split("\t")[:3] == ["#", "node", "kernel"]
    kernels = {row.split("\t")[2] for row in rows}
    assert kernels
    code = (tmp_path / "mnist.ll").read_text()
    assert all(f'@"{kernel}"' in code for kernel in kernels)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("graph g(x: f32[4,4]) -> (y) {\n  y = Inverse(x)\n}\n", "no generated kernel for 'y'"),
        ("graph g(x: f32[N,4]) -> (y) {\n  y = ReLU(x)\n}\n", "made when shapes are known that now are open"),
    ],
)
def test_what_cannot_be_written_leaves_nothing(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(VinocError, match=message):
        backend("cpu").write(parse_graph(text), tmp_path, "g")
    assert not list(tmp_path.iterdir())
