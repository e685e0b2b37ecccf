"""Settings of AUTO and MULTI, after openvino.properties.intel_auto."""

from __future__ import annotations

from ..runtime.words import SchedulePolicy
from .property import Property

enable_runtime_fallback = Property("ENABLE_RUNTIME_FALLBACK", bool)
enable_startup_fallback = Property("ENABLE_STARTUP_FALLBACK", bool)
schedule_policy = Property("SCHEDULE_POLICY", SchedulePolicy)

__all__ = [
    "SchedulePolicy",
    "enable_runtime_fallback",
    "enable_startup_fallback",
    "schedule_policy",
]
