"""Quantizes and runs models with vinoc, in a process for each step; the same words as runs.py.

python own.py quantize FORM MODEL CALIBRATION.npy OUT     FORM: vinoc-PRESET
python own.py infer RUNTIME MODEL INPUTS.npy OUT.npz      RUNTIME: cpu, reference (FakeQuantize in float)
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from runs import infer_all, measured  # beside this file

from vinoc.backends.numpy import Interpreter
from vinoc.backends.openvino import OpenVinoBackend, write_ir
from vinoc.compiler.driver import read_model
from vinoc.ir import Graph
from vinoc.passes import PassManager
from vinoc.runtime.core import Core
from vinoc.tools.quantize.job import SHORTEN
from vinoc.tools.quantize.quantize import cleaned, quantize


def quantize_form(form: str, model: str, calibration: str, out: str) -> dict[str, float]:
    """Writes OUT.xml and OUT.bin, and the float model as OUT.f32.xml."""
    samples = np.load(calibration)
    made: list[Graph] = []
    preset = form.removeprefix("vinoc-")
    cost = measured(lambda: made.append(quantize(model, samples, preset=preset, subset=0).graph))
    write(made[0], f"{out}.xml", f"{SHORTEN},{OpenVinoBackend.lowering}", short=True)
    write(cleaned(model), f"{out}.f32.xml", OpenVinoBackend.lowering)
    return cost


def write(graph: Graph, path: str, passes: str, short: bool = False) -> None:
    """As `vinoc quantize` writes it."""
    PassManager(passes).run(graph)
    write_ir(graph, path, short=short)


def infer(runtime: str, model: str, inputs: str, out: str) -> dict[str, float]:
    infer_all({"cpu": on_cpu, "reference": by_reference}[runtime](model), inputs, out)
    return {}


def on_cpu(model: str) -> Callable[[Any], list[Any]]:
    request = Core().compile_model(model, "CPU", {"INFERENCE_NUM_THREADS": 1}).create_infer_request()
    return lambda sample: [np.array(o)[0] for o in request.infer([sample]).to_tuple()]


def by_reference(model: str) -> Callable[[Any], list[Any]]:
    graph = read_model(model)
    return lambda sample: [np.array(o)[0] for o in Interpreter(graph).run([sample])]


if __name__ == "__main__":
    done: dict[str, float] = {"quantize": quantize_form, "infer": infer}[sys.argv[1]](*sys.argv[2:])
    print(json.dumps(done))
