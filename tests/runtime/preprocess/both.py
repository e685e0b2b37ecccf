"""The same preprocessing in vinoc and in OpenVINO: the same calls on the same model, compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import openvino
import openvino.preprocess
from openvino import opset13

import vinoc
import vinoc.preprocess
from vinoc.ir.dtype import DType
from vinoc.ir.graph import Graph
from vinoc.ir.types import TensorType
from vinoc.runtime.shapes import PartialShape

Say = Callable[[Any, ModuleType], Any]
"""What is said to a PrePostProcessor; the module is vinoc's or OpenVINO's."""


def theirs(shape: Sequence[int] = (1, 3, 4, 6), dtype: str = "f32") -> Any:
    """A model of OpenVINO that gives back its input: `data` -> `out`."""
    data = opset13.parameter(openvino.PartialShape(list(shape)), getattr(openvino.Type, dtype), name="data")
    data.output(0).set_names({"data"})
    out = opset13.maximum(data, data)
    out.output(0).set_names({"out"})
    return openvino.Model([out], [data], "same")


def ours(shape: Sequence[int] = (1, 3, 4, 6), dtype: str = "f32") -> vinoc.Model:
    """The same model of vinoc."""
    graph = Graph("same")
    data = graph.add_input(TensorType(DType.registry[dtype], PartialShape(shape).dims), "data")
    from vinoc.ir.builder import Builder

    graph.add_output(Builder(graph).Maximum(data, data, name="out"), "out")
    return vinoc.Model(graph)


def built(say: Say, shape: Sequence[int] = (1, 3, 4, 6), dtype: str = "f32") -> tuple[Any, Any, str, str]:
    """Both models with the steps in them, and both descriptions."""
    out: list[Any] = []
    texts = []
    for module, model in ((vinoc, ours(shape, dtype)), (openvino, theirs(shape, dtype))):
        processor = module.preprocess.PrePostProcessor(model)
        say(processor, module)
        texts.append(str(processor))
        out.append(processor.build())
    return (*out, *texts)  # type: ignore[return-value]


def types(model: Any) -> list[tuple[list[int], str]]:
    """Shapes and element types of inputs and outputs; -1 for an open dimension."""
    ports = [*model.inputs, *model.outputs]
    return [([_number(d) for d in p.partial_shape], str(np.dtype(p.element_type.to_dtype()))) for p in ports]


def _number(d: Any) -> int:
    text = str(d)
    return int(text) if text.isdigit() else -1


def arrays(model: Any, seed: int = 0, size: int = 8) -> list[np.ndarray]:
    """Random contents for the inputs; open dimensions are of that size (planes: half of it)."""
    random = np.random.default_rng(seed)
    made = []
    for port in model.inputs:
        shape = [size if _number(d) < 0 else _number(d) for d in port.partial_shape]
        kind = np.dtype(port.element_type.to_dtype())
        floats = random.uniform(0, 255, shape) if kind.kind == "f" else random.integers(0, 256, shape)
        made.append(floats.astype(kind))
    return made


def same_results(mine: Any, other: Any, given: Sequence[np.ndarray], atol: float | None = None) -> None:
    """Both models give the same numbers: within 1e-4 of their size, integers within 1."""
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    expected = openvino.Core().compile_model(other, "CPU", exact)(list(given))
    wanted = [expected[i] for i in range(len(other.outputs))]
    for device in ("TEMPLATE", "CPU"):
        found = vinoc.Core().compile_model(mine, device)(list(given))
        for i, array in enumerate(wanted):
            close(found[i], array, atol)


def close(found: np.ndarray, wanted: np.ndarray, atol: float | None = None) -> None:
    assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
    if wanted.dtype.kind in "iu":
        assert np.abs(found.astype(np.int64) - wanted.astype(np.int64)).max(initial=0) <= 1
        return
    scale = max(float(np.abs(wanted.astype(np.float64)).max(initial=0)), 1)
    limit = (1e-4 if wanted.dtype != np.float16 else 4e-3) * scale if atol is None else atol
    np.testing.assert_allclose(found.astype(np.float64), wanted.astype(np.float64), rtol=0, atol=limit)


def through_ir(model: vinoc.Model, folder: Path) -> Any:
    """The model saved as IR and read by OpenVINO."""
    vinoc.save_model(model, folder / "m.xml", compress_to_fp16=False)
    return openvino.Core().read_model(folder / "m.xml")
