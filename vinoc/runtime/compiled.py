"""Models that can be run."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from ..ir.errors import VinocError
from ..ir.graph import Graph
from .engines import engine_maker, stored_engine_maker
from .ports import Port, Ported, ports_of
from .properties import PROPERTIES, find
from .request import InferRequest, Results


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
