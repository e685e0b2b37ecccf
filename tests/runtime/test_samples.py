"""Programs that use the API as OpenVINO's Python samples do: one function for both modules, with equal results.

What each sample is known for: classification with preprocessing, questions to devices, another input size, a queue with
callbacks, latency of one request, throughput of many, a network built with factories.
"""

from __future__ import annotations

import statistics
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import openvino
import openvino.preprocess
import openvino.properties
import pytest

import vinoc
import vinoc.preprocess
import vinoc.properties

from ..conftest import SHARED

MODULES = (vinoc, openvino)
EXAMPLES = Path(__file__).parents[2] / "examples" / "models"
FACES = EXAMPLES / "blazeface" / "blazeface.onnx"
DIGITS = EXAMPLES / "mnist" / "mnist.onnx"


def picture(height: int, width: int, seed: int = 0) -> Any:
    """An image as a decoder gives it: u8[1, height, width, 3], with gradients and noise."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    smooth = np.stack([rows * 255 / height, columns * 255 / width, (rows + columns) % 256], -1)
    return np.clip(smooth + rng.integers(-20, 20, smooth.shape), 0, 255).astype(np.uint8)[None]


def close(a: Any, b: Any) -> bool:
    """Equal up to 1e-3 of the range of values."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return a.shape == b.shape and float(np.abs(a - b).max()) <= 1e-3 * max(float(np.ptp(b)), 1e-6)


def classify(ov: Any, path: Path, image: Any) -> tuple[list[int], Any]:
    """The ten most probable classes of an image of any size."""
    core = ov.Core()
    model = core.read_model(path)
    assert len(model.inputs) == 1
    ppp = ov.preprocess.PrePostProcessor(model)
    ppp.input().tensor().set_shape(image.shape).set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    ppp.input().preprocess().resize(ov.preprocess.ResizeAlgorithm.RESIZE_LINEAR)
    ppp.input().model().set_layout(ov.Layout("NCHW"))
    ppp.output().tensor().set_element_type(ov.Type.f32)
    compiled = core.compile_model(ppp.build(), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    results = compiled.infer_new_request({0: image})
    probabilities = next(iter(results.values())).reshape(-1)
    return np.argsort(probabilities)[-10:][::-1].tolist(), probabilities


def check_classes(path: Path, image: Any) -> None:
    (best, ours), (expected_best, theirs) = (classify(ov, path, image) for ov in MODULES)
    assert close(ours, theirs)
    assert best == expected_best


def test_classification_of_digits() -> None:
    check_classes(DIGITS, picture(40, 36)[..., :1].copy())


@pytest.mark.shared
def test_classification() -> None:
    check_classes(next((SHARED / "models" / "samplenet").rglob("*.onnx")), picture(48, 40))


def ask_devices(ov: Any) -> dict[str, list[str]]:
    """Every property of every device, as text; of some OpenVINO has no Python value."""
    core = ov.Core()
    found: dict[str, list[str]] = {}
    for device in core.available_devices:
        for key in core.get_property(device, "SUPPORTED_PROPERTIES"):
            if key in ("SUPPORTED_METRICS", "SUPPORTED_CONFIG_KEYS", "SUPPORTED_PROPERTIES"):
                continue
            try:
                value = core.get_property(device, key)
            except TypeError:
                value = "UNSUPPORTED TYPE"
            text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            found.setdefault(device, []).append(f"{key}: {text}")
    return found


def test_query_device() -> None:
    ours, theirs = (ask_devices(ov) for ov in MODULES)
    assert {"CPU", "TEMPLATE"} <= set(ours)
    assert not any(line.endswith("UNSUPPORTED TYPE") for lines in ours.values() for line in lines)
    keys = {line.partition(":")[0] for line in ours["CPU"]}
    known = {line.partition(":")[0] for line in theirs["CPU"]}
    assert {"FULL_DEVICE_NAME", "NUM_STREAMS", "PERFORMANCE_HINT", "RANGE_FOR_STREAMS"} <= keys & known


def detect(ov: Any, path: Path, image: Any) -> list[Any]:
    """The outputs of a detector that is made for the size of the image."""
    core = ov.Core()
    model = core.read_model(path)
    _, height, width, _ = image.shape
    model.reshape({model.input().any_name: ov.PartialShape([1, 3, height, width])})
    ppp = ov.preprocess.PrePostProcessor(model)
    ppp.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    ppp.input().model().set_layout(ov.Layout("NCHW"))
    for i in range(len(model.outputs)):
        ppp.output(i).tensor().set_element_type(ov.Type.f32)
    compiled = core.compile_model(ppp.build(), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    results = compiled.infer_new_request({0: image})
    return [results[port] for port in compiled.outputs]


@pytest.mark.shared
def test_reshape_of_a_detector() -> None:
    path = next((SHARED / "models" / "ppocrv3_det_ch").rglob("*.onnx"))
    for size in ((64, 96), (96, 64)):
        ours, theirs = (detect(ov, path, picture(*size)) for ov in MODULES)
        assert [o.shape for o in ours] == [t.shape for t in theirs]
        assert all(map(close, ours, theirs))


def classify_all(ov: Any, model: Any, images: list[Any]) -> dict[int, Any]:
    """What a queue of requests gives for each image, by its number; the callback stores it."""
    core = ov.Core()
    ppp = ov.preprocess.PrePostProcessor(model)
    ppp.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    ppp.input().model().set_layout(ov.Layout("NCHW"))
    compiled = core.compile_model(ppp.build(), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    queue = ov.AsyncInferQueue(compiled, len(images) // 2)
    found: dict[int, Any] = {}

    def completed(request: Any, number: int) -> None:
        found[number] = next(iter(request.results.values())).copy()

    queue.set_callback(completed)
    for number, image in enumerate(images):
        queue.start_async({0: image}, number)
    queue.wait_all()
    return found


def test_asynchronous_classification() -> None:
    images = [picture(128, 128, seed) for seed in range(8)]
    ours, theirs = (classify_all(ov, ov.Core().read_model(FACES), images) for ov in MODULES)
    assert sorted(ours) == sorted(theirs) == list(range(8))
    assert all(close(ours[i], theirs[i]) for i in range(8))


def fill_randomly(tensor: Any) -> None:
    """Numbers that any element type can hold, the same for the same shape."""
    rng = np.random.default_rng(1)
    dtype = tensor.element_type.to_dtype()
    if tensor.get_size() == 0:
        raise RuntimeError("an input has no shape yet")
    high = 1 if dtype.kind in "fb" else 255
    tensor.data[:] = rng.uniform(0, high, list(tensor.shape)).astype(dtype)


def measure_latency(ov: Any, path: Path, seconds: float, least: int) -> tuple[list[float], list[Any]]:
    """Milliseconds of single inferences, and the last results."""
    core = ov.Core()
    hint = {ov.properties.hint.performance_mode: ov.properties.hint.PerformanceMode.LATENCY}
    compiled = core.compile_model(path, "CPU", {**hint, "INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()
    for model_input in compiled.inputs:
        fill_randomly(request.get_tensor(model_input))
    request.infer()
    latencies: list[float] = []
    start = perf_counter()
    while perf_counter() - start < seconds or len(latencies) < least:
        before = perf_counter()
        request.infer()
        latencies.append((perf_counter() - before) * 1e3)
    return latencies, [np.array(request.get_tensor(o).data) for o in compiled.outputs]


def test_synchronous_benchmark() -> None:
    (times, ours), (_, theirs) = (measure_latency(ov, FACES, 0.2, 10) for ov in MODULES)
    assert len(times) >= 10
    assert 0 < min(times) <= statistics.median(times) <= max(times)
    assert all(map(close, ours, theirs))


def measure_throughput(ov: Any, path: Path, least: int) -> tuple[int, list[float], list[Any]]:
    """Inferences that were done, their milliseconds, and the results of the first request."""
    core = ov.Core()
    hint = {ov.properties.hint.performance_mode: ov.properties.hint.PerformanceMode.THROUGHPUT}
    compiled = core.compile_model(path, "CPU", {**hint, "INFERENCE_PRECISION_HINT": "f32"})
    queue = ov.AsyncInferQueue(compiled)
    for request in queue:
        for model_input in compiled.inputs:
            fill_randomly(request.get_tensor(model_input))
    for _ in range(len(queue)):
        queue.start_async()
    queue.wait_all()
    latencies: list[float] = []
    in_fly: set[int] = set()
    while len(latencies) + len(in_fly) < least:
        idle = queue.get_idle_request_id()
        if idle in in_fly:
            latencies.append(queue[idle].latency)
        else:
            in_fly.add(idle)
        queue.start_async()
    queue.wait_all()
    latencies += [queue[i].latency for i in in_fly]
    return len(latencies), latencies, [np.array(queue[0].get_tensor(o).data) for o in compiled.outputs]


def test_throughput_benchmark() -> None:
    (count, times, ours), (_, _, theirs) = (measure_throughput(ov, FACES, 20) for ov in MODULES)
    assert count >= 20
    assert all(t > 0 for t in times)
    assert all(map(close, ours, theirs))


def lenet(ov: Any) -> Any:
    """A network for digits, f32[64,1,28,28] -> f32[64,10], out of factories; the weights are made, not trained."""
    opset1, opset8 = (import_module(f"{ov.__name__}.opset{n}") for n in (1, 8))
    rng = np.random.default_rng(3)

    def weights(*shape: int) -> Any:
        scale = 1 / np.sqrt(np.prod(shape[1:]))
        return ov.op.Constant(ov.Type.f32, ov.Shape(list(shape)), rng.normal(0, scale, shape).ravel().tolist())

    def block(x: Any, channels: int, inputs: int) -> Any:
        node = opset8.convolution(x, weights(channels, inputs, 5, 5), [1, 1], [0, 0], [0, 0], [1, 1])
        node = opset8.add(node, weights(1, channels, 1, 1))
        return opset1.max_pool(node, [2, 2], [0, 0], [0, 0], [2, 2], "ceil")

    def rows(x: Any) -> Any:
        return opset8.reshape(x, ov.op.Constant(ov.Type.i64, ov.Shape([2]), np.array([0, -1])), True)

    data = ov.op.Parameter(ov.Type.f32, ov.Shape([64, 1, 28, 28]))
    x = opset8.matmul(rows(block(block(data, 20, 1), 50, 20)), weights(500, 800), False, True)
    x = opset8.relu(opset8.add(x, weights(1, 500)))
    x = opset8.add(opset8.matmul(rows(x), weights(10, 500), False, True), weights(1, 10))
    return ov.Model(opset8.softmax(x, 1), [data], "lenet")


def recognise(ov: Any, digits: Any) -> Any:
    """Probabilities for images of 28 x 28: the model gets another batch, another layout, and numbers as floats."""
    ppp = ov.preprocess.PrePostProcessor(lenet(ov))
    ppp.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    ppp.input().model().set_layout(ov.Layout("NCHW"))
    ppp.output().tensor().set_element_type(ov.Type.f32)
    model = ppp.build()
    ov.set_batch(model, digits.shape[0])
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    n, height, width, channels = model.input().shape
    given = np.ndarray(shape=(n, height, width, channels))
    for i in range(n):
        given[i] = digits[i].reshape(28, 28)[:, :, np.newaxis]
    return next(iter(compiled.infer_new_request({0: given}).values()))


def test_model_creation() -> None:
    digits = np.random.default_rng(4).integers(0, 255, (10, 784)).astype(np.uint8)
    ours, theirs = (recognise(ov, digits) for ov in MODULES)
    assert ours.shape == (10, 10)
    assert close(ours, theirs)
    assert ours.argmax(1).tolist() == theirs.argmax(1).tolist()
