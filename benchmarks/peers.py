"""Latency of vinoc's CPU device beside onnxruntime and OpenVINO, interleaved.

    python benchmarks/peers.py --threads 1,2 MODEL.onnx ...

For every model and number of threads one process loads all engines and runs them in turn, the order reversed from
round to round. A second onnxruntime session is the control: its ratio is the noise of the machine. Ratios are medians
of those of the rounds, so that a noisy neighbour hits both sides; below 1 vinoc takes less. With one thread the
process's CPU time is taken, with more the wall time, after a pause in which the threads of the engine before park.

Prints a Markdown table: medians (minima) in ms; ratios by medians (by minima).
The networks of `networks.py` are what the figures of docs/performance.md are for.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ENGINES = ("ort", "ort again", "ov", "vinoc")
Feeds = dict[str, np.ndarray[Any, Any]]
Engine = Callable[[Feeds], list[np.ndarray[Any, Any]]]


def onnxruntime_engine(path: str, threads: int) -> Engine:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda feeds: session.run(None, feeds)  # type: ignore[no-any-return]


def openvino_engine(path: str, threads: int) -> Engine:
    import openvino

    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(path, "CPU", options)
    request = compiled.create_infer_request()

    def run(feeds: Feeds) -> list[np.ndarray[Any, Any]]:
        request.infer(feeds, share_inputs=True, share_outputs=True)
        return [request.get_output_tensor(i).data for i in range(len(compiled.outputs))]

    return run


def vinoc_engine(path: str, threads: int) -> Engine:
    from vinoc.backends.cpu.device import Executable
    from vinoc.compiler.driver import read_model
    from vinoc.passes import PassManager

    graph = read_model(path)
    PassManager("inline-if,fold,dropout,cse,fuse,dce").run(graph)
    names = [n[0] for n in graph.input_names]
    executable = Executable(graph, threads)
    return lambda feeds: executable.run([feeds[n] for n in names])


MAKERS = {"ort": onnxruntime_engine, "ort again": onnxruntime_engine, "ov": openvino_engine, "vinoc": vinoc_engine}


def made_up(path: str, size: int) -> Feeds:
    """Inputs for a model: normal numbers, or small integers; `size` for dimensions that are not known."""
    import onnx

    model = onnx.load(path, load_external_data=False)
    weights = {t.name for t in model.graph.initializer}
    rng = np.random.default_rng(0)
    feeds = {}
    for value in model.graph.input:
        if value.name not in weights:
            tensor = value.type.tensor_type
            shape = [d.dim_value or size for d in tensor.shape.dim]
            dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
            whole = np.issubdtype(dtype, np.integer)
            feeds[value.name] = (rng.integers(0, 100, shape) if whole else rng.standard_normal(shape)).astype(dtype)
    return feeds


def measure(path: str, threads: int, engines: Sequence[str], rounds: int, least: float, size: int) -> dict[str, Any]:
    """Times of all engines in this process."""
    feeds = made_up(path, size)
    runs: dict[str, Engine] = {}
    load: dict[str, float] = {}
    outputs: dict[str, list[np.ndarray[Any, Any]]] = {}
    repeats: dict[str, int] = {}
    for name in engines:
        began = time.perf_counter()
        runs[name] = MAKERS[name](path, threads)
        outputs[name] = [np.array(o) for o in runs[name](feeds)]
        load[name] = time.perf_counter() - began
        runs[name](feeds)
        began = time.perf_counter()
        runs[name](feeds)
        repeats[name] = max(1, int(least / (time.perf_counter() - began)))
    clock = time.process_time if threads == 1 else time.perf_counter
    samples: dict[str, list[float]] = {name: [] for name in engines}
    for number in range(rounds):
        for name in engines if number % 2 == 0 else engines[::-1]:
            if threads > 1:
                time.sleep(0.02)
            runs[name](feeds)  # what the engine before left in the caches goes
            began = clock()
            for _ in range(repeats[name]):
                runs[name](feeds)
            samples[name].append((clock() - began) / repeats[name] * 1e3)
    difference = {name: apart(outputs[name], outputs[engines[0]]) for name in engines}
    return {"samples": samples, "load": load, "difference": difference}


def apart(a: Sequence[np.ndarray[Any, Any]], b: Sequence[np.ndarray[Any, Any]]) -> float:
    """The largest difference, relative to the largest magnitude."""
    worst = 0.0
    for x, y in zip(a, b, strict=True):
        scale = max(float(np.abs(y).max(initial=0)), 1e-30)
        worst = max(worst, float(np.abs(x.astype(np.float64) - y).max(initial=0)) / scale)
    return worst


def ratio(samples: dict[str, list[float]], a: str, b: str) -> str:
    median = statistics.median(x / y for x, y in zip(samples[a], samples[b], strict=True))
    return f"{median:.2f} ({min(samples[a]) / min(samples[b]):.2f})"


def row(path: str, threads: int, engines: Sequence[str], found: dict[str, Any]) -> str:
    samples = found["samples"]
    cells = [Path(path).stem, str(threads)]
    cells += [f"{statistics.median(samples[e]):.2f} ({min(samples[e]):.2f})" for e in engines]
    others = [e for e in engines if e not in ("vinoc", "ort again")]
    cells += [ratio(samples, "vinoc", e) for e in others] if "vinoc" in engines else []
    cells += [ratio(samples, "ort again", "ort")] if "ort again" in engines else []
    cells += [f"{found['load'][e]:.2f}" for e in engines] + [f"{found['difference'][engines[-1]]:.0e}"]
    return f"| {' | '.join(cells)} |"


def header(engines: Sequence[str]) -> str:
    cells = ["model", "threads", *engines]
    cells += [f"vinoc/{e}" for e in engines if e not in ("vinoc", "ort again")] if "vinoc" in engines else []
    cells += ["ort again/ort"] if "ort again" in engines else []
    cells += [f"load {e}, s" for e in engines] + ["difference"]
    return f"| {' | '.join(cells)} |\n|{'---|' * len(cells)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument(
        "--engines", default=",".join(ENGINES), help="of which the first is what outputs are held against"
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--least", type=float, default=0.05, help="seconds of a sample; a model is run that often")
    parser.add_argument("--size", type=int, default=1, help="of dimensions that are not known")
    parser.add_argument("--child", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    engines = options.engines.split(",")
    if options.child:
        found = measure(options.models[0], options.child, engines, options.rounds, options.least, options.size)
        print("@@" + json.dumps(found))
        return
    print(header(engines), flush=True)
    for model in options.models:
        for threads in map(int, options.threads.split(",")):
            command = [sys.executable, __file__, "--child", str(threads), "--engines", options.engines]
            command += [
                "--rounds",
                str(options.rounds),
                "--least",
                str(options.least),
                "--size",
                str(options.size),
                model,
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            answer = [line for line in done.stdout.splitlines() if line.startswith("@@")]
            if answer:
                print(row(model, threads, engines, json.loads(answer[0][2:])), flush=True)
            else:
                print(f"| {Path(model).stem} | {threads} | failed: {done.stderr.strip()[-300:]}", flush=True)


if __name__ == "__main__":
    main()
