"""What a device is.

A package brings a device by an entry point of the group `vinoc.devices`, whose name is the device's:

    [project.entry-points."vinoc.devices"]
    XPU = "xpu_for_vinoc:Xpu"

The object is called without arguments and gives a `Device`; `PlainDevice` has all but `compile`. vinoc's own devices
come through the same door. Once installed, the device is in `Core.available_devices`, is asked by `query_model`, and
takes part in AUTO, MULTI, HETERO and BATCH.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from ...ir.constant import Constant
from ...ir.errors import VinocError
from ...ir.graph import Graph, Node, Value
from ...ir.record import record
from ...ir.types import TensorType
from ..engines import Engine
from ..ports import Port, ports_of
from ..properties import CPU, Property
from ..states import declared_variables
from .given import Given

if TYPE_CHECKING:
    from ..execution import Schedule

GROUP = "vinoc.devices"


@record(frozen=True)
class Capabilities:
    """What a device can do, in words that programs and people read.

    precisions     element types that its operands and results may have; None: all
    ops            kinds of operations that it computes; None: all
    optimizations  what OPTIMIZATION_CAPABILITIES says, such as FP32, FP16, WINOGRAD, EXPORT_IMPORT
    layouts        how tensors lie in its memory, for the documentation
    """

    precisions: frozenset[str] | None = None
    ops: frozenset[str] | None = None
    optimizations: tuple[str, ...] = ("FP32",)
    layouts: tuple[str, ...] = ("as in the model",)

    def lack(self, node: Node) -> str | None:
        """Why a node cannot be computed, its bodies included; None: it can."""
        if self.ops is not None and node.kind not in self.ops and type(node.op) is not Constant:
            return f"it has no {node.kind}"
        if self.precisions is not None:
            for value in (*node.inputs, *node.outputs):
                name = _dtype(value)
                if name is not None and name not in self.precisions:
                    return f"it has no {name}"
        for body in node.bodies:
            for inner in body:
                if why := self.lack(inner):
                    return why
        return None


def _dtype(value: Value | None) -> str | None:
    return value.type.dtype.name if value is not None and isinstance(value.type, TensorType) else None


class Prepared(Protocol):
    """A model made ready for a device.

    `graph` is what runs, where one device runs it and it was compiled here.
    """

    name: str
    inputs: list[Port]
    outputs: list[Port]

    @property
    def graph(self) -> Graph | None: ...

    def variables(self) -> Mapping[str, TensorType]:
        """The types of the variables of a stateful model, by name."""

    def start(self) -> Engine:
        """An engine for one request, with variables of its own; it shares what is compiled."""

    def facts(self) -> Mapping[str, Any]:
        """What there is to know: EXECUTION_DEVICES, OPTIMAL_NUMBER_OF_INFER_REQUESTS, LOADED_FROM_CACHE, ..."""

    def changeable(self) -> dict[str, str]:
        """The properties that `change` takes, each with "RW"."""

    def change(self, key: str, value: Any) -> None:
        """Sets a property of the compiled model. Raises VinocError for what can be set only before."""

    def export(self, file: Any) -> None:
        """Writes the compiled model to a binary file that can seek. Raises VinocError where that cannot be."""

    def schedule(self) -> Schedule | None:
        """What runs, where and how, for `get_runtime_model`; None where that is not known."""


class Host(Protocol):
    """The other devices, for one that hands models on to them."""

    def compile(self, model: Given, name: str, settings: Mapping[str, Any]) -> Prepared:
        """The model, made ready for another device; of the settings it gets those that it knows."""

    def load(self, data: Any, name: str, settings: Mapping[str, Any]) -> Prepared: ...

    def query(self, graph: Graph, name: str, settings: Mapping[str, Any]) -> dict[Node, str]:
        """The device of every node that the device of that name can compute, or have computed."""

    def device(self, name: str) -> Device:
        """The device that a full name such as `CPU.0` or `HETERO:A,B` begins with. Raises UsageError."""

    def known(self, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """All settings of a device, where those are given."""

    def all_keys(self) -> Mapping[str, Property]:
        """The properties of all devices."""

    def ranked(self) -> list[str]:
        """The devices that AUTO may choose, the best first."""


class Device(Protocol):
    """Makes models ready and says what it can do.

    rank   the higher, the sooner AUTO takes it where no priorities are given; None: it has to be named
    given  what follows the colon of its name, `A,B` of `HETERO:A,B`, is found in settings["MULTI_DEVICE_PRIORITIES"]
    """

    name: str
    full_name: str
    rank: int | None
    capabilities: Capabilities
    properties: Mapping[str, Property]

    def facts(self) -> Mapping[str, Any]:
        """What there is to know of the device: DEVICE_ARCHITECTURE, RANGE_FOR_STREAMS, ..."""

    def supports(self, node: Node) -> str | None:
        """Why it cannot compute a node; None: it can."""

    def query(self, graph: Graph, settings: Mapping[str, Any], host: Host) -> dict[Node, str]:
        """The nodes that it takes, and who computes them."""

    def compile(self, model: Given, settings: Mapping[str, Any], host: Host) -> Prepared:
        """A model, made ready. `model.graph()` is a copy that belongs to the device. Raises VinocError."""

    def load(self, data: Any, settings: Mapping[str, Any], host: Host) -> Prepared:
        """What `Prepared.export` wrote: bytes, or the path of a file. Raises VinocError."""


class PlainDevice:
    """A device that takes every node its capabilities allow for, and has CPU's properties. To be derived from."""

    name: str
    rank: int | None = None
    capabilities: Capabilities = Capabilities()
    properties: Mapping[str, Property] = CPU
    virtual: ClassVar[bool] = False

    @property
    def full_name(self) -> str:
        return self.name

    def facts(self) -> Mapping[str, Any]:
        return {}

    def supports(self, node: Node) -> str | None:
        return self.capabilities.lack(node)

    def query(self, graph: Graph, settings: Mapping[str, Any], host: Host) -> dict[Node, str]:
        return {node: self.name for node in graph if self.supports(node) is None}

    def load(self, data: Any, settings: Mapping[str, Any], host: Host) -> Prepared:
        raise VinocError(f"{self.name} loads no compiled models", help="compile the model from its file")

    def check(self, graph: Graph) -> None:
        """Raises VinocError that lists the nodes which the device cannot compute, each with the reason."""
        lacks = [(node, why) for node in graph if (why := self.supports(node))]
        if lacks:
            listed = "; ".join(f"'{node.label}' ({node.kind}): {why}" for node, why in lacks[:5])
            more = f"; and {len(lacks) - 5} more" if len(lacks) > 5 else ""
            raise VinocError(
                f"{self.name} cannot compute {listed}{more}",
                graph.name,
                f"HETERO:{self.name},CPU computes the rest on the CPU",
            )


class Fixed:
    """A compiled model of which nothing can be changed."""

    device: str

    def changeable(self) -> dict[str, str]:
        return {}

    def change(self, key: str, value: Any) -> None:
        raise unchangeable(key, self.device)


class OfGraph(Fixed):
    """A model whose graph is run as it is: what `start` gives computes it."""

    def __init__(self, graph: Graph, device: str, start: Callable[[], Engine]) -> None:
        self.name = graph.name
        self.inputs, self.outputs = ports_of(graph)
        self.graph: Graph | None = graph
        self.device = device
        self._start = start

    def variables(self) -> Mapping[str, TensorType]:
        return declared_variables(self.graph) if self.graph is not None else {}

    def start(self) -> Engine:
        return self._start()

    def facts(self) -> Mapping[str, Any]:
        return {"EXECUTION_DEVICES": [self.device], "OPTIMAL_NUMBER_OF_INFER_REQUESTS": 1, "LOADED_FROM_CACHE": False}

    def export(self, file: Any) -> None:
        raise VinocError(f"models compiled for {self.device} cannot be stored", self.name)

    def schedule(self) -> Schedule | None:
        from ..execution import Schedule  # few programs ask for it

        return Schedule.of(self.graph, self.device) if self.graph is not None else None


def unchangeable(key: str, device: str) -> VinocError:
    """The error about a property that is set when a model is compiled."""
    return VinocError(f"{key} of a model on {device} cannot be changed any more", help="give it to `compile_model`")
