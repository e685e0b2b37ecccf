"""`properties`: names, values, what devices keep of them."""

# ruff: noqa: E501  # a call stands in one piece

from __future__ import annotations

from pathlib import Path
from typing import Any

from .calls import Raises, checked

CALLS: dict[str, Any] = {
    "ov.properties.hint.performance_mode()": "PERFORMANCE_HINT",
    "ov.properties.hint.performance_mode(ov.properties.hint.PerformanceMode.LATENCY)[0]": "PERFORMANCE_HINT",
    "str(ov.properties.hint.PerformanceMode.THROUGHPUT)": "PerformanceMode.THROUGHPUT",
    "ov.properties.hint.PerformanceMode.LATENCY.name": "LATENCY",
    "[m.name for m in (ov.properties.hint.PerformanceMode.LATENCY, ov.properties.hint.PerformanceMode.CUMULATIVE_THROUGHPUT)]": [
        "LATENCY",
        "CUMULATIVE_THROUGHPUT",
    ],
    "ov.properties.hint.PerformanceMode.LATENCY == ov.properties.hint.PerformanceMode.LATENCY": True,
    "ov.properties.hint.execution_mode()": "EXECUTION_MODE_HINT",
    "ov.properties.hint.ExecutionMode.ACCURACY.name": "ACCURACY",
    "ov.properties.hint.inference_precision()": "INFERENCE_PRECISION_HINT",
    "ov.properties.hint.num_requests()": "PERFORMANCE_HINT_NUM_REQUESTS",
    "ov.properties.hint.model_priority()": "MODEL_PRIORITY",
    "ov.properties.hint.Priority.HIGH.name": "HIGH",
    "ov.properties.hint.enable_cpu_pinning()": "ENABLE_CPU_PINNING",
    "ov.properties.hint.enable_hyper_threading()": "ENABLE_HYPER_THREADING",
    "ov.properties.hint.scheduling_core_type()": "SCHEDULING_CORE_TYPE",
    "ov.properties.hint.allow_auto_batching()": "ALLOW_AUTO_BATCHING",
    "ov.properties.hint.dynamic_quantization_group_size()": "DYNAMIC_QUANTIZATION_GROUP_SIZE",
    "ov.properties.hint.kv_cache_precision()": "KV_CACHE_PRECISION",
    "ov.properties.hint.activations_scale_factor()": "ACTIVATIONS_SCALE_FACTOR",
    "ov.properties.inference_num_threads()": "INFERENCE_NUM_THREADS",
    "ov.properties.inference_num_threads(4)": ("INFERENCE_NUM_THREADS", 4),
    "ov.properties.num_streams()": "NUM_STREAMS",
    "ov.properties.num_streams(ov.properties.streams.Num(2))[0]": "NUM_STREAMS",
    "ov.properties.streams.num()": "NUM_STREAMS",
    "ov.properties.streams.Num.AUTO.to_integer()": -1,
    "ov.properties.enable_profiling()": "PERF_COUNT",
    "ov.properties.enable_profiling(True)": ("PERF_COUNT", True),
    "ov.properties.cache_dir()": "CACHE_DIR",
    'ov.properties.cache_dir("/tmp/x")': ("CACHE_DIR", "/tmp/x"),
    "ov.properties.cache_mode()": "CACHE_MODE",
    "ov.properties.log.level()": "LOG_LEVEL",
    "ov.properties.log.Level.ERR.name": "ERR",
    "ov.properties.auto_batch_timeout()": "AUTO_BATCH_TIMEOUT",
    "ov.properties.optimal_number_of_infer_requests()": "OPTIMAL_NUMBER_OF_INFER_REQUESTS",
    "ov.properties.supported_properties()": "SUPPORTED_PROPERTIES",
    "ov.properties.available_devices()": "AVAILABLE_DEVICES",
    "ov.properties.model_name()": "NETWORK_NAME",
    "ov.properties.optimal_batch_size()": "OPTIMAL_BATCH_SIZE",
    "ov.properties.max_batch_size()": "MAX_BATCH_SIZE",
    "ov.properties.range_for_async_infer_requests()": "RANGE_FOR_ASYNC_INFER_REQUESTS",
    "ov.properties.range_for_streams()": "RANGE_FOR_STREAMS",
    "ov.properties.execution_devices()": "EXECUTION_DEVICES",
    "ov.properties.loaded_from_cache()": "LOADED_FROM_CACHE",
    "ov.properties.device.full_name()": "FULL_DEVICE_NAME",
    "ov.properties.device.priorities()": "MULTI_DEVICE_PRIORITIES",
    'ov.properties.device.priorities("CPU,GPU")[0]': "MULTI_DEVICE_PRIORITIES",
    "ov.properties.device.properties()": "DEVICE_PROPERTIES",
    "ov.properties.device.architecture()": "DEVICE_ARCHITECTURE",
    "ov.properties.device.capabilities()": "OPTIMIZATION_CAPABILITIES",
    "ov.properties.device.type()": "DEVICE_TYPE",
    "ov.properties.device.id()": "DEVICE_ID",
    "ov.properties.device.Capability.FP32": "FP32",
    "ov.properties.device.Capability.EXPORT_IMPORT": "EXPORT_IMPORT",
    "ov.properties.compilation_num_threads()": "COMPILATION_NUM_THREADS",
    "ov.properties.force_tbb_terminate()": "FORCE_TBB_TERMINATE",
    "ov.properties.enable_mmap()": "ENABLE_MMAP",
    "ov.properties.workload_type()": "WORKLOAD_TYPE",
    "ov.properties.weights_path()": "WEIGHTS_PATH",
    "ov.properties.intel_cpu.denormals_optimization()": "CPU_DENORMALS_OPTIMIZATION",
    "ov.properties.intel_cpu.sparse_weights_decompression_rate()": "CPU_SPARSE_WEIGHTS_DECOMPRESSION_RATE",
    "ov.properties.intel_auto.device_bind_buffer()": "DEVICE_BIND_BUFFER",
    "ov.properties.intel_auto.enable_startup_fallback()": "ENABLE_STARTUP_FALLBACK",
    "ov.properties.intel_auto.enable_runtime_fallback()": "ENABLE_RUNTIME_FALLBACK",
    "ov.properties.intel_auto.schedule_policy()": "SCHEDULE_POLICY",
    'ov.properties.hint.performance_mode == "PERFORMANCE_HINT"': True,
    'hash(ov.properties.num_streams) == hash("NUM_STREAMS")': True,
    'kept(core, {"PERFORMANCE_HINT": "THROUGHPUT"}, "PERFORMANCE_HINT").name': "THROUGHPUT",
    'kept(core, {ov.properties.hint.performance_mode: ov.properties.hint.PerformanceMode.LATENCY}, "PERFORMANCE_HINT").name': "LATENCY",
    'kept(core, {"PERF_COUNT": "YES"}, "PERF_COUNT")': True,
    'kept(core, {"PERF_COUNT": True}, ov.properties.enable_profiling)': True,
    'kept(core, {"INFERENCE_NUM_THREADS": "2"}, "INFERENCE_NUM_THREADS")': 2,
    'kept(core, {"NUM_STREAMS": 1}, "NUM_STREAMS")': 1,
    'kept(core, {"NUM_STREAMS": "2"}, "NUM_STREAMS")': 2,
    'kept(core, {"INFERENCE_PRECISION_HINT": "f32"}, "INFERENCE_PRECISION_HINT") == ov.Type.f32': True,
    'kept(core, {"INFERENCE_PRECISION_HINT": ov.Type.f32}, "INFERENCE_PRECISION_HINT") == ov.Type.f32': True,
    'kept(core, {"EXECUTION_MODE_HINT": "ACCURACY"}, "EXECUTION_MODE_HINT").name': "ACCURACY",
    'kept(core, {"PERFORMANCE_HINT_NUM_REQUESTS": 3}, "PERFORMANCE_HINT_NUM_REQUESTS")': 3,
    'kept(core, {"ENABLE_CPU_PINNING": False}, "ENABLE_CPU_PINNING")': False,
    'kept(core, {"PERFORMANCE_HINT": "FASTEST"}, "PERFORMANCE_HINT")': Raises(RuntimeError),
    'kept(core, {"PERF_COUNT": "MAYBE"}, "PERF_COUNT")': Raises(RuntimeError),
    'kept(core, {"INFERENCE_NUM_THREADS": -3}, "INFERENCE_NUM_THREADS")': Raises(RuntimeError),
    'compiled_with(core, model, {"PERF_COUNT": True}, "PERF_COUNT")': "YES",
    'str(compiled_with(core, model, {"PERFORMANCE_HINT": "LATENCY"}, "PERFORMANCE_HINT"))': "LATENCY",
    'compiled_with(core, model, {ov.properties.inference_num_threads: 1}, "INFERENCE_NUM_THREADS")': 1,
    'compiled_with(core, model, {}, "NETWORK_NAME")': "net",
    "compiled_with(core, model, {}, ov.properties.execution_devices)": ["CPU"],
    'compiled_with(core, model, {"INFERENCE_PRECISION_HINT": "f32"}, "INFERENCE_PRECISION_HINT") == ov.Type.f32': True,
    'core.get_property("CPU", ov.properties.range_for_streams)[0]': 1,
    'len(core.get_property("CPU", ov.properties.range_for_async_infer_requests))': 3,
    '"FP32" in core.get_property("CPU", ov.properties.device.capabilities)': True,
    'core.get_property("CPU", ov.properties.device.type).name': "INTEGRATED",
    "read_only(core)": None,
    "mutable(core)": [True, True, False, False],
}


def kept(core: Any, given: dict[Any, Any], key: Any) -> Any:
    core.set_property("CPU", given)
    return core.get_property("CPU", key)


def compiled_with(core: Any, model: Any, given: dict[Any, Any], key: Any) -> Any:
    return core.compile_model(model, "CPU", given).get_property(key)


def read_only(core: Any) -> Any:
    core.set_property("CPU", {"FULL_DEVICE_NAME": "mine"})


def mutable(core: Any) -> list[bool]:
    """Whether properties may be set, as SUPPORTED_PROPERTIES tells."""
    known = core.get_property("CPU", "SUPPORTED_PROPERTIES")
    return [known[k] == "RW" for k in ("PERF_COUNT", "NUM_STREAMS", "FULL_DEVICE_NAME", "RANGE_FOR_STREAMS")]


def world(ov: Any, folder: Path) -> dict[str, Any]:
    core = ov.Core()
    return {**globals(), "ov": ov, "core": core, "model": folder / "net.xml"}


test_call = checked(CALLS, world)
