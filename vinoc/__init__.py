"""vinoc: a graph compiler for neural networks.

    import vinoc

    model = vinoc.Core().compile_model("model.onnx", "CPU")
    result = model({"image": image})
    vinoc.save_model(vinoc.convert_model("model.onnx"), "model.xml")

The names below are loaded when they are first used, so `import vinoc` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .ir.errors import ConversionError, UsageError, VinocError
    from .runtime.anyvalue import OVAny, RTMap
    from .runtime.compiled import CompiledModel
    from .runtime.converting import convert_model, save_model, serialize
    from .runtime.core import Core, Version, compile_model, get_version
    from .runtime.element import Type
    from .runtime.layout import Layout
    from .runtime.model import Model, get_batch, set_batch
    from .runtime.nodes import DiscreteTypeInfo, Input, Node, Output
    from .runtime.ports import ConstOutput, Port
    from .runtime.profiling import ProfilingInfo
    from .runtime.queue import AsyncInferQueue
    from .runtime.reading import read_model
    from .runtime.request import CancelledError, InferRequest
    from .runtime.results import Results
    from .runtime.shapes import Dimension, PartialShape, Symbol
    from .runtime.states import VariableState
    from .runtime.tensor import Tensor, TensorVector, tensor_from_file
    from .runtime.vectors import AxisSet, AxisVector, Coordinate, CoordinateDiff, Shape, Strides

_NAMES = {
    "ir.errors": "ConversionError UsageError VinocError",
    "runtime.anyvalue": "OVAny RTMap",
    "runtime.compiled": "CompiledModel",
    "runtime.converting": "convert_model save_model serialize",
    "runtime.core": "Core Version compile_model get_version",
    "runtime.element": "Type",
    "runtime.layout": "Layout",
    "runtime.model": "Model get_batch set_batch",
    "runtime.nodes": "DiscreteTypeInfo Input Node Output",
    "runtime.ports": "ConstOutput Port",
    "runtime.profiling": "ProfilingInfo",
    "runtime.queue": "AsyncInferQueue",
    "runtime.reading": "read_model",
    "runtime.request": "CancelledError InferRequest",
    "runtime.results": "Results",
    "runtime.shapes": "Dimension PartialShape Symbol",
    "runtime.states": "VariableState",
    "runtime.tensor": "Tensor TensorVector tensor_from_file",
    "runtime.vectors": "AxisSet AxisVector Coordinate CoordinateDiff Shape Strides",
    "tools.quantize.quantize": "quantize",  # of a layer above, for users alone
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = [
    "AsyncInferQueue",
    "AxisSet",
    "AxisVector",
    "CancelledError",
    "CompiledModel",
    "ConstOutput",
    "ConversionError",
    "Coordinate",
    "CoordinateDiff",
    "Core",
    "Dimension",
    "DiscreteTypeInfo",
    "InferRequest",
    "Input",
    "Layout",
    "Model",
    "Node",
    "OVAny",
    "Output",
    "PartialShape",
    "Port",
    "ProfilingInfo",
    "RTMap",
    "Results",
    "Shape",
    "Strides",
    "Symbol",
    "Tensor",
    "TensorVector",
    "Type",
    "UsageError",
    "VariableState",
    "Version",
    "VinocError",
    "__version__",
    "compile_model",
    "convert_model",
    "get_batch",
    "get_version",
    "quantize",
    "read_model",
    "save_model",
    "serialize",
    "set_batch",
    "tensor_from_file",
]


_MODULES = {
    "helpers",
    "layout_helpers",
    "op",
    "preprocess",
    "properties",
    "utils",
    *(f"opset{n}" for n in range(1, 17)),
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"vinoc.{name}")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'vinoc' has no attribute '{name}'")
    value = globals()[name] = getattr(import_module(f"vinoc.{home}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
