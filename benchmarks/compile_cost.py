"""Wall time and peak memory of whole processes: `vinoc` beside OpenVINO's `ovc` on the same file.

    python benchmarks/compile_cost.py --passes fuse --passes fuse,fp16 MODEL.onnx ...
    python benchmarks/compile_cost.py --passes fuse,fp16 --deep 10000 --deep 40000

Every round runs everything once, vinoc and ovc in turn, the order reversed from round to round. Prints a Markdown
table: medians and, in brackets, the least. The ratios vinoc / ovc are medians over the rounds; below 1 vinoc takes
less. The last column is ovc beside itself in the same rounds: the noise of the machine.

With several --deep the growth from the smallest to the largest graph follows, for both programs.
`ovc` writes half precision where the pipeline contains fp16, single precision where it does not.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

BIN = Path(sys.executable).parent
TOOLS = ("vinoc", "ovc", "ovc again")
Sample = tuple[float, float]
"""Seconds and peak MiB of one process."""


def run(command: list[str]) -> Sample:
    """Runs a process to its end. This script stays small: a child's peak counts that of the parent before exec."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}\n{errors.decode()}")
    return seconds, usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


@dataclass
class Row:
    """One model with one pipeline, and what was measured on it."""

    model: Path
    passes: str
    samples: dict[str, list[Sample]] = field(default_factory=lambda: {t: [] for t in TOOLS})

    def command(self, tool: str, folder: Path) -> list[str]:
        if tool == "vinoc":
            return [str(BIN / "vinoc"), str(self.model), "--passes", self.passes, "-o", str(folder / "vinoc")]
        half = "fp16" in self.passes.split(",")
        target = str(folder / "ovc" / f"{self.model.stem}.xml")
        return [str(BIN / "ovc"), str(self.model), f"--compress_to_fp16={half}", "--output_model", target]

    def column(self, tool: str, what: int) -> list[float]:
        return [s[what] for s in self.samples[tool]]

    def ratio(self, tool: str, what: int) -> float:
        pairs = zip(self.column(tool, what), self.column("ovc", what), strict=True)
        return statistics.median(a / b for a, b in pairs)

    def cells(self) -> list[str]:
        out = [self.model.stem, self.passes]
        for tool in TOOLS[:2]:
            seconds, peak = self.column(tool, 0), self.column(tool, 1)
            out += [spread(seconds, "{:.2f}".format), spread(peak, "{:.0f}".format)]
        out += [f"{self.ratio('vinoc', 0):.2f}", f"{self.ratio('vinoc', 1):.2f}"]
        return [*out, f"{self.ratio('ovc again', 0):.2f}, {self.ratio('ovc again', 1):.2f}"]


def spread(values: list[float], text: Callable[[float], str]) -> str:
    return f"{text(statistics.median(values))} ({text(min(values))})"


def measure(rows: list[Row], rounds: int, folder: Path) -> None:
    """Fills the rows; one run of each comes first, so that files and bytecode are cached."""
    for i in range(-1, rounds):
        for row in rows:
            for tool in TOOLS if i % 2 == 0 else reversed(TOOLS):
                sample = run(row.command(tool, folder))
                if i >= 0:
                    row.samples[tool].append(sample)
        print(f"round {i + 1} of {rounds}", file=sys.stderr, flush=True)


def growth(small: Row, large: Row) -> None:
    """How much more the larger graph takes: by the medians over the rounds, in brackets by the least."""
    for tool in TOOLS[:2]:
        said = []
        for what in (0, 1):
            a, b = small.column(tool, what), large.column(tool, what)
            said.append(f"{statistics.median(b) / statistics.median(a):.2f} ({min(b) / min(a):.2f})")
        print(f"{tool}: {large.model.stem} / {small.model.stem}: {said[0]} in time, {said[1]} in peak memory")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--passes", action="append", help="pipeline, may be repeated [fuse]")
    parser.add_argument("--deep", type=int, action="append", default=[], help="also a synthetic graph of so many nodes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = list(options.models)
        for n in sorted(options.deep):
            models.append(folder / f"deep_{n}.onnx")
            subprocess.run([sys.executable, Path(__file__).with_name("deep_graph.py"), str(n), models[-1]], check=True)
        rows = [Row(m, p) for m in models for p in options.passes or ["fuse"]]
        measure(rows, options.rounds, folder)
    print("| model | passes | vinoc s | vinoc MiB | ovc s | ovc MiB | time | memory | ovc / ovc |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row.cells())} |")
    if len(options.deep) > 1:
        for passes in options.passes or ["fuse"]:
            deep = [r for r in rows if r.passes == passes and r.model.parent == folder]
            growth(deep[0], deep[-1])


if __name__ == "__main__":
    main()
