"""Settings of AUTO and MULTI, after openvino.properties.intel_auto."""

from __future__ import annotations

from ..runtime import words
from .property import Property

SchedulePolicy = words.SchedulePolicy

enable_runtime_fallback = Property("ENABLE_RUNTIME_FALLBACK", bool)
enable_startup_fallback = Property("ENABLE_STARTUP_FALLBACK", bool)
schedule_policy = Property("SCHEDULE_POLICY", SchedulePolicy)
