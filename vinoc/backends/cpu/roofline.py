"""The least time that a step can take on a machine: its arithmetic, or what it reads and writes.

    time >= max(flops / peak, bytes from memory / bandwidth of memory, all bytes / bandwidth of the caches)

Weights come from memory where those of the model and its arena do not fit into the last cache together; what a model
computes for itself does where a step's share of it does not fit.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from .lowering.place import Kind, Place
from .lowering.plan import Call, Island, Plan
from .machine import Machine


@dataclass(frozen=True)
class Limit:
    """The least seconds of a step, and what sets them: fma, memory or cache."""

    seconds: float
    bound: str


class Traffic:
    """Bytes that steps of a plan read and write.

    A node may be computed in parts, by several calls of one kernel: each then counts for its share of the tensors that
    all of them are given, but for all of the scratch memory that they use in turn, and for all weights.
    """

    def __init__(self, plan: Plan) -> None:
        constants: dict[int, int] = {}
        self.parts: Counter[Any] = Counter()
        for step in plan.steps:
            if isinstance(step, Call):
                self.parts.update({_part(step, p) for p in step.args.values() if isinstance(p, Place)})
                constants |= {id(a): a.nbytes for a in map(_constant, step.args.values()) if a is not None}
        self.footprint = sum(constants.values()) + plan.arena_size

    def of(self, step: Call | Island) -> tuple[int, int]:
        """(bytes of constants, bytes of what the model computes). Operands that overlap count once.

        What only moves elements reads no more than it writes, however large its operands are.
        """
        if isinstance(step, Island):
            return 0, sum({_extent(p): _bytes(p) for p in (*step.inputs, *step.outputs) if p is not None}.values())
        places = {_extent(p): p for p in step.args.values() if isinstance(p, Place)}
        arrays = {id(a): a.nbytes for a in map(_constant, step.args.values()) if a is not None}
        computed = [
            _bytes(p) // (self.parts[_part(step, p)] if len(p.shape) > 1 else 1)
            for p in places.values()
            if p.buffer.kind is not Kind.CONSTANT
        ]
        constants = list(arrays.values())
        if not step.flops:
            most = max((_bytes(p) for n, p in step.args.items() if isinstance(p, Place) and _is_result(n)), default=0)
            most = most or max(computed, default=0)
            computed, constants = [min(n, most) for n in computed], [min(n, most) for n in constants]
        return sum(constants), sum(computed)


REPAIRS = "winograd_repair"
"""Kernels that look at what is there, and compute only where that is not finite."""


INTEGERS = {"igemm_bytes_dot": 4, "igemm_bytes": 2, "depthwise_quads": 4, "depthwise_pairs": 2}
"""Kernels of integers by how their names begin, and how many times the products of f32 an instruction does."""


def limit(step: Call | Island, traffic: Traffic, machine: Machine) -> Limit | None:
    """The least time of a step that a kernel computes; None where that depends on the data."""
    if isinstance(step, Call) and step.kernel.name.startswith(REPAIRS):
        return None
    constants, computed = traffic.of(step)
    far = constants if traffic.footprint > machine.last_level else 0
    far += computed if computed > machine.last_level else 0
    flops = step.flops if isinstance(step, Call) else 0
    times = {
        "fma": flops / (machine.flops * _gain(step)),
        "memory": far / machine.memory,
        "cache": (constants + computed) / machine.cache,
    }
    bound = max(times, key=lambda name: times[name])
    return Limit(times[bound], bound)


def _gain(step: Call | Island) -> int:
    name = step.kernel.name if isinstance(step, Call) else ""
    return next((gain for start, gain in INTEGERS.items() if name.startswith(start)), 1)


def _is_result(name: str) -> bool:
    return name in ("output", "target", "out", "y")


def _constant(value: object) -> np.ndarray | None:
    """The array that an argument points to, if it is one that stays."""
    if isinstance(value, np.ndarray):
        return value
    return value.buffer.array if isinstance(value, Place) and value.buffer.kind is Kind.CONSTANT else None


def _part(step: Call, place: Place) -> tuple[object, ...]:
    return id(step.node), step.kernel.name, _extent(place)


def _extent(place: Place) -> tuple[object, ...]:
    return id(place.buffer), place.offset, place.shape, place.strides


def _bytes(place: Place) -> int:
    """Of the elements, those that are repeated counted once."""
    return place.itemsize * prod(n for n, s in zip(place.shape, place.strides, strict=True) if s)
