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
    from .runtime.compiled import CompiledModel
    from .runtime.core import Core, compile_model, convert_model, read_model, save_model
    from .runtime.element import Type
    from .runtime.layout import Layout
    from .runtime.model import Model
    from .runtime.nodes import Input, Node, Output
    from .runtime.ports import Port
    from .runtime.request import InferRequest, Results
    from .runtime.shapes import PartialShape

_HOMES = {
    "CompiledModel": "runtime.compiled",
    "ConversionError": "ir.errors",
    "Core": "runtime.core",
    "InferRequest": "runtime.request",
    "Input": "runtime.nodes",
    "Layout": "runtime.layout",
    "Model": "runtime.model",
    "Node": "runtime.nodes",
    "Output": "runtime.nodes",
    "PartialShape": "runtime.shapes",
    "Port": "runtime.ports",
    "Results": "runtime.request",
    "Type": "runtime.element",
    "UsageError": "ir.errors",
    "VinocError": "ir.errors",
    "compile_model": "runtime.core",
    "convert_model": "runtime.core",
    "read_model": "runtime.core",
    "save_model": "runtime.core",
}

__all__ = [
    "CompiledModel",
    "ConversionError",
    "Core",
    "InferRequest",
    "Input",
    "Layout",
    "Model",
    "Node",
    "Output",
    "PartialShape",
    "Port",
    "Results",
    "Type",
    "UsageError",
    "VinocError",
    "__version__",
    "compile_model",
    "convert_model",
    "read_model",
    "save_model",
]


_MODULES = {"op", *(f"opset{n}" for n in range(1, 17))}


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
