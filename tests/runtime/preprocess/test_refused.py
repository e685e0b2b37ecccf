"""What makes no sense is refused with a message that says where, and leaves the model as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import vinoc
from vinoc.preprocess import ColorFormat as Color
from vinoc.preprocess import PaddingMode, PrePostProcessor, ResizeAlgorithm
from vinoc.runtime.nodes.ports import Output

from . import both

LINEAR = ResizeAlgorithm.RESIZE_LINEAR
Call = Callable[[PrePostProcessor], Any]


def nv12(p: PrePostProcessor) -> Any:
    p.input().tensor().set_color_format(Color.NV12_TWO_PLANES)
    return p.input().preprocess()


def laid(p: PrePostProcessor, layout: str = "NCHW") -> Any:
    p.input().tensor().set_layout(layout)
    return p.input().preprocess()


BUILT: list[tuple[str, Call]] = [
    ("input 'data', step 'mean .3.': mean is for floats", lambda p: (
        p.input().tensor().set_element_type("u8"), p.input().preprocess().mean(3))),
    ("step 'mean .1,2,3.': mean needs to know dimension C: the tensor has no layout",
     lambda p: p.input().preprocess().mean([1, 2, 3])),
    ("scale has 2 numbers, the tensor .1,3,4,6. 3 channels", lambda p: laid(p).scale([1, 2])),
    ("mean is for one tensor, the image has 2 planes", lambda p: nv12(p).mean(1)),
    ("the image is still NV12 .multi-plane.", nv12),
    ("the image is still RGBX", lambda p: p.input().tensor().set_color_format(Color.RGBX)),
    ("colors Unknown cannot be made RGB", lambda p: p.input().preprocess().convert_color(Color.RGB)),
    ("colors RGB cannot be made NV12", lambda p: (
        p.input().tensor().set_color_format(Color.RGB),
        p.input().preprocess().convert_color(Color.NV12_SINGLE_PLANE))),
    ("images NV12 .single plane. are NHWC, not .N,C,H,W.", lambda p: p.input().tensor().set_color_format(
        Color.NV12_SINGLE_PLANE).set_layout("NCHW")),
    ("a height that 3 divides", lambda p: (
        p.input().tensor().set_color_format(Color.NV12_SINGLE_PLANE).set_layout("NHWC").set_spatial_static_shape(5, 6),
        p.input().preprocess().convert_color(Color.RGB), p.input().model().set_layout("NCHW"))),
    ("gray is made of images NCHW or NHWC", lambda p: (
        p.input().tensor().set_color_format(Color.RGB).set_layout("NWCH"),
        p.input().preprocess().convert_color(Color.GRAY))),
    ("reverse_channels needs to know dimension C: layout .N,.,H,W. has none",
     lambda p: laid(p, "N?HW").reverse_channels()),
    ("resize needs to know dimension H", lambda p: p.input().preprocess().resize(LINEAR)),
    ("the steps end with f32.1,3,5,5., the model takes f32.1,3,4,6.", lambda p: laid(p).resize(LINEAR, 5, 5)),
    ("the steps end with f32.1,3,9,9.", lambda p: p.input().tensor().set_shape([1, 3, 9, 9])),
    ("where the tensor has its height is not known", lambda p: p.input().tensor().set_spatial_dynamic_shape()),
    ("layout .N,H,W. is not for the model's input, which is f32.1,3,4,6.", lambda p: laid(p, "NHW")),
    ("layout .N,C,H. is not for the model's input", lambda p: p.input().model().set_layout("NCH")),
    ("layout .N,C. is not for the model's output", lambda p: p.output().model().set_layout("NC")),
    ("dimension C of layout .N,C,H,W. is not found in layout .N,H,W,D.|dimension .* is not found", lambda p: (
        laid(p, "NHWD"), p.input().model().set_layout("NCHW"))),
    ("is no order of 4 dimensions", lambda p: p.input().preprocess().convert_layout([0, 1, 2, 2])),
    ("an order of 3 dimensions is given for 4", lambda p: p.input().preprocess().convert_layout([0, 1, 2])),
    ("output 'out', step 'convert layout .0,1.': an order of 2",
     lambda p: p.output().postprocess().convert_layout([0, 1])),
    ("convert_element_type needs a type", lambda p: p.output().postprocess().convert_element_type()),
    ("pad is for floats", lambda p: (
        p.input().tensor().set_element_type("u8"),
        p.input().preprocess().pad([0] * 4, [1] * 4, 0, PaddingMode.CONSTANT))),
    ("step 'pad.*: .*2 and 4 pads", lambda p: p.input().preprocess().pad([0, 0], [1] * 4, 0, PaddingMode.CONSTANT)),
    ("pad puts one number around",
     lambda p: p.input().preprocess().pad([0] * 4, [1] * 4, [1, 2], PaddingMode.CONSTANT)),
    ("exceeds", lambda p: p.input().preprocess().pad([0] * 4, [0, 0, 4, 0], 0, PaddingMode.REFLECT)),
    ("crop has 5 dimensions", lambda p: p.input().preprocess().crop([0] * 5, [1] * 5)),
    ("returned int, expected an Output", lambda p: p.input().preprocess().custom(lambda o: 3)),
]  # fmt: skip


@pytest.mark.parametrize(("message", "say"), BUILT, ids=range(len(BUILT)))
def test_steps_that_cannot_be_built(message: str, say: Call) -> None:
    model = both.ours()
    before = str(model.graph)
    processor = PrePostProcessor(model)
    say(processor)
    with pytest.raises(vinoc.UsageError, match=message):
        processor.build()
    assert str(model.graph) == before
    assert "Error occurred" in str(processor) or "steps end" in message or "still" in message


SAID: list[tuple[type[Exception], str, Call]] = [
    (TypeError, "expected ColorFormat, got 'RGB'", lambda p: p.input().tensor().set_color_format("RGB")),  # type: ignore[arg-type]
    (TypeError, "expected ResizeAlgorithm, got 3", lambda p: p.input().preprocess().resize(3)),  # type: ignore[arg-type]
    (TypeError, "both, or neither", lambda p: p.input().preprocess().resize(LINEAR, 3)),
    (TypeError, "from 1 on, got 0", lambda p: p.input().preprocess().resize(LINEAR, 0, 3)),
    (TypeError, "expected PaddingMode", lambda p: p.input().preprocess().pad([0], [0], 0, 1)),  # type: ignore[arg-type]
    (TypeError, "a number or a list of numbers, got 'a'", lambda p: p.input().preprocess().mean("a")),  # type: ignore[arg-type]
    (TypeError, "expected a function", lambda p: p.input().preprocess().custom(3)),  # type: ignore[arg-type]
    (TypeError, "expected a whole number from 0 on, got -1",
     lambda p: p.input().tensor().set_spatial_static_shape(-1, 2)),
    (TypeError, "expected a whole number", lambda p: p.input().preprocess().convert_layout([0.5, 1])),  # type: ignore[list-item]
    (TypeError, "a list of whole numbers, got 3", lambda p: p.input().preprocess().crop(3, [1])),  # type: ignore[arg-type]
    (TypeError, "expected a Tensor or an array", lambda p: p.input().tensor().set_from([1, 2])),
    (TypeError, "expected a name or a number from 0 on, got -1", lambda p: p.input(-1)),
    (TypeError, "expected a name or a number from 0 on, got 1.5", lambda p: p.input(1.5)),  # type: ignore[arg-type]
    (TypeError, "expected a tensor_name or input_index", lambda p: p.input(index=0)),
    (TypeError, "expected a Model, got int", lambda p: PrePostProcessor(3)),  # type: ignore[arg-type]
    (vinoc.UsageError, "the list of numbers is empty", lambda p: p.input().preprocess().mean([])),
    (vinoc.UsageError, "begin has 2 dimensions, end has 3", lambda p: p.input().preprocess().crop([0, 0], [1, 1, 1])),
    (vinoc.UsageError, "RGB is one tensor", lambda p: p.input().tensor().set_color_format(Color.RGB, ["y"])),
    (vinoc.UsageError, "1 names are given for the 2 planes", lambda p: p.input().tensor().set_color_format(
        Color.NV12_TWO_PLANES, ["y"])),
    (vinoc.UsageError, "exclude each other", lambda p: laid(p) and p.input().tensor().set_shape(
        [1, 3, 4, 6]).set_spatial_static_shape(2, 2)),
    (vinoc.UsageError, "exclude each other", lambda p: p.input().tensor().set_spatial_dynamic_shape().set_shape([1])),
    (vinoc.UsageError, "names a dimension twice", lambda p: p.input().tensor().set_layout("NN")),
    (vinoc.UsageError, "no input 1", lambda p: p.input(1)),
    (vinoc.UsageError, "did you mean 'data'", lambda p: p.input("dota")),
    (vinoc.UsageError, "no output 'x'", lambda p: p.output(tensor_name="x")),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "message", "say"), SAID, ids=range(len(SAID)))
def test_what_is_refused_when_it_is_said(kind: type[Exception], message: str, say: Call) -> None:
    with pytest.raises(kind, match=message):
        say(PrePostProcessor(both.ours()))


def two_inputs() -> vinoc.Model:
    from vinoc.ir.builder import Builder
    from vinoc.ir.dtype import f32
    from vinoc.ir.graph import Graph
    from vinoc.ir.types import TensorType

    graph = Graph("two")
    a, b = (graph.add_input(TensorType(f32, (1, 3)), n) for n in "ab")
    total = Builder(graph).Add(a, b, name="total")
    graph.add_output(total, "total")
    graph.add_output(Builder(graph).Exp(total, name="power"), "power")
    return vinoc.Model(graph)


def test_which_of_several_must_be_said_and_planes_keep_their_place() -> None:
    with pytest.raises(vinoc.UsageError, match="the model has 2 inputs"):
        PrePostProcessor(two_inputs()).input()
    with pytest.raises(vinoc.UsageError, match="the model has 2 outputs"):
        PrePostProcessor(two_inputs()).output()
    model = two_inputs()
    processor = PrePostProcessor(model)
    processor.input("b").tensor().set_element_type(vinoc.Type.u8)
    processor.input(input_index=0).preprocess().mean(1.0)
    processor.output("power").tensor().set_element_type(vinoc.Type.f16)
    assert processor.build() is model
    found = vinoc.Core().compile_model(model)({"a": np.full((1, 3), 2, np.float32), "b": np.ones((1, 3), np.uint8)})
    np.testing.assert_array_equal(found["total"], np.full((1, 3), 2, np.float32))
    assert found["power"].dtype == np.float16


def test_a_failure_behind_the_model_takes_back_what_stood_before_it() -> None:
    model = both.ours()
    before = str(model.graph)
    processor = PrePostProcessor(model)
    processor.input().tensor().set_element_type("u8")
    processor.input().preprocess().convert_element_type().mean(2).custom(lambda o: vinoc.opset13.abs(o).output(0))
    processor.output().postprocess().convert_layout([0, 1])
    with pytest.raises(vinoc.UsageError, match="an order of 2"):
        processor.build()
    assert str(model.graph) == before
    found = vinoc.Core().compile_model(model)(np.full((1, 3, 4, 6), -7, np.float32))[0]
    assert (found == -7).all()


def test_a_node_that_cannot_take_the_shape_is_named() -> None:
    from vinoc.ir.builder import Builder
    from vinoc.ir.dim import unknown
    from vinoc.ir.dtype import f32
    from vinoc.ir.graph import Graph
    from vinoc.ir.types import TensorType

    graph = Graph("m")
    data = graph.add_input(TensorType(f32, (1, unknown())), "data")
    graph.add_output(Builder(graph).MatMul(data, np.ones((4, 2), np.float32), name="product"), "out")
    model = vinoc.Model(graph)
    processor = PrePostProcessor(model)
    processor.input().tensor().set_shape([1, 3])
    with pytest.raises(vinoc.UsageError, match=r"input 'data': the model cannot take f32\[1,3\]"):
        processor.build()
    assert str(graph.inputs[0].type) == "f32[1,?]"


def test_steps_are_built_once() -> None:
    processor = PrePostProcessor(both.ours())
    processor.input().preprocess().mean(1)
    processor.build()
    for again in (processor.build, processor.input):
        with pytest.raises(vinoc.UsageError, match="make another"):
            again()


def test_custom_steps_take_and_give_outputs_and_nodes() -> None:
    model, seen = both.ours(), []

    def doubled(output: Any) -> Any:
        assert isinstance(output, Output)
        seen.append(output.get_partial_shape())
        return vinoc.opset13.multiply(output, np.float32(2)).output(0)

    processor = PrePostProcessor(model)
    processor.input().tensor().set_element_type("u8")
    processor.input().preprocess().convert_element_type().custom(doubled)
    processor.output().postprocess().custom(lambda o: vinoc.opset13.negative(o))
    processor.build()
    assert seen == [[1, 3, 4, 6]]
    found = vinoc.Core().compile_model(model)(np.full((1, 3, 4, 6), 3, np.uint8))["out"]
    assert (found == -6).all()
