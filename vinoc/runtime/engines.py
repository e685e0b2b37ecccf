"""What computes a request: the CPU engine, or the reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..ir.errors import UsageError
from ..ir.graph import Graph
from .profiling import ProfilingInfo, infos


class Engine(Protocol):
    """Runs a model for one request. The results are the caller's own."""

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        """The outputs. Sequences are lists, an empty optional is None."""

    def reset(self) -> None:
        """Forgets all variables."""

    def variables(self) -> dict[str, Any]:
        """The variables that have a value, as arrays; what is changed here is what the next run reads."""

    def times(self) -> list[ProfilingInfo]:
        """What the last run spent its time on. Raises UsageError where it was not timed."""


End = Callable[[list[Any], BaseException | None], None]
"""Gets the results of a run in the background, or what went wrong."""


def submitter(engine: Engine) -> Callable[[Sequence[Any], End], None] | None:
    """How an engine begins a run without a thread that waits for it: its `submit(inputs, end)`. Few have one."""
    found: Callable[[Sequence[Any], End], None] | None = getattr(engine, "submit", None)
    return found


def streams_and_threads(config: Mapping[str, Any]) -> tuple[int, int]:
    """How many inferences run at a time, and threads for each.

    NUM_STREAMS inferences, or one; or one a thread where throughput is asked for, and no more than
    PERFORMANCE_HINT_NUM_REQUESTS. "NUMA": one for each node of memory.
    """
    from ..backends.cpu.cores import cores

    total = config.get("INFERENCE_NUM_THREADS", 0) or cores()
    wanted = config.get("NUM_STREAMS", "AUTO")
    if wanted == "NUMA":
        wanted = max(len(list(Path("/sys/devices/system/node").glob("node[0-9]*"))), 1)
    elif wanted == "AUTO":
        many = str(config.get("PERFORMANCE_HINT", "")).endswith("THROUGHPUT")
        wanted = min(total, config.get("PERFORMANCE_HINT_NUM_REQUESTS", 0) or total) if many else 1
    count = max(int(wanted), 1)
    return count, max(total // count, 1)


class Reference:
    """Every operation by its definition."""

    def __init__(self, graph: Graph) -> None:
        from ..backends.numpy.interpreter import Interpreter  # other devices do without it

        self._interpreter = Interpreter(graph)
        self._stateful = any(n.kind == "Assign" for g in graph.walk() for n in g)

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        if self._stateful:  # a variable may keep an input beyond this call
            inputs = [own(a) for a in inputs]
        return [own(v) for v in self._interpreter.run(inputs)]

    def reset(self) -> None:
        self._interpreter.reset()

    def variables(self) -> dict[str, Any]:
        return self._interpreter.variables

    def times(self) -> list[ProfilingInfo]:
        raise UsageError("the reference keeps no times", help="compile the model for the CPU, with PERF_COUNT")


class Native:
    """Generated kernels."""

    def __init__(self, executable: Any, timed: bool = False) -> None:
        from ..backends.cpu.engine.islands import State

        self._executable = executable  # streams
        self._new_state = State
        self._state = State()
        self._timed = timed
        self._taken: Any = None  # times of the last run

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        if self._timed:
            results, self._taken = self._executable.run_timed(inputs, self._state)
        else:
            results = self._executable.run(inputs, self._state)
        return [own(v) if _is_view(v, inputs) else v for v in results]

    def times(self) -> list[ProfilingInfo]:
        if not self._timed:
            why = "compile it with PERF_COUNT, from the model file: models that were stored compiled keep no times"
            raise UsageError("the model was compiled without PERF_COUNT", help=why)
        return list(infos(self._taken.steps())) if self._taken is not None else []

    def reset(self) -> None:
        self._state = self._new_state()

    def variables(self) -> dict[str, Any]:
        return self._state.variables


def _is_view(value: Any, inputs: Sequence[Any]) -> bool:
    """Whether a result may be something that others hold: kernels give arrays of their own, islands need not."""
    if type(value) is not np.ndarray or value.base is not None:
        return True
    for given in inputs:  # noqa: SIM110  # twice as fast as `any`
        if value is given:
            return True
    return False


def own(value: Any) -> Any:
    """A copy that the caller may change: what the interpreter gives may be an input, a constant or a variable."""
    if isinstance(value, list | tuple):
        return [own(v) for v in value]
    return None if value is None else np.array(value)
