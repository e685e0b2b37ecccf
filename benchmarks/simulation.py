"""What integers change: a Markdown table for quantized models, on random inputs.

    python benchmarks/simulation.py [--target avx2] MODEL ...

The largest error of an output, relative L2, of the CPU device in integers: against its own floats
(LP_TRANSFORMS_MODE=NO), and against the reference, whose functions round in other ways.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vinoc.backends.cpu.codegen.target import TARGETS, host
from vinoc.backends.cpu.device import Executable
from vinoc.backends.numpy import Interpreter
from vinoc.compiler.config import CPU_PASSES
from vinoc.compiler.driver import read_model
from vinoc.compiler.samples import random_inputs
from vinoc.ir.dtype import Array
from vinoc.passes.manager import PassManager


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--target", default=host().name, choices=TARGETS)
    args = parser.parse_args()
    print("| model | against its floats | against the reference |\n|---|---|---|")
    for model in args.models:
        floats, reference = errors(model, args.target)
        print(f"| {model.stem} | {floats:.1e} | {reference:.1e} |", flush=True)


def errors(model: Path, target: str) -> tuple[float, float]:
    graph = read_model(model)
    inputs = random_inputs(graph)
    reference = Interpreter(graph).run(inputs)
    PassManager(CPU_PASSES).run(graph)
    levels, floats = (
        Executable(graph.clone(), 1, TARGETS[target], integers=integers).run(inputs) for integers in (True, False)
    )
    return worst(levels, floats), worst(levels, reference)


def worst(found: Sequence[Array], wanted: Sequence[Array]) -> float:
    pairs = [(np.asarray(a, np.float64), np.asarray(b, np.float64)) for a, b in zip(found, wanted, strict=True)]
    return max(float(np.linalg.norm(a - b) / max(float(np.linalg.norm(b)), 1e-30)) for a, b in pairs)


if __name__ == "__main__":
    main()
