"""What preprocessing costs once it is fused: nodes counted; the numbers stay; and OpenVINO gives them too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openvino
import pytest

import vinoc
from vinoc.compiler.config import CPU_PASSES, DEFAULT_PASSES
from vinoc.ir.builder import Builder
from vinoc.ir.dtype import f32
from vinoc.ir.graph import Graph
from vinoc.ir.types import TensorType
from vinoc.passes.manager import PassManager
from vinoc.preprocess import ColorFormat, PrePostProcessor, ResizeAlgorithm

from . import both


def model(pad: int, nhwc: bool) -> vinoc.Model:
    """ReLU(Conv(data) + bias); with `nhwc` a Transpose stands before it, as in models from TensorFlow."""
    random = np.random.default_rng(0)
    graph = Graph("first_layer")
    data = graph.add_input(TensorType(f32, (1, 8, 10, 3) if nhwc else (1, 3, 8, 10)), "data")
    b = Builder(graph)
    filters, bias = (random.normal(size=s).astype(np.float32) for s in ((4, 3, 3, 3), (1, 4, 1, 1)))
    x = b.Transpose(data, np.array([0, 3, 1, 2])) if nhwc else data
    y = b.Convolution(x, filters, strides=(1, 1), pads_begin=(pad, pad), pads_end=(pad, pad), dilations=(1, 1))
    graph.add_output(b.ReLU(b.Add(y, bias)), "out")
    return vinoc.Model(graph)


def normalized(p: PrePostProcessor) -> None:
    p.input().tensor().set_layout("NCHW")
    p.input().preprocess().mean([1, 2, 3]).scale([4, 5, 6]).reverse_channels()


def photo(p: PrePostProcessor) -> None:
    p.input().tensor().set_element_type("u8").set_layout("NHWC").set_color_format(ColorFormat.BGR)
    p.input().preprocess().convert_color(ColorFormat.RGB).convert_element_type().mean([1, 2, 3]).scale([4, 5, 6])
    p.input().model().set_layout("NCHW")


def resized(p: PrePostProcessor) -> None:
    photo(p)
    p.input().tensor().set_spatial_static_shape(16, 20)
    p.input().preprocess().resize(ResizeAlgorithm.RESIZE_LINEAR)


def planar(p: PrePostProcessor) -> None:
    p.input().tensor().set_layout("NCHW")
    p.input().preprocess().mean([1, 2, 3]).scale([4, 5, 6])
    p.input().model().set_layout("NHWC")


def camera(p: PrePostProcessor) -> None:
    p.input().tensor().set_element_type("u8").set_color_format(ColorFormat.NV12_SINGLE_PLANE)
    p.input().preprocess().convert_color(ColorFormat.RGB).convert_element_type().mean([1, 2, 3]).scale([4, 5, 6])
    p.input().model().set_layout("NCHW")


LAYER = {"Convolution": 1, "Add": 1, "ReLU": 1}
U8 = {"Transpose": 1, "Convert": 1}
CASES: dict[str, tuple[Callable[[PrePostProcessor], None], int, bool, int, dict[str, int]]] = {
    # name: what is said, padding, NHWC model, nodes before and after
    "floats": (normalized, 0, False, 6, LAYER),
    "floats, padded: the mean stays": (normalized, 1, False, 6, {**LAYER, "Add": 2}),
    "a photo": (photo, 0, False, 8, {**LAYER, **U8}),
    "a photo, padded: the mean stays": (photo, 1, False, 8, {**LAYER, **U8, "Add": 2}),
    "a camera": (camera, 0, False, 8, {**LAYER, **U8, "NV12toRGB": 1}),
    "two transposes cancel": (planar, 0, True, 7, LAYER),
}


def kinds(graph: Graph) -> dict[str, int]:
    return dict(Counter(n.kind for n in graph if n.kind != "Constant"))


@pytest.mark.parametrize("passes", [DEFAULT_PASSES, CPU_PASSES], ids=["default", "cpu"])
@pytest.mark.parametrize("name", CASES)
def test_steps_go_into_the_first_layer(name: str, passes: str) -> None:
    say, pad, nhwc, before, after = CASES[name]
    built = model(pad, nhwc)
    processor = PrePostProcessor(built)
    say(processor)
    graph = processor.build().graph
    assert sum(kinds(graph).values()) == before
    fused = graph.clone()
    PassManager(passes).run(fused)
    assert kinds(fused) == after
    assert fused.input_names == graph.input_names == [("data",)]
    given = both.arrays(built)
    exact = vinoc.Core().compile_model(built, "TEMPLATE")(given)[0]
    both.close(vinoc.Core().compile_model(vinoc.Model(fused), "TEMPLATE")(given)[0], exact)
    both.close(vinoc.Core().compile_model(built, "CPU")(given)[0], exact)


@pytest.mark.parametrize("say", [photo, resized])
def test_fused_models_are_saved_and_run_by_openvino(say: Callable[[PrePostProcessor], None], tmp_path: Path) -> None:
    built = model(1, False)
    processor = PrePostProcessor(built)
    say(processor)
    processor.build()
    given = both.arrays(built)
    expected = vinoc.Core().compile_model(built, "TEMPLATE")(given)[0]
    PassManager(DEFAULT_PASSES).run(built.graph)
    read = both.through_ir(built, tmp_path)
    assert [p.get_names() for p in read.inputs] == [{"data"}]
    theirs = openvino.Core().compile_model(read, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(given)[0]
    both.close(theirs, expected)
