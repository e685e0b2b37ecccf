"""The engines that are measured: onnxruntime, OpenVINO and vinoc, through their public interfaces.

`x again` is a second instance of x: its ratio to x is the noise of the machine.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from vinoc.ir.dtype import Array
from vinoc.tools.engines.base import Asked, Feeds

Engine = Callable[[Feeds], list[Array]]

AGAIN = " again"


def hold(isa: str) -> None:
    """Holds OpenVINO and vinoc to one of vinoc's targets, `avx2` for one; before either makes a model ready."""
    from vinoc.backends.cpu.codegen import target

    os.environ["ONEDNN_MAX_CPU_ISA"] = isa.upper()
    chosen = target.target(isa)
    target.host = lambda: chosen  # type: ignore[assignment]


def load(name: str, path: str, threads: int, cache: str = "") -> Engine:
    """An engine with a model that is ready to run, for the least latency. `cache`: a CACHE_DIR."""
    kind = name.removesuffix(AGAIN)
    config = {"PERFORMANCE_HINT": "LATENCY"} | ({"CACHE_DIR": cache} if cache else {})
    precision = "f32" if kind == "ov" else ""
    asked = Asked(Path(path), precision=precision, threads=threads, config=config)
    from vinoc.tools.engines import find  # here, so that the time of importing vinoc is a part of its own

    return find.load(find.engine_called(kind), asked).request()


def throughput(name: str, path: str, threads: int) -> Callable[[Feeds, float], float]:
    """What runs a model for so many seconds, `threads` inferences at a time, and returns inferences a second."""
    kind = name.removesuffix(AGAIN)
    if kind == "ov":
        return _queue(path, threads)
    if kind == "ort":
        session = _session(path, 1)
        return _several([lambda feeds: session.run(None, feeds)] * threads)
    model = _vinoc(path, threads)
    requests = [model.create_infer_request() for _ in range(threads)]
    return _several([lambda feeds, r=r: r.infer(feeds, share_inputs=True) for r in requests])


def _queue(path: str, threads: int) -> Callable[[Feeds, float], float]:
    import openvino

    compiled = _openvino(path, threads)
    queue = openvino.AsyncInferQueue(compiled, compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))

    def run(feeds: Feeds, seconds: float) -> float:
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            queue.start_async(feeds, share_inputs=True)
            count += 1
        queue.wait_all()
        return count / (time.perf_counter() - began)

    return run


def _several(runs: list[Callable[[Feeds], Any]]) -> Callable[[Feeds, float], float]:
    """Each in a thread of its own, again and again."""

    def run(feeds: Feeds, seconds: float) -> float:
        counts = [0] * len(runs)
        end = time.perf_counter() + seconds

        def loop(index: int) -> None:
            while time.perf_counter() < end:
                runs[index](feeds)
                counts[index] += 1

        workers = [threading.Thread(target=loop, args=(i,)) for i in range(len(runs))]
        began = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return sum(counts) / (time.perf_counter() - began)

    return run


def _session(path: str, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _openvino(path: str, threads: int) -> Any:
    import openvino

    config = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    return openvino.Core().compile_model(path, "CPU", config)


def _vinoc(path: str, threads: int) -> Any:
    import vinoc

    config = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_NUM_THREADS": threads}
    return vinoc.Core().compile_model(path, "CPU", config)


def made_up(path: str, size: int) -> Feeds:
    """Inputs for a model: normal numbers, or small integers; `size` for dimensions that are not known."""
    import onnx

    model = onnx.load(path, load_external_data=False)
    weights = {t.name for t in model.graph.initializer}
    rng = np.random.default_rng(0)
    feeds = {}
    for value in model.graph.input:
        if value.name not in weights:
            tensor = value.type.tensor_type
            shape = [d.dim_value or size for d in tensor.shape.dim]
            dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
            whole = np.issubdtype(dtype, np.integer)
            feeds[value.name] = (rng.integers(0, 100, shape) if whole else rng.standard_normal(shape)).astype(dtype)
    return feeds
