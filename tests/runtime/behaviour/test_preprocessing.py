"""`preprocess.PrePostProcessor`: each step, built into the model and run."""

# ruff: noqa: E501  # a call stands in one piece

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from .calls import Raises, checked

CALLS: dict[str, Any] = {
    "built(lambda ppp: ppp.input().tensor().set_element_type(ov.Type.u8))": [
        ["[1,3,4,4]", "u8"],
        ["[1,2,4,4]", "f32"],
        ["[1,2]", "f32"],
        [111.0, 1.0],
    ],
    'built(lambda ppp: ppp.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC")))': [
        ["[1,3,4,4]", "u8"],
        ["[1,2,4,4]", "f32"],
        ["[1,2]", "f32"],
        [111.0, 1.0],
    ],
    'built(lambda ppp: (ppp.input().tensor().set_layout(ov.Layout("NHWC")), ppp.input().model().set_layout(ov.Layout("NCHW"))))': [
        ["[1,4,4,3]", "f32"],
        ["[1,2,4,4]", "f32"],
        ["[1,2]", "f32"],
        [6.44, 1.0],
    ],
    'built(lambda ppp: ppp.input("data").tensor().set_shape([1, 3, 4, 4]))': [
        ["[1,3,4,4]", "f32"],
        ["[1,2,4,4]", "f32"],
        ["[1,2]", "f32"],
        [7.83, 1.0],
    ],
    "built(lambda ppp: ppp.input(0).preprocess().mean(0.5))": [
        ["[1,3,4,4]", "f32"],
        ["[1,2,4,4]", "f32"],
        ["[1,2]", "f32"],
        [15.57, 1.0],
    ],
    "built(lambda ppp: ppp.input(0).preprocess().scale(2.0))": [
        ["[1,3,4,4]", "f32"],
        ["[1,2,4,4]", "f32"],
        ["[1,2]", "f32"],
        [3.92, 1.0],
    ],
    'built(lambda ppp: (ppp.input().model().set_layout(ov.Layout("NCHW")), ppp.input().preprocess().mean([0.1, 0.2, 0.3])))': [
        ["[1,3,4,4]", "f32"],
        ["[1,2,4,4]", "f32"],
        ["[1,2]", "f32"],
        [8.63, 1.0],
    ],
    'built(lambda ppp: (ppp.input().model().set_layout(ov.Layout("NCHW")), ppp.input().preprocess().scale([1.0, 2.0, 4.0])))': [
        ["[1,3,4,4]", "f32"],
        ["[1,2,4,4]", "f32"],
        ["[1,2]", "f32"],
        [5.61, 1.0],
    ],
    "built(lambda ppp: (ppp.input().tensor().set_element_type(ov.Type.u8), ppp.input().preprocess().convert_element_type(ov.Type.f32).mean(1.0)))": [
        ["[1,3,4,4]", "u8"],
        ["[1,2,4,4]", "f32"],
        ["[1,2]", "f32"],
        [82.6, 1.0],
    ],
    'built(lambda ppp: (ppp.input().tensor().set_layout(ov.Layout("NHWC")), ppp.input().preprocess().convert_layout(ov.Layout("NCHW"))))': [
        ["[1,4,4,3]", "f32"],
        ["[1,2,4,4]", "f32"],
        ["[1,2]", "f32"],
        [6.44, 1.0],
    ],
    "built(lambda ppp: ppp.input().preprocess().convert_layout([0, 1, 3, 2]))": [
        ["[1,3,4,4]", "f32"],
        ["[1,2,4,4]", "f32"],
        ["[1,2]", "f32"],
        [7.83, 1.0],
    ],
    'built(lambda ppp: (ppp.input().model().set_layout(ov.Layout("NCHW")), ppp.input().preprocess().reverse_channels()))': [
        ["[1,3,4,4]", "f32"],
        ["[1,2,4,4]", "f32"],
        ["[1,2]", "f32"],
        [9.59, 1.0],
    ],
    'built(lambda ppp: (ppp.input().tensor().set_spatial_static_shape(8, 6), ppp.input().model().set_layout(ov.Layout("NCHW")), ppp.input().preprocess().resize(ov.preprocess.ResizeAlgorithm.RESIZE_LINEAR)))': [
        ["[1,3,8,6]", "f32"],
        ["[1,2,4,4]", "f32"],
        ["[1,2]", "f32"],
        [3.55, 1.0],
    ],
    'built(lambda ppp: (ppp.input().tensor().set_color_format(ov.preprocess.ColorFormat.BGR), ppp.input().model().set_layout(ov.Layout("NCHW")), ppp.input().preprocess().convert_color(ov.preprocess.ColorFormat.RGB)))': [
        ["[1,4,4,3]", "f32"],
        ["[1,2,4,4]", "f32"],
        ["[1,2]", "f32"],
        [11.95, 1.0],
    ],
    "built(lambda ppp: ppp.input().preprocess().custom(lambda out: ops.add(out, np.float32(1)).output(0)))": [
        ["[1,3,4,4]", "f32"],
        ["[1,2,4,4]", "f32"],
        ["[1,2]", "f32"],
        [27.14, 1.0],
    ],
    'built(lambda ppp: ppp.output("prob").tensor().set_element_type(ov.Type.f16))': [
        ["[1,3,4,4]", "f32"],
        ["[1,2,4,4]", "f32"],
        ["[1,2]", "f16"],
        [7.83, 1.0],
    ],
    'built(lambda ppp: ppp.output("prob").postprocess().convert_element_type(ov.Type.i32))': [
        ["[1,3,4,4]", "f32"],
        ["[1,2,4,4]", "f32"],
        ["[1,2]", "i32"],
        [7.83, 0.0],
    ],
    'built(lambda ppp: ppp.output("features").postprocess().custom(lambda out: ops.multiply(out, np.float32(2)).output(0)))': [
        ["[1,3,4,4]", "f32"],
        ["[1,2,4,4]", "f32"],
        ["[1,2]", "f32"],
        [15.67, 1.0],
    ],
    'built(lambda ppp: (ppp.output("features").model().set_layout(ov.Layout("NCHW")), ppp.output("features").tensor().set_layout(ov.Layout("NHWC"))))': [
        ["[1,3,4,4]", "f32"],
        ["[1,4,4,2]", "f32"],
        ["[1,2]", "f32"],
        [7.83, 1.0],
    ],
    'built(lambda ppp: ppp.input("nope"))': Raises(RuntimeError),
    "built(lambda ppp: ppp.input(4))": Raises(RuntimeError),
    'built(lambda ppp: ppp.input().tensor().set_layout(ov.Layout("NC")))': Raises(RuntimeError),
    "type(ov.preprocess.PrePostProcessor(model).input().tensor()).__name__": "InputTensorInfo",
    "type(ov.preprocess.PrePostProcessor(model).input().preprocess()).__name__": "PreProcessSteps",
    'type(ov.preprocess.PrePostProcessor(model).output("prob").postprocess()).__name__': "PostProcessSteps",
    "isinstance(ov.preprocess.PrePostProcessor(model).input().model(), ov.preprocess.InputModelInfo)": True,
    "type(ov.preprocess.PrePostProcessor(model).build()).__name__": "Model",
    "ov.preprocess.ResizeAlgorithm.RESIZE_CUBIC.name": "RESIZE_CUBIC",
    "ov.preprocess.ColorFormat.NV12_SINGLE_PLANE.name": "NV12_SINGLE_PLANE",
    "layouts_left(ov, model)": ["[N,H,W,C]", "[N,H,W,C]", [3, 4, 4, 3], [3, 4, 4, 2]],
}


def sample(shape: Any, dtype: Any) -> Any:
    rng = np.random.default_rng(5)
    name = dtype.get_type_name()
    size = [int(d) for d in shape]
    if name == "u8":
        return rng.integers(0, 9, size).astype(np.uint8)
    return rng.uniform(-1, 1, size).astype(np.float32)


def layouts_left(ov: Any, model: Any) -> list[Any]:
    """The layouts of the model afterwards, which `set_batch` needs."""
    ppp = ov.preprocess.PrePostProcessor(model)
    ppp.input().tensor().set_layout(ov.Layout("NHWC"))
    ppp.input().model().set_layout(ov.Layout("NCHW"))
    ppp.output("features").model().set_layout(ov.Layout("NCHW"))
    ppp.output("features").tensor().set_layout(ov.Layout("NHWC"))
    made = ppp.build()
    ov.set_batch(made, 3)
    layouts = [str(made.get_parameters()[0].layout), str(made.get_results()[0].layout)]
    return [*layouts, list(made.input(0).shape), list(made.output(0).shape)]


def world(ov: Any, folder: Path) -> dict[str, Any]:
    import_module(f"{ov.__name__}.preprocess")
    core = ov.Core()
    model = core.read_model(folder / "net.onnx")

    def built(configure: Any) -> list[Any]:
        """Input and outputs of the model with the steps that `configure` asks for, and sums of its results."""
        ppp = ov.preprocess.PrePostProcessor(model)
        configure(ppp)
        made = ppp.build()
        ports = [[str(p.partial_shape), p.element_type.get_type_name()] for p in (*made.inputs, *made.outputs)]
        data = sample(made.input(0).shape, made.input(0).element_type)
        results = core.compile_model(made, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(data)
        sums = [round(float(np.asarray(results[i], np.float64).sum()), 2) for i in range(2)]
        return [*ports, sums]

    return {**globals(), "ov": ov, "ops": ov.opset13, "model": model, "built": built}


test_call = checked(CALLS, world)
