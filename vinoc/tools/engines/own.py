"""vinoc's devices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...ir.dim import Sym
from ...ir.types import TensorType
from ...runtime.core import Core
from ...runtime.ports import Port
from .base import Asked, Feeds, Slot


class Own:
    """A model on one of vinoc's devices."""

    def __init__(self, asked: Asked, prepare: Callable[[Any], Any] | None = None, model: Any = None) -> None:
        """`prepare` may change the model before it is compiled, `model` may be one in place of the file."""
        source = asked.model if model is None else model
        if prepare is not None:
            source = prepare(Core().read_model(source) if isinstance(source, Path) else source.clone())
        self.compiled = Core().compile_model(source, asked.device, settings(asked))
        self.slots = [slot_of(p) for p in self.compiled.inputs]
        self.outputs = [_names(p) for p in self.compiled.outputs]

    def request(self) -> Callable[[Feeds], list[Any]]:
        infer = self.compiled.create_infer_request().infer
        return lambda feeds: list(infer(feeds, share_inputs=True).to_tuple())


def settings(asked: Asked) -> dict[str, Any]:
    """Properties of the device."""
    made = dict(asked.config)
    if asked.precision:
        made["INFERENCE_PRECISION_HINT"] = asked.precision
    if asked.threads:
        made["INFERENCE_NUM_THREADS"] = asked.threads
    made["NUM_STREAMS"] = asked.streams or 1
    return made


def _names(port: Port) -> tuple[str, ...]:
    return (*sorted(port.names), port.get_node().friendly_name) if port.names else (str(port.index),)


def slot_of(port: Port) -> Slot:
    """An input of a model of vinoc's. Raises VinocError for one that is no tensor."""
    type = port.tensor_type
    return Slot(next(iter(port.names), str(port.index)), type.dtype.numpy, open_sizes(type))


def open_sizes(type: TensorType) -> tuple[int | None, ...] | None:
    """Sizes, None for those that are open."""
    return None if type.shape is None else tuple(None if isinstance(d, Sym) else d for d in type.shape)
