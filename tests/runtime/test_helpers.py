"""The modules beside the classes: packing, layouts of ports, nodes that take another's place, types."""

from __future__ import annotations

import importlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vinoc
from vinoc.ir.text import parse_graph

TYPES = ["u1", "u2", "u3", "u4", "u6", "i4", "nf4", "f4e2m1"]


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 24])
def test_packing_is_as_openvinos(name: str, count: int) -> None:
    import openvino

    low, bits = (-8 if name == "i4" else 0), getattr(vinoc.Type, name).bitwidth
    values = np.random.default_rng(count).integers(low, low + (1 << bits), count).astype(np.int8)
    mine = vinoc.helpers.pack_data(values, getattr(vinoc.Type, name))
    if count or bits not in (3, 6):  # OpenVINO's gives floats for nothing
        np.testing.assert_array_equal(mine, openvino.helpers.pack_data(values, getattr(openvino.Type, name)))
    back = vinoc.helpers.unpack_data(mine, getattr(vinoc.Type, name), [count])
    np.testing.assert_array_equal(back, values)
    assert back.dtype == (np.int8 if name == "i4" else np.uint8)
    if count:
        real = openvino.helpers.unpack_data(mine, getattr(openvino.Type, name), [count])
        np.testing.assert_array_equal(back, real)


def test_what_cannot_be_packed() -> None:
    with pytest.raises(vinoc.UsageError, match="whole numbers"):
        vinoc.helpers.pack_data(np.array([1.5]), vinoc.Type.u4)
    with pytest.raises(vinoc.UsageError, match="f32 are not packed"):
        vinoc.helpers.pack_data(np.array([1]), vinoc.Type.f32)
    with pytest.raises(vinoc.UsageError, match="1 bytes hold 2 elements of u4, 3 are asked for"):
        vinoc.helpers.unpack_data(np.array([1], np.uint8), vinoc.Type.u4, [3])


def test_layouts_of_ports(ov: Any, model_files: dict[str, Path]) -> None:
    helpers = importlib.import_module(
        f"{ov.__name__}._pyopenvino.layout_helpers" if ov is not vinoc else "vinoc.layout_helpers"
    )
    model = ov.Core().read_model(str(model_files["relu"]))
    assert helpers.get_layout(model.input(0)).empty
    helpers.set_layout(model.input(0), ov.Layout("NC"))
    assert helpers.get_layout(model.input(0)) == ov.Layout("NC")
    assert model.input(0).node.get_layout() == ov.Layout("NC")
    helpers.set_layout(model.output(0), ov.Layout("N..."))
    assert helpers.get_layout(model.output(0)) == ov.Layout("N...")


def test_a_node_takes_the_place_of_another(ov: Any, model_files: dict[str, Path]) -> None:
    ops = importlib.import_module(f"{ov.__name__}.opset13")
    model = ov.Core().read_model(str(model_files["relu"]))
    relu = next(n for n in model.get_ordered_ops() if n.get_type_name() == "Relu")
    negated = ops.negative(relu.input_value(0))
    ov.utils.replace_node(relu, negated)
    x = np.array([[1, -2, 3]], np.float32)
    np.testing.assert_array_equal(ov.compile_model(model, "CPU")(x)[0], -x)
    doubled = ops.add(negated.input_value(0), negated.input_value(0))
    ov.utils.replace_node(negated, [doubled.output(0)])
    np.testing.assert_array_equal(ov.compile_model(model, "CPU")(x)[0], 2 * x)


def test_names_go_with_the_place(model_files: dict[str, Path]) -> None:
    model = vinoc.read_model(model_files["relu"])
    relu = model.get_ordered_ops()[1]
    negated = vinoc.opset13.negative(relu.input_value(0))
    assert vinoc.utils.replace_output_update_name(relu.output(0), negated.output(0))
    assert not vinoc.utils.replace_output_update_name(negated.output(0), negated.output(0))
    assert model.output(0).names == {"y"}
    with pytest.raises(vinoc.UsageError, match="2 take their place"):
        vinoc.utils.replace_node(negated, [relu.output(0), relu.output(0)])
    with pytest.raises(TypeError, match="a list of outputs"):
        vinoc.utils.replace_node(negated, [5])


def test_types_of_what_programs_give(ov: Any) -> None:
    types = importlib.import_module(f"{ov.__name__}.utils.types")
    assert types.get_element_type(np.float16) == ov.Type.f16
    assert types.get_element_type(int) == ov.Type.i32
    assert types.get_element_type(float) == ov.Type.f32
    assert types.get_element_type_str(np.uint8) == "u8"
    assert types.get_dtype(ov.Type.i32) == np.int32
    assert types.get_ndarray([1, 2]).tolist() == [1, 2]
    assert list(types.get_shape(np.ones((1, 2)))) == [1, 2]


def test_results_have_openvinos_name_too() -> None:
    from vinoc.utils.data_helpers import OVDict

    model = vinoc.compile_model(vinoc.Model(parse_graph("graph f(x: f32[2]) -> (y) {\n  y = ReLU(x)\n}\n")))
    assert isinstance(model(np.ones(2, np.float32)), OVDict)


def test_profiles(ov: Any, model_files: dict[str, Path]) -> None:
    model = ov.Core().compile_model(str(model_files["slow"]), "CPU", {"PERF_COUNT": True})
    request = model.create_infer_request()
    request.infer(np.ones((400, 400), np.float32))
    steps = request.profiling_info
    assert len(steps) == len(request.get_profiling_info())
    run = [s for s in steps if s.status == ov.ProfilingInfo.Status.EXECUTED]
    assert len(run) >= 5
    assert all(isinstance(s.real_time, timedelta) and isinstance(s.cpu_time, timedelta) for s in run)
    assert all(s.node_name and s.node_type and s.exec_type for s in run)
    assert str(run[0].status) == "Status.EXECUTED"
    assert ov.ProfilingInfo.NOT_RUN == ov.ProfilingInfo.Status.NOT_RUN


def test_older_programs_find_the_classes_in_the_runtime() -> None:
    from vinoc.runtime import Core, PartialShape

    assert Core is vinoc.Core
    assert PartialShape is vinoc.PartialShape
    with pytest.raises(AttributeError, match="nothing"):
        _ = vinoc.runtime.nothing  # type: ignore[attr-defined]
