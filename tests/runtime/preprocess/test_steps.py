"""Every step, built by vinoc and by OpenVINO: the same description, types and numbers; and OpenVINO runs the IR."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from . import both

NCHW, HWC = (1, 3, 4, 6), (3, 4, 6)
RESIZES = ("LINEAR", "CUBIC", "NEAREST", "BILINEAR_PILLOW", "BICUBIC_PILLOW")
YUV = ("NV12_SINGLE_PLANE", "NV12_TWO_PLANES", "I420_SINGLE_PLANE", "I420_THREE_PLANES")


def check(
    say: both.Say, folder: Path, shape: Any = NCHW, dtype: str = "f32", size: int = 8, atol: float | None = None
) -> None:
    """`atol`: 1 where bytes are rounded on the way, and become floats."""
    mine, other, text, their_text = both.built(say, shape, dtype)
    assert text.strip() == their_text.strip()
    assert both.types(mine) == both.types(other)
    given = both.arrays(other, size=size)
    both.same_results(mine, other, given, atol)
    import openvino

    read = openvino.Core().compile_model(both.through_ir(mine, folder), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for theirs, ours in zip(
        read(given).to_tuple(),
        openvino.Core().compile_model(other, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(given).to_tuple(),
        strict=True,
    ):
        both.close(theirs, ours, atol)


def nhwc_to_nchw(p: Any) -> Any:
    p.input().tensor().set_layout("NHWC")
    return p.input().model().set_layout("NCHW")


@pytest.mark.parametrize("dtype", ["u8", "i8", "f16", "f32", "f64", "i32", "i64"])
def test_element_type_is_converted_by_itself(dtype: str, tmp_path: Path) -> None:
    check(lambda p, ov: p.input().tensor().set_element_type(getattr(ov.Type, dtype)), tmp_path)


def test_element_type_step(tmp_path: Path) -> None:
    def say(p: Any, ov: Any) -> None:
        p.input().tensor().set_element_type(ov.Type.u8)
        p.input().preprocess().convert_element_type(ov.Type.f16).scale(2).convert_element_type()

    check(say, tmp_path)


@pytest.mark.parametrize(
    ("tensor", "model", "shape"),
    [
        ("NHWC", "NCHW", NCHW), ("N...C", "NCHW", NCHW), ("N...C", "NC...", NCHW), ("N??C", "NC??", NCHW),
        ("HWC", "NCHW", NCHW), ("HWC", "CHW", HWC), ("NCHW", "NCHW", NCHW), ("NHWC", "N???", NCHW),
    ],
)  # fmt: skip
def test_layout_is_converted_by_itself(tensor: str, model: str, shape: Any, tmp_path: Path) -> None:
    def say(p: Any, ov: Any) -> None:
        p.input().tensor().set_layout(ov.Layout(tensor))
        p.input().model().set_layout(model)

    check(say, tmp_path, shape)


LAYOUTS: dict[str, both.Say] = {
    "order": lambda p, ov: p.input().preprocess().convert_layout([0, 3, 1, 2]),
    "two orders": lambda p, ov: p.input().preprocess().convert_layout([0, 3, 1, 2]).convert_layout([0, 2, 1, 3]),
    "no order": lambda p, ov: p.input().preprocess().convert_layout([]),
    "order of a layout": lambda p, ov: (
        p.input().tensor().set_layout("NHWC"),
        p.input().preprocess().convert_layout([0, 3, 1, 2]).mean([1, 2, 3]),
    ),
    "order before a layout": lambda p, ov: (
        p.input().preprocess().convert_layout([0, 3, 1, 2]).mean([1, 2, 3]),
        p.input().model().set_layout("NCHW"),
    ),
    "layouts, then an order": lambda p, ov: (
        p.input().tensor().set_layout("NHWC"),
        p.input().preprocess().convert_layout(ov.Layout("NCHW")).convert_layout([0, 1, 3, 2]),
    ),
    "order, layout, order": lambda p, ov: (
        p.input().tensor().set_layout("NHWC"),
        p.input().preprocess().convert_layout([0, 3, 1, 2]).convert_layout("NHWC").convert_layout([0, 3, 1, 2]),
    ),
    "order, another layout": lambda p, ov: (
        p.input().tensor().set_layout("NHWC"),
        p.input().preprocess().convert_layout([0, 3, 1, 2]).convert_layout("NWCH"),
        p.input().model().set_layout("NCHW"),
    ),
    "order, another layout, none of the tensor": lambda p, ov: (
        p.input().preprocess().convert_layout([0, 3, 1, 2]).convert_layout("NWCH"),
        p.input().model().set_layout("NCHW"),
    ),
    "two layouts": lambda p, ov: (
        p.input().tensor().set_layout("NHWC"),
        p.input().preprocess().convert_layout("NCHW").convert_layout("NWHC"),
    ),
    "there and back": lambda p, ov: (
        p.input().preprocess().convert_layout("NHWC"),
        p.input().model().set_layout("NCHW"),
    ),
    "the model's": lambda p, ov: (nhwc_to_nchw(p), p.input().preprocess().convert_layout(ov.Layout())),
    "of nothing known": lambda p, ov: p.input().preprocess().convert_layout("NHWC"),
    "a dimension more": lambda p, ov: (
        p.input().tensor().set_layout("HWC"),
        p.input().preprocess().mean([1, 2, 3]).convert_layout([1, 0, 2]),
        p.input().model().set_layout("NCHW"),
    ),
    "a dimension more by a step": lambda p, ov: (
        p.input().tensor().set_layout("HWC"),
        p.input().preprocess().convert_layout("NCHW"),
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout_steps(name: str, tmp_path: Path) -> None:
    check(LAYOUTS[name], tmp_path)


@pytest.mark.parametrize("dtype", ["f32", "u8"])
@pytest.mark.parametrize("algorithm", RESIZES)
def test_resize_to_the_model(algorithm: str, dtype: str, tmp_path: Path) -> None:
    def say(p: Any, ov: Any) -> None:
        nhwc_to_nchw(p)
        p.input().tensor().set_spatial_static_shape(9, 5).set_element_type(getattr(ov.Type, dtype))
        p.input().preprocess().resize(getattr(ov.preprocess.ResizeAlgorithm, f"RESIZE_{algorithm}"))

    check(say, tmp_path, atol=1.01 if dtype == "u8" else None)


@pytest.mark.parametrize("algorithm", RESIZES)
def test_resize_of_any_size(algorithm: str, tmp_path: Path) -> None:
    def say(p: Any, ov: Any) -> None:
        p.input().tensor().set_layout("NCHW").set_spatial_dynamic_shape()
        p.input().preprocess().resize(getattr(ov.preprocess.ResizeAlgorithm, f"RESIZE_{algorithm}"), 4, 6)

    for size in (3, 7):
        check(say, tmp_path, size=size)


NUMBERS: dict[str, both.Say] = {
    "one": lambda p, ov: p.input().preprocess().mean(3.5).scale(-2).scale(1e-3).mean(0.1),
    "by channel": lambda p, ov: (nhwc_to_nchw(p), p.input().preprocess().mean([1, 2.5, 3]).scale([4, 5, 0.6])),
    "one in a list": lambda p, ov: p.input().preprocess().mean([1.25]),
    "the model's layout": lambda p, ov: (p.input().model().set_layout("NCHW"), p.input().preprocess().mean([1, 2, 3])),
    "last of many": lambda p, ov: (
        p.input().tensor().set_layout("N...C"),
        p.input().preprocess().scale((1, 2, 3, 4, 5, 6)),
    ),
    "f16": lambda p, ov: (
        p.input().tensor().set_element_type(ov.Type.f16),
        p.input().preprocess().mean(2).convert_element_type(),
    ),
    "reversed": lambda p, ov: (p.input().tensor().set_layout("NCHW"), p.input().preprocess().reverse_channels()),
    "reversed twice": lambda p, ov: (nhwc_to_nchw(p), p.input().preprocess().reverse_channels().reverse_channels()),
    "cropped": lambda p, ov: (
        p.input().tensor().set_shape([1, 3, 8, 8]),
        p.input().preprocess().crop([0, 0, 1, 1], [1, 3, 5, -1]),
    ),
    "cropped to the end": lambda p, ov: (
        p.input().tensor().set_shape((1, 3, 8, 8)),
        p.input().preprocess().crop([0, 0, -4, -6], [2**31 - 1, 3, 2**31 - 1, 8]),
    ),
    "padded": lambda p, ov: (
        p.input().tensor().set_shape(ov.PartialShape([1, 3, 2, 2])),
        p.input().preprocess().pad([0, 0, 1, 1], [0, 0, 1, 3], 0.5, ov.preprocess.PaddingMode.CONSTANT),
    ),
    "reflected": lambda p, ov: (
        p.input().tensor().set_shape([1, 3, 3, 3]),
        p.input().preprocess().pad([0, 0, 1, 2], [0, 0, 0, 1], 0, ov.preprocess.PaddingMode.REFLECT),
    ),
    "symmetric": lambda p, ov: (
        p.input().tensor().set_shape([1, 3, 3, 3]),
        p.input().preprocess().pad([0, 0, 1, 2], [0, 0, 0, 1], [0], ov.preprocess.PaddingMode.SYMMETRIC),
    ),
    "taken away": lambda p, ov: (
        p.input().tensor().set_shape([1, 3, 5, 7]),
        p.input().preprocess().pad([0, 0, 0, 0], [0, 0, -1, -1], 0, ov.preprocess.PaddingMode.CONSTANT),
    ),
    "from an array": lambda p, ov: (
        nhwc_to_nchw(p),
        p.input().tensor().set_from(np.zeros((1, 4, 6, 3), np.uint8)),
    ),
    "from a tensor": lambda p, ov: (
        nhwc_to_nchw(p),
        p.input().tensor().set_from(ov.Tensor(np.zeros((1, 4, 6, 3), np.int32))),
    ),
    "a shape that is wider": lambda p, ov: p.input().tensor().set_shape([-1, 3, -1, 6]),
    "memory": lambda p, ov: p.input().tensor().set_memory_type("GPU_SURFACE").set_element_type(ov.Type.u8),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_steps_on_numbers(name: str, tmp_path: Path) -> None:
    check(NUMBERS[name], tmp_path)


@pytest.mark.parametrize("target", ["RGB", "BGR", "GRAY"])
@pytest.mark.parametrize("source", [*YUV, "RGB", "BGR", "RGBX", "BGRX"])
@pytest.mark.parametrize("dtype", ["u8", "f32"])
def test_colors(source: str, target: str, dtype: str, tmp_path: Path) -> None:
    def say(p: Any, ov: Any) -> None:
        colors = ov.preprocess.ColorFormat
        p.input().tensor().set_color_format(getattr(colors, source)).set_element_type(getattr(ov.Type, dtype))
        if source.endswith("X") and target == "GRAY":
            p.input().preprocess().convert_color(colors.RGB)
        p.input().preprocess().convert_color(getattr(colors, target))
        p.input().model().set_layout("NCHW")

    check(say, tmp_path, (2, 1 if target == "GRAY" else 3, 4, 6), atol=1.01 if dtype == "u8" else None)


@pytest.mark.parametrize("source", YUV)
def test_colors_of_any_size_and_names_of_planes(source: str, tmp_path: Path) -> None:
    names = {"NV12_TWO_PLANES": ["y", "uv"], "I420_THREE_PLANES": ["y", "u", "v"]}.get(source, [])

    def say(p: Any, ov: Any) -> None:
        colors = ov.preprocess.ColorFormat
        p.input().tensor().set_color_format(getattr(colors, source), names).set_spatial_dynamic_shape()
        p.input().preprocess().convert_color(colors.BGR).resize(ov.preprocess.ResizeAlgorithm.RESIZE_LINEAR)
        p.input().model().set_layout("NCHW")

    mine, other, text, their_text = both.built(say)
    assert text.strip() == their_text.strip()
    assert [p.get_names() for p in mine.inputs] == [p.get_names() for p in other.inputs]
    assert both.types(mine) == both.types(other)
    halves = 6 if "SINGLE" in source else 4
    given = both.arrays(other, size=8)
    if halves == 6:
        given = [np.concatenate([given[0], given[0][:, :4]], 1)]
    else:
        given = [given[0], *(a[:, :4, :4] for a in given[1:])]
    both.same_results(mine, other, [np.ascontiguousarray(a) for a in given])


OUTPUTS: dict[str, both.Say] = {
    "tensor": lambda p, ov: (
        p.output().model().set_layout("NCHW"),
        p.output().tensor().set_layout("NHWC").set_element_type(ov.Type.f16),
    ),
    "steps": lambda p, ov: p.output().postprocess().convert_layout([0, 2, 3, 1]).convert_element_type(ov.Type.i32),
    "both": lambda p, ov: (
        p.output().model().set_layout(ov.Layout("NCHW")),
        p.output().postprocess().convert_layout("NWHC"),
        p.output().tensor().set_layout("NHWC").set_element_type(ov.Type.f64),
    ),
    "the tensor's": lambda p, ov: (
        p.output().model().set_layout("NCHW"),
        p.output().tensor().set_layout("NHWC").set_element_type(ov.Type.f16),
        p.output().postprocess().convert_layout(ov.Layout()).convert_element_type(),
    ),
    "there and back": lambda p, ov: (
        p.output().model().set_layout("NCHW"),
        p.output().postprocess().convert_layout([0, 2, 3, 1]),
        p.output().tensor().set_layout("NCHW"),
    ),
    "without a layout": lambda p, ov: p.output().tensor().set_layout("NHWC"),
    "the same type": lambda p, ov: p.output().postprocess().convert_element_type(ov.Type.f32),
    "nothing": lambda p, ov: (p.input().tensor(), p.output().tensor()),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_outputs(name: str, tmp_path: Path) -> None:
    check(OUTPUTS[name], tmp_path)


def test_layouts_are_noted_at_the_model_and_read_from_it() -> None:
    import openvino

    import vinoc

    found = []
    for module, model in ((vinoc, both.ours()), (openvino, both.theirs())):
        model.get_parameters()[0].set_layout(module.Layout("NCHW"))
        p = module.preprocess.PrePostProcessor(model)
        p.input().tensor().set_layout(module.Layout("NHWC"))
        p.output().model().set_layout(module.Layout("NCHW"))
        p.output().tensor().set_layout(module.Layout("NWHC"))
        text = str(p)
        built = p.build()
        layouts = [str(n.get_layout()) for n in (built.get_parameters()[0], built.get_results()[0])]
        found.append((text.strip(), layouts, [str(d.partial_shape) for d in (built.input(), built.output())]))
    assert found[0] == found[1]
    assert found[0][1] == ["[N,H,W,C]", "[N,W,H,C]"]
