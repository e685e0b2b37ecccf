"""Requests, and their results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .arguments import Binder
from .engines import Engine
from .ports import Port, Ported, find_port
from .profiling import ProfilingInfo

if TYPE_CHECKING:
    from .compiled import CompiledModel


class Results(Mapping[Any, Any]):
    """Output arrays, found by name, by index or by port; the keys are the ports. Cannot be changed."""

    __slots__ = ("_ports", "_values")

    def __init__(self, ports: list[Port], values: list[Any]) -> None:
        self._ports = ports
        self._values = values

    def __getitem__(self, key: Any) -> Any:
        return self._values[find_port(self._ports, key, "output").index]

    def __iter__(self) -> Iterator[Port]:
        return iter(self._ports)

    def __len__(self) -> int:
        return len(self._ports)

    def names(self) -> tuple[set[str], ...]:
        """The names of every output."""
        return tuple(p.get_names() for p in self._ports)

    def to_dict(self) -> dict[Port, Any]:
        """A plain dict from ports to arrays."""
        return dict(zip(self._ports, self._values, strict=True))

    def to_tuple(self) -> tuple[Any, ...]:
        """The arrays in order."""
        return tuple(self._values)

    def __repr__(self) -> str:
        return repr(self.to_dict())


class InferRequest(Ported):
    """One sequence of inferences: it keeps the state of stateful models and the last results."""

    def __init__(self, model: CompiledModel) -> None:
        self._model = model
        self._inputs, self._outputs = model.inputs, model.outputs
        self._engine: Engine = model._start()
        self._bind = Binder(self._inputs)
        self._results: Results | None = None

    @property
    def model_inputs(self) -> list[Port]:
        return self.inputs

    @property
    def model_outputs(self) -> list[Port]:
        return self.outputs

    @property
    def results(self) -> Results:
        """What the last `infer` gave; empty before the first."""
        return self._results if self._results is not None else Results([], [])

    def get_compiled_model(self) -> CompiledModel:
        return self._model

    def infer(self, inputs: Any = None) -> Results:
        """Runs the model. Inputs: a dict (keys: names, indices or ports), a list, or one array.

        The results are the caller's own: changing them in place changes nothing else.
        Sequences are lists of arrays, an empty optional is None. Raises UsageError for inputs that do not fit,
        EvaluationError when an operation cannot be computed.
        """
        self._results = Results(self._outputs, self._engine.run(self._bind(inputs)))
        return self._results

    def get_profiling_info(self) -> list[ProfilingInfo]:
        """What the last `infer` spent its time on, step by step. Raises UsageError without PERF_COUNT."""
        return self._engine.times()

    @property
    def profiling_info(self) -> list[ProfilingInfo]:
        return self.get_profiling_info()

    def reset_state(self) -> None:
        """Forgets what a stateful model remembers."""
        self._engine.reset()
