"""vinoc's CPU device beside onnxruntime and OpenVINO, interleaved in one run.

    python benchmarks/networks.py DIR                                  # the benchmark networks
    python benchmarks/peers.py latency --threads 1,2 DIR/*.onnx        # or any model file
    python benchmarks/peers.py throughput --threads 2 DIR/*.onnx
    python benchmarks/peers.py process DIR/*.onnx                      # load, first inference, memory

latency     For every model and number of threads one process loads all engines and runs them in turn, the order
            reversed from round to round. With one thread the process's CPU time is taken, with more the wall time,
            after a pause in which the threads of the engine before park.
throughput  As many inferences at a time as there are threads, in turn for --seconds each.
process     A fresh process for each engine in each round: seconds to import it and make the model ready, those of the
            first inference, and the most MiB that the process held. "cached" is with a CACHE_DIR that is filled.

Prints a Markdown table: medians over the rounds (the best), and ratios vinoc / peer, which are medians of those of the
rounds, so that a noisy neighbour hits both sides. "ort again" is a second onnxruntime: the noise of the machine.
--json keeps all samples, for `chart.py`. --isa avx2 holds OpenVINO and vinoc to these instructions (onnxruntime cannot
be, nor can OpenVINO's products by MLAS, `gemm_mlas_f32` in its profile):
    python benchmarks/peers.py latency --isa avx2 --engines ov,"ov again",vinoc --threads 1 DIR/*.onnx
"""

from __future__ import annotations

import argparse
import json
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from engines import AGAIN, hold, load, made_up, throughput

from vinoc.tools.bench.interleave import Samples, apart, interleaved, ratio, turns

# Latency, throughput: all engines in one process


def latency(path: str, threads: int, options: argparse.Namespace) -> dict[str, Any]:
    """Milliseconds of an inference."""
    feeds = made_up(path, options.size)
    engines = {name: load(name, path, threads) for name in options.engines}
    outputs = {name: [np.array(o) for o in run(feeds)] for name, run in engines.items()}
    runs = {name: lambda run=run: run(feeds) for name, run in engines.items()}
    clock = time.process_time if threads == 1 else time.perf_counter
    samples = interleaved(runs, options.rounds, options.seconds, threads > 1, clock)
    first = outputs[options.engines[0]]
    return {"ms": samples, "difference": {name: apart(found, first) for name, found in outputs.items()}}


def rates(path: str, threads: int, options: argparse.Namespace) -> dict[str, Any]:
    """Milliseconds for each of many inferences at a time: the inverse of the throughput."""
    feeds = made_up(path, options.size)
    runs = {name: throughput(name, path, threads) for name in options.engines}
    for run in runs.values():
        run(feeds, 0.1)
    samples: Samples = {name: [] for name in options.engines}
    for name in turns(options.engines, options.rounds):
        time.sleep(0.02)
        samples[name].append(1e3 / runs[name](feeds, max(options.seconds, 0.5)))
    return {"ms": samples}


# Whole processes


CACHED = " cached"

FEEDS = "feeds.pickle"
"""Inputs, beside the caches. To make them takes `onnx`, whose import is a part of some engines' loading."""


def process(path: str, threads: int, options: argparse.Namespace) -> dict[str, Any]:
    """Seconds to load, milliseconds of the first inference, MiB of a process."""
    engines = [*options.engines, *(f"{e}{CACHED}" for e in options.engines if e in ("ov", "vinoc"))]
    found: dict[str, Samples] = {key: {e: [] for e in engines} for key in ("load s", "first ms", "peak MiB")}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, FEEDS).write_bytes(pickle.dumps(made_up(path, options.size)))
        command = [sys.executable, __file__, "once", path, "--threads", str(threads), "--size", str(options.size)]
        command += ["--isa", options.isa]
        for name in engines:  # fills caches, of kernels too
            child([*command, "--engines", name, "--cache", folder])
        for name in turns(engines, options.rounds):
            answer = child([*command, "--engines", name, "--cache", folder])
            for key, samples in found.items():
                samples[name].append(answer[key])
    return found


def once(path: str, threads: int, options: argparse.Namespace) -> dict[str, Any]:
    """One engine in this process."""
    name = options.engines[0]
    began = time.perf_counter()
    run = load(name.removesuffix(CACHED), path, threads, options.cache if name.endswith(CACHED) else "")
    loaded = time.perf_counter() - began
    feeds = pickle.loads(Path(options.cache, FEEDS).read_bytes())
    began = time.perf_counter()
    run(feeds)
    seconds = time.perf_counter() - began
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024
    return {"load s": loaded, "first ms": seconds * 1e3, "peak MiB": peak}


# Tables


def table(found: dict[str, Any], path: str, threads: int) -> Iterator[str]:
    """A row for each quantity."""
    for quantity, samples in found.items():
        if quantity == "difference":
            continue
        engines = list(samples)
        cells = [Path(path).stem, str(threads), quantity]
        cells += [f"{statistics.median(samples[e]):.3g} ({min(samples[e]):.3g})" for e in engines]
        cells += [f"{ratio(samples, a, b):.2f}" for a, b in pairs(engines)]
        yield f"| {' | '.join(cells)} |"


def header(engines: Sequence[str]) -> str:
    cells = ["model", "threads", "what", *engines, *(f"{a} / {b}" for a, b in pairs(engines))]
    return f"| {' | '.join(cells)} |\n|{'---|' * len(cells)}"


def pairs(engines: Sequence[str]) -> list[tuple[str, str]]:
    """Which engines are compared."""
    again = [(e, e.removesuffix(AGAIN)) for e in engines if e.endswith(AGAIN)]
    mine = [("vinoc", e) for e in engines if e in ("ort", "ov")]
    cached = [(f"vinoc{CACHED}", e) for e in engines if e in ("vinoc", f"ov{CACHED}") and f"vinoc{CACHED}" in engines]
    return [*mine, *cached, *again]


def child(command: list[str]) -> dict[str, Any]:
    """What this script answers in a process of its own."""
    done = subprocess.run([*command, "--child"], capture_output=True, text=True, check=False)
    answer = [line for line in done.stdout.splitlines() if line.startswith("@@")]
    if not answer:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(answer[0][2:])
    return found


MODES: dict[str, Callable[[str, int, argparse.Namespace], dict[str, Any]]] = {
    "latency": latency,
    "throughput": rates,
    "process": process,
    "once": once,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=MODES)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--engines", default="ort,ort again,ov,vinoc", type=lambda text: text.split(","))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.05, help="of a sample; a model is run that often")
    parser.add_argument("--size", type=int, default=1, help="of dimensions that are not known")
    parser.add_argument("--isa", default="", help="a target of vinoc's: the instructions that vinoc and OpenVINO use")
    parser.add_argument("--json", type=Path, help="file that a line for each model is added to")
    parser.add_argument("--cache", default="", help=argparse.SUPPRESS)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child or options.what == "once":
        if options.isa:
            hold(options.isa)
        print("@@" + json.dumps(MODES[options.what](options.models[0], int(options.threads), options)))
        return
    begun = False
    for model in options.models:
        for threads in map(int, options.threads.split(",")):
            if options.what == "process":
                found = process(model, threads, options)
            else:
                same = ["--engines", ",".join(options.engines), "--rounds", str(options.rounds)]
                same += ["--seconds", str(options.seconds), "--size", str(options.size), "--threads", str(threads)]
                same += ["--isa", options.isa]
                found = child([sys.executable, __file__, options.what, model, *same])
            if not begun:
                print(header(list(next(iter(found.values())))), flush=True)
                begun = True
            print("\n".join(table(found, model, threads)), flush=True)
            if options.json:
                line = json.dumps({"model": Path(model).stem, "threads": threads, "what": options.what, **found})
                with open(options.json, "a") as file:
                    file.write(line + "\n")


if __name__ == "__main__":
    main()
