"""A plan for people: what runs, in which layout, how long it took, and what share of the machine's limits that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ...ir import loc as _loc
from ...ir.graph import Node
from .codegen.library import Library
from .engine.profile import Profile
from .engine.program import Program
from .lowering.place import Form, Place
from .lowering.plan import Call, Island
from .machine import Machine, machine
from .region import Region
from .roofline import Limit, Traffic, limit

HEAD = ("#", "node", "kernel", "output", "layout", "units", "Mflop", "MB")
TIMED = ("us", "GFLOP/s", "GB/s", "roofline")


@dataclass(frozen=True)
class Step:
    """One step of a schedule.

    node        the framework nodes that it computes
    kind, name  of the node in the lowered graph
    kernel      its name; None: an island, which `island` gives the reason for
    output      type and shape of the first result
    layout      how that lies in memory
    flops       floating point operations
    bytes       of operands and results, each counted once
    runs        how often it ran: bodies of loops do several times
    seconds     of all runs; None: not timed
    roofline    the least time that the machine's limits allow for, as a share of `seconds`
    bound       which limit that is: fma, memory or cache
    """

    node: str
    kind: str
    name: str
    kernel: str | None
    island: str | None
    output: str | None
    layout: str | None
    units: int | None
    flops: int
    bytes: int
    runs: int = 0
    seconds: float | None = None
    roofline: float | None = None
    bound: str | None = None

    def row(self) -> tuple[str, ...]:
        """As in HEAD."""
        return (
            self.node,
            self.kernel or f"island: {self.island}",
            self.output or "",
            self.layout or "",
            str(self.units) if self.units else "",
            f"{self.flops / 1e6:.2f}" if self.flops else "",
            f"{self.bytes / 1e6:.2f}",
        )

    def timed(self) -> tuple[str, ...]:
        """As in TIMED."""
        if not self.seconds:
            return ("", "", "", "")
        seconds = self.seconds / self.runs
        rate = f"{self.flops / seconds / 1e9:.0f}" if self.flops else ""
        share = f"{self.roofline:.0%} {self.bound}" if self.roofline is not None else ""
        return (f"{seconds * 1e6:.1f}", rate, f"{self.bytes / seconds / 1e9:.1f}", share)


def steps_of(
    program: Program, times: Sequence[float] | None = None, runs: int = 1, limits: Machine | None = None
) -> list[Step]:
    """The steps of a schedule; with the seconds of each over some runs, and with limits, how good that is."""
    plan = program.plan
    traffic = Traffic(plan)
    found = []
    for i, step in enumerate(plan.steps):
        seconds = times[i] if times is not None else None
        place = _result(step)
        kernel = step.kernel.name if isinstance(step, Call) else None
        best = limit(step, traffic, limits) if limits and kernel else None
        found.append(
            Step(
                node=names(step.node) if step.node else "(output)",
                kind=_kind(step.node),
                name=step.node.label if step.node else "",
                kernel=kernel,
                island=step.why if isinstance(step, Island) else None,
                output=f"{place.dtype}{list(place.shape)}" if place else None,
                layout=layout(place) if place else None,
                units=step.units if isinstance(step, Call) else None,
                flops=step.flops if isinstance(step, Call) else 0,
                bytes=sum(traffic.of(step)),
                runs=runs if times is not None else 0,
                seconds=seconds,
                **_share(best, seconds, runs),
            )
        )
    return found


def _kind(node: Node | None) -> str:
    """Of nodes that one kernel computes together: its family."""
    if node is None:
        return "copy"
    return str(node.op.kernel) if isinstance(node.op, Region) else node.kind


def _share(best: Limit | None, seconds: float | None, runs: int) -> dict[str, Any]:
    return {"roofline": best.seconds * runs / seconds, "bound": best.bound} if best and seconds else {}


@dataclass(frozen=True)
class Taken:
    """Times as they are taken after a run; `steps` says what they mean, which takes longer than many a model."""

    runs: tuple[tuple[Program, list[float], int], ...]
    library: Library

    def steps(self) -> list[Step]:
        """The steps of all schedules, stages and bodies included, one by one."""
        found: list[Step] = []
        for program, times, runs in self.runs:
            threads = 1 if program.alone else program.pool.threads
            found += steps_of(program, times, runs, machine(self.library, threads))
        return found


def take(profile: Profile, library: Library) -> Taken:
    """What has run since times were forgotten."""
    return Taken(tuple((program, times, program.runs) for program, times in profile.read()), library)


def read(profile: Profile, library: Library) -> list[Step]:
    """The steps of what has run since times were forgotten."""
    return take(profile, library).steps()


def planned(profile: Profile) -> list[Step]:
    """The same without times."""
    return [step for program, _ in profile.read() for step in steps_of(program)]


def table(steps: Sequence[Step]) -> Iterator[tuple[str, ...]]:
    """Rows for people, with a head; times and shares where there are any."""
    timed = any(step.runs for step in steps)
    yield HEAD + (TIMED if timed else ())
    for i, step in enumerate(steps):
        yield (str(i), *step.row(), *(step.timed() if timed else ()))


def sentence(steps: Sequence[Step], runs: int, limits: Machine) -> str:
    """The time of one of some runs, and what the machine can do."""
    seconds = sum(s.seconds or 0 for s in steps)
    flops = sum(s.flops * s.runs for s in steps)
    threads = f"{limits.threads} thread{'s' if limits.threads > 1 else ''}"
    return (
        f"{seconds / runs * 1e3:.3f} ms, {flops / max(seconds, 1e-12) / 1e9:.0f} GFLOP/s; {threads} can do "
        f"{limits.flops / 1e9:.0f} GFLOP/s and read {limits.memory / 1e9:.0f} GB/s from memory, "
        f"{limits.cache / 1e9:.0f} GB/s from their caches"
    )


def remarks(profile: Profile) -> list[str]:
    """What the plans of all schedules say."""
    return [remark for program, _ in profile.read() for remark in program.plan.remarks]


INTEGERS = "integer_"
"""How the families of kernels for products of integers begin."""


def integer_share(steps: Sequence[Step]) -> float:
    """The share of the time, or where nothing was timed of the operations, that products of integers take."""
    timed = any(step.seconds for step in steps)
    weights = [(step.seconds or 0.0) if timed else float(step.flops * max(step.runs, 1)) for step in steps]
    integer = sum(w for w, s in zip(weights, steps) if s.kernel and s.kind.startswith(INTEGERS))
    return integer / max(sum(weights), 1e-30)


def data(
    steps: Sequence[Step], runs: int = 0, limits: Machine | None = None, said: Sequence[str] = ()
) -> dict[str, Any]:
    """The same as JSON has it: times are those of all runs together."""
    return {
        "runs": runs,
        "machine": asdict(limits) if limits else None,
        "integer_share": integer_share(steps),
        "remarks": list(said),
        "steps": [asdict(s) for s in steps],
    }


def names(node: Node) -> str:
    """The framework nodes that a node stands for."""
    found = list(dict.fromkeys(f"{leaf.node}" for leaf in _loc.leaves(node.loc) if leaf.node))
    return " + ".join(found) or f"{node.kind} {node.label}"


def layout(place: Place) -> str:
    """How the elements of a place lie."""
    dense = (
        "" if place.buffer.size == place.size * place.itemsize or place.buffer.size == 0 else ", part of a larger one"
    )
    if place.fits(Form.ROWS):
        return f"rows{dense}"
    if len(place.shape) > 2 and place.fits(Form.LAST):
        return f"channels last{dense}"
    return f"strides {list(place.strides)}"


def _result(step: Call | Island) -> Place | None:
    if isinstance(step, Island):
        return step.outputs[0] if step.outputs else None
    for name in ("output", "target", "out", "y"):
        value = step.args.get(name)
        if isinstance(value, Place):
            return value
    return None
