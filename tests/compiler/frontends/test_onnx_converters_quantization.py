"""Quantized models: FakeQuantize onto integers, and weights that stay integers."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from onnx import helper

from vinoc.ir.errors import ConversionError

from .onnx_util import check, compare, floats, kinds, make_model, read, run_graph, run_reference

RNG = np.random.default_rng(0)


SCALE = np.float32(0.0371)


@pytest.mark.parametrize("opset", [10, 13, 19, 21, 23])
@pytest.mark.parametrize("zero", [None, np.uint8(0), np.uint8(100), np.int8(0), np.int8(-30)])
@pytest.mark.parametrize("constant", [True, False])
def test_quantize_linear(opset: int, zero: Any, constant: bool) -> None:
    x = floats(3, 4, 5) * 5
    given = [i for i, v in enumerate([SCALE, zero], 1) if v is not None]
    graph = check("QuantizeLinear", [x, SCALE, zero], opset, constant=given if constant else [])
    if constant:
        assert kinds(graph) == ["FakeQuantize", "Convert"]


@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_quantize_and_dequantize_along_an_axis(axis: int | None) -> None:
    x = floats(3, 3, 3) * 5
    scale, zero = np.array([0.01, 0.05, 0.2], np.float32), np.array([-3, 0, 20], np.int8)
    options = {} if axis is None else {"axis": axis}
    check("QuantizeLinear", [x, scale, zero], 13, constant=[1, 2], **options)
    q = RNG.integers(-128, 127, (3, 3, 3), np.int8)
    check("DequantizeLinear", [q, scale, zero], 13, constant=[1, 2], **options)
    check("DequantizeLinear", [q, scale], 13, **options)


@pytest.mark.parametrize("shape", [(), (1,)])
def test_one_scale_needs_no_valid_axis(shape: tuple[int, ...]) -> None:
    graph = check("QuantizeLinear", [floats(3), np.full(shape, 0.1, np.float32)], 13, constant=[1])
    assert kinds(graph) == ["FakeQuantize", "Convert"]


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint16, np.int16, ml_dtypes.int4, ml_dtypes.uint4])
def test_integer_types(kind: Any) -> None:
    x, zero = floats(3, 4) * 0.2, np.array(3).astype(kind)
    info = ml_dtypes.iinfo(kind)
    wanted = np.clip(np.rint(x / SCALE) + 3, info.min, info.max).astype(kind)
    check("QuantizeLinear", [x, SCALE, zero], 21, constant=[1, 2], expected=[wanted])
    q = np.arange(8).reshape(2, 4).astype(kind)
    back = (q.astype(np.float32) - 3) * SCALE
    check("DequantizeLinear", [q, SCALE, zero], 21, expected=[back])


@pytest.mark.parametrize("axis", [0, 1])
def test_blocks(axis: int) -> None:
    x = floats(4, 6)
    shape = (2, 6) if axis == 0 else (4, 3)
    scale, zero = np.abs(floats(*shape)) / 50 + 0.01, RNG.integers(-5, 5, shape, np.int8)
    check("QuantizeLinear", [x, scale, zero], 21, constant=[1, 2], axis=axis, block_size=2, symbolic=False)
    q = RNG.integers(-128, 127, (4, 6), np.int8)
    check("DequantizeLinear", [q, scale, zero], 21, axis=axis, block_size=2, symbolic=False)
    with pytest.raises(ConversionError, match="no multiple"):
        check("DequantizeLinear", [q, scale, zero], 21, axis=axis, block_size=5, symbolic=False, expected=[])


def test_small_floats_saturate() -> None:
    x, zero = np.array([0.5, 1000, -1e6, 3], np.float32), np.array(0).astype(ml_dtypes.float8_e4m3fn)
    wanted = np.array([0.25, 448, -448, 1.5]).astype(ml_dtypes.float8_e4m3fn)
    check("QuantizeLinear", [x, np.float32(2), zero], 19, constant=[1, 2], expected=[wanted])


def test_dynamic_quantize_linear() -> None:
    for x in (floats(3, 4), np.abs(floats(5)), np.zeros((2, 2), np.float32)):
        check("DynamicQuantizeLinear", [x], 11, n_outputs=3)


def integers(*shape: int, kind: Any = np.uint8) -> np.ndarray:
    info = np.iinfo(kind)
    return RNG.integers(info.min, info.max, shape, kind)


def test_qlinear_conv() -> None:
    scale = np.array([0.01, 0.02, 0.005], np.float32)
    inputs = [
        integers(1, 2, 6, 6), SCALE, np.uint8(120),
        integers(3, 2, 3, 3, kind=np.int8), scale, np.zeros(3, np.int8),
        np.float32(0.2), np.uint8(110), RNG.integers(-500, 500, 3, np.int32),
    ]  # fmt: skip
    graph = check("QLinearConv", inputs, 10, constant=[1, 2, 3, 4, 5, 6, 7, 8], pads=[1, 1, 1, 1])
    assert kinds(graph).count("FakeQuantize") == 1
    weights = [n for n in graph if n.kind == "Constant" and str(n.outputs[0].type) == "i8[3,2,3,3]"]
    assert len(weights) == 1


def test_qlinear_mat_mul() -> None:
    inputs = [integers(2, 3), SCALE, np.uint8(120), integers(3, 4), SCALE, np.uint8(3), np.float32(0.1), np.uint8(100)]
    check("QLinearMatMul", inputs, 10, constant=[1, 2, 4, 5, 6, 7])


@pytest.mark.parametrize("op", ["QLinearAdd", "QLinearMul"])
def test_microsofts_elementwise_operators(op: str) -> None:
    inputs = [integers(2, 3), SCALE, np.uint8(120), integers(3), SCALE, np.uint8(3), np.float32(0.1), np.uint8(100)]
    check(op, inputs, 13, constant=[1, 2, 4, 5, 6, 7], domain="com.microsoft")


def test_quantized_weights_stay_integers() -> None:
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "s", "z"], ["wf"], "dq", axis=0),
        helper.make_node("Conv", ["x", "wf"], ["y"], "conv"),
    ]
    constants = {
        "w": integers(4, 3, 3, 3, kind=np.int8),
        "s": np.full(4, 0.01, np.float32),
        "z": np.array([0, 1, 2, 3], np.int8),
    }
    x = {"x": floats(1, 3, 5, 5)}
    model = make_model(nodes, x, 13, constants)
    graph = read(model)
    assert kinds(graph) == ["Convert", "Subtract", "Multiply", "Convolution"]
    (convert,) = (n for n in graph if n.kind == "Convert")
    assert str(convert.operand(0).type) == "i8[4,3,3,3]"
    assert convert.operand(0).is_const
    compare(run_graph(graph, list(x.values())), run_reference(model, x), rtol=1e-4, atol=1e-5)
