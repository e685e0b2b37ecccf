"""What a program wants, which devices turn into settings, after openvino.properties.hint."""

from __future__ import annotations

from ..runtime.element import Type
from ..runtime.words import (
    Affinity,
    ExecutionMode,
    ModelDistributionPolicy,
    PerformanceMode,
    Priority,
    SchedulingCoreType,
)
from .property import Property

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

__all__ = [
    "Affinity",
    "ExecutionMode",
    "ModelDistributionPolicy",
    "PerformanceMode",
    "Priority",
    "SchedulingCoreType",
    "allow_auto_batching",
    "enable_cpu_pinning",
    "enable_hyper_threading",
    "execution_mode",
    "inference_precision",
    "model_distribution_policy",
    "model_priority",
    "num_requests",
    "performance_mode",
    "scheduling_core_type",
]
