"""What the runtimes of vinoc and OpenVINO cost for each inference, on a model of one ReLU over 64 numbers.

python benchmarks/request_overhead.py [REPEATS]

Both run in turns in one process; the least time of the repeats counts.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import vinoc
from vinoc.ir.text import parse_graph

COUNT = 500
X = np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 64)
MODEL = "graph one(x: f32[1,64]) -> (y) {\n  y = ReLU(x)\n}\n"
Case = Callable[[], object]


def cases(module: Any, compiled: Any) -> dict[str, Case]:
    """What is timed, by name: each does COUNT inferences."""
    request, single = compiled.create_infer_request(), compiled.create_infer_request()

    def again(run: Callable[[], object]) -> Case:
        return lambda: [run() for _ in range(COUNT)]

    def in_background() -> None:
        for _ in range(COUNT):
            single.start_async({"x": X})
            single.wait()

    found = {
        "`compiled({name: array})`": again(lambda: compiled({"x": X})),
        "`request.infer({name: array})`": again(lambda: request.infer({"x": X})),
        "`request.infer([array])`": again(lambda: request.infer([X])),
        "`start_async`, `wait`": in_background,
    }
    for jobs in (1, 4, 64):
        for callback in (False, True):
            name = f"queue of {jobs}{', with callback' if callback else ''}"
            found[name] = queue(module.AsyncInferQueue(compiled, jobs), callback)
    return found


def queue(requests: Any, callback: bool) -> Case:
    if callback:
        requests.set_callback(lambda request, data: None)

    def run() -> None:
        for i in range(COUNT):
            requests.start_async({"x": X}, i)
        requests.wait_all()

    return run


def main() -> None:
    repeats = int(sys.argv[1]) if sys.argv[1:] else 25
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one.xml"
        vinoc.save_model(vinoc.Model(parse_graph(MODEL)), path, compress_to_fp16=False)
        modules = {name: importlib.import_module(name) for name in ("openvino", "vinoc")}
        runs = {n: cases(m, m.Core().compile_model(str(path), "CPU", {})) for n, m in modules.items()}
    print("| us for an inference | OpenVINO | vinoc | ratio |\n|---|---|---|---|")
    for case in runs["vinoc"]:
        best = dict.fromkeys(modules, float("inf"))
        for _ in range(repeats):
            for name in modules:
                start = time.perf_counter()
                runs[name][case]()
                best[name] = min(best[name], (time.perf_counter() - start) / COUNT * 1e6)
        theirs, mine = best.values()
        print(f"| {case} | {theirs:.0f} | {mine:.0f} | {mine / theirs:.2f} |")


if __name__ == "__main__":
    main()
