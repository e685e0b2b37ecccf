"""What a program wants, which devices turn into settings, after openvino.properties.hint."""

from __future__ import annotations

from ..runtime import words
from ..runtime.element import Type
from .property import Property

Affinity = words.Affinity
ExecutionMode = words.ExecutionMode
ModelDistributionPolicy = words.ModelDistributionPolicy
PerformanceMode = words.PerformanceMode
Priority = words.Priority
SchedulingCoreType = words.SchedulingCoreType

allow_auto_batching = Property("ALLOW_AUTO_BATCHING", bool)
enable_cpu_pinning = Property("ENABLE_CPU_PINNING", bool)
enable_hyper_threading = Property("ENABLE_HYPER_THREADING", bool)
execution_mode = Property("EXECUTION_MODE_HINT", ExecutionMode)
inference_precision = Property("INFERENCE_PRECISION_HINT", Type)
model_distribution_policy = Property("MODEL_DISTRIBUTION_POLICY", set)
model_priority = Property("MODEL_PRIORITY", Priority)
num_requests = Property("PERFORMANCE_HINT_NUM_REQUESTS", int)
performance_mode = Property("PERFORMANCE_HINT", PerformanceMode)
scheduling_core_type = Property("SCHEDULING_CORE_TYPE", SchedulingCoreType)
