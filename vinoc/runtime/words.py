"""The values of properties that are words, after openvino.properties: enumerations that also equal their own name."""

from __future__ import annotations

from enum import Enum


class Numbered(Enum):
    """One of a few words that stands for a number, too."""

    def __int__(self) -> int:
        return int(self.value)

    __index__ = __int__


class Word(Numbered):
    """One that equals its name: `PerformanceMode.LATENCY == "LATENCY"`, so programs may compare with either."""

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, str) and other == self.name)

    def __hash__(self) -> int:
        return hash(self.name)


class PerformanceMode(Word):
    """What a device tunes itself for: PERFORMANCE_HINT."""

    LATENCY = 1
    THROUGHPUT = 2
    CUMULATIVE_THROUGHPUT = 3


class ExecutionMode(Word):
    """Whether numbers may be rounded for speed: EXECUTION_MODE_HINT."""

    PERFORMANCE = 1
    ACCURACY = 2


class Priority(Word):
    """Of a model among others: MODEL_PRIORITY."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2
    DEFAULT = 1


class SchedulingCoreType(Word):
    """On which cores threads may run: SCHEDULING_CORE_TYPE."""

    ANY_CORE = 0
    PCORE_ONLY = 1
    ECORE_ONLY = 2


class ModelDistributionPolicy(Word):
    """How one model is laid over several devices: MODEL_DISTRIBUTION_POLICY."""

    TENSOR_PARALLEL = 0
    PIPELINE_PARALLEL = 1


class WorkloadType(Word):
    """How urgent inferences are: WORKLOAD_TYPE."""

    DEFAULT = 0
    EFFICIENT = 1


class CacheMode(Word):
    """What a cached model is kept for: CACHE_MODE."""

    OPTIMIZE_SIZE = 0
    OPTIMIZE_SPEED = 1


class DeviceType(Word):
    """DEVICE_TYPE."""

    INTEGRATED = 0
    DISCRETE = 1


class SchedulePolicy(Word):
    """Which device of several takes the next request: SCHEDULE_POLICY."""

    ROUND_ROBIN = 0
    DEVICE_PRIORITY = 1
    DEFAULT = 1


class Level(Word):
    """How much is logged: LOG_LEVEL."""

    NO = -1
    ERR = 0
    WARNING = 1
    INFO = 2
    DEBUG = 3
    TRACE = 4


class Affinity(Word):
    """How threads are bound to cores; the key AFFINITY is gone from OpenVINO, ENABLE_CPU_PINNING took its place."""

    NONE = -1
    CORE = 0
    NUMA = 1
    HYBRID_AWARE = 2


class Num(int):
    """A number of streams; AUTO: as many as the hint asks for, NUMA: one for each node of memory."""

    AUTO: Num
    NUMA: Num

    def to_integer(self) -> int:
        return int(self)

    def __repr__(self) -> str:
        return {-1: "Num.AUTO", -2: "Num.NUMA"}.get(int(self), f"Num({int(self)})")


Num.AUTO, Num.NUMA = Num(-1), Num(-2)
