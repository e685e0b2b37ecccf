"""The device AUTO: the best device that can compute the model.

It begins on the CPU at once where that is one of the choices, while the better device still compiles, and moves there
when that is ready. A device that fails is left for the next. What it decides it says to the logger `vinoc.devices`.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from ...backends.cpu.engine.locks import Lock
from ...ir.errors import UsageError
from ...ir.graph import Graph, Node
from ...ir.types import TensorType
from ..engines import Engine
from ..execution import Schedule
from ..profiling import ProfilingInfo
from ..properties import AUTO
from ..words import PerformanceMode
from .base import Fixed, Host, Prepared
from .given import Given
from .names import Entry
from .several import Several, handed, has_variables, log, suited

HELPER = "CPU"
"""What compiles soon enough to begin with."""


class Auto(Several):
    """Chooses: `AUTO`, `AUTO:X,CPU` (in this order), `AUTO:-X` (all but X)."""

    name = "AUTO"
    properties = AUTO

    def query(self, graph: Graph, settings: Mapping[str, Any], host: Host) -> dict[Node, str]:
        suited(self.entries(settings, host), graph, host, self.name)
        return dict.fromkeys(graph, self.name)

    def compile(self, model: Given, settings: Mapping[str, Any], host: Host) -> Prepared:
        entries = self.entries(settings, host)
        if len(entries) > 1:
            entries = suited(entries, model.look(), host, self.name)
        if settings["PERFORMANCE_HINT"] == "CUMULATIVE_THROUGHPUT":
            from .multi import MultiModel

            return MultiModel(
                self.name, entries, model, {**settings, "PERFORMANCE_HINT": PerformanceMode.THROUGHPUT}, host
            )
        return AutoModel(entries, model, settings, host)

    def load(self, data: Any, settings: Mapping[str, Any], host: Host) -> Prepared:
        return host.load(data, self.entries(settings, host)[0].name, handed(settings, host))


class AutoModel(Fixed):
    """A model on the best device that takes it. `entries`: those that can, the best first."""

    device = "AUTO"

    def __init__(self, entries: Sequence[Entry], model: Given, settings: Mapping[str, Any], host: Host) -> None:
        self._left = [e.name for e in entries]
        self._model, self._host = model, host
        self._settings = handed(settings, host)
        self._falls_back = bool(settings["ENABLE_RUNTIME_FALLBACK"])
        self._lock = Lock(again=True)
        self._priorities = ",".join(self._left)
        self._thread: threading.Thread | None = None
        self._helping = settings["ENABLE_STARTUP_FALLBACK"] and HELPER in self._left[1:]
        self.stateful = len(self._left) > 1 and has_variables(model.look())
        self.now = self._first()
        self.name, self.inputs, self.outputs = self.now.name, self.now.inputs, self.now.outputs
        if self._thread is not None:
            self._thread.start()
        elif len(self._left) == 1:
            self._model = Given.of(Graph())  # nobody needs the graph any more

    def _first(self) -> Prepared:
        """A device to begin with."""
        if not self._helping:
            return self._next_that_compiles()
        log.info("AUTO begins on %s while %s compiles", HELPER, self._left[0])
        try:
            prepared = self._compile(HELPER)
        except UsageError:
            raise
        except Exception as error:
            log.warning("AUTO: %s fails to compile the model: %s; next: %s", HELPER, error, self._left[0])
            self._left.remove(HELPER)
            self._helping = False
            return self._next_that_compiles()
        self._thread = threading.Thread(target=self._move, name="vinoc AUTO", daemon=True)
        return prepared

    def _compile(self, name: str) -> Prepared:
        return self._host.compile(self._model, name, self._settings)

    def _next_that_compiles(self) -> Prepared:
        """The model on the first device left that compiles it; those that fail are dropped."""
        while True:
            name = self._left[0]
            try:
                prepared = self._compile(name)
            except UsageError:
                raise
            except Exception as error:
                if len(self._left) == 1:
                    raise
                log.warning("AUTO: %s fails to compile the model: %s; next: %s", name, error, self._left[1])
                del self._left[0]
            else:
                log.info("AUTO: the model is on %s", name)
                return prepared

    def _move(self) -> None:
        """Compiles for better devices than the one that helps, and moves to the first that does."""
        while self._left[0] != HELPER:
            name = self._left[0]
            try:
                prepared = self._compile(name)
            except Exception as error:
                log.warning("AUTO: %s fails to compile the model: %s; next: %s", name, error, self._left[1])
                with self._lock:
                    del self._left[0]
            else:
                with self._lock:
                    self.now, self._helping = prepared, False
                log.info("AUTO moves from %s to %s", HELPER, name)
                return
        with self._lock:
            self._helping = False

    def wait(self) -> None:
        """Until the move is done, or is not to be."""
        if self._thread is not None:
            self._thread.join()

    def variables(self) -> Mapping[str, TensorType]:
        return self.now.variables()

    def start(self) -> Engine:
        if len(self._left) == 1 and self._thread is None:
            return self.now.start()
        return Moving(self)

    def after(self, failed: Prepared, error: Exception) -> Prepared | None:
        """The device to try after one that failed; None where there is none."""
        with self._lock:
            if failed is not self.now:
                return self.now
            if self._helping or not self._falls_back or len(self._left) < 2:
                return None
            log.warning("AUTO: %s fails: %s; next: %s", self._left[0], error, self._left[1])
            left = self._left
            self._left = left[1:]
            try:
                return self._next_that_compiles()
            except Exception as other:
                log.warning("AUTO: %s fails, too: %s", self._left[0], other)
                return None
            finally:
                self._left = left

    def settle(self, on: Prepared) -> None:
        """A device did what another failed at: it takes all that comes."""
        with self._lock:
            if on is not self.now:
                self.now = on
                executing = on.facts()["EXECUTION_DEVICES"]
                while len(self._left) > 1 and self._left[0] not in executing:
                    del self._left[0]

    @property
    def graph(self) -> Graph | None:
        return self.now.graph

    def facts(self) -> Mapping[str, Any]:
        on = self.now.facts()
        facts = {**self._host.known(on["EXECUTION_DEVICES"][0], self._settings), **on}
        if self._helping:
            facts["EXECUTION_DEVICES"] = [f"({n})" for n in on["EXECUTION_DEVICES"]]
        return {**facts, "MULTI_DEVICE_PRIORITIES": self._priorities}

    def export(self, file: Any) -> None:
        self.now.export(file)

    def schedule(self) -> Schedule | None:
        return self.now.schedule()


class Moving:
    """A request that goes where its model is: to another device when the model moves or its device fails.

    One that has variables stays on the device that it began on, where they are.
    """

    def __init__(self, model: AutoModel) -> None:
        self._model = model
        self._on = model.now
        self._engine = self._on.start()
        self._stays = False

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        if self._on is not self._model.now and not self._stays:
            self._go(self._model.now)
        try:
            results = self._engine.run(inputs)
        except UsageError:  # the caller's fault
            raise
        except Exception as error:
            results = self._elsewhere(inputs, error)
        self._stays = self._model.stateful
        return results

    def _go(self, to: Prepared) -> None:
        self._on, self._engine = to, to.start()

    def _elsewhere(self, inputs: Sequence[Any], error: Exception) -> list[Any]:
        """The same on the next device. Where that fails as well it is the inputs' fault, and nothing moves."""
        if self._stays:
            raise error
        other = self._model.after(self._on, error)
        if other is None:
            raise error
        engine = other.start()
        try:
            results = engine.run(inputs)
        except Exception:
            raise error from None
        self._model.settle(other)
        self._on, self._engine = other, engine
        return results

    def reset(self) -> None:
        self._stays = False
        self._engine.reset()

    def times(self) -> list[ProfilingInfo]:
        return self._engine.times()

    def variables(self) -> dict[str, Any]:
        """From now on the request stays: its variables are where it is."""
        self._stays = self._model.stateful
        return self._engine.variables()
