"""onnxruntime, where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...ir.errors import UsageError
from ..extras import require
from .base import Asked, Feeds, Slot

KINDS = {"float": "float32", "float16": "float16", "double": "float64", "bool": "bool", "string": "object"}
KINDS |= {name: name for n in (8, 16, 32, 64) for name in (f"int{n}", f"uint{n}")}


class Ort:
    """A model in a session on the processor."""

    def __init__(self, asked: Asked, prepare: Callable[[Any], None] | None = None, model: Any = None) -> None:
        """`prepare` may change the options of the session, `model` may be bytes in place of the file."""
        if model is None and asked.model.suffix != ".onnx":
            raise UsageError("onnxruntime reads .onnx files", str(asked.model))
        if asked.precision not in ("", "f32"):
            raise UsageError(f"onnxruntime computes in the model's own precision, not in {asked.precision}")
        ort = require("onnxruntime", "onnxruntime", "the engine onnxruntime")
        options = ort.SessionOptions()
        options.log_severity_level = 3
        if asked.threads:
            options.intra_op_num_threads = max(asked.threads // max(asked.streams, 1), 1)
            options.inter_op_num_threads = 1
        if prepare is not None:
            prepare(options)
        self.session = ort.InferenceSession(model or str(asked.model), options, providers=["CPUExecutionProvider"])
        self.slots = [Slot(i.name, *_type_of(i)) for i in self.session.get_inputs()]
        self.outputs = [(o.name,) for o in self.session.get_outputs()]

    def request(self) -> Callable[[Feeds], list[Any]]:
        run = self.session.run
        return lambda feeds: run(None, feeds)  # onnxruntime has no types


def _type_of(info: Any) -> tuple[np.dtype[Any], tuple[int | None, ...] | None]:
    kind = info.type.removeprefix("tensor(").removesuffix(")")
    if kind not in KINDS:
        raise UsageError(f"values of type {info.type} cannot be made up", f"input '{info.name}'")
    return np.dtype(KINDS[kind]), tuple(d if isinstance(d, int) else None for d in info.shape)
