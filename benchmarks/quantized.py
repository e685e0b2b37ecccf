"""Sizes of quantized ONNX models, the precision of their products in OpenVINO, and their error on the reference.

python benchmarks/quantized.py MODEL.onnx ...

Ranges are those of one run on the first of the inputs that lie beside the model (io/io.npz), else on random ones.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from vinoc.backends.numpy import Interpreter
from vinoc.backends.openvino import OpenVinoBackend, write_ir
from vinoc.compiler.driver import read_model
from vinoc.ir import Graph
from vinoc.passes import Context, PassManager
from vinoc.passes.quantize import Quantize, Ranges, needed
from vinoc.passes.quantize.ranges import Range

PRODUCTS = ("Convolution", "Deconvolution", "FullyConnected", "MatMul")
Arrays = list[np.ndarray]


def inputs_of(model: Path, graph: Graph) -> Arrays:
    """The first stored inputs."""
    names = json.loads((model.parent / "io" / "io.json").read_text())["inputs"]
    with np.load(model.parent / "io" / "io.npz") as data:
        arrays = {name: data[f"c0_in{i}"] for i, name in enumerate(names)}
    return [arrays[names[0]] for names in graph.input_names]


def ranges_of(graph: Graph, inputs: Arrays) -> Ranges:
    """What a run shows of the values that are to be quantized."""
    names = {value: name for name, value in needed(graph).items()}
    arrays = dict(zip(graph.inputs, inputs, strict=True))
    Interpreter(graph, lambda node, outs, _: arrays.update(zip(node.outputs, outs, strict=True))).run(inputs)
    return Ranges({n: Range(np.float64(arrays[v].min()), np.float64(arrays[v].max())) for v, n in names.items()})


def sizes(graph: Graph, folder: Path) -> tuple[Path, int, int]:
    """The IR of a graph, and the bytes of its .bin and .xml."""
    lowered = graph.clone()
    PassManager(OpenVinoBackend.lowering).run(lowered)
    path = write_ir(lowered, folder / "net.xml").xml
    return path, path.with_suffix(".bin").stat().st_size, path.stat().st_size


def precisions(path: Path) -> str:
    """In what OpenVINO computes products, by number."""
    import openvino

    model = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found: Counter[str] = Counter()
    for op in model.get_runtime_model().get_ordered_ops():
        info: Any = op.get_rt_info()
        if info["layerType"].astype(str) in PRODUCTS:
            found[info["runtimePrecision"].astype(str)] += 1
    return ", ".join(f"{count} {precision}" for precision, count in found.most_common())


def main() -> None:
    print("| model | .bin f32 | int8 | ratio | int4 | ratio | .xml f32 | int8 | products | error int8 | int4 |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for model in map(Path, sys.argv[1:]):
        graph = read_model(str(model))
        PassManager("fuse").run(graph)
        inputs = inputs_of(model, graph)
        ranges, expected = ranges_of(graph, inputs), Interpreter(graph).run(inputs)
        with tempfile.TemporaryDirectory() as name:
            _, whole, text = sizes(graph, Path(name))
            row = [model.parent.name, f"{whole / 1e3:.1f}"]
            errors = []
            for bits in (8, 4):
                made = graph.clone()
                Quantize(ranges=ranges, weight_bits=bits).run(made, Context())
                path, small, more = sizes(made, Path(name))
                row += [f"{small / 1e3:.1f}", f"{small / whole:.3f}"]
                if bits == 8:
                    longer, computed = more, precisions(path)
                pairs = zip(expected, Interpreter(made).run(inputs), strict=True)
                errors.append(max(float(np.linalg.norm(a - b) / np.linalg.norm(a)) for a, b in pairs))
            row += [f"{text / 1e3:.1f}", f"{longer / 1e3:.1f}", computed, *(f"{e:.3f}" for e in errors)]
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
