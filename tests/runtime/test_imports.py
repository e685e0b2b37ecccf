"""What a fresh process imports to run a model: modules are most of what small models take to load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vinoc.backends.cpu.codegen.target import host

MODELS = Path(__file__).resolve().parents[2] / "examples" / "models"

CODE = """
import sys
import numpy as np
before = set(sys.modules)
import vinoc
for _ in range(2):
    model = vinoc.Core().compile_model(sys.argv[1], "CPU", {"CACHE_DIR": sys.argv[2]})
feeds = {i.any_name: np.zeros([int(d) for d in i.shape], np.float32) for i in model.inputs}
print(sum(float(np.sum(r)) for r in model(feeds).values()))
print(*sorted({*sys.modules} - before))
"""

UNWANTED = {
    "importlib.metadata": "vinoc.ir.entries reads the folders of packages",
    "email": "importlib.metadata brings it",
    "zipfile": "importlib.metadata and shutil bring it",
    "shutil": "tempfile brings it",
    "tempfile": "it is needed to write files",
    "hashlib": "vinoc.ir.digest takes BLAKE2 without OpenSSL",
    "onnx": "one module of it declares the messages",
    "llvmlite.binding": "kernels come from the cache",
    "numba": "kernels come from the cache",
    "json": "only blobs and ranges hold any",
    "lark": "plain pipelines are parsed without",
    "vinoc.passes.quantize": "the model is not quantized",
    "vinoc.backends.cpu.quantized.int8": "the model is not quantized",
    "vinoc.backends.cpu.lowering.integer_regions": "the model is not quantized",
    "vinoc.backends.openvino": "nothing is written",
    "vinoc.tools": "tools are for those who call them",
}
"""Modules that a process needs not to load a small model of floats whose kernels are in the cache, and why not."""


STORED = {
    "llvmlite.ir": "nothing is generated",
    "vinoc.backends.cpu.codegen.emit": "nothing is generated",
    "vinoc.backends.cpu.device": "nothing is compiled",
    "vinoc.compiler.driver": "no model is read",
    "vinoc.compiler.frontends": "no model is read",
    "vinoc.passes": "no passes run",
}
"""The same of a model that is in CACHE_DIR."""


def imported(model: Path, folder: Path | str = "") -> set[str]:
    """The modules that a process imports besides NumPy's."""
    command = [sys.executable, "-c", CODE, str(model), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    total, modules = done.stdout.splitlines()
    assert np.isfinite(float(total))
    return set(modules.split())


pytestmark = pytest.mark.skipif(
    not host().triple.startswith("x86_64") or sys.platform != "linux", reason="elsewhere LLVM links"
)


@pytest.mark.parametrize("name", ["mnist", "blazeface"])
def test_a_small_model_of_floats(name: str) -> None:
    model = next((MODELS / name).glob("*.onnx"))
    imported(model)  # puts kernels into the cache
    modules = imported(model)
    assert "vinoc.runtime.core" in modules
    assert {m: UNWANTED[m] for m in sorted(modules & set(UNWANTED))} == {}


def test_a_model_in_the_cache(tmp_path: Path) -> None:
    imported(MODELS / "mnist" / "mnist.onnx", tmp_path)
    modules = imported(MODELS / "mnist" / "mnist.onnx", tmp_path)
    unwanted = {name: why for name, why in (UNWANTED | STORED).items() if name != "json"}  # in which blobs begin
    assert {m: unwanted[m] for m in sorted(modules & set(unwanted))} == {}
