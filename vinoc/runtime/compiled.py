"""Models that can be run."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from ..ir.errors import VinocError
from ..ir.graph import Graph
from .ports import Ported
from .properties import pairs, shown, unknown
from .request import InferRequest, described
from .results import Results
from .states import VariableState

if TYPE_CHECKING:
    from .devices.base import Prepared
    from .model import Model
    from .workers import Workers


class CompiledModel(Ported):
    """A model made ready for a device; call it to run it."""

    def __init__(self, prepared: Prepared, device: str, settings: Mapping[str, Any]) -> None:
        self.device = device
        self.prepared = prepared
        self._settings = dict(settings)
        self._request: InferRequest | None = None
        self._inputs, self._outputs = prepared.inputs, prepared.outputs
        self._start = prepared.start
        self._workers: Workers | None = None
        self.variables = prepared.variables()

    def __reduce__(self) -> NoReturn:
        """Raises TypeError: machine code and threads stay in their process."""
        raise TypeError(
            "a compiled model cannot be pickled or copied: send its `Model`, or what `export_model()` gives, "
            "to the other process, and compile or import it there"
        )

    @property
    def graph(self) -> Graph:
        """What runs, as a graph. Raises VinocError for a model that was compiled in another process, or that several
        devices run."""
        if self.prepared.graph is None:
            raise VinocError(
                "a model that was loaded compiled, or that several devices run, has no graph of its own",
                help="`get_runtime_model` gives what runs; or compile it from the model file, for one device",
            )
        return self.prepared.graph

    @property
    def name(self) -> str:
        return self.prepared.name

    def export_model(self, model_stream: Any = None) -> bytes | None:
        """The compiled model as bytes, or written to a binary stream; `Core.import_model` loads it.

        Raises VinocError where it needs more than generated code: shapes known only at run time, operations without
        a kernel, kernels of users.
        """
        stream = io.BytesIO()
        self.prepared.export(stream)
        if model_stream is None:
            return stream.getvalue()
        model_stream.write(stream.getbuffer())
        return None

    def get_runtime_model(self) -> Model:
        """What runs, as a model of `ExecutionNode`s: kernel, layout, precision, order and, with PERF_COUNT, time of
        each are in its `rt_info`. Raises VinocError where it was loaded compiled."""
        from .execution import runtime_model

        schedule = self.prepared.schedule()
        if schedule is None:
            raise VinocError("what runs is not known: the model was loaded compiled", help="compile it from its file")
        return runtime_model(self.name, schedule, self._inputs, self._outputs)

    def __call__(
        self,
        inputs: Any = None,
        share_inputs: bool = True,
        share_outputs: bool = False,
        *,
        decode_strings: bool = True,
    ) -> Results:
        """Runs the model once; the same as `infer` of a request that belongs to it, on the inputs where they are."""
        return self._own_request().infer(inputs, share_inputs, share_outputs, decode_strings=decode_strings)

    @property
    def workers(self) -> Workers:
        """The threads on which its requests run in the background: as many as it computes at a time."""
        if self._workers is None:
            from .workers import Workers  # few programs run requests in the background

            self._workers = Workers(int(self.prepared.facts().get("OPTIMAL_NUMBER_OF_INFER_REQUESTS", 1)))
        return self._workers

    def _own_request(self) -> InferRequest:
        if self._request is None:
            self._request = self.create_infer_request()
        return self._request

    def create_infer_request(self) -> InferRequest:
        return InferRequest(self)

    def infer_new_request(self, inputs: Any = None) -> Results:
        """Runs the model without any state of former runs."""
        return self.create_infer_request().infer(inputs)

    def query_state(self) -> list[VariableState]:
        """What calls of a stateful model remember."""
        return self._own_request().query_state()

    def reset_state(self) -> None:
        """Forgets what calls of a stateful model remember."""
        if self._request is not None:
            self._request.reset_state()

    def release_memory(self) -> None:
        """Gives up what calls of the model keep: their request, with its memory and its state."""
        self._request = None

    def get_property(self, property: str) -> Any:
        """A configuration value, or what there is to know of the device. Raises UsageError for an unknown key."""
        facts = {"NETWORK_NAME": self.name, **self.prepared.facts()}
        if property == "SUPPORTED_PROPERTIES":
            return dict.fromkeys(["SUPPORTED_PROPERTIES", *facts, *self._settings], "RO") | self.prepared.changeable()
        known = {**self._settings, **facts}
        if property not in known:
            raise unknown(property, known)
        return shown(property, known[property])

    def set_property(self, property: Any, value: Any = None) -> None:
        """Changes properties of the compiled model: a dict, a pair, or a key and its value.

        Raises VinocError for those that are set when a model is compiled; most are.
        """
        for key, given in pairs(property, value):
            self.prepared.change(key, given)

    def __repr__(self) -> str:
        return described("CompiledModel", self._inputs, self._outputs)
