"""From a model file and options to a compiled model and what it is fed with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...compiler.driver import open_model
from ...compiler.face.options import Face, options_named
from ...ir.quiet import quiet_gc
from ...passes.manager import PassManager
from ...passes.pipeline import Pipeline
from ...runtime.compiled import CompiledModel
from ...runtime.core import Core
from ...runtime.model import Model
from ..inputs.files import files_by_input
from ..inputs.fill import LOOK, Feed, Look, Say, filled
from ..inputs.normalize import normalization
from ..inputs.slots import Input, inputs_of, set_layouts


@dataclass(frozen=True)
class Asked:
    """The options of `vinoc run`."""

    model: Path
    device: str = "CPU"
    files: tuple[str, ...] = ()
    shape: str | None = None
    batch: int | None = None
    layout: str = ""
    mean_values: str | None = None
    scale_values: str | None = None
    scale: float | None = None
    normalize: str | None = None
    look: Look = LOOK
    outputs: Sequence[str] = ()
    precision: str = ""


@dataclass
class Ready:
    """A model, its inputs, and sets of arrays with the files that they are made of."""

    compiled: CompiledModel
    inputs: list[Input]
    feeds: list[Feed]
    names: list[str]


def prepare(asked: Asked, say: Say, warn: Say) -> Ready:
    """Reads the model with its preprocessing, compiles it, reads the files. Raises VinocError."""
    with quiet_gc():
        plain, _ = open_model(asked.model, outputs=asked.outputs, face=Face(input_shape=asked.shape, batch=asked.batch))
        inputs = inputs_of(Model(plain).inputs)
        set_layouts(inputs, asked.layout)
        face = _face(asked, inputs)
        graph, passes = open_model(asked.model, outputs=asked.outputs, face=face)
        with options_named(face):
            PassManager(Pipeline(passes)).run(graph)
    files = files_by_input(asked.files, inputs, warn)
    queue = filled(inputs, files, say, warn, asked.look)
    config = {"INFERENCE_PRECISION_HINT": asked.precision} if asked.precision else {}
    compiled = Core().compile_model(Model(graph), asked.device, config)
    return Ready(compiled, inputs, queue.feeds, _titles(files, len(queue.feeds)))


def _face(asked: Asked, inputs: Sequence[Input]) -> Face:
    """Shapes, mean and scale, which are built into the model; they stand in the order of its channels."""
    layouts = {i.name: "".join(i.layout) for i in inputs if i.layout}
    mean: Any = asked.mean_values
    scale: Any = asked.scale_values
    if asked.normalize is not None:
        mean, scale = normalization(asked.normalize, asked.look.bgr, inputs, mean, scale, asked.scale)
    return Face(
        input_shape=asked.shape, batch=asked.batch, mean_values=mean or None, scale_values=scale or None,
        scale=asked.scale, layout=layouts or None,
    )  # fmt: skip


def _titles(files: dict[str, list[Path]], count: int) -> list[str]:
    """What each set of arrays is called: by its file, where one input has one for each."""
    listed = next((f for f in files.values() if len(f) == count), None)
    if listed is not None:
        return [str(f) for f in listed]
    return [f"set {i + 1}" for i in range(count)]
