"""The engines of vinoc/tools/engines as launchers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ....ir.errors import UsageError
from ...engines.base import Loaded
from ...engines.find import errors_of
from ...extras import require
from ...problems import check
from ..options import option
from .base import Launcher, launcher


def _reshape(shapes: Mapping[str, Sequence[int]]) -> Callable[[Any], Any] | None:
    """What gives a model other shapes of its inputs, None where they stay."""
    if not shapes:
        return None

    def change(model: Any) -> Any:
        model.reshape({name: list(shape) for name, shape in shapes.items()})
        return model

    return change


@launcher("vinoc", "dlsdk")
class VinocLauncher(Launcher):
    """vinoc's devices. Configurations for OpenVINO's inference engine (`dlsdk`) are run by it too."""

    def load(self, model: Any, shapes: Mapping[str, Sequence[int]]) -> Loaded:
        from ...engines.own import Own

        if model is None and self.weights is not None:
            from ....runtime.core import Core

            model = Core().read_model(self.asked().model, self.weights)
        return Own(self.asked(), _reshape(shapes), model)


@launcher("onnx_runtime", "onnxruntime", "ort")
class OnnxRuntimeLauncher(Launcher):
    """onnxruntime on the processor. Inputs of models keep their shapes, a fixed batch among them."""

    execution_providers: tuple[str, ...] = option(("CPUExecutionProvider",), "only the processor's is used")

    def load(self, model: Any, shapes: Mapping[str, Sequence[int]]) -> Loaded:
        from ...engines.ort import Ort

        asked = self.asked()
        check(list(self._problems(shapes)), str(asked.model))
        with errors_of("onnxruntime", asked.model):
            return Ort(asked, model=model)

    def _problems(self, shapes: Mapping[str, Sequence[int]]) -> Iterator[UsageError]:
        """What onnxruntime would not do as it is told."""
        where = str(self.asked().model)
        if shapes:
            wanted = ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items())
            help = "leave out batch, shape and allow_reshape_input, or run it by another launcher"
            yield UsageError(f"onnxruntime cannot give inputs another shape: {wanted}", where, help)
        if self.device.upper() != "CPU" or set(self.execution_providers) != {"CPUExecutionProvider"}:
            yield UsageError("onnxruntime is run on the processor only", where, "device: CPU, no other provider")
        if self.device_config:
            yield UsageError(f"onnxruntime has no property {', '.join(self.device_config)}", where,
                             "leave out device_config")  # fmt: skip


@launcher("openvino", "ov")
class OpenVinoLauncher(Launcher):
    """OpenVINO's devices."""

    def load(self, model: Any, shapes: Mapping[str, Sequence[int]]) -> Loaded:
        from ...engines.ov import OpenVino

        asked = self.asked()
        with errors_of("OpenVINO", asked.model):
            if model is None and self.weights is not None:
                ov = require("openvino", "openvino", "the launcher openvino")
                model = ov.Core().read_model(str(asked.model), str(self.weights))
            return OpenVino(asked, _reshape(shapes), model)

    def remarks(self, loaded: Any) -> Iterator[str]:
        if not self.precision and "INFERENCE_PRECISION_HINT" in loaded.compiled.get_property("SUPPORTED_PROPERTIES"):
            used = loaded.compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
            if used in ("bf16", "f16"):
                yield f"OpenVINO computes in {used} on this machine, unless the launcher says `precision: f32`"
