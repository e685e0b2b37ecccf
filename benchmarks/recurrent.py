"""LSTM and GRU layers, as wide inside as outside, beside onnxruntime and OpenVINO, and with weights of eight bits.

    python benchmarks/recurrent.py [--threads 1] [--seconds 1.5] [--hidden 64 256 1024] [--steps 1 100] [--batch 1 16]

Weights are random, as frameworks begin with them. The engines take turns in one process, each as cheaply as its Python
interface can be called: onnxruntime's session, OpenVINO's request with its tensors set, vinoc's compiled model. Prints
the least times in microseconds as Markdown, and the ratio to the better peer; "8 bits": what `quantize --weights_only`
makes of the layer.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

GATES = {"LSTM": 4, "GRU": 3}
STATES = {"LSTM": ("h", "c"), "GRU": ("h",)}
ROUNDS = 9

Run = Callable[[], Any]


def make(kind: str, hidden: int, steps: int, batch: int, path: Path) -> dict[str, np.ndarray]:
    """Writes the layer as ONNX; returns inputs. A GRU's reset gate comes behind the product, as in PyTorch."""
    from onnx import TensorProto, helper, numpy_helper, save

    draw, gates = np.random.default_rng(0), GATES[kind] * hidden
    shapes = {"w": (1, gates, hidden), "r": (1, gates, hidden), "b": (1, 2 * gates)}
    arrays = {n: (draw.uniform(-1, 1, s) / hidden**0.5).astype(np.float32) for n, s in shapes.items()}
    states = STATES[kind]
    extra = {"linear_before_reset": 1} if kind == "GRU" else {}
    results = ["y", *(f"last_{s}" for s in states)]
    node = helper.make_node(kind, ["x", "w", "r", "b", "", *states], results, hidden_size=hidden, **extra)
    inputs = {"x": (steps, batch, hidden), **dict.fromkeys(states, (1, batch, hidden))}
    outputs = {"y": (steps, 1, batch, hidden), **{f"last_{s}": (1, batch, hidden) for s in states}}
    infos = [
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in side.items()] for side in (inputs, outputs)
    ]
    weights = [numpy_helper.from_array(a, n) for n, a in arrays.items()]
    graph = helper.make_graph([node], kind.lower(), *infos, weights)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8), str(path))
    return {n: draw.standard_normal(s).astype(np.float32) / 2 for n, s in inputs.items()}


def engines(path: Path, feeds: dict[str, np.ndarray], threads: int) -> dict[str, Run]:
    """What runs the layer once."""
    import onnxruntime
    import openvino

    import vinoc

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    config = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    request = openvino.Core().compile_model(str(path), "CPU", config).create_infer_request()
    for i, array in enumerate(feeds.values()):
        request.set_input_tensor(i, openvino.Tensor(array))
    stored = path.with_suffix(".xml")
    vinoc.save_model(vinoc.quantize(path, weights_only=True).model, stored)
    arrays = list(feeds.values())
    own = [vinoc.compile_model(p, "CPU", {"INFERENCE_NUM_THREADS": threads}) for p in (path, stored)]
    return {
        "onnxruntime": lambda: session.run(None, feeds),
        "OpenVINO": request.infer,
        "vinoc": lambda: own[0](arrays),
        "8 bits": lambda: own[1](arrays),
    }


def timed(runs: dict[str, Run], seconds: float) -> dict[str, float]:
    """The least mean time of a turn, in microseconds."""
    turns = {}
    for name, run in runs.items():
        run()
        began = perf_counter()
        run()
        turns[name] = max(1, int(seconds / ROUNDS / len(runs) / (perf_counter() - began)))
    least = dict.fromkeys(runs, float("inf"))
    for _ in range(ROUNDS):
        for name, run in runs.items():
            began = perf_counter()
            for _ in range(turns[name]):
                run()
            least[name] = min(least[name], 1e6 * (perf_counter() - began) / turns[name])
    return least


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each layer")
    parser.add_argument("--kinds", nargs="+", choices=sorted(GATES), default=sorted(GATES, reverse=True))
    parser.add_argument("--hidden", nargs="+", type=int, default=[64, 256, 1024])
    parser.add_argument("--steps", nargs="+", type=int, default=[1, 100])
    parser.add_argument("--batch", nargs="+", type=int, default=[1, 16])
    given = parser.parse_args()
    print("| layer | hidden | steps | batch | onnxruntime | OpenVINO | vinoc | of the better | 8 bits | of f32 |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for layer in itertools.product(given.kinds, given.hidden, given.steps, given.batch):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "layer.onnx"
            found = timed(engines(path, make(*layer, path), given.threads), given.seconds)
        ort, ov, own, small = found.values()
        times = " | ".join(f"{t:.0f}" for t in (ort, ov, own))
        print(
            f"| {' | '.join(map(str, layer))} | {times} | {own / min(ort, ov):.2f} | {small:.0f} | {small / own:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
