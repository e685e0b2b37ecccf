"""A chart of what `peers.py --json FILE` measured: vinoc's time, or memory, over that of the better peer.

    python benchmarks/chart.py FILE chart.svg

Bars below 1: vinoc takes less. The grey band is onnxruntime beside itself, the noise of the machine.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

PEERS = ("ort", "ov")


def ratio(samples: dict[str, list[float]], name: str, peers: tuple[str, ...]) -> float:
    """The median over the rounds of one engine over the best of some."""
    best = min((p for p in peers if p in samples), key=lambda p: statistics.median(samples[p]))
    return statistics.median(a / b for a, b in zip(samples[name], samples[best], strict=True))


def main(source: str, target: str) -> None:
    try:
        from matplotlib import pyplot
    except ImportError:
        raise SystemExit("charts need matplotlib: pip install matplotlib") from None
    lines: list[dict[str, Any]] = [json.loads(line) for line in Path(source).read_text().splitlines()]
    keys = ("model", "threads", "what", "difference")
    rows = [(line, q, samples) for line in lines for q, samples in line.items() if q not in keys]
    labels = [f"{line['model']}, {line['threads']} T, {line['what']}: {q}" for line, q, _ in rows]
    values = [ratio(samples, "vinoc", PEERS) for _, _, samples in rows]
    noise = [ratio(s, "ort again", ("ort",)) for _, _, s in rows if "ort again" in s]
    figure, axes = pyplot.subplots(figsize=(9, 1 + 0.3 * len(rows)))
    if noise:
        axes.axvspan(min(noise), max(noise), color="0.88", label="onnxruntime / onnxruntime")
    axes.barh(labels, values, color=["tab:green" if v <= 1 else "tab:red" for v in values])
    axes.axvline(1, color="black", linewidth=1)
    axes.invert_yaxis()
    axes.set_xlabel("vinoc / better of onnxruntime and OpenVINO")
    if noise:
        axes.legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(target)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
