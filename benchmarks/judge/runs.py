"""Quantizes and runs models with the peers; run by an interpreter that has them, in a process for each step.

    python runs.py quantize FORM MODEL CALIBRATION.npy OUT     FORM: nncf-performance, nncf-mixed, ort, ort-rr
    python runs.py infer RUNTIME MODEL INPUTS.npy OUT.npz      RUNTIME: openvino, onnxruntime; with -sim: in float

Needs no vinoc. The last line of the output is JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

OV_FLOAT = {"LP_TRANSFORMS_MODE": "NO"}
THREADS = 1


def resident() -> float:
    """MB (10^6 bytes) that the process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def peak() -> float:
    """The most MB that the process held; `ru_maxrss` would begin with what the parent held."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) * 1024 / 1e6


def measured(work: Callable[[], None]) -> dict[str, float]:
    """Wall and processor seconds of a piece of work; peak memory, and how far above what was held before."""
    before, began, used = resident(), time.perf_counter(), time.process_time()
    work()
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    return {"seconds": seconds, "cpu_seconds": cpu, "peak_mb": peak(), "rise_mb": peak() - before}


def quantize(form: str, model: str, calibration: str, out: str) -> dict[str, float]:
    """Writes OUT.xml and OUT.bin, or OUT.onnx."""
    samples = np.load(calibration)
    return (_by_nncf if form.startswith("nncf") else _by_ort)(form, model, samples, out)


def _by_nncf(form: str, model: str, samples: Any, out: str) -> dict[str, float]:
    import nncf  # type: ignore[import-not-found]  # stands in the peers' environment
    import openvino

    nncf.set_log_level("ERROR")
    preset = {"nncf-performance": nncf.QuantizationPreset.PERFORMANCE, "nncf-mixed": nncf.QuantizationPreset.MIXED}[
        form
    ]
    read = openvino.convert_model(model)  # with the clean-up that read_model leaves out
    made: list[Any] = []

    def work() -> None:
        data = nncf.Dataset([sample[None] for sample in samples])
        made.append(nncf.quantize(read, data, preset=preset, subset_size=len(samples)))

    cost = measured(work)
    openvino.save_model(made[0], f"{out}.xml", compress_to_fp16=False)
    openvino.save_model(read, f"{out}.f32.xml", compress_to_fp16=False)
    return cost


def _by_ort(form: str, model: str, samples: Any, out: str) -> dict[str, float]:
    import onnx
    import onnxruntime
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    name = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).get_inputs()[0].name

    class Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
        rest = iter(samples)

        def get_next(self) -> dict[str, Any] | None:
            sample = next(self.rest, None)
            return None if sample is None else {name: sample[None]}

    def work() -> None:
        onnx.save(with_axes(onnx.load(model)), f"{out}.pre.onnx")
        quant_pre_process(f"{out}.pre.onnx", f"{out}.pre.onnx")
        quantize_static(
            f"{out}.pre.onnx", f"{out}.onnx", Reader(), quant_format=QuantFormat.QDQ, per_channel="tensor" not in form,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, reduce_range="rr" in form,
        )  # fmt: skip

    cost = measured(work)
    Path(f"{out}.pre.onnx").unlink()
    return cost


def with_axes(model: Any) -> Any:
    """The model in opset 13, the first whose QuantizeLinear has an axis, if it is in an older one."""
    from onnx import version_converter

    if next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx")) < 13:
        model = version_converter.convert_version(model, 13)
    held = {i.name for i in model.graph.initializer}
    for given in [i for i in model.graph.input if i.name in held]:  # as inputs they would count as no constants
        model.graph.input.remove(given)
    model.ir_version = max(model.ir_version, 4)  # the first in which an initializer need be no input
    return model


def infer(runtime: str, model: str, inputs: str, out: str) -> dict[str, float]:
    run = (_openvino if runtime.startswith("openvino") else _onnxruntime)(model, runtime.endswith("-sim"))
    infer_all(run, inputs, out)
    return {}


def infer_all(run: Callable[[Any], list[Any]], inputs: str, out: str) -> None:
    """Writes arrays out0, out1 ... [samples, ...] in the order of the model's outputs."""
    results = [run(sample[None]) for sample in np.load(inputs, mmap_mode="r")]
    arrays: dict[str, Any] = {f"out{i}": np.stack(list(c)) for i, c in enumerate(zip(*results, strict=True))}
    np.savez(out, **arrays)


def _openvino(model: str, floats: bool) -> Callable[[Any], list[Any]]:
    import openvino

    settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": THREADS}
    settings |= {"DYNAMIC_QUANTIZATION_GROUP_SIZE": 0} | (OV_FLOAT if floats else {})
    request = openvino.Core().compile_model(model, "CPU", settings).create_infer_request()
    return lambda sample: [np.array(o)[0] for o in request.infer([sample]).values()]


def _onnxruntime(model: str, floats: bool) -> Callable[[Any], list[Any]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = THREADS
    if floats:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda sample: [o[0] for o in session.run(None, {name: sample})]


if __name__ == "__main__":
    done = {"quantize": quantize, "infer": infer}[sys.argv[1]](*sys.argv[2:])
    print(json.dumps(done))
