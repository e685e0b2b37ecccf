"""Latency of the modules that `-t numba` writes beside those of `-t numpy`.

    python benchmarks/numba_modules.py --threads 1,2 MODEL.onnx ...

Each module runs in a process of its own, since two pools of threads in one would wait for each other: NumPy's library
of matrix products has threads, and numba has. The processes take turns, a run each, the order reversed from round to
round, with a pause before each in which the other's threads come to rest; a second process of the NumPy module is the
control, its ratio the noise of the machine. With one thread the process's CPU time is taken, with more the wall time.
Prints a Markdown table: medians (minima) in ms; the ratio is the median
of those of the rounds, above 1 the numba module is faster. Compiling is the numba module's first run with an empty
cache, starting its first run with a full one, both from the start of the process.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from vinoc.compiler.driver import compile_model_file

RUNNER = """
import sys, time
sys.path.insert(0, sys.argv[1])
import numpy as np
import net
clock = time.process_time if sys.argv[3] == "1" else time.perf_counter
rng = np.random.default_rng(0)
def array(dtype, shape):
    shape = [d if isinstance(d, int) else int(sys.argv[2]) for d in shape]
    return rng.standard_normal(shape).astype(dtype) if dtype == np.float32 else rng.integers(0, 2, shape).astype(dtype)
inputs = {name: array(*port) for name, port in net.INPUTS.items()}
net.infer(inputs)
print("ready", flush=True)
for line in sys.stdin:
    net.infer(inputs)
    began = clock()
    net.infer(inputs)
    print(clock() - began, flush=True)
"""


class Process:
    """A module that waits to be run."""

    def __init__(self, directory: Path, size: int, threads: int) -> None:
        began = time.perf_counter()
        command = [sys.executable, "-c", RUNNER, str(directory), str(size), str(threads)]
        limits = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), str(threads))
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | limits
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        if self._out.readline() != "ready\n":
            raise SystemExit(f"{directory}: the module failed")
        self.start = time.perf_counter() - began

    def run(self) -> float:
        """Seconds of one inference."""
        self._in.write("run\n")
        self._in.flush()
        return float(self._out.readline())

    def close(self) -> None:
        self._in.close()
        self._process.wait()


def measure(model: Path, threads: int, rounds: int, size: int, folder: Path) -> str:
    """A row of the table."""
    for target in ("numpy", "numba"):
        compile_model_file(model, target=target, out_dir=folder / target, model_name="net")
    first = Process(folder / "numba", size, threads)
    first.close()
    processes = {name: Process(folder / name.split()[0], size, threads) for name in ("numpy", "numba", "numpy again")}
    times: dict[str, list[float]] = {name: [] for name in processes}
    for number in range(rounds):
        for name in list(processes)[:: 1 if number % 2 == 0 else -1]:
            time.sleep(0.05)
            times[name].append(processes[name].run() * 1e3)
    for process in processes.values():
        process.close()
    ratio = {n: statistics.median(a / b for a, b in zip(times["numpy"], times[n])) for n in ("numba", "numpy again")}
    shown = [f"{statistics.median(times[n]):.2f} ({min(times[n]):.2f})" for n in ("numpy", "numba")]
    least = min(times["numpy"]) / min(times["numba"])
    starts = f"{first.start:.1f} | {processes['numba'].start:.1f} | {processes['numpy'].start:.1f}"
    ratios = f"{ratio['numba']:.1f} ({least:.1f}) | {ratio['numpy again']:.2f}"
    return f"| {model.parent.name} | {threads} | {' | '.join(shown)} | {ratios} | {starts} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--size", type=int, default=1, help="for dimensions that are not known [1]")
    given = parser.parse_args()
    print("| model | threads | numpy ms | numba ms | ratio | control | compile s | start s | numpy start s |")
    print("|---|---|---|---|---|---|---|---|---|")
    for model in given.models:
        for threads in map(int, given.threads.split(",")):
            with tempfile.TemporaryDirectory() as folder:
                print(measure(model, threads, given.rounds, given.size, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
