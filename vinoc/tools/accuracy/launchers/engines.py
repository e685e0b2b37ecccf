"""The engines of vinoc/tools/engines as launchers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ....ir.errors import UsageError
from ...engines.base import Loaded
from ...engines.find import errors_of
from ...extras import require
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

    ignored = (*Launcher.ignored, "execution_providers")

    def load(self, model: Any, shapes: Mapping[str, Sequence[int]]) -> Loaded:
        from ...engines.ort import Ort

        asked = self.asked()
        if shapes:
            wanted = ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items())
            help = "leave out batch, shape and allow_reshape_input, or run it by another launcher"
            raise UsageError(f"onnxruntime cannot give inputs another shape: {wanted}", str(asked.model), help)
        with errors_of("onnxruntime", asked.model):
            return Ort(asked, model=model)


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
