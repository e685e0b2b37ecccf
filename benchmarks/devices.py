"""Throughput of one request at a time beside requests spread by MULTI and gathered by BATCH, interleaved in one run.

    python benchmarks/devices.py [--batch 8] [--rounds 15] [MODEL ...]

Prints a table: inferences a second of the plain CPU device, one request after the other, and what the others reach in
multiples of it, of the best rounds of each; in brackets the least processor time of an inference, which other programs
disturb less. The queues are of `AsyncInferQueue`, which runs a request in a thread of its own. `dense` is a stack of
three matrices of 2048 x 2048, `small` one of three of 256 x 256.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

import vinoc
from vinoc.compiler.samples import random_inputs
from vinoc.ir.builder import Builder
from vinoc.ir.dtype import f32
from vinoc.ir.graph import Graph
from vinoc.ir.types import TensorType

SECONDS = 0.25
"""Of each measurement."""

Measured = tuple[float, float]
"""Inferences a second, and seconds of processor time of one."""


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


def one_by_one(model: vinoc.Model) -> Callable[[], Measured]:
    """Inferences a second of calls, one after the other."""
    compiled = vinoc.Core().compile_model(model, "CPU", {"PERFORMANCE_HINT": "LATENCY"})
    inputs = random_inputs(model.graph, 1, 0)

    def run() -> Measured:
        count, began, used = 0, perf_counter(), process_time()
        while perf_counter() - began < SECONDS:
            compiled(inputs)
            count += 1
        return count / (perf_counter() - began), (process_time() - used) / count

    return run


def queued(model: vinoc.Model, device: str, config: dict[str, object]) -> Callable[[], Measured]:
    """Inferences a second of a queue with as many requests as the device wants."""
    compiled = vinoc.Core().compile_model(model, device, config)
    inputs = random_inputs(model.graph, 1, 0)
    queue = vinoc.AsyncInferQueue(compiled, 2 * compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))

    def run() -> Measured:
        count, began, used = 0, perf_counter(), process_time()
        while perf_counter() - began < SECONDS:
            queue.start_async(inputs)
            count += 1
        queue.wait_all()
        return count / (perf_counter() - began), (process_time() - used) / count

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    models = {"small": dense(256), "dense": dense(2048)} | {p.stem: vinoc.read_model(p) for p in args.models}
    print(f"| model | one by one | queue, CPU | MULTI:CPU | BATCH:CPU({args.batch}) |\n|---|---|---|---|---|")
    for name, model in models.items():
        ways = [
            one_by_one(model),
            queued(model, "CPU", {"PERFORMANCE_HINT": "LATENCY"}),
            queued(model, "MULTI:CPU", {}),
            queued(model, f"BATCH:CPU({args.batch})", {"AUTO_BATCH_TIMEOUT": 20}),
        ]
        rounds = np.array([[way() for way in ways] for _ in range(args.rounds)])
        rates, used = rounds[..., 0].max(axis=0), rounds[..., 1].min(axis=0) * 1e6
        shown = [f"{r / rates[0]:.2f}x ({u:.0f} us)" for r, u in zip(rates, used, strict=True)]
        print(f"| {name} | {rates[0]:.0f}/s ({used[0]:.0f} us) | {' | '.join(shown[1:])} |", flush=True)


if __name__ == "__main__":
    main()
