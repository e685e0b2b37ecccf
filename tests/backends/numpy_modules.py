"""Generated modules, run as a user without vinoc would run them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vinoc.backends.numpy import Interpreter
from vinoc.backends.numpy.codegen import Generator
from vinoc.ir.dtype import Array
from vinoc.ir.graph import Graph

_RUNNER = """
import sys
directory, numpy_directory, allowed, names = sys.argv[1], sys.argv[2], sys.argv[3].split(","), sys.argv[4:]
sys.path[:0] = [directory]
sys.path.append(numpy_directory)
class OnlyNumpy:
    def find_spec(self, name, path=None, target=None):
        root = name.partition(".")[0]
        if root not in {*allowed, *names} | set(sys.stdlib_module_names):
            raise ImportError(name + " is not " + allowed[0])
sys.meta_path.insert(0, OnlyNumpy())
import importlib, numpy as np
for name in names:
    module = importlib.import_module(name)
    with np.load(directory + "/" + name + ".in.npz") as file:
        inputs = dict(file)
    np.savez(directory + "/" + name + ".out.npz", **module.infer(inputs))
assert not {"vinoc", "ml_dtypes"} & set(sys.modules)
"""


def run_isolated(
    directory: Path, cases: dict[str, dict[str, Array]], allowed: Sequence[str] = ("numpy",)
) -> dict[str, dict[str, Array]]:
    """The outputs of generated modules by name, in a process that can import NumPy, or what is allowed, alone."""
    for name, inputs in cases.items():
        np.savez(directory / f"{name}.in.npz", **inputs)  # type: ignore[arg-type]
    site = str(Path(np.__file__).parents[1])
    command = [
        sys.executable,
        "-I",
        "-S",
        "-W",
        "error",
        "-c",
        _RUNNER,
        str(directory),
        site,
        ",".join(allowed),
        *cases,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    out = {}
    for name in cases:
        with np.load(directory / f"{name}.out.npz") as file:
            out[name] = dict(file)
    return out


def run_here(graph: Graph, inputs: Sequence[Any]) -> list[Any]:
    """The outputs of the generated model, run in this process on arrays in the order of the graph."""
    text, weights = Generator(graph, "here").render()
    space: dict[str, Any] = {"__name__": "here", "__file__": "here.py"}
    frame = text.replace("\nw = load_weights()\n", "\n")
    exec(compile(frame, "here.py", "exec", dont_inherit=True), space)
    space["w"] = {key: buffer.array for key, buffer in weights.items()}
    result = space["model"](*inputs)
    return [result] if len(graph.outputs) == 1 else list(result)


def assert_same(graph: Graph, inputs: Sequence[Any]) -> None:
    """The generated model gives, bit for bit, what the interpreter gives."""
    expected = Interpreter(graph).run(inputs)
    for want, got in zip(expected, run_here(graph, inputs), strict=True):
        same(want, got)


def same(want: Any, got: Any) -> None:
    if isinstance(want, list | tuple):
        assert len(want) == len(got)
        for a, b in zip(want, got):
            same(a, b)
        return
    assert np.asarray(got).dtype == want.dtype
    np.testing.assert_array_equal(got, want)
