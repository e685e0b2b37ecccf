"""ONNX's backend interface, by which ONNX's own test suite and other programs run models with vinoc.

    import vinoc.onnx_backend as backend

    rep = backend.prepare(model, "CPU")
    (y,) = rep.run([x])

Devices: "CPU" (kernels) and "TEMPLATE" (the reference). The interface is that of `onnx.backend.base`, version 1.23.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper
from onnx.backend.base import Backend, BackendRep, namedtupledict

from .ir.errors import UsageError, VinocError
from .runtime.compiled import CompiledModel
from .runtime.core import Core


class PreparedModel(BackendRep):  # type: ignore[misc]  # onnx has no types
    """A model that is ready to run."""

    def __init__(self, compiled: CompiledModel, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        self.compiled = compiled
        self._inputs = list(inputs)
        self._outputs = list(outputs)
        self._result = namedtupledict("Outputs", self._outputs)

    def run(self, inputs: Any, **options: Any) -> tuple[Any, ...]:
        """The outputs, in the model's order and by name. `inputs`: a list, a dict by name, or one array.

        Raises UsageError for inputs that do not fit.
        """
        results = self.compiled(self._named(inputs))
        return self._result(*(_as_onnx(results[i]) for i in range(len(self._outputs))))  # type: ignore[no-any-return]

    def _named(self, inputs: Any) -> dict[str, Any]:
        if isinstance(inputs, Mapping):
            return dict(inputs)
        given = [inputs] if isinstance(inputs, np.ndarray) else list(inputs)
        if len(given) > len(self._inputs):
            raise UsageError(f"{len(given)} inputs are given, the model has {len(self._inputs)}")
        return {name: value for name, value in zip(self._inputs, given, strict=False) if value is not None}


def _as_onnx(value: Any) -> Any:
    """A result as ONNX has it: strings are objects."""
    return value.astype(object) if isinstance(value, np.ndarray) and value.dtype.kind == "U" else value


class VinocBackend(Backend):  # type: ignore[misc]  # onnx has no types
    """Runs ONNX models with vinoc."""

    @classmethod
    def is_compatible(cls, model: Any, device: str = "CPU", **options: Any) -> bool:
        """True when the model converts and compiles for the device."""
        try:
            cls.prepare(model, device, **options)
        except VinocError:
            return False
        return True

    @classmethod
    def prepare(cls, model: Any, device: str = "CPU", **options: Any) -> PreparedModel:
        """A ModelProto made ready for a device. Raises VinocError with all that cannot be converted."""
        stored = {t.name for t in model.graph.initializer}
        inputs = [v.name for v in model.graph.input if v.name not in stored]
        compiled = Core().compile_model(model.SerializeToString(), _device(device))
        return PreparedModel(compiled, inputs, [v.name for v in model.graph.output])

    @classmethod
    def run_model(cls, model: Any, inputs: Any, device: str = "CPU", **options: Any) -> tuple[Any, ...]:
        """The outputs of a ModelProto. Raises VinocError."""
        return cls.prepare(model, device, **options).run(inputs)

    @classmethod
    def run_node(
        cls,
        node: Any,
        inputs: Any,
        device: str = "CPU",
        outputs_info: Sequence[tuple[Any, tuple[int, ...]]] | None = None,
        **options: Any,
    ) -> tuple[Any, ...]:
        """The outputs of one NodeProto, of opset `opset_version` (default: the newest). Raises VinocError."""
        version = int(options.get("opset_version", onnx.defs.onnx_opset_version()))
        model = _model_of(node, list(inputs), outputs_info, version)
        return cls.run_model(model, [v for v in inputs if v is not None], device)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """True for "CPU" and "TEMPLATE", with or without a number."""
        return _device(device).upper() in Core().available_devices


def _device(name: str) -> str:
    return name.partition(":")[0]


def _model_of(
    node: Any, inputs: Sequence[Any], outputs: Sequence[tuple[Any, tuple[int, ...]]] | None, version: int
) -> Any:
    """A model of that node alone. An input None is one that is left out."""
    names = [n for n in node.input if n]
    given = [v for v in inputs if v is not None]
    if len(names) != len(given):
        raise UsageError(f"{len(given)} inputs are given, node '{node.name}' ({node.op_type}) has {len(names)}")
    declared = [_declared(n, v) for n, v in dict(zip(names, given, strict=True)).items()]
    known = [(helper.np_dtype_to_tensor_dtype(np.dtype(t)), s) for t, s in outputs or ()]
    results = [
        helper.make_tensor_value_info(n, *known[i]) if i < len(known) else onnx.ValueInfoProto(name=n)
        for i, n in enumerate(node.output)
        if n
    ]
    graph = helper.make_graph([node], node.op_type, declared, results)
    domains = [helper.make_opsetid("", version)]
    if node.domain:
        domains.append(helper.make_opsetid(node.domain, _newest(node.domain)))
    return helper.make_model(graph, opset_imports=domains)


def _newest(domain: str) -> int:
    """The newest version of a domain that the onnx package knows; 1 where it knows none."""
    return max((s.since_version for s in onnx.defs.get_all_schemas() if s.domain == domain), default=1)


def _declared(name: str, value: Any) -> Any:
    """What describes an input of the type of a value: an array, or a list of arrays."""
    if isinstance(value, list | tuple):
        element = np.asarray(value[0]).dtype if value else np.dtype(np.float32)
        return helper.make_tensor_sequence_value_info(name, _code(element), None)
    array = np.asarray(value)
    return helper.make_tensor_value_info(name, _code(array.dtype), array.shape)


def _code(dtype: Any) -> int:
    return int(helper.np_dtype_to_tensor_dtype(dtype if dtype.kind not in "US" else np.dtype(object)))


is_compatible = VinocBackend.is_compatible
prepare = VinocBackend.prepare
run_model = VinocBackend.run_model
run_node = VinocBackend.run_node
supports_device = VinocBackend.supports_device
