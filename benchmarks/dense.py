"""A fully connected layer as AlexNet's first, 9216 x 4096, with weights of 32, 24 and 16 bits, beside OpenVINO.

    python benchmarks/dense.py [--rows 1] [--threads 1] [--rounds 3]

Each engine runs in a process of its own, in turns. Prints the least and the median time of a run (the least over all
rounds of each), seconds until the first result, and the peak memory of the process, as Markdown.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

DEPTH, COLUMNS = 9216, 4096
RUNS = 60

ENGINES = {
    "vinoc, f32 weights": ("vinoc", "f32", ""),
    "vinoc, f32 weights, precision f32": ("vinoc", "f32", "f32"),
    "vinoc, f16 weights": ("vinoc", "f16", ""),
    "vinoc, f32 weights, precision f16": ("vinoc", "f32", "f16"),
    "OpenVINO, f32 weights": ("openvino", "f32", "f32"),
    "OpenVINO, f16 weights": ("openvino", "f16", "f32"),
    "OpenVINO, f32 weights, precision f16": ("openvino", "f32", "f16"),
}


def make(folder: Path) -> None:
    """relu(x w + b) as IR, plain and compressed."""
    import vinoc
    from vinoc.ir import Graph
    from vinoc.ir.builder import Builder
    from vinoc.ir.dim import symbol
    from vinoc.ir.dtype import f32
    from vinoc.ir.types import TensorType

    random = np.random.default_rng(1)
    graph = Graph("dense")
    b = Builder(graph)
    x = graph.add_input(TensorType(f32, (symbol("N"), DEPTH)), "x")
    w = (random.standard_normal((COLUMNS, DEPTH)) / DEPTH**0.5).astype(np.float32)
    bias = random.standard_normal((1, COLUMNS)).astype(np.float32)
    graph.add_output(b.ReLU(b.Add(b.MatMul(x, w, transpose_b=True), bias)), "y")
    for name, compress in (("f32", False), ("f16", True)):
        vinoc.save_model(vinoc.Model(graph), folder / f"{name}.xml", compress_to_fp16=compress)


def measure(engine: str, model: str, precision: str, rows: int, threads: int) -> dict[str, float]:
    """In this process."""
    config: dict[str, Any] = {"INFERENCE_NUM_THREADS": threads}
    if precision:
        config["INFERENCE_PRECISION_HINT"] = precision
    x = np.random.default_rng(0).standard_normal((rows, DEPTH)).astype(np.float32)
    began = perf_counter()
    if engine == "vinoc":
        import vinoc

        request: Any = vinoc.Core().compile_model(model, "CPU", config).create_infer_request()
    else:
        import openvino

        config |= {"NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
        request = openvino.Core().compile_model(model, "CPU", config).create_infer_request()
    request.infer([x])
    load = perf_counter() - began
    times = []
    for _ in range(RUNS):
        began = perf_counter()
        request.infer([x])
        times.append(perf_counter() - began)
    status = Path("/proc/self/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return {"least": min(times), "median": float(np.median(times)), "load": load, "peak": peak / 1024}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", nargs=3, metavar=("ENGINE", "MODEL", "PRECISION"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(*options.one, options.rows, options.threads)))
        return
    found: dict[str, list[dict[str, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder))
        for _ in range(options.rounds):
            for name, (engine, weights, precision) in ENGINES.items():
                one = ["--one", engine, f"{folder}/{weights}.xml", precision]
                same = ["--rows", str(options.rows), "--threads", str(options.threads)]
                done = subprocess.run(
                    [sys.executable, __file__, *same, *one], capture_output=True, text=True, check=True
                )
                found[name].append(json.loads(done.stdout.splitlines()[-1]))
    print("| | least, ms | median, ms | first result, s | peak memory, MB |")
    print("|---|---|---|---|---|")
    for name, rounds in found.items():
        least = {key: min(r[key] for r in rounds) for key in rounds[0]}
        print(
            f"| {name} | {1e3 * least['least']:.2f} | {1e3 * least['median']:.2f} | {least['load']:.2f} "
            f"| {least['peak']:.0f} |"
        )


if __name__ == "__main__":
    main()
