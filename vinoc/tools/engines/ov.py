"""OpenVINO, where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...ir.errors import UsageError
from ..extras import require
from .base import Asked, Feeds, Slot


class OpenVino:
    """A model on a device of OpenVINO's."""

    def __init__(self, asked: Asked, prepare: Callable[[Any], Any] | None = None, model: Any = None) -> None:
        """`prepare` may change the model before it is compiled, `model` may be one in place of the file."""
        if model is None and asked.model.suffix == ".vir":
            raise UsageError("OpenVINO does not read .vir", str(asked.model), "write IR from it: vinoc FILE.vir -o DIR")
        ov = require("openvino", "openvino", "the engine openvino")
        read = ov.Core().read_model(str(asked.model)) if model is None else model
        if prepare is not None:
            read = prepare(read if model is None else model.clone())
        self.compiled = ov.Core().compile_model(read, asked.device, settings(asked))
        self.slots = [_slot(p) for p in self.compiled.inputs]
        self.outputs = [_names(p) for p in self.compiled.outputs]

    def request(self) -> Callable[[Feeds], list[Any]]:
        infer = self.compiled.create_infer_request().infer
        return lambda feeds: list(infer(feeds, share_inputs=True, share_outputs=True).to_tuple())


def settings(asked: Asked) -> dict[str, Any]:
    """Properties of the device."""
    made = {k: str(v) for k, v in asked.config.items()}
    if asked.precision:
        made["INFERENCE_PRECISION_HINT"] = asked.precision
    if asked.threads:
        made["INFERENCE_NUM_THREADS"] = str(asked.threads)
    made["NUM_STREAMS"] = str(asked.streams or 1)
    return made


def _names(port: Any) -> tuple[str, ...]:
    """Of the tensor, and of the node that a configuration for the older interface calls it by."""
    node = port.node.friendly_name
    return (*sorted(port.get_names()), node, node.removesuffix("/sink_port_0"))


def _slot(port: Any) -> Slot:
    shape = port.partial_shape
    sizes = None if shape.rank.is_dynamic else tuple(d.get_length() if d.is_static else None for d in shape)
    name = port.any_name if port.get_names() else port.node.friendly_name
    return Slot(name, port.element_type.to_dtype(), sizes)
