"""Wall time and peak memory of whole processes: `vinoc` beside OpenVINO's `ovc`, interleaved.

    python benchmarks/compile_cost.py [--rounds 5] [--passes fuse,fp16] MODEL.onnx ... [--deep 10000 --deep 40000]

Prints, for each model, medians and the median of the per-round ratios vinoc / ovc; below 1 is better than ovc. The
control is ovc against itself, in the same rounds.
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

sys.path.insert(0, str(Path(__file__).parent))


def run(command: list[str]) -> tuple[float, float]:
    """(seconds, peak MiB) of a process."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}\n{errors.decode()}")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def measure(model: Path, passes: str, rounds: int, folder: Path) -> None:
    bin_ = Path(sys.executable).parent
    fp16 = "fp16" in passes
    ovc = [str(bin_ / "ovc"), str(model), f"--compress_to_fp16={fp16}", "--output_model", str(folder / "ovc.xml")]
    vinoc = [str(bin_ / "vinoc"), str(model), "--passes", passes, "-o", str(folder / "vinoc"), "--model_name", "m"]
    run(vinoc), run(ovc)  # caches warm
    rows: dict[str, list[tuple[float, float]]] = {"vinoc": [], "ovc": [], "ovc again": []}
    for _ in range(rounds):
        rows["vinoc"].append(run(vinoc))
        rows["ovc"].append(run(ovc))
        rows["ovc again"].append(run(ovc))
    print(f"{model.name} --passes {passes}")
    for name, figures in rows.items():
        seconds, peak = (statistics.median(f[i] for f in figures) for i in (0, 1))
        print(f"  {name:10} {seconds:7.2f} s {peak:8.0f} MiB")
    for name in ("vinoc", "ovc again"):
        ratios = [[a[i] / b[i] for a, b in zip(rows[name], rows["ovc"], strict=True)] for i in (0, 1)]
        print(f"  {name} / ovc: time {statistics.median(ratios[0]):.2f}, memory {statistics.median(ratios[1]):.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--passes", default="fuse")
    parser.add_argument("--deep", type=int, action="append", default=[], help="also a synthetic graph of so many nodes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        models = list(options.models)
        for n in options.deep:
            import onnx
            from deep_graph import model

            models.append(Path(folder) / f"deep_{n}.onnx")
            onnx.save(model(n), models[-1])
        for path in models:
            measure(path, options.passes, options.rounds, Path(folder))


if __name__ == "__main__":
    main()
