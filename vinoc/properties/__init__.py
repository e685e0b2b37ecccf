"""Properties of devices, after openvino.properties.

Each is the name of a property, and is called to get it, or to pair it with a value:

    core.set_property("CPU", {properties.hint.performance_mode: "THROUGHPUT"})
    core.set_property("CPU", properties.num_streams(4))
"""

from __future__ import annotations

from ..runtime import words
from . import device, hint, intel_auto, log, streams  # noqa: F401  # attributes of the package
from .property import Property

CacheMode = words.CacheMode
WorkloadType = words.WorkloadType

auto_batch_timeout = Property("AUTO_BATCH_TIMEOUT", int)
available_devices = Property("AVAILABLE_DEVICES")
cache_dir = Property("CACHE_DIR", str)
cache_mode = Property("CACHE_MODE", CacheMode)
enable_mmap = Property("ENABLE_MMAP", bool)
enable_profiling = Property("PERF_COUNT", bool)
execution_devices = Property("EXECUTION_DEVICES")
inference_num_threads = Property("INFERENCE_NUM_THREADS", int)
loaded_from_cache = Property("LOADED_FROM_CACHE")
max_batch_size = Property("MAX_BATCH_SIZE")
model_name = Property("NETWORK_NAME")
num_streams = Property("NUM_STREAMS", int)
optimal_batch_size = Property("OPTIMAL_BATCH_SIZE")
optimal_number_of_infer_requests = Property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
range_for_async_infer_requests = Property("RANGE_FOR_ASYNC_INFER_REQUESTS")
range_for_streams = Property("RANGE_FOR_STREAMS")
supported_properties = Property("SUPPORTED_PROPERTIES")
workload_type = Property("WORKLOAD_TYPE", WorkloadType)
