"""A model that computes requests in batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...ir.errors import VinocError
from ...ir.graph import Graph
from ...ir.quiet import quiet_gc
from ...ir.types import TensorType
from ...passes.manager import PassManager
from ..engines import End, Engine
from ..execution import Schedule
from ..layout import Layout
from ..profiling import ProfilingInfo
from ..properties import BATCH, value_of
from .base import Host, Prepared, unchangeable
from .batchable import Mixed, free_reshapes, output_axes, with_batch
from .gather import Gatherer
from .given import Given


def made(model: Given, device: str, size: int, settings: Mapping[str, Any], timeout: int, host: Host) -> BatchModel:
    """The model on a device, for one request and for `size` of them. Raises VinocError where it cannot be batched."""
    inputs = _input_axes(model.look())
    with quiet_gc():
        graph = model.graph()
        PassManager("fold,dce").run(graph)
        free_reshapes(graph)
        try:
            outputs = output_axes(graph.clone(), inputs)
        except Mixed as error:
            help = f"compile it for {device}, or give its inputs a batch of 1 and, where it is not the first "
            raise VinocError(f"it cannot be batched: {error.what}", error.where, f"{help}dimension, a layout") from None
        with_batch(graph, inputs, size)
    single = host.compile(model, device, settings)
    batched = host.compile(Given.of(graph), device, settings) if size > 1 else single
    return BatchModel(single, batched, size, inputs, outputs, timeout)


def _input_axes(graph: Graph) -> list[int]:
    """Where the batch is in each input. Raises VinocError where there is none, or it is not 1."""
    from ..nodes.kinds import Parameter

    found = []
    for value in graph.inputs:
        where = f"input '{value.name}'"
        if not isinstance(value.type, TensorType) or not value.type.is_static or not value.shape:
            raise VinocError(f"it is {value.type}: a batch needs a tensor of known shape", where, "reshape the model")
        layout: Layout = Parameter(value).get_layout()
        axis = 0
        if not layout.empty:
            if not layout.has_name("N"):
                raise VinocError(f"its layout {layout} has no batch", where, "a layout such as NCHW says where it is")
            axis = layout.get_index_by_name("N") % len(value.shape)
        if value.shape[axis] != 1:
            raise VinocError(
                f"its batch, dimension {axis} of {value.type}, is {value.shape[axis]}, not 1",
                where,
                "reshape the model",
            )
        found.append(axis)
    if not found:
        raise VinocError("a model without inputs has no batch", graph.name)
    return found


class BatchModel:
    """A model for one sample, and the same for a batch."""

    def __init__(
        self,
        single: Prepared,
        batched: Prepared,
        size: int,
        input_axes: Sequence[int],
        output_axes: Sequence[int],
        timeout: int,
    ) -> None:
        self.single, self.batched, self.size = single, batched, size
        self.name, self.inputs, self.outputs = single.name, single.inputs, single.outputs
        at_once = int(batched.facts().get("OPTIMAL_NUMBER_OF_INFER_REQUESTS", 1))
        self.gatherer = Gatherer(batched.start, size, input_axes, output_axes, timeout, at_once)

    @property
    def graph(self) -> Graph | None:
        return self.batched.graph

    def variables(self) -> Mapping[str, TensorType]:
        return {}

    def start(self) -> Engine:
        return Batched(self) if self.size > 1 else self.single.start()

    def facts(self) -> Mapping[str, Any]:
        below = self.batched.facts()
        return {
            "EXECUTION_DEVICES": below["EXECUTION_DEVICES"],
            "OPTIMAL_NUMBER_OF_INFER_REQUESTS": self.size * int(below.get("OPTIMAL_NUMBER_OF_INFER_REQUESTS", 1)),
            "LOADED_FROM_CACHE": below.get("LOADED_FROM_CACHE", False),
            "OPTIMAL_BATCH_SIZE": self.size,
            "AUTO_BATCH_TIMEOUT": self.gatherer.timeout,
        }

    def changeable(self) -> dict[str, str]:
        return {"AUTO_BATCH_TIMEOUT": "RW"}

    def change(self, key: str, value: Any) -> None:
        if key != "AUTO_BATCH_TIMEOUT":
            raise unchangeable(key, "BATCH")
        self.gatherer.timeout = value_of(key, value, BATCH[key])

    def export(self, file: Any) -> None:
        raise VinocError("models compiled for BATCH cannot be stored", self.name, "store it for the device below")

    def schedule(self) -> Schedule | None:
        return self.single.schedule()


class Batched:
    """A request that waits for others."""

    def __init__(self, model: BatchModel) -> None:
        self._gatherer = model.gatherer
        self._alone = model.single.start()

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        return self._gatherer.run(inputs, self._alone.run)

    def submit(self, inputs: Sequence[Any], end: End) -> None:
        """Begins a run, without a thread that waits for it."""
        self._gatherer.submit(inputs, self._alone.run, end)

    def reset(self) -> None:
        """A model that can be batched has no variables."""

    def variables(self) -> dict[str, Any]:
        return {}

    def times(self) -> list[ProfilingInfo]:
        return self._alone.times()
