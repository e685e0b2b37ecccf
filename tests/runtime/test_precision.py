"""EXECUTION_MODE_HINT, INFERENCE_PRECISION_HINT and LP_TRANSFORMS_MODE: what they allow the CPU to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

import vinoc
from vinoc.backends.cpu.codegen.target import host
from vinoc.ir import Graph
from vinoc.ir.builder import Builder
from vinoc.ir.dtype import f32
from vinoc.ir.ops.convert import Convert
from vinoc.ir.types import TensorType


def dense(depth: int = 256, columns: int = 300, scale: float = 1.0) -> vinoc.Model:
    """relu(x w + b)"""
    random = np.random.default_rng(1)
    graph = Graph("dense")
    b = Builder(graph)
    x = graph.add_input(TensorType(f32, (2, depth)), "x")
    w = (scale * random.standard_normal((depth, columns))).astype(np.float32)
    graph.add_output(b.ReLU(b.Add(b.MatMul(x, w), w[:1].copy())), "y")
    return vinoc.Model(graph)


def kernels(compiled: vinoc.CompiledModel) -> list[str]:
    from vinoc.backends.cpu.lowering.plan import Call

    streams: Any = compiled._start()
    program = streams._executable.all[0].program([tuple(v.shape) for v in compiled.graph.inputs])
    return [s.kernel.name for s in program.plan.steps if isinstance(s, Call)]


X = np.random.default_rng(0).standard_normal((2, 256)).astype(np.float32)


@pytest.mark.parametrize("hint", [None, "f32", "dynamic", "undefined"])
def test_weights_stay_as_they_are(hint: str | None) -> None:
    compiled = vinoc.compile_model(dense(), "CPU", {"INFERENCE_PRECISION_HINT": hint} if hint else None)
    assert kernels(compiled) == ["gemm"]
    assert compiled.get_property("INFERENCE_PRECISION_HINT") == {None: "f32", "undefined": "dynamic"}.get(hint, hint)
    assert all(n.op.value.dtype is f32 for n in compiled.graph if n.kind == "Constant")


ROUNDED = "gemm_f24" if host().lanes > 4 else "gemm"
"""Over weights of which 24 bits are kept."""

LARGE = {"depth": 2048, "columns": 2100}


@pytest.mark.parametrize(
    ("config", "kernel"),
    [
        ({}, ROUNDED),
        ({"INFERENCE_PRECISION_HINT": "dynamic"}, ROUNDED),
        ({"INFERENCE_PRECISION_HINT": "f32"}, "gemm"),
        ({"INFERENCE_PRECISION_HINT": vinoc.Type.f32}, "gemm"),
        ({"EXECUTION_MODE_HINT": "ACCURACY"}, "gemm"),
        ({"EXECUTION_MODE_HINT": "ACCURACY", "INFERENCE_PRECISION_HINT": "dynamic"}, "gemm"),
        ({"EXECUTION_MODE_HINT": "PERFORMANCE"}, ROUNDED),
        ({"EXECUTION_MODE_HINT": "PERFORMANCE", "INFERENCE_PRECISION_HINT": "f32"}, "gemm"),
    ],
)
def test_bits_of_large_weights_that_few_rows_read(config: dict[str, Any], kernel: str) -> None:
    model, x = dense(**LARGE), np.random.default_rng(0).standard_normal((2, 2048)).astype(np.float32)
    compiled = vinoc.compile_model(model, "CPU", config)
    assert kernels(compiled) == [kernel]
    exact = vinoc.compile_model(model, "TEMPLATE")([x])[0]
    error = np.abs(compiled([x])[0] - exact).max() / np.abs(exact).max()
    assert (2e-6 < error < 2e-5) if kernel == "gemm_f24" else error < 2e-6


def test_a_compiled_model_holds_the_bits_that_are_kept() -> None:
    x = np.random.default_rng(0).standard_normal((2, LARGE["depth"])).astype(np.float32)
    sizes = []
    for config in ({}, {"INFERENCE_PRECISION_HINT": "f32"}):
        compiled = vinoc.compile_model(dense(**LARGE), "CPU", config)
        stored = compiled.export_model()
        sizes.append(len(stored))
        np.testing.assert_array_equal(vinoc.Core().import_model(stored, "CPU")([x])[0], compiled([x])[0])
    assert ROUNDED == "gemm" or 0.74 < sizes[0] / sizes[1] < 0.77


@pytest.mark.parametrize("device", ["CPU", "AUTO", "HETERO:CPU"])
def test_f32_is_asked_for_by_a_property_of_the_core(device: str) -> None:
    core = vinoc.Core()
    for asked, kernel in ((False, ROUNDED), (True, "gemm")):
        if asked:
            core.set_property("CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        compiled = core.compile_model(dense(**LARGE), device)
        done = [node.get_rt_info() for node in compiled.get_runtime_model().get_ops()]
        assert kernel in [info["primitiveType"] for info in done if "primitiveType" in info]


@pytest.mark.parametrize("hint", ["f16", "bf16", vinoc.Type.f16])
def test_weights_may_be_rounded(hint: Any) -> None:
    exact = vinoc.compile_model(dense(), "TEMPLATE")([X])[0]
    compiled = vinoc.compile_model(dense(), "CPU", {"INFERENCE_PRECISION_HINT": hint})
    assert kernels(compiled) == ["gemm_f16"]
    assert compiled.get_property("INFERENCE_PRECISION_HINT") == hint
    error = np.abs(compiled([X])[0] - exact).max() / np.abs(exact).max()
    assert 1e-6 < error < 1e-3, "weights are rounded, sums are not"


def test_what_f16_cannot_hold_stays_f32() -> None:
    config = {"INFERENCE_PRECISION_HINT": "f16"}
    assert kernels(vinoc.compile_model(dense(scale=1e5), "CPU", config)) == ["gemm"]
    assert kernels(vinoc.compile_model(dense(scale=1e-8), "CPU", config)) == ["gemm"]
    assert kernels(vinoc.compile_model(dense(columns=8), "CPU", config)) == ["gemm"], "small ones are in the cache"


def test_a_default_of_the_device() -> None:
    core = vinoc.Core()
    core.set_property("CPU", {"INFERENCE_PRECISION_HINT": "f16", "EXECUTION_MODE_HINT": "ACCURACY"})
    assert core.get_property("CPU", "INFERENCE_PRECISION_HINT") == vinoc.Type.f16
    compiled = core.compile_model(dense())
    assert compiled.get_property("EXECUTION_MODE_HINT") == "ACCURACY"
    assert kernels(compiled) == ["gemm_f16"]


def test_compressed_models_stay_compressed(tmp_path: Any) -> None:
    vinoc.save_model(dense(), tmp_path / "m.xml", compress_to_fp16=True)
    expected = vinoc.compile_model(tmp_path / "m.xml", "TEMPLATE")([X])[0]
    compiled = vinoc.compile_model(tmp_path / "m.xml", "CPU")
    assert kernels(compiled) == ["gemm_f16"]
    np.testing.assert_allclose(compiled([X])[0], expected, rtol=0, atol=2e-6 * np.abs(expected).max())


def layer() -> vinoc.Model:
    """A convolution for which Winograd's form by large tiles is the fastest."""
    graph = Graph("layer")
    b = Builder(graph)
    x = graph.add_input(TensorType(f32, (1, 64, 56, 56)), "x")
    w = np.random.default_rng(1).standard_normal((64, 64, 3, 3)).astype(np.float32)
    ones = (1, 1)
    graph.add_output(b.Convolution(x, w, strides=ones, pads_begin=ones, pads_end=ones, dilations=ones), "y")
    return vinoc.Model(graph)


def test_accuracy_rules_large_tiles_out() -> None:
    plans = {m: kernels(vinoc.compile_model(layer(), "CPU", {"EXECUTION_MODE_HINT": m})) for m in MODES}
    assert any("4" in name for name in plans["PERFORMANCE"] if "winograd" in name), plans
    assert not any("4" in name for name in plans["ACCURACY"] if "winograd" in name), plans


MODES = ("PERFORMANCE", "ACCURACY")


def test_floats_in_place_of_integers() -> None:
    """LP_TRANSFORMS_MODE, as OpenVINO's CPU device takes it."""
    graph = Graph("layer")
    b = Builder(graph)
    x = graph.add_input(TensorType(f32, (1, 32, 8, 8)), "x")
    low, high, ones = np.float32(-1), np.float32(255 / 128 - 1), (1, 1)
    data = b.FakeQuantize(x, low, high, low, high, levels=256)
    rng = np.random.default_rng(1)
    levels = b.node(Convert(f32, decompression=True), b.const(rng.integers(-64, 64, (32, 32, 1, 1)).astype(np.int8)))
    w = b.Multiply(levels.outputs[0], np.float32(1 / 512))
    graph.add_output(b.Convolution(data, w, strides=ones, pads_begin=(0, 0), pads_end=(0, 0), dilations=ones), "y")
    image = rng.standard_normal((1, 32, 8, 8)).astype(np.float32)
    integers, floats = (
        vinoc.compile_model(vinoc.Model(graph.clone()), "CPU", {"LP_TRANSFORMS_MODE": m}) for m in ("YES", "NO")
    )
    assert floats.get_property("LP_TRANSFORMS_MODE") is False
    assert any("bytes" in name for name in kernels(integers)), kernels(integers)
    assert not any("bytes" in name for name in kernels(floats)), kernels(floats)
    np.testing.assert_array_equal(integers([image])[0], floats([image])[0])


@pytest.mark.parametrize("element", [onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16])
def test_onnx_initializers_behind_a_cast_stay_compressed(element: int, tmp_path: Any) -> None:
    """Gemm(x, Cast(w), bias): ONNX's way to store weights in half precision."""
    w = np.random.default_rng(2).standard_normal((300, 256)).astype(np.float32)
    weights = onnx.helper.make_tensor("w", element, w.shape, w.ravel())
    bias = onnx.numpy_helper.from_array(w[:, 0].copy(), "b")
    nodes = [
        onnx.helper.make_node("Cast", ["w"], ["wide"], to=onnx.TensorProto.FLOAT),
        onnx.helper.make_node("Gemm", ["x", "wide", "b"], ["y"], transB=1),
    ]
    ports = [
        onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, s) for n, s in (("x", [2, 256]), ("y", [2, 300]))
    ]
    graph = onnx.helper.make_graph(nodes, "g", ports[:1], ports[1:], [weights, bias])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)]), tmp_path / "m.onnx")
    compiled = vinoc.compile_model(tmp_path / "m.onnx", "CPU")
    assert kernels(compiled) == ["gemm_f16" if element == onnx.TensorProto.FLOAT16 else "gemm_bf16"]
    expected = vinoc.compile_model(tmp_path / "m.onnx", "TEMPLATE")([X])[0]
    np.testing.assert_allclose(compiled([X])[0], expected, rtol=0, atol=2e-6 * np.abs(expected).max())
