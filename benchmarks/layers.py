"""Where the time of networks goes: classes of layers, their share, and how near they are to what bounds them.

    python benchmarks/layers.py [--threads 1] [--runs 20] MODEL.onnx ...

Each model counts the same; of every step the fastest run does. A class is what a kernel does for a kind of layer.
GFLOP/s and the share of the roofline (docs/cpu.md, "Profile") are those of all its steps together; the bound is that of
most of its time. Prints Markdown.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vinoc.backends.cpu.device import Executable
from vinoc.backends.cpu.machine import machine
from vinoc.backends.cpu.report import Step, read
from vinoc.compiler.config import CPU_PASSES
from vinoc.compiler.driver import read_model
from vinoc.compiler.samples import random_inputs
from vinoc.passes.manager import PassManager

NAMES = {
    "conv igemm": "convolution: implicit product",
    "conv winograd product": "convolution: products of Winograd's form",
    "conv winograd_input": "convolution: transforms to Winograd's form",
    "conv winograd_output": "convolution: transforms from Winograd's form",
    "conv copy": "convolution: copies to channels last, and into frames",
    "matmul gemm": "products with constant matrices",
    "matmul gemm_f": "products with constant matrices, few rows, weights of 24 bits",
    "matmul strassen": "products with constant matrices, in seven blocks",
    "matmul strassen_left": "products with constant matrices, in seven blocks: sums",
    "conv depthwise": "convolution: depthwise",
    "ShuffleChannels copy": "channel shuffle",
    "LRN lrn_": "local response normalization",
    "MaxPool maxpool": "max pooling",
    "AvgPool avgpool": "average pooling",
    "chain": "chains of elementwise nodes",
}


@dataclass
class Class:
    """What is known of the steps of a class."""

    share: float = 0.0
    seconds: float = 0.0
    flops: float = 0.0
    least: float = 0.0
    bounds: Counter[str] = field(default_factory=Counter)


def class_of(step: Step) -> str:
    """The kind of the layer and the kernel without its variants."""
    if step.kernel is None:
        return f"island: {step.kind}"
    kernel = "chain" if step.kernel.startswith("chain_") else re.sub(r"\d.*", "", step.kernel)
    if kernel == "igemm" and step.layout == "rows" and step.output and step.output.count(",") == 0:
        kernel = "winograd product"
    name = f"{step.kind} {kernel}" if step.kind not in (kernel, "copy") else kernel
    return NAMES.get(name, name)


def profile(model: Path, threads: int, runs: int) -> list[Step]:
    """The steps of a model, each with the least of its times: other work on the machine does not count."""
    graph = read_model(model)
    PassManager(CPU_PASSES).run(graph)
    inputs = random_inputs(graph)
    executable = Executable(graph, threads, timed=True)
    assert executable.profile is not None
    for _ in range(3):
        executable.run(inputs)
    rounds = []
    for _ in range(runs):
        executable.profile.clear()
        executable.run(inputs)
        rounds.append(read(executable.profile, executable.library))
    return [min(times, key=lambda step: step.seconds or 0.0) for times in zip(*rounds, strict=True)]


def collect(models: Sequence[Path], threads: int, runs: int) -> dict[str, Class]:
    """The classes of all models."""
    found: dict[str, Class] = defaultdict(Class)
    for model in models:
        steps = profile(model, threads, runs)
        total = sum(s.seconds or 0.0 for s in steps)
        for step in steps:
            one, seconds = found[class_of(step)], step.seconds or 0.0
            one.share += seconds / total / len(models)
            one.seconds += seconds
            one.flops += step.flops * step.runs
            one.least += (step.roofline or 0.0) * seconds
            one.bounds[step.bound or "-"] += seconds  # type: ignore[assignment]  # seconds count, too
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    classes = collect(options.models, options.threads, options.runs)
    limits = machine(Executable(read_model(options.models[0])).library, options.threads)
    print(f"{limits.flops / 1e9:.0f} GFLOP/s; {limits.memory / 1e9:.0f} GB/s memory, {limits.cache / 1e9:.0f} caches\n")
    print("| class | share of time | GFLOP/s | of the roofline | bound by |")
    print("|---|---|---|---|---|")
    for name, one in sorted(classes.items(), key=lambda item: -item[1].share)[:12]:
        rate = f"{one.flops / one.seconds / 1e9:.0f}" if one.flops > 1e6 else ""
        bound = one.bounds.most_common(1)[0][0]
        print(f"| {name} | {one.share:.1%} | {rate} | {one.least / one.seconds:.0%} | {bound} |")


if __name__ == "__main__":
    main()
