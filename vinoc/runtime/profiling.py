"""What an inference spent its time on, after OpenVINO's `ProfilingInfo`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from ..ir.record import record

if TYPE_CHECKING:
    from ..backends.cpu.report import Step


class Status(Enum):
    """What became of a step."""

    NOT_RUN = 0
    OPTIMIZED_OUT = 1
    EXECUTED = 2


_Status = Status  # the class below has it under the same name


@record(frozen=True)
class ProfilingInfo:
    """One step of the schedule in the last inference.

    node_name   the framework nodes that it computes
    node_type   its kind, or the family of kernels that computes several nodes together
    exec_type   the kernel, or why there is none and the reference computes it
    layout      how the result lies in memory
    runs        how often it ran: steps of loops do several times
    flops       floating point operations of one run
    gflops      a second, in units of 1e9
    roofline    the least time that the machine allows for, as a share of the time it took; None: not known
    bound       what sets that: fma, memory or cache

    `real_time` and `cpu_time` are of all runs together; `seconds` is the same, with a fraction of a microsecond.
    """

    node_name: str
    node_type: str
    exec_type: str
    layout: str
    runs: int
    seconds: float
    flops: int
    gflops: float
    roofline: float | None
    bound: str | None
    status: _Status = _Status.EXECUTED

    Status: ClassVar[type[_Status]] = _Status
    NOT_RUN: ClassVar[_Status] = _Status.NOT_RUN
    OPTIMIZED_OUT: ClassVar[_Status] = _Status.OPTIMIZED_OUT
    EXECUTED: ClassVar[_Status] = _Status.EXECUTED

    @property
    def real_time(self) -> timedelta:
        return timedelta(seconds=self.seconds)

    @property
    def cpu_time(self) -> timedelta:
        return self.real_time


def infos(steps: Sequence[Step]) -> Iterator[ProfilingInfo]:
    """In the order of the schedule."""
    for step in steps:
        seconds = step.seconds or 0.0
        yield ProfilingInfo(
            node_name=step.node,
            node_type=step.kind,
            exec_type=step.kernel or f"island: {step.island}",
            layout=step.layout or "",
            runs=step.runs,
            seconds=seconds,
            flops=step.flops,
            gflops=step.flops * step.runs / seconds / 1e9 if seconds else 0.0,
            roofline=step.roofline,
            bound=step.bound,
        )
