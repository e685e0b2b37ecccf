"""The device MULTI: one model on several devices, and each request on one that is not busy."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...backends.cpu.engine.locks import watch
from ...ir.errors import UsageError, VinocError
from ...ir.graph import Graph, Node
from ...ir.types import TensorType
from ..engines import Engine
from ..execution import Schedule
from ..profiling import ProfilingInfo
from ..properties import MULTI
from ..words import SchedulePolicy
from .base import Host, Prepared, unchangeable
from .given import Given
from .names import Entry, listed, split
from .several import Several, handed, has_variables, log, suited


class Multi(Several):
    """Spreads requests: `MULTI:A,B`, the first that is free taking the next; `MULTI:A(4),B`: at most 4 at once on A."""

    name = "MULTI"
    properties = MULTI
    example = "MULTI:CPU,TEMPLATE"

    def query(self, graph: Graph, settings: Mapping[str, Any], host: Host) -> dict[Node, str]:
        suited(self.entries(settings, host), graph, host, self.name)
        return dict.fromkeys(graph, self.name)

    def compile(self, model: Given, settings: Mapping[str, Any], host: Host) -> Prepared:
        entries = suited(self.entries(settings, host), model.look(), host, self.name)
        return MultiModel(self.name, entries, model, settings, host)


@dataclass(eq=False)
class Target:
    """A device with the model, and how many more requests it takes now."""

    name: str
    prepared: Prepared
    slots: int
    free: int


class Spread:
    """Hands out places on devices, and waits for one where all are taken."""

    def __init__(self, targets: Sequence[Target], policy: SchedulePolicy) -> None:
        self.targets = list(targets)
        self._turns = policy is SchedulePolicy.ROUND_ROBIN
        self._freed = threading.Condition()
        watch(self)

    def after_fork(self) -> None:
        """The threads that had a place are not in the child."""
        self._freed = threading.Condition()
        for target in self.targets:
            target.free = target.slots

    def take(self, only: Target | None = None) -> Target:
        """A place on the first device that is free, or on this one alone; waits for it."""
        with self._freed:
            while True:
                for target in [only] if only else self.targets:
                    if target.free:
                        return self._taken(target)
                self._freed.wait()

    def other(self, than: Target) -> Target | None:
        """The first device but one; None where there is no other."""
        with self._freed:
            return next((t for t in self.targets if t is not than), None)

    def _taken(self, target: Target) -> Target:
        target.free -= 1
        if self._turns and target in self.targets:
            self.targets.remove(target)
            self.targets.append(target)
        return target

    def give(self, target: Target) -> None:
        with self._freed:
            target.free += 1
            self._freed.notify_all()

    def drop(self, target: Target) -> None:
        """No more requests for a device."""
        with self._freed:
            if target in self.targets and len(self.targets) > 1:
                self.targets.remove(target)

    def order(self, names: Sequence[str]) -> None:
        """Other priorities. Raises UsageError for a device that the model was not compiled for."""
        with self._freed:
            known = {t.name: t for t in self.targets}
            for name in names:
                if name not in known:
                    raise UsageError(f"the model is not on {name}", help=f"it is on {', '.join(known)}")
            self.targets = [known[n] for n in names]


class MultiModel:
    """A model on all devices that compile it; `entries`: those that can compute it, by priority."""

    def __init__(
        self, device: str, entries: Sequence[Entry], model: Given, settings: Mapping[str, Any], host: Host
    ) -> None:
        self.device = device
        self.falls_back = bool(settings.get("ENABLE_RUNTIME_FALLBACK", True))
        targets = list(_targets(device, entries, model, handed(settings, host, PERFORMANCE_HINT="THROUGHPUT"), host))
        first = targets[0].prepared
        self.name, self.inputs, self.outputs = first.name, first.inputs, first.outputs
        self.spread = Spread(targets, settings["SCHEDULE_POLICY"])
        self.stateful = has_variables(model.look())

    @property
    def graph(self) -> Graph | None:
        return self.spread.targets[0].prepared.graph if len(self.spread.targets) == 1 else None

    def variables(self) -> Mapping[str, TensorType]:
        return self.spread.targets[0].prepared.variables()

    def start(self) -> Engine:
        return Spreading(self)

    def facts(self) -> Mapping[str, Any]:
        targets = sorted(self.spread.targets, key=lambda t: t.name) if self.spread._turns else self.spread.targets
        return {
            "EXECUTION_DEVICES": [t.name for t in targets],
            "OPTIMAL_NUMBER_OF_INFER_REQUESTS": sum(t.slots for t in targets),
            "LOADED_FROM_CACHE": all(t.prepared.facts().get("LOADED_FROM_CACHE") for t in targets),
            "MULTI_DEVICE_PRIORITIES": ",".join(t.name for t in targets),
            "DEVICE_PROPERTIES": {t.name: dict(t.prepared.facts()) for t in targets},
        }

    def changeable(self) -> dict[str, str]:
        return {"MULTI_DEVICE_PRIORITIES": "RW"}

    def change(self, key: str, value: Any) -> None:
        if key != "MULTI_DEVICE_PRIORITIES":
            raise unchangeable(key, self.device)
        self.spread.order([split(e.name).device for e in listed(str(value))])

    def export(self, file: Any) -> None:
        raise VinocError(f"models compiled for {self.device} cannot be stored", self.name, "store it for each device")

    def schedule(self) -> Schedule | None:
        return self.spread.targets[0].prepared.schedule()


def _targets(
    device: str, entries: Sequence[Entry], model: Given, settings: Mapping[str, Any], host: Host
) -> list[Target]:
    """The model on each device that compiles it. Raises the last error where none does."""
    found, failed = [], None
    for entry in entries:
        try:
            prepared = host.compile(model, entry.name, settings)
        except UsageError:
            raise
        except Exception as error:
            log.warning("%s: %s fails to compile the model: %s", device, entry.name, error)
            failed = error
        else:
            slots = entry.number or int(prepared.facts().get("OPTIMAL_NUMBER_OF_INFER_REQUESTS", 1))
            found.append(Target(entry.name, prepared, slots, slots))
    if not found and failed is not None:
        raise failed
    return found


class Spreading:
    """A request that runs where there is room. One with variables stays on its first device, where they are."""

    def __init__(self, model: MultiModel) -> None:
        self._model = model
        self._engines: dict[Target, Engine] = {}
        self._last = model.spread.targets[0]
        self._stays = False

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        target = self._model.spread.take(only=self._last if self._stays else None)
        failed: Exception | None = None
        try:
            results = self._in_place(target, inputs)
        except UsageError:  # the caller's fault
            raise
        except Exception as error:
            failed = error
        if failed is not None:
            results, target = self._elsewhere(inputs, target, failed)
        self._last, self._stays = target, self._model.stateful
        return results

    def _in_place(self, target: Target, inputs: Sequence[Any]) -> list[Any]:
        """Runs on a device where it has a place, and gives that back."""
        try:
            return self._on(target).run(inputs)
        finally:
            self._model.spread.give(target)

    def _on(self, target: Target) -> Engine:
        engine = self._engines.get(target)
        if engine is None:
            engine = self._engines[target] = target.prepared.start()
        return engine

    def _elsewhere(self, inputs: Sequence[Any], failed: Target, error: Exception) -> tuple[list[Any], Target]:
        """The same on another device. Where that fails as well it is the inputs' fault; else the first gets no more."""
        spread = self._model.spread
        other = spread.other(than=failed)
        if self._stays or not self._model.falls_back or other is None:
            raise error
        spread.take(only=other)
        try:
            results = self._in_place(other, inputs)
        except Exception:
            raise error from None
        log.warning("%s: %s fails: %s; it gets no more requests", self._model.device, failed.name, error)
        spread.drop(failed)
        return results, other

    def reset(self) -> None:
        self._stays = False
        for engine in self._engines.values():
            engine.reset()

    def times(self) -> list[ProfilingInfo]:
        return self._on(self._last).times()

    def variables(self) -> dict[str, Any]:
        """From now on the request stays: its variables are where it is."""
        self._stays = self._model.stateful
        return self._on(self._last).variables()
