"""Throughput of one request at a time beside requests spread by MULTI and gathered by BATCH, interleaved in one run.

    python benchmarks/devices.py [--batch 8] [--rounds 7] [MODEL ...]

Prints a table: inferences a second of the plain CPU device, one request after the other, and what the others reach in
multiples of it. The queues are of `AsyncInferQueue`, which runs a request in a thread of its own. `dense` is a stack of
three matrices of 2048 x 2048, `small` one of three of 256 x 256.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np

import vinoc
from vinoc.compiler.samples import random_inputs
from vinoc.ir.builder import Builder
from vinoc.ir.dtype import f32
from vinoc.ir.graph import Graph
from vinoc.ir.types import TensorType

SECONDS = 0.4
"""Of each measurement; the best of all rounds counts: the machine has other work, too."""


def dense(size: int, layers: int = 3) -> vinoc.Model:
    """relu(relu(relu(x W) W) W)"""
    graph = Graph(f"dense{size}")
    b, draw = Builder(graph), np.random.default_rng(0)
    value = graph.add_input(TensorType(f32, (1, size)), "x")
    for _ in range(layers):
        weights = draw.normal(size=(size, size)).astype(np.float32) / size**0.5
        value = b.ReLU(b.MatMul(value, b.const(weights, f32)))
    graph.add_output(value, "y")
    return vinoc.Model(graph)


def one_by_one(model: vinoc.Model) -> Callable[[], float]:
    """Inferences a second of calls, one after the other."""
    compiled = vinoc.Core().compile_model(model, "CPU", {"PERFORMANCE_HINT": "LATENCY"})
    inputs = random_inputs(model.graph, 1, 0)

    def run() -> float:
        count, began = 0, perf_counter()
        while perf_counter() - began < SECONDS:
            compiled(inputs)
            count += 1
        return count / (perf_counter() - began)

    return run


def queued(model: vinoc.Model, device: str, config: dict[str, object]) -> Callable[[], float]:
    """Inferences a second of a queue with as many requests as the device wants."""
    compiled = vinoc.Core().compile_model(model, device, config)
    inputs = random_inputs(model.graph, 1, 0)
    queue = vinoc.AsyncInferQueue(compiled, 2 * compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))

    def run() -> float:
        count, began = 0, perf_counter()
        while perf_counter() - began < SECONDS:
            queue.start_async(inputs)
            count += 1
        queue.wait_all()
        return count / (perf_counter() - began)

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    models = {"small": dense(256), "dense": dense(2048)} | {p.stem: vinoc.read_model(p) for p in args.models}
    print(
        f"| model | one by one | queue, CPU | queue, MULTI:CPU | queue, BATCH:CPU({args.batch}) |\n|---|---|---|---|---|"
    )
    for name, model in models.items():
        ways = [
            one_by_one(model),
            queued(model, "CPU", {"PERFORMANCE_HINT": "LATENCY"}),
            queued(model, "MULTI:CPU", {}),
            queued(model, f"BATCH:CPU({args.batch})", {"AUTO_BATCH_TIMEOUT": 20}),
        ]
        best = [0.0] * len(ways)
        for _ in range(args.rounds):
            for i, way in enumerate(ways):
                best[i] = max(best[i], way())
        shown = " | ".join(f"{b / best[0]:.2f}x" for b in best[1:])
        print(f"| {name} | {best[0]:.0f}/s | {shown} |", flush=True)


if __name__ == "__main__":
    main()
