"""Models that can be run, requests, and their results."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

from ..ir.errors import VinocError
from ..ir.graph import Graph
from .arguments import Binder
from .engines import Engine, engine_maker, stored_engine_maker
from .model import Port, Ported, find_port, ports_of
from .profiling import ProfilingInfo
from .properties import PROPERTIES, find


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


class CompiledModel(Ported):
    """A model made ready for a device; call it to run it."""

    def __init__(self, source: Graph | Any, device: str, config: Mapping[str, Any]) -> None:
        """Of a graph, which it takes over; or of a blob, a model that was compiled before."""
        self.device = device
        self._config = dict(config)
        self._graph: Graph | None = source if isinstance(source, Graph) else None
        self._blob: Any = None if isinstance(source, Graph) else source
        self._request: InferRequest | None = None
        if self._graph is not None:
            self._inputs, self._outputs = ports_of(self._graph)
            self._start = engine_maker(self._graph, device, self._config)
        else:
            sides = ((True, source.inputs), (False, source.outputs))
            self._inputs, self._outputs = (
                [Port(side, i, *port) for i, port in enumerate(ports)] for side, ports in sides
            )
            self._start = stored_engine_maker(source, self._config)

    @property
    def graph(self) -> Graph:
        """What runs, as a graph. Raises VinocError for a model that was compiled in another process."""
        if self._graph is None:
            raise VinocError("a model that was loaded compiled has no graph", help="compile it from the model file")
        return self._graph

    @property
    def name(self) -> str:
        return self._graph.name if self._graph is not None else str(self._blob.name)

    def blob(self) -> Any:
        """The compiled model as data. Raises VinocError where it needs more than generated code."""
        if self._blob is not None:
            return self._blob
        if self.device != "CPU":
            raise VinocError(f"models compiled for {self.device} cannot be stored", self.name)
        return self._start()._executable.all[0].blob()  # type: ignore[attr-defined]  # the CPU's engine

    def export_model(self, model_stream: Any = None) -> bytes | None:
        """The compiled model as bytes, or written to a binary stream; `Core.import_model` loads it.

        Raises VinocError where it needs more than generated code: shapes known only at run time, operations without
        a kernel, kernels of users.
        """
        from ..backends.cpu.blob import write

        stream = io.BytesIO()
        write(self.blob(), stream)
        if model_stream is None:
            return stream.getvalue()
        model_stream.write(stream.getbuffer())
        return None

    def __call__(self, inputs: Any = None) -> Results:
        """Runs the model once; the same as `infer` of a request that belongs to it."""
        if self._request is None:
            self._request = self.create_infer_request()
        return self._request.infer(inputs)

    def create_infer_request(self) -> InferRequest:
        return InferRequest(self)

    def infer_new_request(self, inputs: Any = None) -> Results:
        """Runs the model without any state of former runs."""
        return self.create_infer_request().infer(inputs)

    def reset_state(self) -> None:
        """Forgets what calls of a stateful model remember."""
        if self._request is not None:
            self._request.reset_state()

    def get_property(self, key: str) -> Any:
        """A configuration value, or what there is to know of the device. Raises UsageError for an unknown key."""
        facts = {
            "EXECUTION_DEVICES": [self.device],
            "NETWORK_NAME": self.name,
            "LOADED_FROM_CACHE": self._blob is not None,
        }
        return facts[key] if key in facts else self._config.get(key, find(key, PROPERTIES).default)

    def __repr__(self) -> str:
        sides = [f"  {p!r}" for p in (*self._inputs, *self._outputs)]
        return "\n".join([f"<CompiledModel: '{self.name}' on {self.device}", *sides]) + ">"
